"""The embedded model as an upstream of the door."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import cast

from optimizer.models.base import Reply
from optimizer.models.embedded.caching import Measured, PromptCache, measure
from optimizer.models.embedded.delegating import own_task
from optimizer.models.embedded.dice import Dice
from optimizer.models.embedded.knowledge import Knowledge
from optimizer.models.embedded.learner import learned_answer
from optimizer.models.embedded.policy import read_policy
from optimizer.models.embedded.questions import read_question
from optimizer.models.embedded.rates import rates_for
from optimizer.models.embedded.summaries import asks_for_summary, summarise
from optimizer.models.embedded.thinking import Thinker, Turn
from optimizer.models.embedded.toolbox import toolbox_for
from optimizer.models.prices import tokens_of
from optimizer.records import Spend
from search_space.messages import (
    CHARS_PER_TOKEN,
    Block,
    ModelError,
    Request,
    Response,
    blocks,
    estimate_tokens,
    text_of,
)

NAME = "embedded (a documented stand-in, no language model)"
CONTEXT_TOKENS = 16_000
"""The context window: input tokens that a request may have."""
MAX_BREAKPOINTS = 4


class EmbeddedModel:
    """A deterministic, seeded stand-in for a language model: an :class:`~optimizer.models.base.Upstream`.

    An answer is a function of the request and the seed alone; only the usage figures also depend on what the session
    has written to the prompt cache, whose time is told by ``clock`` (seconds). Costs nothing in dollars.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = PromptCache(clock)
        self._last = threading.local()

    @property
    def name(self) -> str:
        """How reports call it."""
        return NAME

    @property
    def costs_money(self) -> bool:
        """It costs nothing."""
        return False

    def worst_case(self, request: Request) -> Spend:
        """All input uncached and ``max_tokens`` of output."""
        tokens = self._measured(request).total_tokens
        # A cache write is input too, reported in another field: the sum of both can never exceed the input.
        return Spend(calls=1, input_tokens=tokens, output_tokens=request["max_tokens"])

    def create(self, request: Request, *, seed: int, session: str, deadline: float) -> Reply:
        """Answer ``request``; ``deadline`` is not looked at, since an answer takes a few milliseconds.

        Raises :class:`ModelError` (400) when the input is longer than the context window, or has too many breakpoints.
        """
        measured = self._measured(request)
        if measured.total_tokens > CONTEXT_TOKENS:
            text = f"prompt is too long: {measured.total_tokens} tokens > {CONTEXT_TOKENS} maximum"
            raise ModelError(400, "invalid_request_error", text)
        if measured.breakpoints > MAX_BREAKPOINTS:
            text = f"cache_control: got {measured.breakpoints} breakpoints, expected at most {MAX_BREAKPOINTS}"
            raise ModelError(400, "invalid_request_error", text)
        fresh = Dice(seed, measured.prefixes[-1].hex(), request["max_tokens"])
        content, stop = _cut(_content(_turn(request, seed, measured, fresh), fresh), request["max_tokens"])
        calls = any(block["type"] == "tool_use" for block in content)
        response: Response = {
            "id": f"msg_{int(fresh.roll('id') * 2**52):013x}",
            "type": "message",
            "role": "assistant",
            "model": request["model"],
            "content": content,
            "stop_reason": "max_tokens" if stop else "tool_use" if calls else "end_turn",
            "stop_sequence": None,
            "usage": self._cache.usage(session, measured, estimate_tokens(content)),
        }
        return Reply(response, tokens_of(response["usage"]))

    def check(self) -> None:
        """It needs no key and is always there."""

    def _measured(self, request: Request) -> Measured:
        """:func:`measure`, done once when a call's worst case and then its answer are asked for in one thread."""
        request_before, measured = getattr(self._last, "pair", (None, None))
        self._last.pair = (None, None)
        if request_before is request and measured is not None:
            return cast(Measured, measured)
        fresh = measure(request)
        self._last.pair = (request, fresh)
        return fresh


def _turn(request: Request, seed: int, measured: Measured, fresh: Dice) -> Turn:
    """What the model says and does."""
    system = request.get("system", "")
    prompt = system if isinstance(system, str) else system[0]["text"] if system else ""
    policy = read_policy(prompt)
    rates = rates_for(policy, measured.total_tokens)
    question = own_task(request["messages"])
    specs = request.get("tools", [])
    if not specs and (answer := learned_answer(request)) is not None:
        return Turn(answer)
    if not specs and asks_for_summary(prompt, text_of(blocks(request["messages"][-1]))):
        return Turn(summarise(question, request["max_tokens"], rates, fresh))
    toolbox = toolbox_for(specs)
    known = Knowledge(toolbox)
    known.read_request(request)
    choice = request.get("tool_choice") or {}
    steady = Dice(seed, prompt, ",".join(toolbox.tools), question)
    thinker = Thinker(read_question(question), known, toolbox, policy, rates, steady, fresh)
    return thinker.turn(
        may_call=bool(specs) and choice.get("type") != "none",
        may_batch=not choice.get("disable_parallel_tool_use"),
    )


def _content(turn: Turn, fresh: Dice) -> list[Block]:
    content: list[Block] = [{"type": "text", "text": turn.text}] if turn.text else []
    for index, call in enumerate(turn.calls):
        name = f"toolu_{int(fresh.roll('call', index) * 2**52):013x}"
        content.append({"type": "tool_use", "id": name, "name": call.tool, "input": dict(call.inputs)})
    return content


def _cut(content: list[Block], max_tokens: int) -> tuple[list[Block], bool]:
    """As much of ``content`` as ``max_tokens`` allow, and whether something was cut: text anywhere, calls whole."""
    if estimate_tokens(content) <= max_tokens:
        return content, False
    kept: list[Block] = []
    for block in content:
        room = max_tokens * CHARS_PER_TOKEN - len('[{"type":"text","text":""}]') - 4 * len(kept)
        room -= sum(estimate_tokens(other) * CHARS_PER_TOKEN for other in kept)
        if block["type"] == "text":
            kept.append({"type": "text", "text": block["text"][: max(1, room)]})
            if len(block["text"]) > room:
                break
        elif estimate_tokens(block) * CHARS_PER_TOKEN <= room:
            kept.append(block)
        else:
            break
    return kept or [{"type": "text", "text": "..."}], True

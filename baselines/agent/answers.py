"""Reads a model's answer so that nothing in it can end a rollout: what is malformed is mended or refused, and said.

The blocks go into the history and from there into the next request, so they must be what the Messages API takes. Text
that is empty is left out. Thinking, and blocks of kinds that are not known, are kept as they came, in place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from search_space.messages import Block, ToolUseBlock, text_of

NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""What the Messages API takes as a tool's name; an id is one too."""
_ENDINGS = {
    "max_tokens": "cut at limits.max_output_tokens",
    "model_context_window_exceeded": "cut at the end of the model's context window",
    "refusal": "the model refused",
    "pause_turn": "the model paused",
    "tool_use": "the model said that it calls a tool and called none",
}


@dataclass(slots=True)
class Answer:
    """``content`` is fit to be sent back; ``calls`` are its calls. ``refused`` tells by a call's id what is wrong with
    one that cannot be run; ``wrong`` lists everything that was malformed."""

    content: list[Block] = field(default_factory=list)
    calls: list[ToolUseBlock] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    stop_reason: str = ""

    @property
    def text(self) -> str:
        """All that it says."""
        return text_of(self.content)

    @property
    def ending(self) -> str:
        """Why an answer without calls may be less than an answer; nothing when all is well."""
        return _ENDINGS.get(self.stop_reason, "")


def read_answer(response: Mapping[str, Any], taken: set[str]) -> Answer:
    """The answer in ``response``. ``taken`` are the ids of earlier calls; those of this answer are added."""
    answer = Answer(stop_reason=str(response.get("stop_reason") or ""))
    content = response.get("content")
    if not isinstance(content, list):
        answer.wrong.append(f"content: got {_shown(content)}, expected a list of blocks")
        content = []
    for index, block in enumerate(content):
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "tool_use":
            _read_call(block, f"content.{index}", taken, answer)
        elif not isinstance(kind, str) or (kind == "text" and not isinstance(block.get("text"), str)):
            answer.wrong.append(f"content.{index}: got {_shown(block)}, expected a block with its type; left out")
        elif not is_json(block):
            answer.wrong.append(f"content.{index}: got something that is no JSON, left out")
        elif kind != "text" or block["text"]:
            answer.content.append(cast(Block, block))
    return answer


def is_json(value: Any) -> bool:
    """Whether ``value`` can be written as JSON by the standard (NaN and infinities cannot)."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _read_call(block: Mapping[str, Any], where: str, taken: set[str], answer: Answer) -> None:
    given, name, id_ = block.get("input"), block.get("name"), block.get("id")
    problem = ""
    if not isinstance(id_, str) or not NAME.fullmatch(id_) or id_ in taken:
        answer.wrong.append(f"{where}.id: got {_shown(id_)}, expected an id of its own; given one")
        id_ = next(new for number in range(len(taken) + 1) if (new := f"call_{number}") not in taken)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        problem = f"no tool can have the name {_shown(name)}; a name has letters, digits, '_' and '-'"
        name = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:128] if isinstance(name, str) and name else "unnamed"
    if not isinstance(given, dict):
        problem = problem or f"the input must be a JSON object, got {type(given).__name__} {_shown(given)}"
        given = {}
    elif not is_json(given):
        problem = (
            problem or "the input must be JSON, got a number that JSON does not have, or something nested too deep"
        )
        given = {}
    if problem:
        answer.wrong.append(f"{where}: {problem}")
        answer.refused[id_] = problem
    taken.add(id_)
    kept = {"type": "tool_use", "id": id_, "name": name, "input": given}
    same = not problem and id_ == block.get("id") and is_json(block)
    call = cast(ToolUseBlock, block if same else kept)
    answer.content.append(call)
    answer.calls.append(call)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."

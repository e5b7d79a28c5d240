"""A server of ours on loopback that speaks the Messages API as documented, and misbehaves on demand.

    with MessagesServer(answer=scripted([text("hello")])) as server:
        client = anthropic.Anthropic(api_key=KEY, base_url=server.url)

``answer`` makes the content of an answer from a request: :func:`scripted` (the next turn of a conversation),
:func:`embedded` (what the embedded model says; the default), or a function of the request's body. ``plan`` says which
requests meet which fault (``tests.servers.faults``). Everything else is the server's own: keys, versions, validation,
models and aliases, prompt-cache figures, signatures of thinking, JSON and streams, ``count_tokens`` and ``models``.

``server.got`` are the requests as they came, ``server.billed`` the usage of every answer that was begun.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from optimizer.models.embedded import EmbeddedModel
from optimizer.models.embedded.caching import Measured, PromptCache, measure
from search_space.errors import InvalidToolSpec
from search_space.messages import ModelError, check_messages, estimate_tokens
from search_space.tool_specs import check_tool_spec
from tests.servers.faults import Fault, Plan, never
from tests.servers.loopback import Answer, Got, LoopbackServer, Refusal
from tests.servers.streaming import event, events

KEY = "sk-test-loopback-0123456789"
MODEL = "claude-haiku-4-5"
MODELS = {MODEL: "claude-haiku-4-5-20251001", "claude-sonnet-5-5": "claude-sonnet-5-5", "claude-new": "claude-new"}
"""Aliases and the ids they stand for."""
VERSIONS = ("2023-06-01", "2026-10-21")
CONTEXT_TOKENS = 200_000
MAX_OUTPUT_TOKENS = 64_000
SAMPLING = ("temperature", "top_p", "top_k")
"""Parameters that version 2026-10-21 does not know any more."""

Content = Sequence[Mapping[str, Any]]
Answering = Callable[[Mapping[str, Any]], Content]


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def call(name: str, /, **given: Any) -> dict[str, Any]:
    """A tool call; its id is given when it is sent."""
    return {"type": "tool_use", "name": name, "input": given}


def thinking(words: str) -> dict[str, Any]:
    """Extended thinking; it is signed when it is sent."""
    return {"type": "thinking", "thinking": words}


def scripted(*turns: Content) -> Answering:
    """The n-th turn answers a request with n assistant messages before it; the last one is repeated."""

    def answer(body: Mapping[str, Any]) -> Content:
        said = sum(1 for message in body["messages"] if message["role"] == "assistant")
        return turns[min(said, len(turns) - 1)]

    return answer


def embedded(seed: int = 0) -> Answering:
    """What the embedded model says, always with the same seed: the API has none."""
    model = EmbeddedModel()

    def answer(body: Mapping[str, Any]) -> Content:
        request = {key: value for key, value in body.items() if key not in ("stream", "thinking")}
        try:
            reply = model.create(request, seed=seed, session="loopback", deadline=float("inf"))  # type: ignore[arg-type]
        except ModelError as error:
            raise _refusal(error.status, error.kind, error.message) from None
        return reply.response["content"]  # type: ignore[return-value]

    return answer


class MessagesServer(LoopbackServer):
    """See the module. ``key`` None takes every caller, as local servers do; ``models_route`` False has no models."""

    def __init__(
        self,
        answer: Answering | None = None,
        *,
        plan: Plan = never,
        key: str | None = KEY,
        models: Mapping[str, str] = MODELS,
        models_route: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.answer = answer or embedded()
        self.key, self.models, self.models_route = key, dict(models), models_route
        self.billed: list[dict[str, Any]] = []
        self._cache = PromptCache(clock)
        self._signed: dict[str, str] = {}
        super().__init__(plan=plan)

    def respond(self, got: Got) -> Answer:
        """The answer to any request that the API knows."""
        self._authorize(got)
        path = got.path.partition("?")[0]
        if got.method == "GET":
            return self._models(path)
        body = self._checked(got, counting=path.endswith("/count_tokens"))
        measured = measure(body)  # type: ignore[arg-type]
        if path == "/v1/messages/count_tokens":
            return _json({"input_tokens": measured.total_tokens})
        if path != "/v1/messages":
            raise _refusal(404, "not_found_error", f"no such route: {path}")
        _refuse_by(got.fault)
        message = self._message(body, measured, got.seen.number)
        with self.lock:
            self.billed.append(message["usage"])
        if body.get("stream"):
            broken = got.fault is not None and got.fault.kind == "bad_tool_json"
            return Answer(events(message, broken_input=broken), "text/event-stream; charset=utf-8", streamed=True)
        return _json(message)

    def misbehave(self, got: Got, answer: Answer, fault: Fault) -> Answer:
        """Faults that are about what is in an answer."""
        if fault.kind == "content_type":
            return Answer([b"<html><body>a captive portal</body></html>"], "text/html")
        if fault.kind == "oversized" and answer.streamed:
            return Answer(_endless(answer.parts, fault.size), answer.content_type, streamed=True)
        if fault.kind == "oversized":
            return Answer([b'{"content": "', b"x" * fault.size, b'"}'])
        if not answer.streamed:
            return Answer([b"{no JSON"]) if fault.kind == "garbage" else answer
        last: dict[str, list[bytes]] = {
            "early_end": [],
            "garbage": [b"event: content_block_delta\ndata: {no JSON\n\n"],
            "error_event": [event("error", error={"type": "overloaded_error", "message": "Overloaded"})],
        }
        if fault.kind in last:
            return Answer(_head(answer.parts, fault.events, last[fault.kind]), answer.content_type, streamed=True)
        return answer

    def _authorize(self, got: Got) -> None:
        given = got.headers.get("x-api-key") or got.headers.get("authorization", "").removeprefix("Bearer ")
        refused = got.fault is not None and got.fault.kind == "unauthorized"
        if refused or (self.key is not None and given != self.key):
            raise _refusal(401, "authentication_error", "invalid x-api-key")
        if got.headers.get("anthropic-version") not in VERSIONS:
            raise _refusal(400, "invalid_request_error", "anthropic-version: header is required")

    def _models(self, path: str) -> Answer:
        known = [_model_info(name) for name in dict.fromkeys(self.models.values())]
        if self.models_route and path == "/v1/models":
            return _json({"data": known, "has_more": False, "first_id": None, "last_id": None})
        name = path.removeprefix("/v1/models/")
        if not self.models_route or name not in {*self.models, *self.models.values()}:
            raise _refusal(404, "not_found_error", f"model: {name}" if self.models_route else "no such route")
        return _json(_model_info(self.models.get(name, name)))

    def _checked(self, got: Got, *, counting: bool) -> dict[str, Any]:
        try:
            body = got.body
        except ValueError as error:
            raise _refusal(400, "invalid_request_error", f"The request body is not valid JSON: {error}") from None
        limit = body.get("max_tokens")
        if not counting and (not isinstance(limit, int) or not 1 <= limit <= MAX_OUTPUT_TOKENS):
            raise _refusal(400, "invalid_request_error", f"max_tokens: {limit} is not from 1 to {MAX_OUTPUT_TOKENS}")
        if body.get("model") not in {*self.models, *self.models.values()}:
            raise _refusal(404, "not_found_error", f"model: {body.get('model')}")
        sampling = [name for name in SAMPLING if name in body]
        if sampling and got.headers["anthropic-version"] != "2023-06-01":
            raise _refusal(400, "invalid_request_error", f"{sampling[0]}: Extra inputs are not permitted")
        try:
            check_messages(body["messages"])
            for tool in body.get("tools", []):
                check_tool_spec(tool)
        except (ModelError, InvalidToolSpec) as error:
            raise _refusal(400, "invalid_request_error", str(error)) from None
        self._check_thinking(body["messages"])
        return dict(body)

    def _check_thinking(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Thinking comes back byte for byte, or is refused."""
        for index, message in enumerate(messages):
            for place, block in enumerate(message["content"] if isinstance(message["content"], list) else []):
                kind = block.get("type")
                signed = {"thinking": "signature", "redacted_thinking": "data"}.get(kind)
                if signed and self._signed.get(block.get(signed, "")) != block.get("thinking", kind):
                    where = f"messages.{index}.content.{place}"
                    raise _refusal(400, "invalid_request_error", f"{where}: Invalid `{signed}` in `{kind}` block")

    def _message(self, body: dict[str, Any], measured: Measured, number: int) -> dict[str, Any]:
        if measured.total_tokens > CONTEXT_TOKENS:
            long = f"prompt is too long: {measured.total_tokens} tokens > {CONTEXT_TOKENS} maximum"
            raise _refusal(400, "invalid_request_error", long)
        content = [self._finished(block, f"{number}:{at}") for at, block in enumerate(self.answer(body))]
        calls = any(block["type"] == "tool_use" for block in content)
        output = estimate_tokens(content)
        usage: dict[str, Any] = {**self._cache.usage("organisation", measured, min(output, body["max_tokens"]))}
        usage.setdefault("cache_creation", {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0})
        usage["service_tier"] = "standard"
        return {
            "id": f"msg_{number:06}",
            "type": "message",
            "role": "assistant",
            "model": self.models.get(body["model"], body["model"]),
            "content": content,
            "stop_reason": "max_tokens" if output > body["max_tokens"] else "tool_use" if calls else "end_turn",
            "stop_sequence": None,
            "usage": usage,
        }

    def _finished(self, block: Mapping[str, Any], place: str) -> dict[str, Any]:
        """``block`` with what only a server can give it: the id of a call, the signature of thinking."""
        whole = dict(block)
        if whole["type"] == "tool_use":
            whole = {"type": "tool_use", "id": f"toolu_{place.replace(':', '_')}", **whole}
        if whole["type"] == "thinking":
            whole["signature"] = hashlib.sha256(f"{place}{whole['thinking']}".encode()).hexdigest() + "+/=="
            self._signed[whole["signature"]] = whole["thinking"]
        if whole["type"] == "redacted_thinking":
            self._signed[whole["data"]] = "redacted_thinking"
        return whole


def _refuse_by(fault: Fault | None) -> None:
    """Faults that are an error's status."""
    kinds = {
        "rate_limit": (429, "rate_limit_error", "This request would exceed your rate limit"),
        "overloaded": (529, "overloaded_error", "Overloaded"),
        "error": (500, "api_error", "Internal server error"),
    }
    if fault is not None and fault.kind in kinds:
        status, kind, words = kinds[fault.kind]
        raise _refusal(status, kind, words, {"retry-after": fault.retry_after} if fault.retry_after else None)


def _refusal(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> Refusal:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_loopback"}
    return Refusal(status, body, headers)


def _json(value: Any) -> Answer:
    return Answer([json.dumps(value, ensure_ascii=False).encode()])


def _model_info(name: str) -> dict[str, Any]:
    shown = name.replace("-", " ").title()
    return {
        "type": "model",
        "id": name,
        "display_name": shown,
        "created_at": "2025-10-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": CONTEXT_TOKENS,
        "max_tokens": MAX_OUTPUT_TOKENS,
    }


def _head(parts: Iterable[bytes], count: int, last: list[bytes]) -> Iterator[bytes]:
    for number, part in enumerate(parts):
        if number == count:
            break
        yield part
    yield from last


def _endless(parts: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The beginning of an answer, and then text until ``size`` bytes were sent."""
    yield from _head(parts, 2, [event("content_block_start", index=0, content_block={"type": "text", "text": ""})])
    piece = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x" * 65_000})
    for _ in range(size // len(piece) + 1):
        yield piece

"""A server of ours on loopback that speaks OpenAI's chat completions, as far as an upstream asks for them.

``answer`` makes a message of the Messages API's content from the request's body: text, tool calls. Faults as in
``tests.servers.faults``, those about streams left out: an answer comes in one piece.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.servers.faults import Fault, Plan, never
from tests.servers.loopback import Answer, Got, LoopbackServer, Refusal

KEY = "sk-chat-loopback-0123456789"
MODEL = "gpt-6.1-terra"
Answering = Callable[[Mapping[str, Any]], Sequence[Mapping[str, Any]]]


class ChatServer(LoopbackServer):
    """A context manager; ``url`` ends in ``/v1``."""

    def __init__(self, answer: Answering, *, plan: Plan = never, key: str | None = KEY, usage: bool = True) -> None:
        self.answer, self.key, self.usage = answer, key, usage
        super().__init__(plan=plan)

    @property
    def url(self) -> str:
        return f"{super().url}/v1"

    def respond(self, got: Got) -> Answer:
        if self.key is not None and got.headers.get("authorization") != f"Bearer {self.key}":
            raise _refusal(401, "invalid_request_error", f"Incorrect API key: {got.headers.get('authorization')}")
        if got.method == "GET":
            if got.path not in ("/v1/models", f"/v1/models/{MODEL}"):
                raise _refusal(404, "invalid_request_error", f"The model {got.path} does not exist")
            info = {"id": MODEL, "object": "model", "created": 1, "owned_by": "us"}
            return _json({"object": "list", "data": [info]} if got.path == "/v1/models" else info)
        _refuse_by(got.fault)
        content = self.answer(got.body)
        return _json(self._completion(content))

    def misbehave(self, got: Got, answer: Answer, fault: Fault) -> Answer:
        if fault.kind == "garbage":
            return Answer([b"{no JSON"])
        if fault.kind == "content_type":
            return Answer([b"<html></html>"], "text/html")
        if fault.kind == "oversized":
            return Answer([b'{"id": "', b"x" * fault.size, b'"}'])
        return answer

    def _completion(self, content: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        texts = [block["text"] for block in content if block["type"] == "text"]
        calls = [
            {
                "id": f"call_{index}",
                "type": "function",
                "function": {"name": block["name"], "arguments": json.dumps(block["input"])},
            }
            for index, block in enumerate(block for block in content if block["type"] == "tool_use")
        ]
        message: dict[str, Any] = {"role": "assistant", "content": "\n".join(texts) or None}
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        usage = {
            "prompt_tokens": 100,
            "completion_tokens": 7,
            "total_tokens": 107,
            "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
        }
        completion = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL}
        return {**completion, "choices": [choice], **({"usage": usage} if self.usage else {})}


def _refuse_by(fault: Fault | None) -> None:
    kinds = {
        "rate_limit": (429, "requests", "Rate limit reached"),
        "overloaded": (503, "server_error", "Overloaded"),
        "error": (500, "server_error", "The server had an error"),
    }
    if fault is not None and fault.kind in kinds:
        status, kind, words = kinds[fault.kind]
        raise _refusal(status, kind, words, {"retry-after": fault.retry_after} if fault.retry_after else None)


def _refusal(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> Refusal:
    return Refusal(status, {"error": {"message": message, "type": kind, "code": None, "param": None}}, headers)


def _json(value: Any) -> Answer:
    return Answer([json.dumps(value).encode()])

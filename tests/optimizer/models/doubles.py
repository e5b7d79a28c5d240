"""A meter that keeps exact books, an upstream that does as it is told, and a miniature source tree with real tools."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from optimizer.errors import BudgetExceeded
from optimizer.models.base import Reply, UpstreamError
from optimizer.models.embedded import EmbeddedModel
from optimizer.models.retrying import Retries
from optimizer.records import Spend
from search_space.messages import Message, Request, Response, ToolSpec, text_of

ONCE = Retries(for_s=0.0)
"""No second attempt."""


class Books:
    """A meter with a limit in tokens that notices a reservation settled twice or never."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit, self.open, self.spent, self.highest = limit, dict[int, int](), Spend(), 0
        self._next, self._lock = 0, threading.Lock()

    def reserve(self, worst: Spend) -> int:
        with self._lock:
            taken = self.spent.tokens + sum(self.open.values())
            if self.limit is not None and taken + worst.tokens > self.limit:
                raise BudgetExceeded("the token budget is spent")
            self._next += 1
            self.open[self._next] = worst.tokens
            self.highest = max(self.highest, taken + worst.tokens)
            return self._next

    def settle(self, ticket: int, actual: Spend) -> None:
        with self._lock:
            reserved = self.open.pop(ticket)
            assert actual.tokens <= reserved
            self.spent += actual


@dataclass
class Scripted:
    """An upstream whose answer is ``act(request)``; the worst case is 100 tokens, the price 10."""

    act: Callable[[Request], Response]
    calls: list[tuple[int, str]] = field(default_factory=list)
    name: str = "scripted"
    costs_money: bool = False

    def worst_case(self, request: Request) -> Spend:
        return Spend(calls=1, input_tokens=90, output_tokens=10)

    def create(self, request: Request, *, seed: int, session: str, deadline: float) -> Reply:
        self.calls.append((seed, session))
        return Reply(self.act(request), Spend(calls=1, input_tokens=8, output_tokens=2))

    def check(self) -> None:
        pass


def answer(request: Request) -> Response:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [{"type": "text", "text": "fine"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 8,
            "output_tokens": 2,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        },
    }


def refuse(request: Request) -> Response:
    raise UpstreamError(529, "overloaded_error", "try later", again=True)


def crash(request: Request) -> Response:
    raise RuntimeError("a bug of the upstream")


def ask(text: str = "hello", model: str = "agent") -> Request:
    return {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": text}]}


class Miniature:
    """Twenty classes in as many modules, each with a base in another module, and six tools to look at them."""

    PLAIN = "You answer questions about a source tree with tools."

    def __init__(self) -> None:
        self.sources: dict[str, list[str]] = {}
        for i in range(20):
            self.sources[f"shop/base{i}.py"] = [f"class Base{i}:", "    def run(self):", "        pass"]
            self.sources[f"shop/ware{i}.py"] = [
                f"from shop.base{i} import Base{i}",
                "",
                f"class Ware{i}(Base{i}):",
                "    def stop(self):",
                "        pass",
            ]

    def tools(self) -> list[ToolSpec]:
        path, name = {"path": "The file."}, {"name": "The exact name."}
        return [
            _spec("find_class", "Find where a class is defined in the whole tree, with its bases.", name),
            _spec("class_bases", "Show the base classes of a class as written.", {**name, **path}),
            _spec("list_imports", "Show the import statements of a file with their line numbers.", path),
            _spec("read_file", "Read the lines of a file, from a start line to an end line.", path),
            _spec("grep", "Search source lines for a regular expression.", {"pattern": "A regular expression."}),
            _spec("find_symbol", "Find where names that start with a prefix are defined.", {"prefix": "A prefix."}),
        ]

    def run(self, tool: str, given: Mapping[str, Any]) -> tuple[str, bool]:
        """A tool's result and whether it is an error."""
        wanted = str(given.get("name") or given.get("prefix") or given.get("pattern") or "")
        wanted = wanted.replace("\\b", "").replace("\\s*", "").lstrip("^").removeprefix("class ")
        if "path" in given and given["path"] not in self.sources:
            return f"no such file: {given['path']}", True
        if tool == "read_file":
            rows = enumerate(self.sources[given["path"]], start=1)
            return "\n".join(f"{n:5}: {text}" for n, text in rows), False
        found = []
        for path, lines in sorted(self.sources.items()):
            for number, text in enumerate(lines, start=1):
                if tool == "list_imports" and path == given["path"] and text.startswith("from "):
                    return f"{number}: {text}", False
                if text.startswith(f"class {wanted}"):
                    exact = text.startswith((f"class {wanted}(", f"class {wanted}:"))
                    if tool == "class_bases" and path == given["path"] and exact:
                        return text.partition("(")[2].rstrip("):") or f"{wanted} has no base classes", False
                    if exact or tool == "find_symbol":
                        found.append(f"{path}:{number}: {text.rstrip(':')}")
        return ("\n".join(found), False) if found else (f"no such class: {wanted}", True)

    def request(self, system: str, messages: list[Message]) -> Request:
        return {"model": "agent", "max_tokens": 800, "system": system, "tools": self.tools(), "messages": messages}

    def rollout(self, system: str, index: int, seed: int, max_steps: int = 12) -> str | None:
        """The answer to the question about ``Ware<index>``; None when there was none in time."""
        model = EmbeddedModel()
        ware = f"the class `Ware{index}` (defined in the module `shop.ware{index}`)"
        question = f"In which module is the base class of {ware} defined?"
        messages: list[Message] = [{"role": "user", "content": question}]
        for _ in range(max_steps):
            request = self.request(system, messages)
            response = model.create(request, seed=seed, session="s", deadline=float("inf")).response
            messages.append({"role": "assistant", "content": response["content"]})
            calls = [block for block in response["content"] if block["type"] == "tool_use"]
            if not calls:
                return text_of(response["content"])
            results = []
            for call in calls:
                text, failed = self.run(call["name"], call["input"])
                results.append({"type": "tool_result", "tool_use_id": call["id"], "content": text, "is_error": failed})
            messages.append({"role": "user", "content": results})  # type: ignore[typeddict-item]
        return None

    def score(self, system: str, seeds: int = 16) -> float:
        """The share of right answers over all classes and ``seeds``."""
        right = sum(
            (self.rollout(system, index, seed) or "").split("\n")[-1] == f"shop.base{index}"
            for index in range(20)
            for seed in range(seeds)
        )
        return right / (20 * seeds)


def _spec(name: str, description: str, parameters: Mapping[str, str]) -> ToolSpec:
    properties = {key: {"type": "string", "description": text} for key, text in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(parameters)}
    return {"name": name, "description": description, "input_schema": schema}

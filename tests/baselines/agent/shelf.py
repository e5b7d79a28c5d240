"""A small environment to run calls in: texts by path, tools that read, list, write, move and fail, and some that lie
about what they touch. It tells the running call what it reads and hands its writes over."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from search_space.calls import current_call
from search_space.messages import ToolUseBlock
from search_space.tools import Effects, Tool, ToolError, resource

PATHS = ("a", "b", "d/a", "d/b", "e")
START = {"a": "one", "d/a": "two", "d/b": "three"}
SERIAL_TEXT = "(failed)"
PAUSE_S = 0.0004
"""The unit of a call's ``pause``, which makes calls end in another order than they started in."""

Given = Mapping[str, Any]


class Shelf:
    """Texts by path. Within a call, what it wrote is seen by itself alone until it is committed."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = dict(START)

    def get(self, path: str) -> str:
        call = current_call()
        call.read(resource("files", path))
        text = call.held[path] if path in call.held else self.texts.get(path)
        if text is None:
            raise ToolError(f"no text at {path}")
        return str(text)

    def put(self, path: str, text: str | None) -> None:
        call = current_call()
        call.held[path] = text
        call.write(resource("files", path), lambda: self._put(path, text))

    def names(self, folder: str) -> list[str]:
        call = current_call()
        call.read(resource("files", folder))
        there = {**self.texts, **call.held}
        return sorted(path for path in there if there[path] is not None and (path + "/").startswith(folder))

    def _put(self, path: str, text: str | None) -> None:
        if text is None:
            self.texts.pop(path, None)
        elif text == "unwritable":
            raise OSError("no room")
        else:
            self.texts[path] = text

    def tools(self) -> list[Tool]:
        """Every tool; ``liar_...`` declare nothing or something else than what they touch."""
        path, source, target = "files:{path}", "files:{source}", "files:{target}"
        return [
            _tool("read", lambda g: self.get(g["path"]), [path], []),
            _tool("list", lambda g: " ".join(self.names(g.get("folder", ""))), ["files:{folder}"], []),
            _tool("write", lambda g: self._write(g["path"], g["text"]), [], [path]),
            _tool("append", lambda g: self._write(g["path"], self.get(g["path"]) + g["text"]), [path], [path]),
            _tool("delete", lambda g: self._delete(g["path"]), [path], [path]),
            _tool("move", lambda g: self._move(g["source"], g["target"]), [source], [source, target]),
            _tool("fail_late", lambda g: self._fail_late(g["path"]), [path], [path]),
            _tool("add", lambda g: str(len(g.get("text", ""))), [], []),
            _tool("liar_read", lambda g: self.get(g["path"]), [], []),
            _tool("liar_append", lambda g: self._write(g["path"], self.get(g["path"]) + g["text"]), [], []),
            _tool("liar_move", lambda g: self._move(g["source"], g["target"]), [target], []),
            _tool("liar_list", lambda g: " ".join(self.names("")), ["notes"], []),
        ]

    def _write(self, path: str, text: str) -> str:
        self.put(path, text)
        return f"{path}: {text}"

    def _delete(self, path: str) -> str:
        gone = self.get(path)
        self.put(path, None)
        return f"{gone} is gone"

    def _move(self, source: str, target: str) -> str:
        text = self.get(source)
        self.put(source, None)
        self.put(target, text)
        return f"{text} is at {target}"

    def _fail_late(self, path: str) -> str:
        self.put(path, "half")
        if self.get(path):
            raise ToolError("failed half way")
        return ""


def _tool(name: str, run: Callable[[Given], str], reads: Sequence[str], writes: Sequence[str]) -> Tool:
    def paused(given: Given) -> str:
        time.sleep(given.get("pause", 0) * PAUSE_S)
        text = run(given)
        time.sleep(given.get("pause_after", 0) * PAUSE_S)
        return text

    return Tool(name, name, {"type": "object"}, paused, Effects(frozenset(reads), frozenset(writes)))


HONEST = ("read", "list", "write", "append", "delete", "move", "fail_late", "add", "no_such")
LIARS = ("liar_read", "liar_append", "liar_move", "liar_list")


def a_call(number: int, name: str, given: Given) -> ToolUseBlock:
    return {"type": "tool_use", "id": f"c{number}", "name": name, "input": dict(given)}


def random_batch(rng: Random, names: Sequence[str] = (*HONEST, *LIARS)) -> list[ToolUseBlock]:
    """One to ten calls, some of them with an input left out."""
    calls = []
    for number in range(rng.randint(1, 10)):
        given: dict[str, Any] = {
            "path": rng.choice(PATHS),
            "source": rng.choice(PATHS),
            "target": rng.choice(PATHS),
            "folder": rng.choice(("", "d")),
            "text": "unwritable" if rng.random() < 0.03 else rng.choice("xyz"),
            "pause": rng.choice((0, 0, 1, 2)),
            "pause_after": rng.choice((0, 0, 1)),
        }
        if rng.random() < 0.05:
            given.pop(rng.choice(sorted(given)))
        calls.append(a_call(number, rng.choice(names), given))
    return calls


def one_after_the_other(shelf: Shelf, calls: Sequence[ToolUseBlock]) -> list[str]:
    """The oracle: each call by itself, with plain code; the texts of the results, of a call that fails
    :data:`SERIAL_TEXT`, and the shelf is then as it was before it."""
    tools = {tool.name: tool for tool in shelf.tools()}
    texts = []
    for call in calls:
        before = dict(shelf.texts)
        try:
            texts.append(tools[call["name"]].run(call["input"]) or "(empty result)")
        except (ToolError, OSError, KeyError):
            shelf.texts = before
            texts.append(SERIAL_TEXT)
    return texts

"""What makes one harness simpler than another, and which edits do nothing but take something away."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from search_space.harness_file import HARNESS_FILE
from search_space.messages import CHARS_PER_TOKEN

Files = Mapping[str, bytes]


def simpler(before: Files, after: Files, tie_breaks: Sequence[str]) -> int:
    """1 when ``after`` is the simpler of two harnesses, -1 when it is the less simple one, 0 when neither is: the first
    of ``tie_breaks`` (names of :data:`SIMPLICITY`) in which they differ decides."""
    for name in tie_breaks:
        old, new = SIMPLICITY[name](before, after)
        if new != old:
            return 1 if new < old else -1
    return 0


def removes(before: Files, after: Files) -> bool:
    """Whether the edit from ``before`` to ``after`` does nothing but take away.

    No file is new; the words and marks of every text are those of the old one with some left out; ``harness.toml`` has
    no key or item that it had not, and no tool is shown to more than before; and of the figures of :data:`SIMPLICITY`
    at least one falls and none rises.
    """
    if any(path not in before for path in after):
        return False
    changed = [path for path in after if after[path] != before[path]]
    if not all(
        _less_settings(before, after) if path == HARNESS_FILE else _part_of(_words(after, path), _words(before, path))
        for path in changed
    ):
        return False
    figures = [measure(before, after) for measure in SIMPLICITY.values()]
    return any(new != old for old, new in figures) and not any(_rises(old, new) for old, new in figures)


def _prompt_tokens(before: Files, after: Files) -> tuple[int, int]:
    """Estimated tokens of everything in ``prompts/`` and of the tools' descriptions that the harness gives itself."""

    def tokens(files: Files) -> int:
        prompts = sum(len(_text(data)) for path, data in files.items() if path.startswith("prompts/"))
        described = sum(len(str(text)) for text in _table(_tools(files), "descriptions").values())
        return -(-(prompts + described) // CHARS_PER_TOKEN)

    return tokens(before), tokens(after)


def _tools_offered(before: Files, after: Files) -> tuple[tuple[int, int], tuple[int, int]]:
    """Tools that the model, or a sub-agent, is shown from the start: whether those that are not named are, and how many
    of the named ones are. Which tools there are is known to the environment alone."""
    old, new = _tools(before), _tools(after)
    names = {*_table(old, "visibility"), *_table(new, "visibility")}

    def offered(tools: Mapping[str, Any]) -> tuple[int, int]:
        default = str(tools.get("default", "offered"))
        shown = [str(_table(tools, "visibility").get(name, default)) for name in names]
        return int(default == "offered"), sum(how == "offered" or how.startswith("agent:") for how in shown)

    return offered(old), offered(new)


def _lines(before: Files, after: Files) -> tuple[int, int]:
    """Lines of all the harness's files."""
    old, new = (sum(len(_text(data).splitlines()) for data in files.values()) for files in (before, after))
    return old, new


SIMPLICITY: Mapping[str, Callable[[Files, Files], tuple[Any, Any]]] = {
    "prompt_tokens": _prompt_tokens,
    "tools_offered": _tools_offered,
    "lines": _lines,
}
"""What makes a harness simple, by name: figures of two harnesses of which the smaller is simpler."""


SHOWN = {"off": 0, "deferred": 1, "offered": 2}
"""How much of a tool is shown; a tool of a sub-agent (``agent:NAME``) as much as one that is offered."""


def _rises(old: Any, new: Any) -> bool:
    """Whether a figure, or any of several, is larger."""
    if isinstance(old, tuple):
        return any(map(_rises, old, new))
    return bool(new > old)


def _less_settings(before: Files, after: Files) -> bool:
    old, new = _settings(before), _settings(after)
    if old is None or new is None:
        return False
    return _hides(_table(old, "tools"), _table(new, "tools")) and _less(_others(old), _others(new))


def _hides(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether every tool is seen by the same as before, or by fewer."""
    names = {*_table(old, "visibility"), *_table(new, "visibility")}
    pairs = [(_seen(old, name), _seen(new, name)) for name in (*names, None)]
    return all(now == then or SHOWN.get(now, 2) < SHOWN.get(then, 2) for then, now in pairs)


def _seen(tools: Mapping[str, Any], name: str | None) -> str:
    default = str(tools.get("default", "offered"))
    return default if name is None else str(_table(tools, "visibility").get(name, default))


def _others(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """All but who sees which tool."""
    tools = {key: value for key, value in _table(settings, "tools").items() if key not in ("default", "visibility")}
    return {**settings, "tools": tools}


def _less(old: Any, new: Any) -> bool:
    """Whether ``new`` is ``old`` with parts left out."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return all(key in old and _less(old[key], value) for key, value in new.items())
    if isinstance(old, list) and isinstance(new, list):
        return _part_of(new, old)
    if isinstance(old, str) and isinstance(new, str):
        return _part_of(_pieces(new), _pieces(old))
    return bool(old == new)


def _part_of(some: Iterable[Any], whole: Iterable[Any]) -> bool:
    """Whether ``some`` is ``whole`` with items left out, in the same order."""
    left = iter(whole)
    return all(any(item == other for other in left) for item in some)


def _words(files: Files, path: str) -> list[str]:
    return _pieces(_text(files[path]))


def _pieces(text: str) -> list[str]:
    """Words and single marks."""
    return re.findall(r"\w+|[^\w\s]", text)


def _tools(files: Files) -> Mapping[str, Any]:
    return _table(_settings(files) or {}, "tools")


def _settings(files: Files) -> Mapping[str, Any] | None:
    """What ``harness.toml`` says; None when it cannot be read."""
    try:
        return tomllib.loads(_text(files.get(HARNESS_FILE, b"")))
    except tomllib.TOMLDecodeError:
        return None


def _table(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name, {})
    return found if isinstance(found, Mapping) else {}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")

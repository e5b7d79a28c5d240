"""What a recorded agent's calls say of tool calls side by side: rounds that could be saved, and conflicts.

The gain is in rounds: a step whose calls use nothing that the step before brought, and conflict with none of its
calls, could have been made together with it. That is an upper bound, since an agent may have wanted to see the result
before it decided. What a call touches is guessed from its tool's name and inputs, or said by the harness
(``tools.effects``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from optimizer.replay.uses import Uses
from search_space.messages import Message, ToolUseBlock, blocks
from search_space.tools import Effects

_READS = frozenset(
    [
        *("calculate", "cat", "check", "count", "describe", "fetch", "find", "get", "glob", "grep", "head", "inspect"),
        *("list", "look", "lookup", "ls", "open", "query", "read", "search", "show", "stat", "status", "tail", "think"),
        *("view", "web"),
    ]
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_PATHS = ("file_path", "path", "filename", "notebook_path", "file")
_SHELLS = frozenset(("bash", "shell", "command", "execute", "run", "terminal"))
EVERYTHING = "world"


@dataclass(frozen=True, slots=True)
class Batches:
    """Of one transcript: ``rounds`` are its steps with calls, ``batches`` those with several, ``conflicting`` of these
    hold two calls that must not run side by side. ``savable`` rounds could have been made with the one before."""

    rounds: int
    batches: int
    conflicting: int
    savable: int


def batches(messages: Sequence[Message], uses: Uses, effects: Mapping[str, Effects] | None = None) -> Batches:
    """Count them. ``effects`` by tool stand in place of what is guessed."""
    known = effects or {}
    rounds = several = conflicting = savable = 0
    group: list[Effects] = []
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            group = group if _only_results(message) else []
            continue
        calls = [block for block in blocks(message) if block["type"] == "tool_use"]
        if not calls:
            group = []
            continue
        touched = [_effects(call, known) for call in calls]
        rounds += 1
        several += len(calls) > 1
        conflicting += len(calls) > 1 and any(one.conflicts(other) for one, other in combinations(touched, 2))
        fresh = any(places[0] >= index - 1 for places in uses.of(index).values())
        if group and not fresh and not any(one.conflicts(other) for one in group for other in touched):
            savable += 1
            group += touched
        else:
            group = touched
    return Batches(rounds, several, conflicting, savable)


def _only_results(message: Message) -> bool:
    return all(block["type"] == "tool_result" for block in blocks(message))


def _effects(call: ToolUseBlock, known: Mapping[str, Effects]) -> Effects:
    if call["name"] in known:
        return known[call["name"]].of(call["input"])
    words = [word.lower() for word in _WORD.findall(call["name"])]
    if words and words[0] in _SHELLS:
        words = [word.lower() for word in _first_words(call["input"])]
    reads = bool(words) and words[0] in _READS
    paths = [str(call["input"][key]) for key in _PATHS if isinstance(call["input"].get(key), str)]
    touched = frozenset(f"{EVERYTHING}:{path.lstrip('/')}" for path in paths) or frozenset({EVERYTHING})
    return Effects(reads=touched) if reads else Effects(writes=touched)


def _first_words(given: Mapping[str, Any]) -> Iterator[str]:
    """The command of a shell call, when it is a single one that redirects nothing."""
    command = next((value for value in given.values() if isinstance(value, str)), "")
    if not re.search(r"[>|;&\n`$]", command.strip()):
        yield from command.split()[:1]

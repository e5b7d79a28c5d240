"""A transcript: what an agent and its tools said to each other, as a valid Messages conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search_space.messages import Message

FORMAT = "ratchet-transcript"
VERSION = 1
MAX_PROBLEMS = 20
"""So many problems of a transcript are told one by one; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a file that could not be taken as it is: where (``session.jsonl:17``), and what became of it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a transcript beside its messages. ``workload`` names the kind of work (transcripts of one
    workload are alike, and are held out together); ``source`` is the format it came from; ``reward`` what its own
    grader gave, None where nobody graded."""

    id: str
    workload: str
    source: str
    model: str = ""
    reward: float | None = None
    system: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transcript:
    """One conversation. ``messages`` are as the Messages API takes them (``check_messages`` passes): the first is the
    user's, each call has its result in the next message. One message of the assistant is one step."""

    header: Header
    messages: Sequence[Message]
    problems: Sequence[Problem] = ()
    more_problems: int = 0

    @property
    def steps(self) -> int:
        """How often the model was asked."""
        return sum(message["role"] == "assistant" for message in self.messages)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as an importer finds it; ``id`` may be empty where the format has none."""

    id: str
    name: str
    args: Mapping[str, Any]

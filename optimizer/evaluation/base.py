"""What a campaign needs of whatever turns variants into scores, and what that needs of the model door."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from optimizer.models.base import Account, Trouble, UpstreamError
from optimizer.records import Rollout, Task


class Stopped(Exception):
    """The deadline came, or the caller cancelled, before all rollouts were done.

    ``finished`` are done, counted and stored (those found in the store among them); those that were running have been
    killed and are not counted. ``reason`` is ``"deadline"`` or ``"cancelled"``.
    """

    def __init__(self, reason: str, finished: Sequence[Rollout]) -> None:
        super().__init__(f"{reason}: {len(finished)} rollouts had finished")
        self.reason = reason
        self.finished = list(finished)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Rollouts of one variant: its ``tree``, its ``files``, and (task, seed) pairs. ``label`` names the experiment in
    the names of kept trajectories."""

    tree: str
    files: Mapping[str, bytes]
    rollouts: Sequence[tuple[Task, int]]
    label: str = ""


class Runner(Protocol):
    """The only road to a score. One batch at a time: it is called from one thread."""

    @property
    def waited_s(self) -> float:
        """Seconds so far during which something waited for a failing model: no fault of what is being measured."""
        ...

    def run_together(
        self, asked: Sequence[Wanted], *, deadline: float, purpose: str, cancel: threading.Event | None = None
    ) -> list[list[Rollout]]:
        """The rollouts of several variants side by side: a list for each of ``asked``, in the order of its rollouts.

        What the store knows is taken from there and costs nothing. ``deadline`` is a ``time.monotonic()`` instant.
        ``purpose`` names the budget's share (``"search"``, ``"exam"``, ``"holdout"``).

        Raises :class:`optimizer.errors.BudgetExceeded` when the budget does not cover all that is missing (then nothing
        was run), or ran out on the way (then what finished before is stored); :class:`Stopped` at the deadline or when
        ``cancel`` is set.
        """
        ...

    def run(
        self,
        tree: str,
        files: Mapping[str, bytes],
        wanted: Sequence[tuple[Task, int]],
        *,
        deadline: float,
        purpose: str,
        cancel: threading.Event | None = None,
        label: str = "",
    ) -> list[Rollout]:
        """The rollouts of one variant, in the order of ``wanted``: see :meth:`run_together`."""
        asked = Wanted(tree, files, wanted, label)
        return self.run_together([asked], deadline=deadline, purpose=purpose, cancel=cancel)[0]


class Door(Protocol):
    """The part of the model door that a rollout needs."""

    def open(self, session: str, seed: int, deadline: float, token_limit: int | None = None) -> str:
        """Admit a rollout and return its token; calls after ``deadline`` (monotonic) are refused."""
        ...

    def close(self, token: str) -> Account:
        """Admit it no more, and say what it cost and how its upstreams did."""
        ...

    def hold(self, until: float, stop: threading.Event) -> None:
        """Wait while the upstream fails, before a rollout begins; not past ``until`` (monotonic), nor past ``stop``."""
        ...

    def trouble(self) -> Trouble:
        """How the upstreams do."""
        ...

    def probe(self, error: UpstreamError) -> Account:
        """Whether what failed with ``error`` is well by itself (then without ``failure``), and what asking cost."""
        ...

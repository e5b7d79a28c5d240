"""Finished rollouts by their key: what was measured once is never measured, paid or counted again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from optimizer.records import Rollout, RolloutKey, Spend


class RolloutStore(Protocol):
    """Where rollouts are kept; the ledger is one. Called only from the thread that runs the experiment."""

    def find(self, keys: Iterable[RolloutKey]) -> dict[RolloutKey, Rollout]:
        """The finished rollouts among ``keys``, in their order."""
        ...

    def start(self, keys: Sequence[RolloutKey], purpose: str) -> None:
        """Note that the rollouts of ``keys`` are about to run; ``purpose`` says for what (``"search"``, ``"exam"``)."""
        ...

    def finish(self, *rollouts: Rollout) -> None:
        """Keep them, all or none; called once per key, as each ends or, where they end quickly, for some at once."""
        ...

    def abandon(self, key: RolloutKey, spend: Spend) -> None:
        """Note that a started attempt came to nothing and what it cost; no rollout is counted. It may start again."""
        ...

    def spend(self, purpose: str, spend: Spend) -> None:
        """Count what was paid beside any rollout."""
        ...


class MemoryStore:
    """A store that forgets with its process: for tests and for one-off measurements that must not touch a ledger."""

    def __init__(self) -> None:
        self.finished: dict[RolloutKey, Rollout] = {}
        self.started: dict[RolloutKey, str] = {}
        self.beside = Spend()

    def find(self, keys: Iterable[RolloutKey]) -> dict[RolloutKey, Rollout]:
        return {key: self.finished[key] for key in keys if key in self.finished}

    def start(self, keys: Sequence[RolloutKey], purpose: str) -> None:
        self.started.update(dict.fromkeys(keys, purpose))

    def finish(self, *rollouts: Rollout) -> None:
        for rollout in rollouts:
            if rollout.key in self.finished:
                raise ValueError(f"{rollout.key} was finished before: a rollout is counted once")
            self.finished[rollout.key] = rollout

    def abandon(self, key: RolloutKey, spend: Spend) -> None:
        del self.started[key]
        self.beside += spend

    def spend(self, purpose: str, spend: Spend) -> None:
        self.beside += spend

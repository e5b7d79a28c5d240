"""One batch of rollouts on its way: what is wanted, what is done, and what stops it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from optimizer.errors import ModelUnavailable
from optimizer.records import Rollout, RolloutKey, Task


class Stop(threading.Event):
    """Set by itself or by the caller's event."""

    def __init__(self, caller: threading.Event | None) -> None:
        super().__init__()
        self._caller = caller

    def is_set(self) -> bool:
        return super().is_set() or (self._caller is not None and self._caller.is_set())


@dataclass(slots=True)
class Batch:
    """What the runner runs in one go. ``harness`` and ``labels`` are by tree. ``stop`` ends its running rollouts;
    ``why`` says what stopped it, ``given_up`` when it was the model. ``tries`` counts attempts by key, ``well`` how
    often the upstream was found well after it had failed one."""

    harness: Mapping[str, Path]
    labels: Mapping[str, str]
    deadline: float
    purpose: str
    stop: Stop
    tasks: dict[RolloutKey, Task]
    missing: list[RolloutKey]
    finished: dict[RolloutKey, Rollout]
    why: str = ""
    given_up: ModelUnavailable | None = None
    tries: Counter[RolloutKey] = field(default_factory=Counter)
    well: Counter[RolloutKey] = field(default_factory=Counter)
    failed: dict[int, tuple[RolloutKey, bytes]] = field(default_factory=dict)

"""What the present (or last) sitting of a campaign was given, for ``ratchet status``: the ledger holds no limits."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass, replace

from optimizer.assemble import Planned
from optimizer.home import Home
from optimizer.records import Spend

FILE = "sitting.json"


@dataclass(frozen=True, slots=True)
class Sitting:
    """One process's work on a campaign. Limits are those of the whole campaign, None where there is none; ``seconds``
    is the time of this sitting. ``began_at`` is in seconds since the epoch. ``why`` says how it ended, empty before
    that (or when it was killed)."""

    pid: int
    began_at: float
    rollouts: int | None
    tokens: int | None
    usd: float | None
    seconds: float | None
    why: str = ""
    finished: bool = False

    @classmethod
    def of(cls, planned: Planned) -> Sitting:
        """The sitting of this process."""
        limits = planned.limits
        return cls(os.getpid(), time.time(), limits.rollouts, limits.tokens, limits.usd, planned.seconds)

    def ended(self, why: str, *, finished: bool) -> Sitting:
        """The same, ended."""
        return replace(self, why=why, finished=finished)

    def seconds_left(self) -> float | None:
        """Until the time is up, by the wall clock; None without such a limit."""
        if self.seconds is None:
            return None
        return min(self.seconds, max(0.0, self.began_at + self.seconds - time.time()))

    def share(self, spent: Spend) -> float | None:
        """How much of the nearest limit on what may be spent is gone, in [0, 1]; None without one."""
        limits = ((spent.rollouts, self.rollouts), (spent.tokens, self.tokens), (spent.usd, self.usd))
        return max((min(1.0, used / limit) for used, limit in limits if limit), default=None)


def note(home: Home, sitting: Sitting) -> None:
    """Write it down, whole or not at all. A convenience for whoever asks: a full disk is no reason to stop for it."""
    new = home.folder / f"{FILE}.new"
    with contextlib.suppress(OSError):
        new.write_text(json.dumps(asdict(sitting)) + "\n", encoding="utf-8")
        new.replace(home.folder / FILE)


def noted(home: Home) -> Sitting | None:
    """What was written down last; None when there is nothing that can be read."""
    try:
        value = json.loads((home.folder / FILE).read_text(encoding="utf-8"))
        return Sitting(**value)
    except (OSError, ValueError, TypeError):
        return None

"""What happens during a campaign, as values: the live table, the plain log and the JSON stream are listeners."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from optimizer.metric import Metric
from optimizer.records import Decision, Proposal, Rollout, Spend


@dataclass(frozen=True, slots=True)
class CampaignStarted:
    """``total_rollouts`` and ``seconds_left`` are None without such a limit. Of a campaign that is resumed: ``done``
    experiments, ``kept`` of them, ``certified`` exams passed, ``champion`` the search estimate of its score. ``metric``
    is what the score is made of, where it is made of one."""

    campaign: str
    seed: int
    done: int
    resumed: bool
    total_rollouts: int | None
    seconds_left: float | None
    model: str
    confinement: str
    ref: str
    repository: str
    kept: int = 0
    certified: int = 0
    champion: float | None = None
    metric: Metric | None = None


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """``phase`` is ``calibration``, ``search``, ``prune``, ``exam``, ``holdout`` or ``done``; ``text`` says more."""

    phase: str
    text: str


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The baseline was measured against itself: ``record`` is what that found, as JSON."""

    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Remarked:
    """Something that a person should know of, though the campaign goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class ExperimentStarted:
    number: int
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class RolloutFinished:
    purpose: str
    rollout: Rollout


@dataclass(frozen=True, slots=True)
class ExperimentDecided:
    """``champion`` is the search estimate of the champion's score after the decision, in [0, 1]: no claim. ``seconds``
    is what the experiment took."""

    number: int
    proposal: Proposal
    decision: Decision
    commit: str | None
    champion: float | None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ExamEnded:
    """``outcome`` is ``passed``, ``failed`` or ``unclear``; the interval is of the gain since the last certificate."""

    number: int
    outcome: str
    reason: str
    effect: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PruningEnded:
    """``stays`` changes of the champion are left, ``left_out`` are not. ``gain`` is what those that stay are believed
    to add to the baseline, ``low`` to ``high`` its 95% interval: a search estimate, no claim."""

    number: int
    stays: int
    left_out: int
    rollouts: int
    gain: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Spent:
    """The budget so far; ``share`` of it that is gone, in [0, 1], or None without a limit."""

    total: Spend
    share: float | None


@dataclass(frozen=True, slots=True)
class CampaignEnded:
    """``why`` says which limit or wish ended it; ``finished`` is False when it can be resumed. ``to_mend``: something
    is wrong that somebody has to mend before that, and ``hint`` says what."""

    why: str
    finished: bool
    to_mend: bool = False
    hint: str = ""


Event = (
    CampaignStarted
    | PhaseChanged
    | Calibrated
    | Remarked
    | ExperimentStarted
    | RolloutFinished
    | ExperimentDecided
    | ExamEnded
    | PruningEnded
    | Spent
    | CampaignEnded
)
Listener = Callable[[Event], None]


class Bus:
    """Hands every event to every listener, in order, in the thread that emits."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = list(listeners)

    def listen(self, listener: Listener) -> None:
        """Add a listener."""
        self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """Tell everybody."""
        for listener in self._listeners:
            listener(event)

"""What a live view knows: the events so far, folded into one object that both the table and the plain log read."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from optimizer import events
from optimizer.metric import Metric
from optimizer.records import Decision, Proposal, Spend, Verdict
from optimizer.reports import calibration

RATE_WINDOW_S = 20.0
"""The rate shown is that of the last seconds, so that it follows a change of pace."""


@dataclass(slots=True)
class Row:
    """One decided experiment."""

    number: int
    proposal: Proposal
    decision: Decision
    commit: str | None
    seconds: float | None = None


@dataclass(slots=True)
class Progress:
    """Fold of the events; :meth:`take` is the listener."""

    started: events.CampaignStarted | None = None
    phase: str = "starting"
    phase_text: str = ""
    calibration: str = ""
    remarks: list[str] = field(default_factory=list)
    current: events.ExperimentStarted | None = None
    rows: deque[Row] = field(default_factory=lambda: deque(maxlen=8))
    experiments: int = 0
    kept: int = 0
    champion: float | None = None
    first_champion: float | None = None
    exam: events.ExamEnded | None = None
    certificates: int = 0
    spent: Spend = field(default_factory=Spend)
    share: float | None = None
    in_hand: int = 0
    ended: events.CampaignEnded | None = None
    ended_at: float | None = None
    began_at: float = field(default_factory=time.monotonic)
    _finished_at: deque[float] = field(default_factory=lambda: deque(maxlen=4096))

    def take(self, event: events.Event) -> None:
        """Take one event in."""
        match event:
            case events.CampaignStarted():
                self.started = event
                self.experiments, self.kept, self.certificates = event.done, event.kept, event.certified
                self.champion = self.first_champion = event.champion
            case events.PhaseChanged():
                self.phase, self.phase_text = event.phase, event.text
                self.current, self.in_hand = None, 0
            case events.Calibrated():
                self.remarks += calibration.remarks(event.record)
                self.calibration = calibration.line(event.record)
            case events.Remarked():
                self.remarks.append(event.text)
            case events.ExperimentStarted():
                self.current, self.in_hand = event, 0
            case events.RolloutFinished():
                self._finished_at.append(time.monotonic())
                self.in_hand += 1
            case events.ExperimentDecided():
                self._decided(event)
            case events.ExamEnded():
                self.exam = event
                self.certificates += event.outcome == "passed"
            case events.Spent():
                self.spent, self.share = event.total, event.share
            case events.CampaignEnded():
                self.ended, self.ended_at = event, time.monotonic()

    def _decided(self, event: events.ExperimentDecided) -> None:
        self.rows.append(Row(event.number, event.proposal, event.decision, event.commit, event.seconds))
        self.current = None
        self.experiments += 1
        self.kept += event.decision.verdict is Verdict.keep
        if event.champion is not None:
            self.champion = event.champion
            if self.first_champion is None:
                self.first_champion = event.champion - ((event.decision.effect or 0.0) if event.commit else 0.0)

    @property
    def metric(self) -> Metric | None:
        """What the score is made of, if of one metric."""
        return None if self.started is None else self.started.metric

    @property
    def rate(self) -> float:
        """Rollouts a second over the last seconds."""
        now = time.monotonic()
        recent = [at for at in self._finished_at if now - at <= RATE_WINDOW_S]
        return len(recent) / min(RATE_WINDOW_S, max(now - self.began_at, 1.0))

    @property
    def seconds(self) -> float:
        """Since this sitting began."""
        return (self.ended_at or time.monotonic()) - self.began_at

    @property
    def seconds_left(self) -> float | None:
        """Until the nearest limit, at the present rate; None while that cannot be told."""
        started, left = self.started, []
        if started is None:
            return None
        if started.seconds_left is not None:
            left.append(started.seconds_left - (time.monotonic() - self.began_at))
        if started.total_rollouts is not None and self.rate > 0:
            left.append((started.total_rollouts - self.spent.rollouts) / self.rate)
        return max(0.0, min(left)) if left else None

"""The log of a campaign where there is no terminal: one line for each thing that matters; or one JSON object a line."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from typing import Any, TextIO

from optimizer import events
from optimizer.records import Proposal
from optimizer.reports import calibration
from optimizer.reports.json_text import json_text
from optimizer.reports.progress import Progress
from optimizer.reports.sentence import sentence
from optimizer.reports.words import count, duration, interval, points, short, some
from search_space.edits import edit_to_json

HEARTBEAT_S = 30.0
"""Without news, a line says at least this often how far the campaign is."""
NOT_CLAIMED = "; their figures are search estimates, no claim"


class PlainLog:
    """A listener that writes lines of text."""

    def __init__(self, out: TextIO) -> None:
        self.progress = Progress()
        self._out = out
        self._last = time.monotonic()

    def __call__(self, event: events.Event) -> None:
        """Take an event and, when it matters, write a line."""
        self.progress.take(event)
        line = self._line(event)
        if line is None and time.monotonic() - self._last >= HEARTBEAT_S:
            line = f"… {self._how_far()}"
        if line is not None:
            self._last = time.monotonic()
            _write(self._out, line)

    def _line(self, event: events.Event) -> str | None:
        match event:
            case events.CampaignStarted():
                again = f", resumed after {some(event.done, 'experiment')}" if event.resumed else ""
                where = f"branch {event.ref.removeprefix('refs/heads/')} of {event.repository}"
                return (
                    f"campaign {event.campaign}, seed {event.seed}{again}; {where}; model {event.model}; "
                    f"{event.confinement}"
                )
            case events.PhaseChanged():
                return f"{event.phase}: {event.text}{NOT_CLAIMED * (event.phase == 'search')}"
            case events.Calibrated():
                return "\n".join([f"calibrated: {calibration.line(event.record)}", *map(_remark, _told(event))])
            case events.Remarked():
                return _remark(event.text)
            case events.ExperimentDecided():
                what, told = short(event.proposal.what, 90), self._sentence(event)
                return f"#{event.number} {told} · {what} [{self._how_far()}]"
            case events.ExamEnded():
                figures = f"{points(event.effect)} points, 95% interval {interval(event.low, event.high)}"
                return f"exam {event.number} {event.outcome}: {figures}"
            case events.PruningEnded():
                return (
                    f"pruned: {some(event.stays, 'change')} that pay, {event.left_out} left out; "
                    f"{count(event.rollouts)} rollouts; believed {points(event.gain)} points over the baseline, 95% "
                    f"interval {interval(event.low, event.high)}, a search estimate"
                )
            case events.CampaignEnded():
                return f"ended: {event.why}"
            case _:
                return None

    def _sentence(self, event: events.ExperimentDecided) -> str:
        return sentence(event.decision, event.seconds, self.progress.metric)

    def _how_far(self) -> str:
        progress = self.progress
        share = "" if progress.share is None else f" ({100 * progress.share:.0f}% of the budget)"
        pace = f"{progress.rate:.1f}/s, {duration(progress.seconds_left)} left"
        return f"{count(progress.spent.rollouts)} rollouts{share}, {pace}"


class JsonLog:
    """A listener that writes each event as one JSON object a line; rollouts are left out unless asked for."""

    def __init__(self, out: TextIO, *, rollouts: bool = False) -> None:
        self._out = out
        self._rollouts = rollouts

    def __call__(self, event: events.Event) -> None:
        """Write the event."""
        if isinstance(event, events.RolloutFinished) and not self._rollouts:
            return
        record = {"event": type(event).__name__, **_plain(event)}
        if isinstance(event, events.ExperimentDecided):
            record["sentence"] = sentence(event.decision, event.seconds)
        _write(self._out, json_text(record))


def _told(event: events.Calibrated) -> list[str]:
    return [*event.record["sizes"]["reasons"], *calibration.remarks(event.record)]


def _remark(text: str) -> str:
    return f"note: {text}"


def _write(out: TextIO, line: str) -> None:
    """One line. When nobody reads any more, or the disk that takes it is full, the campaign goes on without a log."""
    with contextlib.suppress(OSError):
        print(line, file=out, flush=True)


def _plain(event: events.Event) -> dict[str, Any]:
    """The event's fields as JSON values; a proposal's edit in its own JSON form."""
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        if isinstance(value, Proposal):
            fields[field.name] = {
                "edit": edit_to_json(value.edit),
                "what": value.what,
                "hypothesis": value.hypothesis,
                "proposer": value.proposer,
                "changes": dict(value.changes),
            }
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields[field.name] = dataclasses.asdict(value)
        else:
            fields[field.name] = value
    return fields

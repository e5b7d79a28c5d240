"""What a campaign can hope to see: the smallest gain within its budget, and what a given gain takes."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.acceptance.calibration import Calibration
from optimizer.acceptance.power import (
    Bar,
    error_for,
    error_of,
    exam_bar,
    rollouts_for,
    search_bar,
    smallest_gain,
    smallest_on_tasks,
    tasks_for,
)
from optimizer.acceptance.presets import ExamSettings, Preset, WorkingSettings

GAINS = (0.01, 0.02, 0.03, 0.05, 0.10)


@dataclass(frozen=True, slots=True)
class Needed:
    """What it takes to see ``gain`` with a probability of 80%: in rollouts of both sides together, or, on a
    deterministic suite, in tasks."""

    gain: float
    search: int
    exam: int


@dataclass(frozen=True, slots=True)
class Prospects:
    """``search`` is the smallest gain of one edit that the search is sure enough of with a probability of 80%, ``exam``
    the smallest gain of all keeps together that the last exam certifies with it; None where there is no room for one.
    ``in_tasks``: ``needed`` counts tasks, not rollouts."""

    search: float | None
    exam: float | None
    needed: tuple[Needed, ...]
    in_tasks: bool


def prospects(
    found: Calibration, preset: Preset, *, tasks: int, certify: int, rollouts: int | None, exam_rollouts: int | None
) -> Prospects | None:
    """From the noise found; ``rollouts`` is what the search may spend (None: no limit) and ``exam_rollouts`` the last
    exam. None while the noise is not known."""
    search, exam = search_bar(preset.working), exam_bar(preset.exam)
    # A gain below the least that is kept is not seen with any number of rollouts.
    gains = [gain for gain in GAINS if error_for(gain, search)]
    if found.deterministic:
        needed = tuple(Needed(gain, tasks_for(gain, search), tasks_for(gain, exam)) for gain in gains)
        held = certify > 1 and (exam_rollouts is None or exam_rollouts >= 2 * certify)
        room = tasks if rollouts is None else min(tasks, rollouts // 2)
        return Prospects(
            _possible(smallest_on_tasks(search, room)) if room > 1 else None,
            _possible(smallest_on_tasks(exam, certify)) if held else None,
            needed,
            in_tasks=True,
        )
    if not found.noise:
        return None
    noise = found.noise
    needed = tuple(Needed(gain, rollouts_for(gain, search, noise), rollouts_for(gain, exam, noise)) for gain in gains)
    return Prospects(
        _in_search(search, preset.working, noise, tasks, rollouts),
        _in_exam(exam, preset.exam, noise, certify, exam_rollouts),
        needed,
        in_tasks=False,
    )


def _in_search(bar: Bar, settings: WorkingSettings, noise: float, tasks: int, rollouts: int | None) -> float | None:
    """At the last pass, against a champion that is known as well as its own rollouts ever tell."""
    passes, champion = float(settings.max_passes), float(settings.max_champion)
    if rollouts is not None and rollouts < tasks * (passes + champion):
        share = rollouts / (tasks * (passes + champion))
        passes, champion = passes * share, champion * share
    return _possible(smallest_gain(bar, error_of(noise, tasks, passes, champion))) if passes * tasks >= 2 else None


def _in_exam(bar: Bar, settings: ExamSettings, noise: float, certify: int, rollouts: int | None) -> float | None:
    """With as many repeats as ``rollouts`` pay for."""
    if certify < 2:
        return None
    repeats = settings.max_repeats if rollouts is None else min(settings.max_repeats, rollouts // (2 * certify))
    if repeats < settings.min_repeats:
        return None
    return _possible(smallest_gain(bar, error_of(noise, certify, repeats, repeats)))


def _possible(gain: float) -> float | None:
    """A gain cannot be larger than the scale."""
    return gain if gain < 1.0 else None

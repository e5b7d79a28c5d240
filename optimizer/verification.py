"""Does a keep stand? Measured again against its parent, on fresh seeds."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from optimizer.acceptance.evidence import Estimate, cells, estimate, within
from optimizer.acceptance.presets import WorkingSettings
from optimizer.acceptance.sizing import FEW_REPEATS
from optimizer.evaluation.base import Runner
from optimizer.gathering import rollout_seed, with_scores
from optimizer.records import Rollout, Task
from optimizer.workspace.workspace import Workspace

FRESH_REPEATS = 1_000_000
"""Repeat indices of a verification begin here: a campaign never gets so far, so no seed was used before."""


class Finding(StrEnum):
    """``stands``: the interval lies above zero. ``refuted``: it lies below. ``open``: it holds zero."""

    stands = "stands"
    refuted = "refuted"
    open = "open"


@dataclass(frozen=True, slots=True)
class Verification:
    """What measuring again found. ``believed`` is the search's shrunken estimate; effects are fractions of the score's
    scale."""

    finding: Finding
    believed: float | None
    estimate: Estimate
    rollouts: int

    @property
    def sentence(self) -> str:
        """The finding in words and numbers."""
        found = self.estimate
        words = {
            Finding.stands: "the keep stands: better than its parent",
            Finding.refuted: "the keep is refuted: worse than its parent",
            Finding.open: "not decided: the interval holds zero; more --repeats narrow it",
        }[self.finding]
        believed = "" if self.believed is None else f", believed then {100 * self.believed:+.1f}"
        return (
            f"{words}; {100 * found.raw:+.1f} points, 95% interval {100 * found.low:+.1f} to {100 * found.high:+.1f}"
            f"{believed}; better on {found.better} of {found.tasks} tasks, worse on {found.worse}; "
            f"{self.rollouts} fresh rollouts"
        )


def verify_trees(
    tree: str,
    parent: str,
    *,
    believed: float | None,
    repeats: int,
    attempt: int,
    tasks: Mapping[str, Task],
    seed: int,
    workspace: Workspace,
    runner: Runner,
    deadline: float,
    cancel: threading.Event,
) -> Verification:
    """Measure harness ``tree`` against ``parent``: ``repeats`` rollouts a task each, paired by seeds that no campaign
    uses. ``attempt`` picks among such seeds, so that a second verification is fresh again."""
    first = FRESH_REPEATS * (1 + attempt)
    wanted = [
        (tasks[task], rollout_seed(seed, task, first + repeat)) for repeat in range(repeats) for task in sorted(tasks)
    ]

    def scores(which: str) -> tuple[list[Rollout], dict[str, tuple[float, ...]]]:
        files = workspace.files(which)
        rollouts = runner.run(which, files, wanted, deadline=deadline, purpose="verify", cancel=cancel)
        return rollouts, with_scores({}, rollouts)

    ours, candidate = scores(tree)
    theirs, champion = scores(parent)
    settings = WorkingSettings()
    found = estimate(
        cells(candidate),
        cells(champion),
        noise=_noise(candidate, champion),
        prior_sd=settings.prior_sd,
        pseudo_tasks=settings.pseudo_tasks,
    )
    assert found is not None, "both sides were measured on the same tasks"
    finding = Finding.stands if found.low > 0 else Finding.refuted if found.high < 0 else Finding.open
    return Verification(finding, believed, found, len(ours) + len(theirs))


def _noise(candidate: Mapping[str, tuple[float, ...]], champion: Mapping[str, tuple[float, ...]]) -> float:
    """The variance of a rollout run again: as these rollouts show it where scores lie in between and enough of them
    were run again, else that of passes and fails with such means."""
    runs = (*candidate.values(), *champion.values())
    squares, degrees = within(runs)
    if degrees >= FEW_REPEATS and any(score not in (0.0, 1.0) for values in runs for score in values):
        return squares / degrees
    return sum(cell.mean * (1 - cell.mean) for cell in cells(champion).values()) / len(champion)

"""What a campaign is made from: what a person asked for, and what it came to once all was read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from optimizer.acceptance.presets import Preset
from optimizer.home import RUNS, Home
from optimizer.metric import Metric
from optimizer.settings import BudgetSettings, ExperimentSettings
from optimizer.suites.base import Suite
from optimizer.workspace.workspace import Workspace
from search_space.space import Space


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked for; None is "as the experiment says"."""

    experiment: Path = Path()
    name: str | None = None
    seed: int | None = None
    rollouts: int | None = None
    tokens: int | None = None
    usd: float | None = None
    minutes: float | None = None
    until: str | None = None
    workers: int | None = None
    model: str | None = None
    no_holdout: bool = False
    runs: Path = Path(RUNS)


@dataclass(frozen=True, slots=True)
class Planned:
    """A campaign, thought through but not begun: nothing on disk was changed.

    ``harness`` is relative to the repository; ``files`` are the shipped baseline's when the campaign makes a repository
    of its own. ``space_text`` is what declares the space: while a campaign lasts it may not change. A campaign that is
    not ``durable`` may lose its ledger with the power, and takes less time.
    """

    settings: ExperimentSettings
    folder: Path
    home: Home
    harness: str
    files: Mapping[str, bytes] | None
    suite: Suite
    space: Space
    space_text: bytes
    gate: Preset
    seed: int
    limits: BudgetSettings
    seconds: float | None
    no_holdout: bool
    resumes: bool
    program: str
    durable: bool = True

    @property
    def metric(self) -> Metric | None:
        """What the score is made of, where it is made of one metric."""
        return Metric.of(self.settings.model_dump())

    @property
    def start(self) -> tuple[str, Mapping[str, bytes]]:
        """The commit that the campaign goes on or begins from, empty when its repository is not made yet; and the
        harness there."""
        if self.files is not None and not self.resumes:
            return "", self.files
        workspace = Workspace.open(self.home.repository, self.harness, ref=self.home.ref)
        return workspace.base, workspace.files(workspace.tree(workspace.base))

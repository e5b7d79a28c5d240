"""``[suite]`` of kind ``command``: any command of any repository, timed, and the metric that comes of it."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from optimizer.metric import Metric
from optimizer.settings.base import Settings

Texts = Annotated[tuple[str, ...], Field(strict=False)]
Variables = Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], ...], Field(strict=False)]


class SeedSettings(Settings):
    """How many seeds each split has: a task of this suite is a seed."""

    search: Annotated[int, Field(ge=2, le=10_000)] = 8
    certify: Annotated[int, Field(ge=0, le=10_000)] = 8
    holdout: Annotated[int, Field(ge=0, le=10_000)] = 16


class CommandSuiteSettings(Settings):
    """A shell command in a fresh copy of the harness folder, and the metric that comes of it.

    ``command`` and ``evaluator`` may say ``{seed}``, ``{seconds}`` and (the evaluator) ``{output}``. With an
    ``evaluator``, only what that prints counts; it runs afterwards, elsewhere, among the ``pinned`` files alone.
    ``worst`` and ``best`` are the metric's range, which the score maps onto 0 to 1. ``seconds`` is what the command is
    told it has; what ends it is ``sandbox.rollout_timeout_s``. ``readable`` and ``devices`` are paths outside the
    harness that it may read, and device files that it may use; ``environment`` names variables that it gets.
    """

    kind: Literal["command"] = "command"
    command: Annotated[str, Field(min_length=1)]
    evaluator: str | None = None
    pinned: Texts = ()
    metric: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.@/-]*$")]
    direction: Literal["maximize", "minimize"]
    worst: float
    best: float
    seconds: Annotated[float, Field(gt=0, le=86_400)]
    seeds: SeedSettings = SeedSettings()
    deterministic: bool | None = None
    readable: Texts = ()
    devices: Texts = ()
    environment: Variables = ()
    threads: Annotated[int, Field(ge=0, le=1024)] = 1
    memory_mb: Annotated[int, Field(ge=64, le=16_000_000)] = 4096
    disk_mb: Annotated[int, Field(ge=1, le=16_000_000)] = 1024
    model: bool = False

    @property
    def scale(self) -> Metric:
        """The metric with its range."""
        return Metric(self.metric, self.worst, self.best)

    @model_validator(mode="after")
    def _range_in_its_direction(self) -> CommandSuiteSettings:
        if math.isclose(self.worst, self.best) or (self.best > self.worst) != (self.direction == "maximize"):
            way = "above" if self.direction == "maximize" else "below"
            raise ValueError(
                f"got worst = {self.worst:g} and best = {self.best:g} for a metric to {self.direction}, expected "
                f"'best' {way} 'worst': they are what the scores 0 and 1 mean"
            )
        if self.evaluator is not None and not self.pinned:
            raise ValueError(
                "got an evaluator without 'pinned' files, expected the patterns of those that it consists of, such as "
                '["evaluate.py"]: nothing else is there when it runs'
            )
        return self

"""``[suite]`` of kind ``replay``: recorded conversations as tasks; and ``[screen]``, replay before live rollouts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from optimizer.settings.base import Settings

Weight = Annotated[float, Field(ge=0, le=1000)]


class ReplayWeights(Settings):
    """What a transcript's score is made of, each in proportion to the sum: ``kept``, the share of at-risk steps that
    see all that they use, and ``cost``, how cheap sending it is."""

    kept: Weight = 0.7
    cost: Weight = 0.3

    @model_validator(mode="after")
    def _some(self) -> ReplayWeights:
        if self.kept + self.cost == 0:
            raise ValueError("expected a weight above 0: kept, cost, or both")
        return self


class ScreenSettings(Settings):
    """Which transcripts proposals are looked at by before a live experiment; none: there is no such look.

    For each experiment up to ``candidates`` proposals are drawn, rendered on ``sample`` transcripts that do not fit in
    ``context_tokens``, and the best is run. Paths, ``context_tokens`` and ``weights`` are as in a replay suite.
    """

    transcripts: Annotated[tuple[str, ...], Field(strict=False)] = ()
    candidates: Annotated[int, Field(ge=2, le=10_000)] = 8
    sample: Annotated[int, Field(ge=1, le=100_000)] = 60
    context_tokens: Annotated[int, Field(ge=100)] | None = None
    weights: ReplayWeights = ReplayWeights()


class ReplaySuiteSettings(Settings):
    """``transcripts`` are files or folders, relative to ``experiment.toml``, imported or not. ``context_tokens`` is
    what is sent at most, whatever the harness says; half of what the median transcript sends at its last step when not
    given. ``hold_out`` says what no two splits share: a workload, or only a transcript."""

    kind: Literal["replay"] = "replay"
    transcripts: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    context_tokens: Annotated[int, Field(ge=100)] | None = None
    hold_out: Literal["workload", "transcript"] = "workload"
    weights: ReplayWeights = ReplayWeights()

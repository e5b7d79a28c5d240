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


class ReplaySuiteSettings(Settings):
    """``transcripts`` are files or folders, relative to ``experiment.toml``, imported or not. ``context_tokens`` is
    what is sent at most, whatever the harness says; half of what the median transcript sends at its last step when not
    given. ``hold_out`` says what no two splits share: a workload, or only a transcript."""

    kind: Literal["replay"] = "replay"
    transcripts: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    context_tokens: Annotated[int, Field(ge=100)] | None = None
    hold_out: Literal["workload", "transcript"] = "workload"
    weights: ReplayWeights = ReplayWeights()

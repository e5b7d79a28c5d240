"""The gate's sizes: two presets, each a frozen value with the range of every number beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


def _within(settings: object, name: str, low: float, high: float) -> None:
    value = getattr(settings, name)
    whole = {field.name for field in fields(settings) if field.type == "int"}  # type: ignore[arg-type]
    if name in whole and not isinstance(value, int):
        raise ValueError(f"{name}: got {value!r}, expected a whole number")
    if not low <= value <= high:
        raise ValueError(f"{name}: got {value!r}, expected {low:g} to {high:g}")


@dataclass(frozen=True, slots=True)
class WorkingSettings:
    """Tier 1: when a candidate becomes the working champion. Effects are fractions of the score's scale of 0 to 1.

    first_look      candidate rollouts before the first look, 1 to 1000
    look_every      candidate rollouts between looks, 1 to 1000
    max_passes      most rollouts of a candidate on one task, 1 to 100
    min_champion    champion's rollouts on a task before that task is compared, 1 to 100
    growth          champion rollouts bought per candidate rollout, 0 to 1
    max_champion    the champion's pool grows no further than this on a task, min_champion to 1000
    pseudo_tasks    weight of the small-sample guard in tasks, 0 to 100
    prior_mean      mean of the prior on an edit's true effect, -1 to 1: most edits do nothing, more harm than help
    prior_sd        its standard deviation, above 0 up to 1
    pooled          share of that variance which belongs to the edit's options, wherever they come up, 0 to 1; the rest
                    is the edit's own
    keep_at         keep when P(effect > 0) reaches this, above 0.5 and below 1
    discard_at      discard when P(effect > 0) falls to this, above 0 and below keep_at
    min_rollouts    candidate rollouts (or all tasks, when those are fewer) before a keep, 1 to 10000
    min_gain        least shrunken effect that is kept, 0 to 1
    simpler_margin  a simplification may be worse by this, where tie-breaks are asked for, 0 to 1
    deterministic   whether the same harness always scores the same on a task
    """

    first_look: int = 10
    look_every: int = 10
    max_passes: int = 3
    min_champion: int = 3
    growth: float = 0.1
    max_champion: int = 10
    pseudo_tasks: float = 10.0
    prior_mean: float = -0.01
    prior_sd: float = 0.04
    pooled: float = 0.75
    keep_at: float = 0.85
    discard_at: float = 0.42
    min_rollouts: int = 60
    min_gain: float = 0.0
    simpler_margin: float = 0.03
    deterministic: bool = False

    def __post_init__(self) -> None:
        _within(self, "first_look", 1, 1000)
        _within(self, "look_every", 1, 1000)
        _within(self, "max_passes", 1, 100)
        _within(self, "min_champion", 1, 100)
        _within(self, "growth", 0, 1)
        _within(self, "max_champion", self.min_champion, 1000)
        _within(self, "pseudo_tasks", 0, 100)
        _within(self, "prior_mean", -1, 1)
        _within(self, "prior_sd", 1e-6, 1)
        _within(self, "pooled", 0, 1)
        _within(self, "keep_at", 0.5, 1 - 1e-9)
        _within(self, "discard_at", 1e-9, self.keep_at)
        _within(self, "min_rollouts", 1, 10_000)
        _within(self, "min_gain", 0, 1)
        _within(self, "simpler_margin", 0, 1)


@dataclass(frozen=True, slots=True)
class ExamSettings:
    """Tier 2: when the working champion becomes a certified one.

    alpha           chance that a campaign certifies something that is no better, over all its exams, above 0 up to 0.5
    planned         exams among which alpha is shared out; no more are held, 1 to 100
    hope_shares     the ratio is taken against these shares of the gain hoped for, each above 0 up to 2
    min_hope        a hoped-for gain smaller than this is taken as this, above 0 up to 1
    min_repeats     rollouts per task and side before the first verdict, 1 to 1000
    max_repeats     most rollouts per task and side, min_repeats to 1000; 1 for a deterministic suite
    fail_log_ratio  a log-likelihood ratio at or below this is a clear failure, -100 to below 0
    threshold       shrunken gains since the last certificate that call for an exam, above 0 up to 1
    pseudo_tasks    weight of the small-sample guard in tasks, 0 to 100
    """

    alpha: float = 0.05
    planned: int = 2
    hope_shares: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0)
    min_hope: float = 0.02
    min_repeats: int = 2
    max_repeats: int = 60
    fail_log_ratio: float = -3.0
    threshold: float = 0.15
    pseudo_tasks: float = 10.0

    def __post_init__(self) -> None:
        _within(self, "alpha", 1e-9, 0.5)
        _within(self, "planned", 1, 100)
        if not self.hope_shares or not all(0 < share <= 2 for share in self.hope_shares):
            raise ValueError(f"hope_shares: got {self.hope_shares!r}, expected numbers above 0 up to 2")
        _within(self, "min_hope", 1e-6, 1)
        _within(self, "min_repeats", 1, 1000)
        _within(self, "max_repeats", self.min_repeats, 1000)
        _within(self, "fail_log_ratio", -100, -1e-9)
        _within(self, "threshold", 1e-9, 1)
        _within(self, "pseudo_tasks", 0, 100)

    @property
    def alpha_each(self) -> float:
        """The share of ``alpha`` that one exam may spend (Bonferroni: the shares add up to ``alpha``)."""
        return self.alpha / self.planned


@dataclass(frozen=True, slots=True)
class PruningSettings:
    """After the search: which of its changes stay. Effects are fractions of the score's scale of 0 to 1.

    least       a change pays when its effect is more than this, 0 to 1: the size under which nobody could see it
    out_at      surely does not pay, and is not run again, at P(effect > least) of this or less, 0 to below stay_at
    sure_at     surely pays, and stays in every variant, at this or more, stay_at to 1
    stay_at     at the end stays what pays with this probability, above 0.5 up to 1
    most_lost   of the gain that the whole is believed to have, no more than this share is given up for changes that may
                well pay but are not sure to, 0 to 1
    rollouts    rollouts of a variant, each on another task, 1 to 1000
    variants    variants in a round, 2 to 1000, an even number: each with the one that has what it lacks

    Found on the problem ``scarce`` of the bench (20,000 rollouts, a fifth of them for pruning): over 13 campaigns
    ``stay_at`` of 0.85, 0.9, 0.92 and 0.95 left 28%, 18%, 16% and 13% of null or harmful changes and 93%, 90%, 89% and
    87% of the gain, with ``most_lost`` at 0.2; at 0.05 and 0.5 it was 26% and 14% of such changes, 90% and 85% of the
    gain (with 0.92). On ten fresh seeds 0.92 left 21% and 90% of the gain, on ten others 0.94 left 25% and 81%: the
    seeds differ by more than the settings.
    """

    least: float = 0.004
    out_at: float = 0.05
    sure_at: float = 0.99
    stay_at: float = 0.92
    most_lost: float = 0.2
    rollouts: int = 10
    variants: int = 4

    def __post_init__(self) -> None:
        _within(self, "least", 0, 1)
        _within(self, "stay_at", 0.5, 1)
        _within(self, "out_at", 0, self.stay_at)
        _within(self, "sure_at", self.stay_at, 1)
        _within(self, "most_lost", 0, 1)
        _within(self, "rollouts", 1, 1000)
        _within(self, "variants", 2, 1000)
        if self.variants % 2:
            raise ValueError(f"variants: got {self.variants}, expected an even number")


@dataclass(frozen=True, slots=True)
class Preset:
    """A whole gate."""

    working: WorkingSettings
    exam: ExamSettings
    pruning: PruningSettings = PruningSettings()


FAST = Preset(WorkingSettings(), ExamSettings())
CAREFUL = Preset(WorkingSettings(keep_at=0.95, max_passes=8, min_champion=6, min_gain=0.015), ExamSettings())
PRESETS: Mapping[str, Preset] = {"fast": FAST, "careful": CAREFUL}

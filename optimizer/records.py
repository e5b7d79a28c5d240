"""Frozen records that travel between the parts: Proposal, Variant, Rollout, Evaluation, Decision, Lesson."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from search_space.edits import Edit
from search_space.space import Assignment


class Split(StrEnum):
    """Which tasks. The first tier sees only ``search``, an exam only ``certify``, a report may look at ``holdout``."""

    search = "search"
    certify = "certify"
    holdout = "holdout"


class Verdict(StrEnum):
    """What became of a proposal."""

    keep = "keep"
    discard = "discard"
    crash = "crash"
    timeout = "timeout"
    checks_failed = "checks_failed"
    invalid = "invalid"
    over_budget = "over_budget"

    @property
    def told(self) -> str:
        """As a sentence tells it."""
        return _TOLD[self]


_TOLD = {
    Verdict.keep: "kept",
    Verdict.discard: "discarded",
    Verdict.crash: "crashed",
    Verdict.timeout: "ran out of time",
    Verdict.checks_failed: "failed the checks",
    Verdict.invalid: "not a valid edit",
    Verdict.over_budget: "cut short by the budget",
}


class Status(StrEnum):
    """How a rollout ended. Anything but ``ok`` scores 0."""

    ok = "ok"
    crash = "crash"
    timeout = "timeout"


@dataclass(frozen=True, slots=True)
class Task:
    """One task as the agent may see it; the truth stays with the suite."""

    id: str
    split: Split
    prompt: str


@dataclass(frozen=True, slots=True)
class Spend:
    """What something cost. Tokens as the model counts them; ``seconds`` is wall time summed over rollouts.

    ``input_tokens`` are those neither read from nor written to the prompt cache. ``cache_write_1h_tokens`` are those of
    ``cache_write_tokens`` that were written to live for an hour. ``cache_missed_tokens`` are input or write tokens as
    well: a prefix that an earlier call of the same rollout had in the cache, and that a later call had to send again.
    ``usd_uncached`` is what the same tokens would have cost without a prompt cache, 0 where no price is known.
    ``usd_input``, ``usd_cache_write`` and ``usd_cache_read`` are those parts of ``usd``, output is the rest;
    ``usd_cache_missed`` is what the missed tokens cost, a part of the first two.
    ``unpriced_calls`` are those of ``calls`` that are billed at a price that is not known: ``usd`` lacks them.
    """

    rollouts: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    cache_write_1h_tokens: int = 0
    cache_missed_tokens: int = 0
    usd_uncached: float = 0.0
    unpriced_calls: int = 0
    usd_input: float = 0.0
    usd_cache_write: float = 0.0
    usd_cache_read: float = 0.0
    usd_cache_missed: float = 0.0

    @property
    def tokens(self) -> int:
        """Input, output, cache reads and cache writes together."""
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def known_usd(self) -> float | None:
        """Dollars; None when the price of some calls is not known."""
        return None if self.unpriced_calls else self.usd

    @property
    def billed_tokens(self) -> float:
        """Tokens in units of one uncached input token: reads 0.1, writes 1.25 (2 for an hour), output 5.

        The ratios of Anthropic's published prices (prompt caching: 5-minute writes 1.25, one-hour writes 2 and reads
        0.1 times the base input price, for every model; output 5 times, for the Claude models sold in 2025 and 2026).
        """
        short = self.cache_write_tokens - self.cache_write_1h_tokens
        written = 1.25 * short + 2.0 * self.cache_write_1h_tokens
        return self.input_tokens + written + 0.1 * self.cache_read_tokens + 5.0 * self.output_tokens

    def __add__(self, other: Spend) -> Spend:
        return Spend(
            self.rollouts + other.rollouts,
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.usd + other.usd,
            self.seconds + other.seconds,
            self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            self.cache_missed_tokens + other.cache_missed_tokens,
            self.usd_uncached + other.usd_uncached,
            self.unpriced_calls + other.unpriced_calls,
            self.usd_input + other.usd_input,
            self.usd_cache_write + other.usd_cache_write,
            self.usd_cache_read + other.usd_cache_read,
            self.usd_cache_missed + other.usd_cache_missed,
        )


@dataclass(frozen=True, slots=True)
class RolloutKey:
    """Names a rollout for good: the same key is never evaluated twice. ``tree`` is the variant's git tree."""

    tree: str
    suite: str
    task: str
    seed: int


@dataclass(frozen=True, slots=True)
class Rollout:
    """One run of one harness on one task with one seed. ``score`` is in [0, 1]."""

    key: RolloutKey
    status: Status
    score: float
    reason: str = ""
    answer: str | None = None
    steps: int = 0
    spend: Spend = field(default_factory=Spend)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One edit to the champion and the idea behind it. ``changes`` names the dimensions it sets, empty for a free edit;
    ``expected_effect`` is in score points as a fraction (0.05 is five points), None when the proposer has no opinion.

    ``source`` names what the proposal was made from (``human:sha256:...``) where a proposer offers each source once.
    ``problem`` says why it cannot be tried, when the source is unusable: it is recorded as ``invalid`` for that reason,
    and its edit changes nothing. ``words`` is the edit in the words of the space, which the campaign adds.
    ``predicted`` is the effect, as a fraction, that a cheap look predicted before it was chosen among ``drawn``
    proposals; None where there was no such look, or it was silent.
    """

    edit: Edit
    hypothesis: str
    proposer: str
    changes: Assignment = field(default_factory=dict)
    expected_effect: float | None = None
    source: str = ""
    problem: str = ""
    words: str = ""
    predicted: float | None = None
    drawn: int = 1

    @property
    def what(self) -> str:
        """The edit in plain words: in those of the space where there are some (``words``), else in its own."""
        return self.words or self.edit.describe()


@dataclass(frozen=True, slots=True)
class Variant:
    """Champion plus edit: the harness's git tree, its files, and its diff against the champion."""

    tree: str
    files: Mapping[str, bytes]
    diff: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Paired evidence on one proposal. Scores and costs of single rollouts by task, in the order of repeats; ``spend``
    is what all of them cost together."""

    candidate: Mapping[str, tuple[float, ...]]
    champion: Mapping[str, tuple[float, ...]]
    spend: Spend = field(default_factory=Spend)
    candidate_costs: Mapping[str, tuple[Spend, ...]] = field(default_factory=dict)
    champion_costs: Mapping[str, tuple[Spend, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate says and why. ``effect`` is the shrunken estimate and ``raw_effect`` the plain one, both in score
    points as fractions; ``low`` to ``high`` is the 95% interval of the plain one; ``posterior`` is P(effect > 0).
    ``refused`` names the metric of the constraint for which a variant was discarded, empty when there is none.

    ``reason`` is what the figures do not say: why it was discarded, or what did not come to figures. ``chance`` is an
    upper bound on the probability that an edit without effect is kept on such evidence, None where it was not taken.
    ``simplification`` marks a keep for being simpler and not worse; ``conceded`` is the loss that its evidence does
    not rule out, as a fraction. ``sd`` is the standard deviation of what is believed of ``effect``."""

    verdict: Verdict
    reason: str
    effect: float | None = None
    raw_effect: float | None = None
    low: float | None = None
    high: float | None = None
    posterior: float | None = None
    rollouts: int = 0
    better: int = 0
    worse: int = 0
    tasks: int = 0
    refused: str = ""
    chance: float | None = None
    simplification: bool = False
    conceded: float = 0.0
    sd: float | None = None


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one experiment taught, in one sentence, about named dimensions."""

    experiment: int
    text: str
    changes: Assignment
    verdict: Verdict
    effect: float | None

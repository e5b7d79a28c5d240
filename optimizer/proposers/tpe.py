"""Optuna's tree-structured Parzen estimator, asked for edits to the champion.

TPE models where in the space the better half of the past lies and where the rest (Bergstra et al. 2011, "Algorithms for
hyper-parameter optimization", section 4; Watanabe 2023, arXiv 2304.11127). It would rebuild a whole harness each time;
here it may move one to three dimensions of the champion: a few dimensions are drawn, the sampler says jointly what
they should be, and those where it disagrees with the champion are the edit.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optimizer.proposers.base import Past, Situation
from optimizer.proposers.draws import (
    Tried,
    begins_with,
    drawn,
    finish,
    movable,
    same_value,
    seeded,
    shuffled_by_kind,
    size,
    tidy,
)
from optimizer.records import Proposal, Verdict
from search_space.domains import Choice, Domain, IntRange
from search_space.space import Assignment, Scalar, Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial

BLOCK = 64
"""The study starts afresh every so many experiments, which bounds its size and so the time of an ask."""

BEST, RECENT = 24, 56
"""What a fresh study takes over: the best and the most recent experiments of all before."""

FEW = 16
"""Whole numbers of more values than this are modelled as real ones and rounded: the mass that each kernel puts on each
of thousands of values takes Optuna longer than all else that an experiment needs."""

STUDY = "past"

WORST = -1.0
"""The value of a variant that crashed, or that a constraint refuses: below any other; TPE looks at the order of values
only."""


@dataclass(slots=True)
class TPEProposer:
    """Edits where TPE disagrees with the champion. The same situation gives the same proposal, with a fresh object too;
    what is kept between asks is only the study of the past, so as not to build it again.

    ``startup`` is the number of measured experiments before TPE is asked at all (random edits until then), ``together``
    how many dimensions it is asked about at once, ``attempts`` how often to ask before drawing at random.
    """

    startup: int = 10
    together: int = 4
    attempts: int = 3
    name: str = "tpe"
    _tried: Tried = field(default_factory=Tried, repr=False, compare=False)
    _built: _Built | None = field(default=None, repr=False, compare=False)

    def propose(self, situation: Situation) -> Proposal | None:
        """One proposal, None when no untried edit was found."""
        names = movable(situation.space, situation.assignment)
        if not names:
            return None
        rng = seeded(situation, self.name)
        study = self._study(situation)
        self._tried.update(situation.history)
        for _ in range(self.attempts):
            changes = self._ask(study, situation, names, rng)
            if changes and (proposal := finish(situation, changes, self._tried, self.name)):
                return proposal
        return self._fallback(situation, names, rng)

    def _ask(self, study: Study, situation: Situation, names: Sequence[str], rng: random.Random) -> dict[str, Scalar]:
        """Where the sampler disagrees with the champion, on a few dimensions; at most three changes."""
        most = rng.choices((1, 2, 3), weights=(6, 3, 1))[0]
        chosen = shuffled_by_kind(names, rng)[: self.together]
        seed = rng.getrandbits(32)
        space, now = situation.space, situation.assignment
        asked = _sample(study, space, chosen, startup=self.startup, seed=seed)
        moved = [
            name
            for name in chosen
            if name in asked
            and not same_value(asked[name], now.get(name))
            and space.allowed(name, now).contains(asked[name])
        ]
        picked = {name: asked[name] for name in moved[:most]}
        below = self._below(study, situation, picked, seed + 1) if rng.random() < 0.5 else {}
        return {**picked, **below}

    def _below(self, study: Study, situation: Situation, picked: Assignment, seed: int) -> Mapping[str, Scalar]:
        """Values for the dimensions that the picked ones switch on; without them they take their defaults."""
        space, now = situation.space, situation.assignment
        switched_on = [name for name in space.active({**now, **picked}) if name not in now]
        return _sample(study, space, switched_on, startup=self.startup, seed=seed) if switched_on else {}

    def _fallback(self, situation: Situation, names: Sequence[str], rng: random.Random) -> Proposal | None:
        """A random edit: at the start, and when TPE only repeats the champion or the past."""
        for attempt in range(60):
            chosen = shuffled_by_kind(names, rng)[: 1 + attempt // 20]
            if proposal := finish(situation, drawn(situation, chosen, rng), self._tried, self.name):
                return proposal
        return None

    def _study(self, situation: Situation) -> Study:
        history, space = situation.history, situation.space
        built = self._built
        if built is None or not built.continues(history, space):
            built = self._built = _Built(space, history)
        built.add(history)
        return built.study


class _Built:
    """A study of the past, grown as the past grows."""

    def __init__(self, space: Space, history: Sequence[Past]) -> None:
        self.space = space
        self.block = len(history) // BLOCK
        self.seen: list[Past] = list(history[: self.block * BLOCK])
        self.storage, self.study = _empty_study()
        for past in _worth_keeping(self.seen):
            self._add(past)

    def continues(self, history: Sequence[Past], space: Space) -> bool:
        """Whether ``history`` only adds to what is in the study, within its block."""
        return space is self.space and len(history) // BLOCK == self.block and begins_with(history, self.seen)

    def add(self, history: Sequence[Past]) -> None:
        """Adds what is new in ``history``."""
        for past in history[len(self.seen) :]:
            self.seen.append(past)
            if _value(past) is not None:
                self._add(past)
        # A study remembers the trials that it last looked at; one that is opened anew sees those added since, too.
        self.study = _opened(self.storage)

    def _add(self, past: Past) -> None:
        trial = _trial(self.space, past)
        if trial is not None:
            self.study.add_trial(trial)


def _worth_keeping(history: Sequence[Past]) -> list[Past]:
    """The best and the latest of the measured experiments, in their order."""
    measured = [(value, place) for place, past in enumerate(history) if (value := _value(past)) is not None]
    best = sorted(measured, key=lambda entry: (-entry[0], -entry[1]))[:BEST]
    recent = measured[-RECENT:]
    return [history[place] for place in sorted({place for _, place in [*best, *recent]})]


def _value(past: Past) -> float | None:
    return WORST if past.refused or past.verdict in (Verdict.crash, Verdict.timeout) else past.value


def _trial(space: Space, past: Past) -> FrozenTrial | None:
    from optuna.trial import create_trial

    known = set(space.names)
    inside = {
        name: value for name, value in past.assignment.items() if name in known and space.domain(name).contains(value)
    }
    if not inside:
        return None
    distributions = {name: _distribution(space.domain(name)) for name in inside}
    return create_trial(value=_value(past), params=inside, distributions=distributions)


def _sample(study: Study, space: Space, names: Sequence[str], *, startup: int, seed: int) -> Mapping[str, Scalar]:
    """What a fresh, seeded sampler says about ``names``, jointly; nothing before ``startup`` experiments."""
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState, create_trial

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = TPESampler(seed=seed, n_startup_trials=startup, multivariate=True, constant_liar=False)
        asking = create_trial(state=TrialState.RUNNING)
        asked = sampler.sample_relative(study, asking, {name: _distribution(space.domain(name)) for name in names})
    return {name: tidy(space.domain(name), value) for name, value in asked.items()}


def _distribution(domain: Domain) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(domain, Choice):
        return CategoricalDistribution(domain.values)
    if isinstance(domain, IntRange):
        if size(domain) <= FEW:
            return IntDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
        half = 0.5 * domain.step
        return FloatDistribution(domain.low - half, domain.high + half, log=domain.log)
    return FloatDistribution(domain.low, domain.high, log=domain.log)


def _empty_study() -> tuple[BaseStorage, Study]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.InMemoryStorage()
    return storage, optuna.create_study(storage=storage, study_name=STUDY, direction="maximize")


def _opened(storage: BaseStorage) -> Study:
    import optuna

    return optuna.load_study(storage=storage, study_name=STUDY)

"""Candidate against champion: the plain difference, and what all the evidence makes of it."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.comparison import is_own, measure, priors
from optimizer.acceptance.evidence import Estimate
from optimizer.acceptance.pool import Pool, seen
from optimizer.acceptance.presets import FAST
from optimizer.acceptance.working import look, plan, settle, shuffled
from optimizer.records import Decision, Evaluation, Verdict

SETTINGS = FAST.working
EXACT = replace(SETTINGS, deterministic=True, min_champion=1, max_passes=1, growth=0.0, pseudo_tasks=0.0)
TASKS = ("a", "b", "c", "d", "e")
Scores = dict[str, tuple[float, ...]]
SCORES = st.dictionaries(st.sampled_from(TASKS), st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=4).map(tuple))
KEEP, DISCARD = Decision(Verdict.keep, ""), Decision(Verdict.discard, "")


def known() -> Pool:
    """A champion with two edits, one of which was measured together with an option that is out again."""
    pool = Pool().absorb(dict.fromkeys(TASKS, (0.0, 1.0, 1.0)))
    for number, (option, decision) in enumerate((("p=1", KEEP), ("p=2", KEEP), ("q=1", DISCARD))):
        inherited = [term for term in pool.terms if term[:2] != option[:2]]
        pool = pool.meets((*inherited, option, f"edit:{number}"))
        scores = {task: (float((number + place) % 3 > 0), 1.0) for place, task in enumerate(TASKS[: 4 - number % 2])}
        pool = settle(pool, Evaluation(scores, {}), decision, SETTINGS).written()
    return pool


POOL = known()
CANDIDATES = st.sampled_from(
    [(*POOL.terms, "edit:9"), (*POOL.terms, "q=1", "edit:9"), (*POOL.terms[1:], "p=1", "edit:9")]
)


@given(SCORES, SCORES, CANDIDATES)
def test_what_is_believed_is_the_whole_posteriors(champion: Scores, candidate: Scores, terms: tuple[str, ...]) -> None:
    """The few figures that a look needs are cut out of all that is known, and come to the same."""
    pool = POOL.meets(terms)
    found = measure(pool, Evaluation(candidate, champion), SETTINGS)
    if found is None:
        assert not any(candidate.values())
        return
    met = {task: scores for task, scores in candidate.items() if scores}
    assert found.tasks == len(met), "all tasks are known well enough"
    new = {name: (mean, sd) for name, (mean, sd) in priors(pool, SETTINGS, found.odd).items()}
    fresh = {task: scores for task, scores in champion.items() if task in met}
    both = [seen(pool.terms, fresh), seen(terms, met, uneven=found.uneven)]
    mean, sd = pool.effects.with_terms(new).absorb(both).gain(terms, over=pool.terms)
    assert found.shrunken == pytest.approx(mean, abs=1e-7)
    assert found.sd == pytest.approx(sd, rel=1e-5)
    assert found.posterior == pytest.approx(0.5 * math.erfc(-mean / sd / math.sqrt(2)), abs=1e-5)
    assert found.low <= found.raw <= found.high and found.better + found.worse <= found.tasks


@given(SCORES, CANDIDATES)
def test_what_is_settled_is_what_was_decided_on(candidate: Scores, terms: tuple[str, ...]) -> None:
    """A keep is believed afterwards to gain what the decision said; run once, it tells nothing new of the noise."""
    pool = POOL.meets(terms)
    evaluation = Evaluation({task: scores[:1] for task, scores in candidate.items()}, {"a": (1.0,), "e": (0.0,)})
    found = measure(pool, evaluation, SETTINGS)
    if found is not None:
        for decision in (KEEP, DISCARD):
            after = settle(pool, evaluation, decision, SETTINGS)
            assert after.noise == pool.noise
            gain = after.effects.gain(terms, over=pool.terms)[0] if decision is KEEP else None
            assert gain is None or gain == pytest.approx(found.shrunken, abs=2e-3)


def test_a_new_edits_variance_is_shared_by_its_options_and_itself() -> None:
    mean, sd, pooled = SETTINGS.prior_mean, SETTINGS.prior_sd, SETTINGS.pooled
    both = priors(Pool().meets(("p=1", "edit:1")), SETTINGS)
    assert both["p=1"] == [mean, pytest.approx(sd * math.sqrt(pooled))]
    assert both["edit:1"] == [0.0, pytest.approx(sd * math.sqrt(1 - pooled))]
    assert sum(s**2 for _, s in both.values()) == pytest.approx(sd**2) and sum(m for m, _ in both.values()) == mean
    assert priors(Pool().meets(("edit:1",)), SETTINGS) == {"edit:1": [mean, sd]}, "without options it is all its own"
    assert priors(Pool(), SETTINGS) == {"edit:1": [mean, sd]}
    assert priors(POOL.meets((*POOL.terms, "q=1", "edit:9")), SETTINGS).keys() == {"edit:9"}, "met before"


def test_an_option_whose_name_begins_like_an_edit_is_an_option() -> None:
    assert is_own("edit:12") and not is_own("edit:style=2") and not is_own("editor.kind=vi") and not is_own("p=edit:1")


def estimated(pool: Pool, candidate: Scores, champion: Scores | None = None, *, exact: bool = False) -> Estimate:
    found = measure(pool, Evaluation(candidate, champion or {}), EXACT if exact else SETTINGS)
    assert found is not None
    return found


def test_tasks_of_which_too_little_is_known_are_not_compared() -> None:
    pool = Pool().absorb({"a": (1.0, 0.0), "b": (1.0, 0.0, 1.0)})
    candidate: Scores = {"a": (1.0,), "b": (1.0,), "c": (1.0,)}
    assert estimated(pool, candidate).tasks == 1
    assert estimated(pool, candidate, {"a": (1.0,)}).tasks == 2
    assert measure(pool, Evaluation({"c": (1.0,)}, {}), SETTINGS) is None
    assert measure(pool, Evaluation({"a": ()}, {"a": (1.0,)}), SETTINGS) is None
    assert measure(Pool(), Evaluation(candidate, {}), SETTINGS) is None, "no rollouts of a champion at all"


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
def test_where_all_scores_are_equal_there_is_no_gain(score: float) -> None:
    pool = Pool().absorb(dict.fromkeys(TASKS, (score,) * 3))
    for _ in range(3):
        found = estimated(pool, dict.fromkeys(TASKS, (score,) * 3))
        assert found.better == found.worse == 0 and found.uneven == 0.0
        assert found.shrunken < 0.005 and found.posterior < 0.6
        pool = settle(pool, Evaluation(dict.fromkeys(TASKS, (score,) * 3), {}), DISCARD, SETTINGS)


@pytest.mark.parametrize("exact", [False, True])
def test_one_task_is_judged_by_what_is_believed(exact: bool) -> None:
    pool = Pool().absorb({"a": (0.0,) * 3}, exact=exact)
    found = estimated(pool, {"a": (1.0,)}, exact=exact)
    assert found.tasks == 1 and found.uneven == 0.0 and math.isfinite(found.shrunken)
    assert SETTINGS.prior_mean < found.shrunken <= found.raw
    assert (found.shrunken == pytest.approx(1.0, abs=1e-3)) == exact, "one rollout against three says little"


def test_without_noise_the_difference_is_exact_and_a_tie_is_a_tie() -> None:
    scores: Scores = {f"t{n}": (float(n % 2),) for n in range(20)}
    pool = Pool().absorb(scores, exact=True)
    assert pool.noise == 0.0
    same = estimated(pool, scores, exact=True)
    assert (same.raw, same.se, same.shrunken, same.posterior, same.uneven) == (0.0, 0.0, 0.0, 0.5, 0.0)
    flipped = estimated(pool, {**scores, "t0": (1.0,)}, exact=True)
    assert flipped.raw == pytest.approx(0.05) and flipped.better == 1 and flipped.worse == 0
    assert flipped.uneven == pytest.approx(statistics.variance([1.0] + 19 * [0.0]))
    assert 0 < flipped.shrunken < flipped.raw


def test_an_edit_that_moves_few_tasks_much_is_less_sure_than_one_that_moves_all_alike() -> None:
    tasks = [f"t{n}" for n in range(40)]
    pool = Pool().absorb(dict.fromkeys(tasks, (0.4, 0.5, 0.6) * 3))
    even = estimated(pool, dict.fromkeys(tasks, (0.55,) * 3))
    few = estimated(pool, {task: (1.0 if n < 4 else 0.5,) * 3 for n, task in enumerate(tasks)})
    assert even.raw == pytest.approx(few.raw, abs=1e-9)
    assert few.uneven > 0.01 > even.uneven
    assert few.se > even.se and few.sd > even.sd and few.posterior < even.posterior


def test_what_is_known_of_an_option_is_met_again() -> None:
    tasks = [f"t{n}" for n in range(30)]
    pool = Pool().absorb(dict.fromkeys(tasks, (0.0, 1.0, 1.0, 0.0)))
    good: Scores = {task: (1.0, float(n % 4 > 0)) for n, task in enumerate(tasks)}
    taught = settle(pool.meets(("p=1", "edit:1")), Evaluation(good, {}), DISCARD, SETTINGS)
    even: Scores = {task: (float(n % 2),) for n, task in enumerate(tasks)}
    again, other = (estimated(taught.meets((option, "edit:2")), even) for option in ("p=1", "p=2"))
    assert again.raw == pytest.approx(other.raw) and again.shrunken > other.shrunken + 0.01


class Stream:
    """Edits with effects drawn from the gate's prior, one after the other, on tasks that pass by chance."""

    def __init__(self, seed: int, tasks: int) -> None:
        self.rng = random.Random(seed)
        self.champion = {f"t{n}": self.rng.uniform(0.25, 0.75) for n in range(tasks)}
        self.names, self.pool, self.seed = tuple(self.champion), Pool(), seed

    def step(self, number: int) -> tuple[Decision, float]:
        """An edit, decided and settled, and its true effect."""
        effect = self.rng.gauss(SETTINGS.prior_mean, SETTINGS.prior_sd)
        candidate = {task: min(1.0, max(0.0, rate + effect)) for task, rate in self.champion.items()}
        true = statistics.mean(candidate[task] - self.champion[task] for task in self.names)
        pool = self.pool.meets((*self.pool.terms, f"edit:{number}"))
        order = shuffled(self.names, candidate=str(number), seed=self.seed)
        evaluation, decision = Evaluation({}, {}), None
        while decision is None:
            ask = plan(pool, evaluation, SETTINGS, order)
            evaluation = Evaluation(
                self._run(evaluation.candidate, candidate, ask.candidate),
                self._run(evaluation.champion, self.champion, ask.champion),
            )
            decision = look(pool, evaluation, SETTINGS, order, last=not ask)
        self.pool = settle(pool, evaluation, decision, SETTINGS).written()
        if decision.verdict is Verdict.keep:
            self.champion = candidate
        return decision, true

    def _run(
        self, had: Mapping[str, tuple[float, ...]], rates: Mapping[str, float], wanted: tuple[tuple[str, int], ...]
    ) -> Scores:
        scores = dict(had)
        for task, _ in wanted:
            scores[task] = (*scores.get(task, ()), float(self.rng.random() < rates[task]))
        return scores


def test_what_streams_of_edits_are_believed_to_gain_is_what_they_gain() -> None:
    """However often one looks and whatever is kept: of the 90% intervals about 90% hold, what is believed better with
    probability P is better with about P, and the believed effects of the keeps add up to the true ones."""
    inside, sure, better, gaps = [], [], [], []
    for seed in range(12):
        stream, true = Stream(seed, 25), 0.0
        for number in range(40):
            decision, effect = stream.step(number)
            assert decision.effect is not None and decision.sd is not None and decision.posterior is not None
            inside.append(abs(decision.effect - effect) <= 1.645 * decision.sd)
            sure.append(decision.posterior)
            better.append(effect > 0)
            if decision.verdict is Verdict.keep:
                true += effect
        gaps.append(stream.pool.gained - true)
    assert statistics.mean(inside) == pytest.approx(0.9, abs=0.05)
    assert statistics.mean(better) == pytest.approx(statistics.mean(sure), abs=0.07)
    print(
        statistics.mean(inside),
        statistics.mean(better),
        statistics.mean(sure),
        statistics.mean(gaps),
        statistics.stdev(gaps),
    )
    assert abs(statistics.mean(gaps)) < 3 * statistics.stdev(gaps) / math.sqrt(len(gaps))

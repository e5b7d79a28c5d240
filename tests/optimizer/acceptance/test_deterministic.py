"""A deterministic suite: nothing is run twice, and every comparison is of what the harnesses really score."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.evidence import Cell
from optimizer.acceptance.exam import Outcome, first_repeat_of, look_exam, plan_exam
from optimizer.acceptance.pool import Pool
from optimizer.acceptance.presets import FAST
from optimizer.acceptance.sizing import Sizes, for_deterministic
from optimizer.acceptance.working import look, plan, settle, shuffled
from optimizer.records import Evaluation, Verdict

PRESET = for_deterministic(Sizes(FAST, 2)).preset


def passed(harness: int, task: str) -> float:
    """A harness passes the tasks that its number draws, more of them with a larger number."""
    drawn = int.from_bytes(hashlib.sha256(f"{harness % 7}|{task}".encode()).digest()[:2], "big") / 65536
    return float(drawn < 0.3 + 0.02 * harness)


def run(
    harness: int, wanted: tuple[tuple[str, int], ...], had: Mapping[str, tuple[float, ...]], ran: set[tuple[int, str]]
) -> dict[str, tuple[float, ...]]:
    scores = dict(had)
    for task, repeat in wanted:
        assert repeat == 0, "the one rollout that there is"
        assert (harness, task) not in ran, "run again"
        ran.add((harness, task))
        scores[task] = (*scores.get(task, ()), passed(harness, task))
    return scores


@given(st.integers(2, 90), st.integers(1, 12), st.integers(0, 50))
def test_no_task_is_run_twice_by_the_same_harness(tasks: int, candidates: int, seed: int) -> None:
    names = [f"t{n}" for n in range(tasks)]
    champion, pool, settings = 0, Pool(), PRESET.working
    ran: set[tuple[int, str]] = set()
    for candidate in random.Random(seed).sample(range(1, 60), candidates):
        order = shuffled(names, candidate=str(candidate), seed=seed)
        evaluation, decision = Evaluation({}, {}), None
        while decision is None:
            ask = plan(pool, evaluation, settings, order)
            evaluation = Evaluation(
                run(candidate, ask.candidate, evaluation.candidate, ran),
                run(champion, ask.champion, evaluation.champion, ran),
            )
            decision = look(pool, evaluation, settings, order, last=not ask)
        pool = settle(pool, evaluation, decision, settings)
        champion = candidate if decision.verdict is Verdict.keep else champion
        assert pool.noise == 0.0
        for task, cell in pool.alone.items():
            assert cell == Cell(1.0, passed(champion, task)), "what the champion scores, not a guess"
            assert pool.effects.level(pool.terms, [task]) == pytest.approx(cell.mean, abs=1e-4)
    assert len(ran) <= (1 + candidates) * tasks


def test_every_exam_has_the_same_rollouts() -> None:
    settings = PRESET.exam
    assert [first_repeat_of(number, settings) for number in range(3)] == [0, 0, 0]
    assert [first_repeat_of(number, FAST.exam) for number in range(3)] == [0, 60, 120]
    ask = plan_exam(["a", "b"], Evaluation({}, {}), settings)
    assert ask.candidate == ask.champion == (("a", 0), ("b", 0))
    whole = Evaluation({"a": (1.0,), "b": (0.0,)}, {"a": (0.0,), "b": (0.0,)})
    assert not plan_exam(["a", "b"], whole, settings)


@pytest.mark.parametrize("tasks", [8, 40])
def test_an_exam_of_changes_that_do_nothing_seldom_passes(tasks: int) -> None:
    rng, wrong, exams = random.Random(tasks), 0, 400
    for _ in range(exams):
        before = {f"t{n}": (float(rng.random() < 0.5),) for n in range(tasks)}
        after = {task: (1.0 - score,) if rng.random() < 0.3 else (score,) for task, (score,) in before.items()}
        result = look_exam(Evaluation(after, before), PRESET.exam, hoped=0.1, last=True, final=True)
        assert result is not None
        wrong += result.outcome is Outcome.passed
    assert wrong / exams <= PRESET.exam.alpha_each


def test_an_exam_passes_a_gain_that_is_plain() -> None:
    before = {f"t{n}": (0.0,) for n in range(60)}
    after = {f"t{n}": (float(n % 3 == 0),) for n in range(60)}
    result = look_exam(Evaluation(after, before), PRESET.exam, hoped=0.2, last=True, final=True)
    assert result is not None and result.outcome is Outcome.passed

"""``optimizer.optimize``: what it finds, what it claims, and what it says of what cannot be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import optimizer
from optimizer import FloatRange, Optimized, optimize
from optimizer.errors import SettingsError
from optimizer.events import Event, ExperimentDecided
from optimizer.settings import ProposerSettings
from tests.optimizer.api.coins import EXAMPLES, SEED, evaluator, run, truth

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def found() -> Optimized:
    return run(max_metric_calls=1500)


def test_the_best_candidate_is_better_and_certified(found: Optimized) -> None:
    assert found.finished and found.certified and found.gain is not None and found.best_score is not None
    assert truth(found.best_candidate) - truth(SEED) > 0.3
    assert found.best_candidate["model"] == "small" and list(found.best_candidate) == list(SEED)
    assert found.gain.low < found.gain.mean < found.gain.high
    assert found.seed_score is not None
    assert found.gain.mean == pytest.approx(found.best_score.mean - found.seed_score.mean)
    assert found.sentence.startswith("certified: ") and f"{found.calls:,} calls" in found.sentence
    assert found.calls <= 1500 and found.run_dir is None


def test_the_history_tells_every_experiment_and_the_evaluators_words(found: Optimized) -> None:
    assert {tried.verdict for tried in found.history} >= {"keep", "discard"}
    kept = next(tried for tried in found.history if tried.changes.get("prompt") and tried.verdict == "keep")
    assert kept.candidate["prompt"] == kept.changes["prompt"] != SEED["prompt"]
    assert kept.effect is not None and kept.effect > 0 and kept.calls > 0 and kept.sentence.startswith("kept")
    told = [words for tried in found.history for words in tried.feedback]
    assert any(words.startswith("wrong on ") for words in told)


def test_a_loss_is_made_smaller_and_told_in_its_own_unit() -> None:
    def loss(candidate: Mapping[str, Any], example: Mapping[str, Any], seed: int) -> float:
        return 10.0 - 10.0 * evaluator(candidate, example, seed)[0]

    result = run(loss, worst=10.0, best=0.0, max_metric_calls=1200)
    assert result.gain is not None and result.gain.mean < -1.0 and result.gain.low <= result.gain.mean
    assert result.seed_score is not None and 5.0 < result.seed_score.mean <= 10.0
    assert truth(result.best_candidate) - truth(SEED) > 0.3


def test_without_examples_the_evaluator_is_called_with_the_candidate_alone() -> None:
    def peak(candidate: Mapping[str, float]) -> float:
        return 1.0 - (candidate["x"] - 0.7) ** 2

    result = optimize(
        {"x": 0.0}, evaluator=peak, space={"x": FloatRange(0.0, 1.0)}, max_metric_calls=900, draws_without_examples=10
    )
    assert abs(result.best_candidate["x"] - 0.7) < 0.2


def test_an_evaluator_that_raises_counts_as_the_worst_and_says_why() -> None:
    def fragile(candidate: Mapping[str, Any], example: Mapping[str, Any], seed: int) -> object:
        if candidate["prompt"] == "Guess.":
            raise TimeoutError("no answer")
        return evaluator(candidate, example, seed)

    result = run(fragile, proposers=ProposerSettings(sweep=1.0))
    crashed = [tried for tried in result.history if tried.verdict == "crash"]
    assert crashed and all("no answer" in tried.sentence for tried in crashed)
    assert crashed[0].feedback[0] == "TimeoutError: no answer"


def test_killed_and_called_again_it_comes_to_the_same(tmp_path: Path) -> None:
    expected = run(run_dir=tmp_path / "peace")
    for calls in (60,):
        command = [sys.executable, "-m", "tests.optimizer.api.coins", str(tmp_path / "killed"), str(calls)]
        assert subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode == -9
    again = run(run_dir=tmp_path / "killed")
    told = [(tried.candidate, tried.verdict, tried.effect) for tried in again.history]
    assert told == [(tried.candidate, tried.verdict, tried.effect) for tried in expected.history]
    assert (again.best_candidate, again.gain, again.calls) == (
        expected.best_candidate,
        expected.gain,
        expected.calls,
    )
    calls_now: list[int] = []
    last = run(lambda candidate, example: calls_now.append(1) or 0.0, run_dir=tmp_path / "killed")
    assert not calls_now and replace(last, ended="") == replace(again, ended=""), "what is done is not done again"
    for other, told_so in (({"model": "large"}, "fixed.json differ"), ({"retries": 5}, "choices.toml differ")):
        with pytest.raises(SettingsError, match=told_so):
            run(seed_candidate={**SEED, **other}, run_dir=tmp_path / "killed")
    with pytest.raises(SettingsError, match="tasks, truth or grader changed"):
        run(trainset=EXAMPLES[1:], run_dir=tmp_path / "killed")


def test_ctrl_c_gives_a_result_that_is_not_finished(tmp_path: Path) -> None:
    left = [200]

    def interrupted(candidate: Mapping[str, Any], example: Mapping[str, Any], seed: int) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return evaluator(candidate, example, seed)

    result = run(interrupted, run_dir=tmp_path / "run")
    assert not result.finished and result.gain is None and "not measured on a holdout" in result.sentence
    assert run(run_dir=tmp_path / "run").finished


def test_a_listener_hears_what_happens() -> None:
    events: list[Event] = []
    result = run(on_event=events.append)
    assert sum(isinstance(event, ExperimentDecided) for event in events) == len(result.history)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"space": {"prmpt": ["a"]}}, "'prmpt', which seed_candidate has not"),
        ({"space": {"prompt": "abc"}}, "prompt: got 'abc', expected a list of options"),
        ({"space": {"prompt": [["a"]]}}, "expected texts, numbers, True, False or None"),
        ({"space": {"temperature": FloatRange(1.0, 2.0)}}, r"got 0\.1 to start from, expected a number from 1"),
        ({"space": {}}, "components: got none"),
        ({"seed_candidate": "Answer."}, "got str, expected a mapping"),
        ({"trainset": EXAMPLES[:3]}, "got 3 examples, expected 6 at the least"),
        ({"trainset": EXAMPLES, "valset": EXAMPLES}, "got 0 examples that differ and are not in valset"),
        ({"trainset": EXAMPLES, "valset": []}, "valset: got no example"),
        ({"trainset": None, "valset": EXAMPLES}, "got one without a trainset"),
        ({"shares": (0.0, 0.5, 0.5)}, "expected parts of 1"),
        ({"worst": 1.0}, "expected two different numbers"),
        ({"gate": "slow"}, "expected one of fast, careful"),
        ({"max_metric_calls": 40}, "got 40 rollouts, expected at least"),
        ({"function": lambda candidate: 0.5}, r"expected a function evaluator\(candidate, example\)"),
        ({"function": 3}, "expected a function"),
        ({"function": lambda candidate, example: 1.7}, r"got 1\.7 .* expected a number from 0 to 1"),
        ({"function": lambda candidate, example: float("nan")}, "got nan"),
        ({"function": lambda candidate, example: None}, "got None"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(tmp_path: Path, more: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        run(**{"run_dir": tmp_path / "run", **more})


def test_an_async_evaluator_is_refused() -> None:
    async def later(candidate: Mapping[str, Any], example: Mapping[str, Any]) -> float:
        return 1.0

    with pytest.raises(SettingsError, match="got an async function"):
        run(later)


def test_importing_the_package_imports_nothing_of_it() -> None:
    code = "import sys, optimizer; print([name for name in sys.modules if name.startswith(('optimizer.', 'numpy'))])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
    assert set(optimizer.__all__) <= set(dir(optimizer))
    assert all(getattr(optimizer, name) is not None for name in optimizer.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'optimise'"):
        optimizer.optimise  # noqa: B018

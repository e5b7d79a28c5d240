"""``optimizer.optimize_study``: objectives for Optuna, as they are."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from optimizer.api.objectives import MARK
from optimizer.errors import SettingsError
from tests.optimizer.api.objectives import DICE, branches, noisy, run

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def test_conditional_parameters_are_found_and_the_best_is_near() -> None:
    result = run(n_trials=80)
    assert result.deterministic and result.finished and result.certified
    assert result.best_params["model"] == "net" and result.best_value == result.study.best_value < 0.2
    assert result.gain is not None
    assert result.gain.mean == pytest.approx(result.best_value - branches(optuna.trial.FixedTrial(result.start_params)))
    calls = result.study.get_trials()
    assert len(calls) <= 80 and all(trial.state is TrialState.COMPLETE for trial in calls)
    assert all(branches(optuna.trial.FixedTrial(trial.params)) == trial.value for trial in calls)
    again = [tuple(sorted(trial.params.items())) for trial in calls]
    assert len(set(again)) == len(again) - 1, "only the best of the draws was called a second time"
    shown = {name for tried in result.evidence.history for name in tried.changes}
    assert shown >= {"model", "layers", "units 0"}
    first = {name for trial in calls[:20] for name in trial.params}
    assert first == {"model", "c", "depth", "layers", "units 0", "units 1", "units 2"}, "each was met by the draws"


def test_the_study_is_optunas_own() -> None:
    result = run(n_trials=30)
    assert result.best_params == result.study.best_params
    assert isinstance(result.study, optuna.Study)
    figure = optuna.visualization.matplotlib.plot_optimization_history(result.study)
    assert figure.get_title()


def test_a_noisy_objective_is_measured_again_on_calls_that_nothing_was_decided_on() -> None:
    DICE.seed(3)
    result = run(noisy, n_trials=700, direction="maximize")
    assert not result.deterministic and result.certified
    assert sum(result.best_params.values()) > sum(result.start_params.values())
    assert result.gain is not None and result.best_value is not None
    held = [trial for trial in result.study.get_trials() if str(trial.user_attrs[MARK]).startswith("holdout-")]
    ours = [trial.value for trial in held if trial.params == result.best_params]
    assert result.best_value == pytest.approx(sum(value or 0.0 for value in ours) / len(ours))
    assert result.gain.low <= result.gain.mean <= result.gain.high
    assert all(trial.user_attrs["seen"] for trial in held), "what the objective sets stays"
    assert len(result.study.trials) <= 700


def test_a_study_of_yours_is_gone_on_with() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1), direction="minimize")
    sampler = study.sampler
    study.optimize(branches, n_trials=12)
    study.enqueue_trial({"model": "net", "layers": 2, "units 0": 0.5, "units 1": 0.5})
    result = run(study=study, n_trials=30, direction="maximize")
    assert result.study is study and study.sampler is sampler
    assert study.trials[12].params == {"model": "net", "layers": 2, "units 0": 0.5, "units 1": 0.5}, (
        "enqueued, so called"
    )
    assert result.evidence.remarks == () and study.trials[12].value == 0.2
    assert 12 < len(study.trials) <= 42 and study.best_value <= 0.2, "its own direction counts"
    assert not study.get_trials(states=(TrialState.WAITING, TrialState.RUNNING))


def test_killed_and_called_again_it_comes_to_the_same(tmp_path: Path) -> None:
    expected = run(run_dir=tmp_path / "peace", n_trials=24)
    for calls in (4, 10):
        command = [sys.executable, "-m", "tests.optimizer.api.objectives", str(tmp_path / "killed"), str(calls)]
        assert subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode == -9
    again = run(run_dir=tmp_path / "killed", n_trials=24)
    assert (again.best_params, again.gain) == (expected.best_params, expected.gain)
    assert [tried.candidate for tried in again.evidence.history] == [
        tried.candidate for tried in expected.evidence.history
    ]
    with pytest.raises(SettingsError, match=r"got 'maximize', but the study in .* has 'minimize'"):
        run(run_dir=tmp_path / "killed", direction="maximize")


def test_ctrl_c_is_no_answer(tmp_path: Path) -> None:
    for calls in (3, 12):
        left = [calls]

        def interrupted(trial: optuna.Trial, left: list[int] = left) -> float:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return branches(trial)

        if calls == 3:  # in the first draws there is nothing to hand over yet
            with pytest.raises(KeyboardInterrupt):
                run(interrupted, run_dir=tmp_path / "run", n_trials=24)
        else:
            assert not run(interrupted, run_dir=tmp_path / "run", n_trials=24).finished
    again, expected = run(run_dir=tmp_path / "run", n_trials=24), run(n_trials=24)
    assert again.finished and (again.best_params, again.gain) == (expected.best_params, expected.gain)


def test_failures_count_and_are_told() -> None:
    def fragile(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        if x > 0.7:
            raise optuna.TrialPruned("too slow")
        if x > 0.6:
            raise ZeroDivisionError("by x")
        return math.nan if x > 0.5 else -x

    result = run(fragile)
    assert 0.45 < result.best_params["x"] <= 0.5
    states = {trial.state for trial in result.study.trials}
    assert states == {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
    told = {words for tried in result.evidence.history for words in tried.feedback}
    assert {"Failed: pruned: too slow", "Failed: got nan (float), expected a number"} <= told
    assert len(result.study.trials) <= 60, "a failure is not called again either"


def test_a_parameter_that_comes_up_late_stays_at_one_value() -> None:
    def late(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        fixed = trial.suggest_int("fixed", 3, 3)
        return -x + (trial.suggest_float("rare", 0.0, 1.0) if x > 0.9 else 0.0) + fixed

    result = run(late, n_trials=80, first_draws=4)
    values = {
        trial.params["rare"] for trial in result.study.trials if MARK in trial.user_attrs if "rare" in trial.params
    }
    assert len(values) == 1


def test_choices_of_any_kind_and_names_for_them() -> None:
    kinds: list[Any] = [None, (1, 2), "a", 1, True, 1.0]

    def objective(trial: optuna.Trial) -> float:
        return kinds.index(trial.suggest_categorical("kind", kinds)) + trial.suggest_int("even", 0, 8, step=2) / 8

    with pytest.warns(UserWarning, match="Choices for a categorical distribution"):
        result = run(objective, n_trials=40)
    assert result.best_params == {"kind": None, "even": 0}


@pytest.mark.parametrize(
    ("objective", "more", "told"),
    [
        (lambda trial: (trial.suggest_float("x", 0, 1), 1.0), {}, "got 2 values, expected one"),
        (lambda trial: 1.0, {}, "asked for no parameter"),
        (lambda trial: 1 / 0, {}, "no value in 10 draws.*ZeroDivisionError"),
        (lambda trial: "good", {}, "got 'good'"),
        (branches, {"n_trials": 5}, "got 5, expected 8"),
        (branches, {"worst": 1.0}, "got one of them"),
        (branches, {"worst": 0.0, "best": 1.0}, "got 0 and 1, but the study is to minimize"),
        (branches, {"direction": "up"}, "expected 'minimize' or 'maximize'"),
        (
            lambda trial: trial.suggest_int("k", *((0, 1) if trial.number % 2 else (5, 6))),
            {},
            "got the parameter 'k' as .* expected the same one each time",
        ),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    objective: Callable[[optuna.Trial], Any], more: dict[str, Any], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        run(objective, **more)


def test_a_study_with_several_objectives_is_refused() -> None:
    with pytest.raises(SettingsError, match="got 2 values, expected one"):
        run(study=optuna.create_study(directions=["minimize", "maximize"]))


def test_a_declared_range_is_the_scale() -> None:
    result = run(worst=2.0, best=0.0)
    assert result.evidence.history and result.study.best_value < 0.4
    kept = [tried.effect for tried in result.evidence.history if tried.verdict == "keep"]
    assert kept and all(effect is not None and effect < 0 for effect in kept), "in the objective's unit, less is better"

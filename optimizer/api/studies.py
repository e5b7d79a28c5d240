"""``optimizer.optimize_study``: a campaign on an objective that was written for Optuna."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from optimizer.acceptance.holdout import interval
from optimizer.acceptance.presets import FAST
from optimizer.api.calling import Scale
from optimizer.api.examples import DRAWS, draws
from optimizer.api.objectives import MARK, Asking, Objective, answered, known_trial, several, value_of
from optimizer.api.optimizing import run_request
from optimizer.api.result import Gain, Optimized
from optimizer.api.startup import Start, start_up
from optimizer.assemble.callable import CallableRequest
from optimizer.assemble.components import harness_of
from optimizer.errors import SettingsError
from optimizer.evaluation.in_process import Score
from optimizer.events import Listener
from optimizer.records import Split
from optimizer.settings import ProposerSettings
from search_space.domains import Scalar

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

PROPOSERS = ProposerSettings(thompson=1.0, tpe=2.0, random=1.0)
"""Numbers make up most such spaces, and those are what the tree-structured Parzen estimator is good at."""
LEAST = 8
FIRST_DRAWS = 10
SAME = 2
"""Search tasks of a deterministic objective: a campaign has two at the least. The second one costs no call."""
TRIALS_A_DRAW = 15
"""A noisy objective gets a search task for so many trials, 60 at the most."""
JOURNAL, CAMPAIGN = "study.journal", "campaign"


@dataclass(frozen=True, slots=True)
class Studied:
    """The outcome. ``study`` holds every call as a trial, for Optuna's plots; ``best_params`` are its words for the
    best that is known, ``start_params`` for the best of the first draws, with which the campaign began.

    A ``deterministic`` objective was called once for each set of parameters: ``best_value`` and ``gain`` (over
    ``start_params``) are facts. Of a noisy one they are means of calls that nothing was decided on, ``gain`` with its
    95% interval, and ``certified`` says whether the best passed an exam; None where that was not reached.
    ``evidence`` is the campaign: history, remarks, how it ended. Where its score is bent (no ``worst`` and ``best``),
    figures in there are of the bent score.
    """

    study: Study
    best_params: dict[str, Any]
    best_value: float | None
    start_params: dict[str, Any]
    gain: Gain | None
    deterministic: bool
    certified: bool
    evidence: Optimized

    @property
    def finished(self) -> bool:
        """False when it was stopped; the same call with the same ``run_dir`` goes on."""
        return self.evidence.finished

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        effort = f"{len(self.study.get_trials(deepcopy=False))} trials, {len(self.evidence.history)} experiments"
        if self.gain is None or self.best_value is None:
            return f"not measured on fresh calls ({self.evidence.ended}); {effort}"
        first = self.best_value - self.gain.mean
        told = f"{first:.6g} -> {self.best_value:.6g}, a difference of {self.gain.mean:+.4g} to the best of the draws"
        if self.deterministic:
            return f"{told} (the objective is deterministic); {effort}"
        sure = "certified" if self.certified else "not certified"
        return f"{sure}: {told} (95% interval {self.gain.low:+.4g} to {self.gain.high:+.4g}); {effort}"


class Scaled(Protocol):
    """A value as a score."""

    def score(self, value: float) -> float: ...


def optimize_study(
    objective: Objective,
    *,
    n_trials: int,
    study: Study | None = None,
    direction: Literal["minimize", "maximize"] = "minimize",
    worst: float | None = None,
    best: float | None = None,
    seed: int = 0,
    run_dir: str | Path | None = None,
    deterministic: bool | None = None,
    first_draws: int = FIRST_DRAWS,
    proposers: ProposerSettings = PROPOSERS,
    on_event: Listener | None = None,
) -> Studied:
    """The best parameters that ``n_trials`` calls of ``objective`` find, with the evidence for it.

    ``objective(trial)`` is what ``study.optimize`` takes: it asks the trial for parameters and returns one number. A
    trial that is pruned, raises or returns no finite number counts as a failure, the worst that there is. ``study`` is
    one of yours, whose trials so far are taken over, with its own direction; without it one is made.

    At first parameters are drawn at random (``first_draws``, and more, up to a quarter of all, until each choice was
    met): so it is known what the objective asks for, and when. A parameter that comes up later stays at one value.
    Values become scores by the range from ``worst`` to ``best``, beyond which they are cut; where these are not given,
    by how the first draws were spread (:class:`optimizer.api.startup.Bend`). The best parameters are called a second
    time, to see whether the objective is deterministic, unless ``deterministic`` says so.

    ``run_dir`` keeps study and campaign, and the same call goes on with them. Raises
    :class:`optimizer.errors.SettingsError` for what cannot be: several objectives, no parameter, never a value.
    """
    if n_trials < LEAST:
        raise SettingsError(f"n_trials: got {n_trials}, expected {LEAST} at the least")
    if (worst is None) != (best is None):
        raise SettingsError("worst, best: got one of them, expected both or none")
    folder = None if run_dir is None else Path(run_dir)
    study = _study(study, direction, folder)
    if worst is not None and best is not None and (best > worst) != (study.direction.name == "MAXIMIZE"):
        raise SettingsError(
            f"worst, best: got {worst:g} and {best:g}, but the study is to {study.direction.name.lower()}"
        )
    before = len(study.get_trials(deepcopy=False)) if folder is None else 0
    asking = Asking(objective, study, seed)
    start = start_up(asking, draws=min(first_draws, n_trials // 2), n_trials=n_trials, deterministic=deterministic)
    scale = start.bend if worst is None or best is None else Scale(worst, best)
    left = n_trials - sum(_is_start_up(trial) for trial in study.get_trials(deepcopy=False)[before:])  # of these calls
    request = _request(start, asking, scale, left, seed=seed, proposers=proposers, folder=folder)
    linear = scale if isinstance(scale, Scale) else Scale()
    evidence = run_request(request, on_event, linear, lambda assignment: start.outer(assignment))
    return _studied(study, start, evidence)


def _study(study: Study | None, direction: Literal["minimize", "maximize"], folder: Path | None) -> Study:
    import optuna

    if study is not None:
        if len(study.directions) > 1:
            raise several(len(study.directions))
        return study
    if direction not in ("minimize", "maximize"):
        raise SettingsError(f"direction: got {direction!r}, expected 'minimize' or 'maximize'")
    storage = None
    if folder is not None:
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        folder.mkdir(parents=True, exist_ok=True)
        storage = JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    made = optuna.create_study(
        storage=storage,
        study_name="ratchet",
        direction=direction,
        pruner=optuna.pruners.NopPruner(),
        load_if_exists=True,
    )
    if made.direction.name.lower() != direction:
        raise SettingsError(
            f"direction: got '{direction}', but the study in {folder} has '{made.direction.name.lower()}'"
        )
    return made


def _request(
    start: Start,
    asking: Asking,
    scale: Scaled,
    left: int,
    *,
    seed: int,
    proposers: ProposerSettings,
    folder: Path | None,
) -> CallableRequest:
    space, files = harness_of(
        {name: parameter.component for name, parameter in start.parameters.items()}, start.assignment, start.conditions
    )
    request = CallableRequest(
        score=_score(start, asking, scale),
        space=space,
        harness=files,
        tasks=draws(max(LEAST, min(DRAWS, left // TRIALS_A_DRAW))).tasks,
        rollouts=max(1, left),
        seed=seed,
        view=space.read,
        deterministic=start.deterministic,
        proposers=proposers,
        name="study",
        folder=None if folder is None else folder / CAMPAIGN,
    )
    if not start.deterministic:
        return request
    sizes = replace(FAST.working, first_look=SAME, look_every=SAME, min_rollouts=SAME, max_passes=1)
    return replace(
        request,
        tasks={Split.search: [f"same-{number + 1}" for number in range(SAME)]},
        rollouts=SAME * max(1, left),
        gate=replace(FAST, working=sizes),
        exam_share=0.0,
        prune_share=0.0,
        calibrate=False,
    )


def _score(start: Start, asking: Asking, scale: Scaled) -> Score:
    """The score function of the campaign. What a deterministic objective would say again is not asked again."""
    everything = start.outer(start.assignment)

    def score(assignment: Mapping[str, Scalar], task: str, seed: int) -> float:
        params = {**everything, **start.outer(assignment)}
        known = known_trial(asking.study.get_trials(deepcopy=False), params) if start.deterministic else None
        value = asking.call(params, task) if known is None else value_of(known)
        return min(1.0, max(0.0, scale.score(value)))

    return score


def _studied(study: Study, start: Start, evidence: Optimized) -> Studied:
    trials = study.get_trials(deepcopy=False)
    if start.deterministic:
        value, began = study.best_value, known_trial(trials, start.params)
        first = value if began is None else value_of(began)
        gain = Gain(value - first, value - first, value - first)
        facts = replace(evidence, remarks=())  # how few tasks there are is of no matter
        return Studied(study, dict(study.best_params), value, dict(start.params), gain, True, value != first, facts)
    best = evidence.best_candidate
    before, after = (_by_task(trials, params, Split.holdout) for params in (start.params, best))
    paired = [(before[task], after[task]) for task in before if task in after]
    found = interval([one - other for other, one in paired]) if paired and evidence.gain is not None else None
    return Studied(
        study=study,
        best_params=best,
        best_value=sum(after for _, after in paired) / len(paired) if found else None,
        start_params=dict(start.params),
        gain=Gain(found.mean, found.low, found.high) if found else None,
        deterministic=False,
        certified=evidence.certified,
        evidence=evidence,
    )


def _by_task(trials: list[FrozenTrial], params: Mapping[str, Any], split: Split) -> dict[str, float]:
    """The mean value of ``params`` on each task of a split, without what failed."""
    found: dict[str, list[float]] = {}
    for trial in trials:
        task = str(trial.user_attrs.get(MARK, ""))
        if task.startswith(f"{split}-") and trial.value is not None and known_trial([trial], params):
            found.setdefault(task, []).append(trial.value)
    return {task: math.fsum(values) / len(values) for task, values in found.items()}


def _is_start_up(trial: FrozenTrial) -> bool:
    """Whether the start-up spent it; one that a kill cut off is called again and not counted twice."""
    return answered(trial) and str(trial.user_attrs.get(MARK, "")).startswith("start-up")

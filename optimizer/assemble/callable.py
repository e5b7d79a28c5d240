"""A campaign on a Python function instead of rollouts in a sandbox: same experiments, gate, exams, ledger, branch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from optimizer.acceptance.presets import FAST, PRESETS, Preset
from optimizer.assemble.machine import Check, OnRollout
from optimizer.assemble.opening import open_campaign
from optimizer.assemble.plan import check_room, existing_campaign, home_around, seed_of
from optimizer.assemble.planned import Planned
from optimizer.assemble.sizes import declared
from optimizer.campaign import Campaign
from optimizer.errors import SettingsError
from optimizer.evaluation.budget import Budget
from optimizer.evaluation.cache import RolloutStore
from optimizer.evaluation.checks import check_files
from optimizer.evaluation.in_process import InProcessRunner, Score, View
from optimizer.evaluation.scratch import Scratch
from optimizer.events import Bus
from optimizer.home import Home
from optimizer.records import Split
from optimizer.settings import (
    DEFAULT_PROPOSERS,
    BudgetSettings,
    CallableSuiteSettings,
    ExperimentSettings,
    GateSettings,
    ProposerSettings,
)
from optimizer.suites.calls import CallSuite
from search_space.space import Space

HARNESS = "harness"


@dataclass(frozen=True, slots=True)
class CallableRequest:
    """What a campaign on a function needs to know.

    ``score(view(files), task, seed)`` is one rollout: a number in [0, 1] (see
    :mod:`optimizer.evaluation.in_process`). ``harness`` is what to start from, ``space`` what may change in it.
    ``tasks`` are ids by split; without ``certify`` nothing is ever certified, without ``holdout`` nothing is reported.
    ``rollouts`` is the budget, all in all. ``exam_share`` of it is kept for the last exam, ``prune_share`` for
    finding out which of the changes kept pay; ``holdout_repeats`` are the rollouts a holdout task, 2 when not given.
    ``calibrate`` measures the harness against itself first and sets the gate's sizes by what it finds; those of a
    ``gate`` that is no preset stay. ``deterministic`` says whether the same harness always scores the same on a task,
    whatever the seed; None: calibration finds out.

    A harness that is a folder is one of a git repository of yours, committed, and the campaign lives there (``folder``
    is None then). One of files gets a repository of its own in ``folder``; given the same one again the campaign goes
    on. None: a temporary one, in memory where that can be, gone when the campaign is closed. One that is not
    ``durable`` survives the death of the process but not the loss of power.
    """

    score: Score
    space: Space
    harness: Mapping[str, bytes] | Path
    tasks: Mapping[Split, Sequence[str]]
    rollouts: int
    seed: int = 0
    view: View | None = None
    gate: Preset = FAST
    exam_share: float = 0.10
    prune_share: float = 0.20
    holdout_repeats: int | None = None
    calibrate: bool = True
    deterministic: bool | None = None
    proposers: ProposerSettings = DEFAULT_PROPOSERS
    name: str = "callable"
    folder: Path | None = None
    durable: bool = True


@contextmanager
def open_callable(request: CallableRequest, bus: Bus | None = None) -> Iterator[Campaign]:
    """The campaign, ready to ``run()``; closed on the way out. Raises RatchetError: SettingsError for a request that
    cannot be, CampaignBusy when another process runs it, CampaignMissing when something else is in ``folder``."""
    with ExitStack() as stack:
        planned = _planned(request, *_place(request, stack))
        yield stack.enter_context(open_campaign(planned, bus or Bus(), CallMachine(request)))


@dataclass(slots=True)
class CallMachine:
    """The function, in this process."""

    request: CallableRequest
    suite: str = ""

    def start(self, planned: Planned, stack: ExitStack) -> None:
        self.suite = planned.suite.hash

    def describe(self) -> tuple[str, str]:
        return f"none: {_called(self.request.score)} answers", "none: calls in this process"

    def runner(
        self, store: RolloutStore, budget: Budget, on_rollout: OnRollout, trajectories: Path | None = None
    ) -> InProcessRunner:
        request = self.request
        return InProcessRunner(
            request.score, suite=self.suite, store=store, budget=budget, view=request.view, on_rollout=on_rollout
        )

    def check(self, cancel: threading.Event) -> Check:
        return check_files


def _place(request: CallableRequest, stack: ExitStack) -> tuple[Home, str, bool]:
    """Where the campaign lives, where in that repository the harness is, and whether it is there to stay."""
    if not isinstance(request.harness, Mapping):
        if request.folder is not None:
            raise SettingsError(
                f"folder: got {request.folder} beside a harness in a repository, expected None",
                hint="the campaign lives in that repository; hand over the files to have one of its own",
            )
        return *home_around(str(request.harness), request.name, seen_from=Path.cwd() / "the script"), True
    folder, stays = request.folder, request.folder is not None
    if folder is None:
        folder = stack.enter_context(Scratch()).path / "campaign"
    return Home(folder.absolute(), request.name), HARNESS, stays


def _planned(request: CallableRequest, home: Home, harness: str, stays: bool) -> Planned:
    suite = CallSuite(request.tasks, deterministic=request.deterministic)
    if len(suite.tasks(Split.search)) < 2:
        raise SettingsError("tasks: got fewer than 2 search tasks, expected enough to compare on (60 or more)")
    if request.rollouts < 1:
        raise SettingsError(f"rollouts: got {request.rollouts}, expected more than 0")
    known = existing_campaign(home)
    planned = Planned(
        settings=_settings(request),
        folder=home.repository,
        home=home,
        harness=harness,
        files=request.harness if isinstance(request.harness, Mapping) else None,
        suite=suite,
        space=request.space,
        space_text=_told(request).encode(),
        gate=declared(request.gate, suite),
        seed=seed_of(request.seed, known, home),
        limits=BudgetSettings(rollouts=request.rollouts),
        seconds=None,
        no_holdout=not suite.tasks(Split.holdout),
        resumes=known is not None,
        program="",
        durable=request.durable and stays,
    )
    if known is None:
        check_room(planned)
    return planned


def _settings(request: CallableRequest) -> ExperimentSettings:
    """As ``experiment.toml`` would say it, could a file hold a function."""
    preset = next((name for name, preset in PRESETS.items() if preset == request.gate), "fast")
    gate = {
        "preset": preset,
        "exam_share": request.exam_share,
        "prune_share": request.prune_share,
        "holdout_repeats": request.holdout_repeats,
        "calibrate": request.calibrate,
    }
    return ExperimentSettings(
        name=request.name,
        description=f"Calls of {_called(request.score)}",
        harness=HARNESS,
        suite=CallableSuiteSettings(deterministic=request.deterministic),
        budget=BudgetSettings(rollouts=request.rollouts),
        proposers=request.proposers,
        gate=GateSettings.model_validate({name: value for name, value in gate.items() if value is not None}),
    )


def _told(request: CallableRequest) -> str:
    """The space and the gate's sizes in words: a campaign that is gone on with knows by them that they are the same."""
    space = request.space
    return "\n".join([*(f"{name}: {space.domain(name)!r}" for name in space.names), repr(request.gate)])


def _called(score: Callable[..., object]) -> str:
    """What the function is called."""
    name = getattr(score, "__qualname__", None) or type(score).__qualname__
    return f"{getattr(score, '__module__', None) or type(score).__module__}:{name}"

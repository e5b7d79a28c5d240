"""A campaign thought through: everything read and checked, nothing on disk changed yet."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from optimizer.acceptance.presets import PRESETS
from optimizer.errors import RepositoryError, SettingsError
from optimizer.home import RUNS, Home
from optimizer.ledger import rows
from optimizer.ledger.store import Ledger
from optimizer.pools.threads import usable_processors
from optimizer.records import Split, Task
from optimizer.settings import EXPERIMENT_FILE, BudgetSettings, ExperimentSettings, load_experiment
from optimizer.shipped import baseline_folder, experiment_folder
from optimizer.stopping import End, seconds_until
from optimizer.suites.agent import AgentSuite
from optimizer.suites.base import Suite
from optimizer.workspace.workspace import Workspace
from search_space.harness import read_folder
from search_space.space import Space, load_space

BASELINE = "baseline:"


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked for; None is "as the experiment says"."""

    experiment: Path = Path()
    name: str | None = None
    seed: int | None = None
    rollouts: int | None = None
    tokens: int | None = None
    usd: float | None = None
    minutes: float | None = None
    until: str | None = None
    workers: int | None = None
    no_holdout: bool = False
    runs: Path = Path(RUNS)


@dataclass(frozen=True, slots=True)
class Planned:
    """A campaign, thought through but not begun: nothing on disk was changed.

    ``harness`` is relative to the repository; ``files`` are the shipped baseline's when the campaign makes a repository
    of its own.
    """

    settings: ExperimentSettings
    folder: Path
    home: Home
    harness: str
    files: Mapping[str, bytes] | None
    suite: Suite
    space: Space
    seed: int
    limits: BudgetSettings
    seconds: float | None
    no_holdout: bool
    resumes: bool


# Planning


def plan_campaign(request: Request) -> Planned:
    """Read and check everything that a campaign needs. Raises RatchetError or SearchSpaceError."""
    settings, folder = _experiment(request)
    suite = _suite(settings, folder)
    _check_suite(suite, no_holdout=request.no_holdout)
    space = load_space(folder / settings.space)
    limits = _limits(settings.budget, request)
    home, harness, files = _place(settings, folder, request)
    ledger = _existing(home)
    seed = _seed(request, ledger, home)
    seconds = _seconds(limits)
    return Planned(
        settings=settings,
        folder=folder,
        home=home,
        harness=harness,
        files=files,
        suite=suite,
        space=space,
        seed=seed,
        limits=limits,
        seconds=seconds,
        no_holdout=request.no_holdout,
        resumes=ledger is not None,
    )


def _experiment(request: Request) -> tuple[ExperimentSettings, Path]:
    """The experiment at a path, or the shipped one of that name."""
    path = request.experiment
    if not path.exists() and len(path.parts) == 1:
        path = experiment_folder(str(path))
    elif path.is_dir() and not (path / EXPERIMENT_FILE).exists():
        found = sorted(path.glob(f"experiments/*/{EXPERIMENT_FILE}"))
        if len(found) > 1:
            names = ", ".join(str(file.parent) for file in found)
            raise SettingsError(f"{path}: got several experiments ({names}), expected one", hint="name its folder")
        path = found[0] if found else path
    settings, folder = load_experiment(path)
    if request.name is not None:
        settings = ExperimentSettings.model_validate({**settings.model_dump(), "name": request.name})
    if request.workers is not None:
        settings = settings.model_copy(
            update={"sandbox": settings.sandbox.model_copy(update={"workers": request.workers})}
        )
    return settings, folder


def _suite(settings: ExperimentSettings, folder: Path) -> Suite:
    return AgentSuite.load(settings.suite, folder)


def _check_suite(suite: Suite, *, no_holdout: bool) -> None:
    if len(suite.tasks(Split.search)) < 2:
        raise SettingsError(
            "suite: got fewer than 2 search tasks, expected enough to compare harnesses on (60 or more)"
        )
    if not suite.tasks(Split.holdout) and not no_holdout:
        raise SettingsError(
            "suite: got no holdout tasks, expected some that nothing is decided on: no gain can be claimed without",
            hint='give some tasks split = "holdout", or say --no-holdout; the report then says so on top',
        )


def _limits(budget: BudgetSettings, request: Request) -> BudgetSettings:
    """The experiment's budget with what was asked for laid over it; the nearer of --minutes and --until holds."""
    asked = {
        name: value
        for name in ("rollouts", "tokens", "usd", "minutes", "until")
        if (value := getattr(request, name)) is not None
    }
    for name, value in asked.items():
        if name != "until" and not value > 0:
            raise SettingsError(
                f"--{name}: got {value}, expected more than 0", hint="a campaign needs something to spend"
            )
    if ("minutes" in asked) != ("until" in asked):
        asked.setdefault("minutes", None)
        asked.setdefault("until", None)
    try:
        limits = BudgetSettings.model_validate({**budget.model_dump(), **asked})
    except ValueError as error:
        raise SettingsError(f"budget: {error}") from None
    if all(value is None for value in limits.model_dump().values()):
        raise SettingsError(
            "budget: got no limit, expected at least one of rollouts, tokens, usd, minutes, until",
            hint="add [budget] to experiment.toml, or say --rollouts 3000 or --until 07:00",
        )
    return limits


def _seconds(limits: BudgetSettings) -> float | None:
    bounds = [] if limits.minutes is None else [60.0 * limits.minutes]
    if limits.until is not None:
        bounds.append(seconds_until(limits.until, datetime.datetime.now()))
    return min(bounds, default=None)


def _place(
    settings: ExperimentSettings, folder: Path, request: Request
) -> tuple[Home, str, Mapping[str, bytes] | None]:
    """Where the campaign lives: a repository of its own for a shipped harness, else the one that holds the harness."""
    if settings.harness.startswith(BASELINE):
        source = baseline_folder(settings.harness.removeprefix(BASELINE))
        home = Home((request.runs / settings.name).resolve(), settings.name)
        return home, "harness", read_folder(source)
    path = (folder / settings.harness).resolve()
    ref = f"refs/heads/ratchet/{settings.name}"
    workspace = Workspace.open(_repository_of(path), path, ref=ref)
    return Home(workspace.root, settings.name), workspace.harness, None


def _repository_of(path: Path) -> Path:
    for parent in (path, *path.parents):
        if (parent / ".git").exists():
            return parent
    raise RepositoryError(
        f"harness: {path} is not in a git repository, and a campaign keeps what it finds in git",
        hint="'git init' there and commit the harness, or use harness = \"baseline:minimal\"",
    )


def _existing(home: Home) -> rows.Campaign | None:
    if not home.ledger.exists():
        return None
    with Ledger.open(home.folder, read_only=True) as ledger:
        return ledger.campaign


def _seed(request: Request, existing: rows.Campaign | None, home: Home) -> int:
    if existing is None:
        return request.seed or 0
    if request.seed not in (None, existing.seed):
        raise SettingsError(
            f"--seed: got {request.seed}, but campaign '{home.campaign}' has seed {existing.seed} already",
            hint="leave --seed out to resume it, or give the new campaign another --name",
        )
    return existing.seed


def end_of(planned: Planned) -> End:
    gate, exam = planned.settings.gate, PRESETS[planned.settings.gate.preset].exam
    certify, holdout = len(planned.suite.tasks(Split.certify)), len(planned.suite.tasks(Split.holdout))
    rollouts = planned.limits.rollouts
    least = 2 * exam.min_repeats * certify
    share = gate.exam_share if certify else 0.0
    return End(
        exam=None if rollouts is None else int(share * rollouts),
        exam_share=share,
        exam_least=least if share else 0,
        holdout=0 if planned.no_holdout else 2 * gate.holdout_repeats * holdout,
    )


def workers_of(settings: ExperimentSettings) -> int:
    return settings.sandbox.workers or usable_processors() + 1


def needed_of(planned: Planned) -> int:
    """Rollouts below which an experiment is not begun: what a keep needs at least."""
    working = PRESETS[planned.settings.gate.preset].working
    return min(working.min_rollouts, len(planned.suite.tasks(Split.search)))


def tasks_of(suite: Suite, split: Split) -> dict[str, Task]:
    """The tasks of a split by id."""
    return {task.id: task for task in suite.tasks(split)}

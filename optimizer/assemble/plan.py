"""Thinks a campaign through: everything is read and checked, nothing on disk is changed."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from optimizer.assemble.kinds import KINDS
from optimizer.assemble.planned import Planned, Request
from optimizer.assemble.screening import check_screen
from optimizer.assemble.sizes import end_of, first_of, gate_of
from optimizer.assemble.values import check_values
from optimizer.errors import CampaignMissing, RepositoryError, SettingsError
from optimizer.home import Home
from optimizer.ledger import rows
from optimizer.ledger.store import Ledger
from optimizer.records import Split
from optimizer.settings import EXPERIMENT_FILE, BudgetSettings, ExperimentSettings, ModelSettings, load_experiment
from optimizer.shipped import baseline_folder, experiment_folder
from optimizer.stopping import seconds_until
from optimizer.suites.base import Suite
from optimizer.workspace.workspace import Workspace
from search_space.errors import InvalidFile
from search_space.harness import read_folder
from search_space.space import load_space
from search_space.validation import validate

BASELINE, COPY = "baseline:", "copy:"
"""What begins the name of a harness for which a campaign makes a repository of its own."""
M = TypeVar("M", bound=BaseModel)


def plan_campaign(request: Request) -> Planned:
    """Read and check everything that a campaign needs. Raises RatchetError or SearchSpaceError."""
    settings, folder = _experiment(request)
    kind = KINDS[settings.suite.kind]
    suite = kind.load(settings.suite, folder)
    _check_suite(suite, no_holdout=request.no_holdout)
    space = load_space(folder / settings.space, suite.effects)
    check_screen(settings.screen, folder)
    program = _program(settings, folder)
    limits = _limits(settings.budget, request)
    home, harness, files = _place(settings, folder, request)
    suite = kind.founded(suite, _files(home, harness) if files is None else files)
    ledger = existing_campaign(home)
    seed = seed_of(request.seed, ledger, home)
    seconds = _seconds(limits)
    planned = Planned(
        settings=settings,
        folder=folder,
        home=home,
        harness=harness,
        files=files,
        suite=suite,
        space=space,
        space_text=(folder / settings.space).read_bytes(),
        gate=gate_of(settings, suite),
        seed=seed,
        limits=limits,
        seconds=seconds,
        no_holdout=request.no_holdout,
        resumes=ledger is not None,
        program=program,
    )
    if not planned.resumes:
        _check_start(planned)
    return planned


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
        settings = _checked(ExperimentSettings, {**settings.model_dump(exclude_unset=True), "name": request.name})
    if request.model is not None:
        model = _checked(ModelSettings, {**settings.model.model_dump(), "agent": request.model}, {"agent": "model"})
        settings = settings.model_copy(update={"model": model})
    if request.workers is not None:
        settings = settings.model_copy(
            update={"sandbox": settings.sandbox.model_copy(update={"workers": request.workers})}
        )
    return settings, folder


def _checked(model: type[M], values: Mapping[str, Any], flags: Mapping[str, str] | None = None) -> M:
    """What was said on the command line, laid over what the file says and checked in the same way. ``flags`` are those
    that are not called after the file's key."""
    try:
        return validate(values, model, file="")
    except InvalidFile as error:
        raise SettingsError(
            f"--{(flags or {}).get(error.key, error.key)}: got {error.got}, expected {error.expected}"
        ) from None


def _check_suite(suite: Suite, *, no_holdout: bool) -> None:
    search, certify = len(suite.tasks(Split.search)), len(suite.tasks(Split.certify))
    if search < 2:
        raise SettingsError(
            f"suite: got {search} search task{'' if search == 1 else 's'}, expected at least 2: a single task "
            "says nothing of others",
            hint='give 60 tasks or more split = "search", 30 split = "certify" and 60 split = "holdout"',
        )
    if certify == 1:
        raise SettingsError(
            "suite: got 1 certify task, expected none or at least 2: an exam on a single task can certify nothing",
            hint='give 30 tasks or more split = "certify"',
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
    limits = _checked(BudgetSettings, {**budget.model_dump(), **asked})
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
    """Where the campaign lives: a repository of its own for a shipped harness and for a copy of a folder, else the one
    that holds the harness."""
    way, _, name = settings.harness.partition(":")
    if f"{way}:" in (BASELINE, COPY):
        source = baseline_folder(name) if f"{way}:" == BASELINE else folder / name
        home = Home((request.runs / settings.name).resolve(), settings.name)
        return home, "harness", read_folder(source)
    return (*home_around(settings.harness, settings.name, seen_from=folder / EXPERIMENT_FILE), None)


def _files(home: Home, harness: str) -> Mapping[str, bytes]:
    """The harness that the campaign goes on or begins from."""
    workspace = Workspace.open(home.repository, harness, ref=home.ref)
    return workspace.files(workspace.tree(workspace.base))


def home_around(harness: str, name: str, *, seen_from: Path) -> tuple[Home, str]:
    """Where campaign ``name`` lives in the repository that holds the folder ``harness`` (relative to the folder of the
    file ``seen_from``), and that folder relative to it. Raises :class:`RepositoryError` when there is no such folder or
    repository, or it is not as it was committed."""
    path = (seen_from.parent / harness).resolve()
    home = Home(_repository_of(path), name)
    if not path.is_dir() and not home.ledger.exists():
        back = f"git -C '{home.repository}' checkout HEAD -- '{path.relative_to(home.repository)}'"
        raise RepositoryError(
            f"harness: got '{harness}', which is {path}: no such folder; expected a harness folder, seen from "
            f"{seen_from}",
            hint=f"'ratchet init' makes one; one that was deleted by mistake comes back with: {back}",
        )
    workspace = Workspace.open(home.repository, path, ref=home.ref)
    return Home(workspace.root, name), workspace.harness


def _repository_of(path: Path) -> Path:
    for parent in (path, *path.parents):
        if (parent / ".git").exists():
            return parent
    raise RepositoryError(
        f"harness: {path} is not in a git repository, and a campaign keeps what it finds in git",
        hint="'git init' there and commit the harness, or use harness = \"baseline:minimal\"",
    )


def _check_start(planned: Planned) -> None:
    """What would make a new campaign useless from its first minute on."""
    files = planned.start[1]
    if problem := planned.suite.problem(files):
        raise SettingsError(
            f"harness: {problem}", hint=f"this is what a suite of kind '{planned.settings.suite.kind}' needs"
        )
    check_values(planned.space, files, file=str(planned.folder / planned.settings.space))
    check_room(planned)


def check_room(planned: Planned) -> None:
    """Raises :class:`SettingsError` when the budget has no room for the end and one experiment."""
    holdout, needed = end_of(planned).holdout, first_of(planned)
    rollouts = planned.limits.rollouts
    if rollouts is not None and rollouts < holdout + needed:
        raise SettingsError(
            f"budget: got {rollouts} rollouts, expected at least {holdout + needed}: {holdout} for the holdout and "
            f"{needed} for one experiment",
            hint="raise the budget of rollouts, or make the holdout or gate.holdout_repeats smaller",
        )


def _program(settings: ExperimentSettings, folder: Path) -> str:
    """What the person wrote for proposers; it may be left out, but not where a file is named."""
    path = folder / settings.program
    if not path.exists() and "program" not in settings.model_fields_set:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise SettingsError(f"program: got '{settings.program}' ({why}), expected a text file beside it") from None


def existing_campaign(home: Home) -> rows.Campaign | None:
    """The campaign that is there already, None when there is none."""
    try:
        with Ledger.open(home.folder, read_only=True) as ledger:
            return ledger.campaign
    except CampaignMissing:
        return None


def seed_of(asked: int | None, existing: rows.Campaign | None, home: Home) -> int:
    """The campaign's seed. Raises :class:`SettingsError` when it has another one already."""
    if existing is None:
        return asked or 0
    if asked not in (None, existing.seed):
        raise SettingsError(
            f"--seed: got {asked}, but campaign '{home.campaign}' has seed {existing.seed} already",
            hint="leave --seed out to resume it, or give the new campaign another --name",
        )
    return existing.seed

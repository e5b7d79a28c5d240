"""``ratchet init --from DIR``: an experiment on files that somebody has, with a space proposed by looking at them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from optimizer.cli.adopted_files import Suite, command_suite, dataset_suite, experiment_files
from optimizer.cli.scaffold import check_repository, experiment_place
from optimizer.errors import RepositoryError, SettingsError
from search_space.discovery.finding import MOST_BYTES, Found, find_dimensions, secret
from search_space.discovery.opened import Opened, space_text
from search_space.errors import SearchSpaceError
from search_space.space import Space, load_space

HEAD = (
    "What may change, proposed by ratchet init --from. Each dimension stands under what it opens, in plain words.",
    "Take out what should stay as it is; docs/space-format.md and docs/bindings.md say what else can be opened.",
)


@dataclass(frozen=True, slots=True)
class Adoption:
    """What to make: the experiment ``name`` in ``folder``, over the files in ``source``. ``run`` is what they are
    measured by; None: answers to cases that are to be written yet."""

    folder: Path
    source: Path
    name: str
    rollouts: int
    run: CommandRun | None


@dataclass(frozen=True, slots=True)
class CommandRun:
    """A command, and the metric that comes of it. ``worst`` and ``best`` are known for shares (0 to 1) alone."""

    command: str
    metric: str | None
    direction: str | None
    worst: float | None
    best: float | None
    seconds: float
    evaluator: str | None
    pinned: tuple[str, ...]
    model: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The files to write, below the folder; what they open, and what was seen and left closed."""

    experiment: Path
    files: Mapping[Path, bytes]
    opened: Sequence[Opened]
    notes: Sequence[str]


def plan_adoption(wanted: Adoption) -> Plan:
    """What to write; nothing that is there is changed. Raises a RatchetError when something is in the way, and when
    nothing is found that could be opened."""
    check_repository(wanted.folder)
    experiment = experiment_place(wanted.folder, wanted.name)
    files = _read(wanted.source)
    up = Path(os.path.relpath(wanted.source, wanted.folder / experiment))
    suite = _suite(wanted, files)
    present = {**files, **suite.beside_harness}
    found = find_dimensions(present, pinned=suite.pinned)
    opened = [each for each in found.opened if suite.runs(each.file)] + list(suite.opened)
    unused = sorted({each.file for each in found.opened if not suite.runs(each.file)})
    opened = _usable(opened, present, wanted.folder)
    if not opened:
        raise SettingsError(
            f"{wanted.source}: found nothing to open: no instructions, settings or code that this experiment would run",
            hint="mark regions ('ratchet: begin NAME'), or write space.toml by hand (docs/bindings.md)",
        )
    notes = [note for note in found.notes if suite.runs(note.partition(":")[0])]
    notes += [f"{path}: nothing here says that it is read when a variant is measured" for path in unused]
    found = Found(tuple(opened), tuple(notes))
    made = experiment_files(wanted.name, up.as_posix(), wanted.rollouts, suite, found)
    planned = {experiment / path: content.encode() for path, content in made.items()}
    planned[experiment / "space.toml"] = space_text(opened, HEAD).encode()
    inside = Path(os.path.relpath(wanted.source, wanted.folder))
    planned |= {inside / path: content for path, content in suite.beside_harness.items()}
    return Plan(experiment, planned, opened, found.notes)


def _suite(wanted: Adoption, files: Mapping[str, bytes]) -> Suite:
    run = wanted.run
    if run is None:
        return dataset_suite(files, wanted.source)
    if run.metric is None or run.direction not in ("maximize", "minimize"):
        got = "no --metric" if run.metric is None else f"--direction {run.direction or 'missing'}"
        raise SettingsError(
            f"--command: got {got}, expected --metric NAME and --direction maximize or minimize",
            hint="NAME as the command prints it: 'METRIC NAME=0.5', 'NAME: 0.5', or JSON on the last line",
        )
    share = run.direction == "maximize" and run.worst is None and run.best is None
    worst, best = (0.0, 1.0) if share else (run.worst, run.best)
    if worst is None or best is None or worst == best or (best > worst) != (run.direction == "maximize"):
        raise SettingsError(
            f"--worst, --best: got {worst} and {best} for a metric to {run.direction}, expected the values that score "
            "0 and 1",
            hint="run the command once; choose them so that what it prints lies in the middle",
        )
    named = tuple(path for path in files if path in (run.evaluator or "").split())
    pinned = run.pinned or named
    return command_suite(
        run.command, run.metric, run.direction, worst, best, run.seconds, run.evaluator, pinned, run.model, files
    )


def _read(source: Path) -> dict[str, bytes]:
    """What git has or would take of the folder, but for large files and those that may hold secrets: they are not even
    read."""
    import git  # here because it is slow to import

    if not source.is_dir():
        raise SettingsError(f"--from: got {source}, expected a folder", hint="name the folder that holds your files")
    try:
        listed = git.Repo(source, search_parent_directories=True).git.execute(
            ["git", "-C", str(source), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."]
        )
    except git.InvalidGitRepositoryError:
        raise RepositoryError(
            f"{source} is not in a git repository, and a campaign keeps what it finds in git",
            hint=f"git -C {source} init, then this command again",
        ) from None
    except git.GitCommandError as error:
        raise RepositoryError(f"git cannot list {source}: {str(error.stderr).strip()}") from None
    paths = sorted({path for path in str(listed).split("\0") if path})
    if links := [path for path in paths if (source / path).is_symlink()]:
        raise SettingsError(
            f"--from {source}: got symbolic links ({', '.join(links[:3])}), expected plain files: what a link leads to "
            "is no part of a variant",
            hint="name a folder below without links, or put the file itself in the link's place",
        )
    small = [path for path in paths if not secret(path) and _small(source / path)]
    return {path: (source / path).read_bytes() for path in small}


def _small(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= MOST_BYTES


def _usable(opened: Sequence[Opened], files: Mapping[str, bytes], folder: Path) -> list[Opened]:
    """The proposals that can be loaded, read and changed on these files; the others are left out."""
    kept = list(opened)
    while kept:
        with tempfile.TemporaryDirectory(prefix="ratchet-init-") as place:
            path = Path(place) / "space.toml"
            path.write_text(space_text(kept, ()), encoding="utf-8")
            space = load_space(path)
        wrong = _unusable(space, files)
        if not wrong:
            return kept
        kept = [each for each in kept if each.name not in wrong]
    return kept


def _unusable(space: Space, files: Mapping[str, bytes]) -> set[str]:
    wrong: set[str] = set()
    now = space.read(files)
    for name, value in now.items():
        domain = space.domain(name)
        if not domain.contains(value):
            wrong.add(name)
            continue
        values = getattr(domain, "values", None) or (getattr(domain, "low", None), getattr(domain, "high", None))
        other = next((each for each in values if each != value), value)
        try:
            if other != value:
                space.check(files, space.edit(files, {name: other}).apply(files))
        except SearchSpaceError:
            wrong.add(name)
    return wrong

"""The files that ``ratchet init`` makes: a copy of the plain baseline, and an experiment around it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from optimizer.errors import RepositoryError, SettingsError
from optimizer.shipped import baseline_folder, experiment_folder
from search_space.errors import SearchSpaceError
from search_space.harness import load_harness, read_folder

STDLIB = "stdlib"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
TEMPLATE = """\
name = "{name}"
description = {description}
harness = {harness}
space = "space.toml"
program = "program.md"

[suite]
environment = "experiments.navigator.environment:build"
environment_args = {args}
{source}

[budget]
rollouts = {rollouts}

[proposers]
thompson = 3.0
random = 1.0
human = "proposals"    # drop *.toml or *.diff files here while it runs

[gate]
preset = "fast"

[model]
agent = "embedded"
"""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What to make. ``harness`` is relative to ``folder``; ``tasks`` an absolute path or None; ``root`` is ``stdlib``
    or a folder of Python sources."""

    folder: Path
    name: str
    harness: Path
    tasks: Path | None
    root: str
    rollouts: int


def plan_scaffold(wanted: Scaffold) -> dict[Path, bytes]:
    """The files to write, relative to ``wanted.folder``. Raises a RatchetError when something is in the way."""
    check_repository(wanted.folder)
    experiment = experiment_place(wanted.folder, wanted.name)
    if wanted.harness.is_absolute() or ".." in wanted.harness.parts:
        raise SettingsError(f"harness: got {wanted.harness}, expected a folder inside {wanted.folder}")
    files = _harness_files(wanted)
    shipped = experiment_folder("navigator")
    files[experiment / "space.toml"] = (shipped / "space.toml").read_bytes()
    files[experiment / "program.md"] = (shipped / "program.md").read_bytes()
    files[experiment / "proposals" / "README.md"] = PROPOSALS.encode()
    files[experiment / "experiment.toml"] = _experiment_toml(wanted, experiment).encode()
    if wanted.tasks:
        files[experiment / "tasks.jsonl"] = _tasks(wanted.tasks)
    return files


def write_scaffold(folder: Path, files: Mapping[Path, bytes]) -> None:
    """Write ``files`` below ``folder``; an existing file is never replaced."""
    for path in sorted(files):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            out.write(files[path])


PROPOSALS = """\
# Proposals of yours

Drop files here, also while the campaign runs; each is tried once, before anybody else's proposal.

`idea.toml`:

    hypothesis = "Checking the answer once more avoids slips"
    [changes]
    "limits.max_steps" = 16

`idea.diff`: a unified diff of the harness's files (paths relative to the harness folder), with leading lines that begin
with `#` for the hypothesis. What it changes must be open in `space.toml`.
"""


def experiment_place(folder: Path, name: str) -> Path:
    """Where the experiment ``name`` is made, below ``folder``. Raises SettingsError for no name and for one taken."""
    if not NAME.fullmatch(name):
        raise SettingsError(
            f"name: got {name!r}, expected letters, digits, '.', '_' or '-', beginning with a letter or digit"
        )
    place = Path("experiments") / name
    if (folder / place).exists():
        raise SettingsError(
            f"{place}: is there already; nothing was changed", hint="choose another name with --name, or remove it"
        )
    return place


def check_repository(folder: Path) -> None:
    """Raises RepositoryError for a folder that is in no git repository."""
    if not folder.is_dir():
        raise RepositoryError(f"{folder}: no such folder", hint="make it, and 'git init' in it")
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        raise RepositoryError(
            f"{folder} is not in a git repository, and a campaign keeps what it finds in git",
            hint=f"git -C {folder} init, then this command again",
        )


def _harness_files(wanted: Scaffold) -> dict[Path, bytes]:
    place = wanted.folder / wanted.harness
    if not place.exists():
        shipped = read_folder(baseline_folder("minimal"))
        return {wanted.harness / path: content for path, content in shipped.items()}
    try:
        load_harness(place)
    except SearchSpaceError as error:
        raise SettingsError(
            f"{wanted.harness} is there but is no harness: {error}",
            hint="docs/harness-format.md describes one; or name a folder that is not there yet",
        ) from None
    return {}


def _experiment_toml(wanted: Scaffold, experiment: Path) -> str:
    up = "/".join([".."] * len(experiment.parts))
    if wanted.tasks:
        source = 'tasks = "tasks.jsonl"'
        description = f"Tasks of our own, {wanted.tasks.name}"
    else:
        source = 'generator = "experiments.navigator.generator:generate"\ngenerator_args = { seed = 1 }'
        library = "the standard library" if wanted.root == STDLIB else wanted.root
        description = f"Questions about the Python sources in {library}"
    return TEMPLATE.format(
        name=wanted.name,
        description=quoted(description),
        harness=quoted(f"{up}/{wanted.harness.as_posix()}"),
        args=_environment_args(wanted, up),
        source=source,
        rollouts=wanted.rollouts,
    )


def _environment_args(wanted: Scaffold, up: str) -> str:
    """An inline table; the navigator's tools and its generator read the standard library when no root is named."""
    if wanted.root == STDLIB:
        return "{}"
    root = Path(wanted.root)
    if not (wanted.folder / root).is_dir():
        raise SettingsError(
            f"--root: got {wanted.root!r}, expected '{STDLIB}' or a folder of Python sources, seen from {wanted.folder}"
        )
    return f"{{ root = {quoted(str(root) if root.is_absolute() else f'{up}/{root.as_posix()}')} }}"


def _tasks(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}, expected a JSONL file of tasks") from None


def quoted(text: str) -> str:
    """A text as TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""Options that several commands share."""

from __future__ import annotations

import itertools
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from optimizer.errors import CampaignMissing
from optimizer.home import Home, find_home

CampaignName = Annotated[
    str | None, typer.Option("--campaign", "-c", help="Which campaign; the one written to last when not given.")
]
Where = Annotated[Path, typer.Option("--in", help="Look for campaigns here: a repository, or a folder with runs/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


PLAIN_WIDTH = 100


class _Screen(Console):
    """A console whose reader may go away (``ratchet log | head``) without that being a failure."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console(*, plain_width: int = PLAIN_WIDTH, stderr: bool = False) -> Console:
    """Where a command prints: as wide as the terminal, or ``plain_width`` columns when it is read by a program or kept
    in a file (``COLUMNS`` says otherwise)."""
    if (sys.stderr if stderr else sys.stdout).isatty() or "COLUMNS" in os.environ:
        return _Screen(highlight=False, stderr=stderr)
    return _Screen(highlight=False, width=plain_width, stderr=stderr)


def selecting(home: Home) -> str:
    """The options that lead a command, run where this one was, to ``home``."""
    try:
        found = find_home(Path.cwd(), home.campaign)
    except CampaignMissing:
        found = None
    where = "" if found == home else f" --in {shlex.quote(nearest(home.repository))}"
    return f"-c {home.campaign}{where}"


def nearest(path: Path) -> str:
    """``path`` as one would type it from here: the shorter of relative and absolute."""
    return min(os.path.relpath(path), str(path), key=len)


def home_of(where: Path, campaign: str | None) -> Home:
    """The campaign that the options mean. Raises :class:`optimizer.errors.CampaignMissing`."""
    return find_home(where.resolve(), campaign)


@contextmanager
def counting(what: str) -> Iterator[Callable[[], None]]:
    """Counts on the terminal, if there is one: it may take minutes."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    done = itertools.count(1)
    with Console(stderr=True, highlight=False).status(f"{what} …") as shown:
        yield lambda: shown.update(f"{what}: {next(done)} rollouts …")

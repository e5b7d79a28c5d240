"""``ratchet fetch``: public sets of data, fetched when a person has seen what they are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from optimizer.cli.options import AsJson, console, nearest
from optimizer.errors import SettingsError
from optimizer.fetching.download import download
from optimizer.fetching.sets import SHIPPED, PublicSet, find_set, load_sets
from optimizer.fetching.taking import take
from optimizer.reports.json_text import json_text
from optimizer.reports.words import count, some

SOURCE = "SOURCE.txt"


def fetch(
    name: Annotated[str | None, typer.Argument(help="The set; without one, those there are.")] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="Take it from this file or folder instead of the network.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="The folder to put it into; data/NAME.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Fetch without being asked.")] = False,
    sets: Annotated[Path, typer.Option("--list", help="A list of sets of your own.")] = SHIPPED,
    as_json: AsJson = False,
) -> None:
    """Fetch a public set of data: its address, licence and size are shown first, its checksums hold."""
    known = load_sets(sets)
    if name is None:
        _list(known, as_json=as_json)
        return
    wanted, folder = find_set(known, name), to or Path("data") / name
    if source is None:
        _ask(name, wanted, folder, yes=yes, as_json=as_json)
        missing: list[str] = []
        _fetch(wanted, folder)
    else:
        missing = [file.path for file in take(source, wanted, folder)[1]]
    if not (folder / SOURCE).exists():
        (folder / SOURCE).write_text(_source(name, wanted), encoding="utf-8")
    if as_json:
        there = [file.path for file in wanted.files if file.path not in missing]
        typer.echo(json_text({**_told(name, wanted), "folder": str(folder), "there": there, "missing": missing}))
        return
    typer.echo(f"{name}: {some(len(wanted.files) - len(missing), 'file')} in {nearest(folder)}, every checksum right")
    if missing:
        typer.echo(f"not in {source}: {', '.join(missing)}; 'ratchet fetch {name}' fetches what is missing")


def _list(known: dict[str, PublicSet], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json_text([_told(name, one) for name, one in known.items()], indent=2))
        return
    screen = console()
    for name, one in known.items():
        screen.print(f"{name}: {one.about}", markup=False)
        screen.print(f"  {one.licence}, {some(len(one.files), 'file')}, {_size(one.bytes)}; {one.home}", markup=False)


def _ask(name: str, wanted: PublicSet, folder: Path, *, yes: bool, as_json: bool) -> None:
    """Show what would be fetched; go on when that is wanted."""
    screen = console(stderr=as_json)
    screen.print(f"{name}: {wanted.about}", markup=False)
    screen.print(f"  from     {wanted.base}", markup=False, soft_wrap=True)
    screen.print(f"  licence  {wanted.licence} ({wanted.credit})", markup=False)
    screen.print(f"  size     {some(len(wanted.files), 'file')}, {_size(wanted.bytes)}, into {folder}", markup=False)
    for file in wanted.files:
        screen.print(f"  sha256   {file.sha256}  {file.path}", markup=False, soft_wrap=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise SettingsError(
            "fetch: there is nobody to ask, and nothing was fetched",
            hint="look at the address and the licence above, then add --yes; or name a file that is here with --from",
        )
    if not typer.confirm("Fetch it?", err=as_json):
        raise typer.Exit(1)


def _fetch(wanted: PublicSet, folder: Path) -> None:
    with _progress(wanted.bytes) as on_bytes:
        for file in wanted.files:
            if not download(wanted.address(file), folder / file.path, file, on_bytes):
                on_bytes(file.bytes)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    columns = (TextColumn("fetching"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=total)
        yield lambda done: shown.advance(task, done)


def _source(name: str, wanted: PublicSet) -> str:
    """What stays beside the files: where they are from, and whom to name."""
    lines = [f"{file.sha256}  {file.path}" for file in wanted.files]
    return "\n".join(
        [f"{name}: {wanted.about}", wanted.home, wanted.base, f"{wanted.licence}; {wanted.credit}", "", *lines, ""]
    )


def _told(name: str, one: PublicSet) -> dict[str, Any]:
    files = [{"path": file.path, "bytes": file.bytes, "sha256": file.sha256} for file in one.files]
    whence = {"home": one.home, "address": one.base, "licence": one.licence, "credit": one.credit}
    return {"name": name, "about": one.about, **whence, "bytes": one.bytes, "files": files}


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{count(size)} bytes"

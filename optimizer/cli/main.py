"""``ratchet``: the commands, and the one place where an error becomes a sentence and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated

import typer

from optimizer.cli import bench, calibrate, door, fetch, importing, init, inspect, replay, run, tune, upkeep
from optimizer.cli.hiding import hide_memory
from optimizer.errors import RatchetError
from search_space.errors import SearchSpaceError

GIT_PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")
"""Set while git runs a hook: a command started from one would work on that repository, not on the one it was given."""

NUMPY_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""The gate's matrices are small: threads would only wait for each other, and for the rollouts."""

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

app = typer.Typer(
    name="ratchet",
    help="Optimize an agent's harness unattended: propose an edit, measure it, keep what is really better.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.init)
app.command("run")(run.run)
app.command("calibrate")(calibrate.calibrate)
app.command("status")(inspect.status)
app.command("log")(inspect.log)
app.command("show")(inspect.show)
app.command("verify")(upkeep.verify)
app.command("stop")(upkeep.stop)
app.command("doctor")(upkeep.doctor)
app.command("door")(door.door)
app.command("import")(importing.import_)
app.command("fetch")(fetch.fetch)
app.command("tune")(tune.tune)
app.command("render")(tune.render)
app.command("replay")(replay.replay)
app.command("bench")(bench.bench)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ratchet {version('ratchet-harness')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Optimize an agent's harness unattended: propose an edit, measure it, keep what is really better."""


def main() -> None:
    """Run the command line. What a user can mend is said in a sentence, with exit code 2 and no traceback."""
    hide_memory()
    for name in GIT_PLACES:
        os.environ.pop(name, None)
    for name in NUMPY_THREADS:
        os.environ.setdefault(name, "1")
    try:
        app(prog_name="ratchet")
    except RatchetError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        sys.exit(2)
    except SearchSpaceError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"error: the disk is full{where}: {error.strerror}", file=sys.stderr)
        print("hint: make room, then give the same command again: nothing that was decided is lost", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

"""An entry that runs one shell command: for checks that an experiment asks for, and for suites that are commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from optimizer.sandboxes.worker import EntryFailed

TAIL_BYTES = 2000


def run_command(payload: Mapping[str, Any]) -> None:
    """Run ``payload["command"]`` by ``/bin/sh``; any exit code but 0 is a failure.

    Optional in the payload: ``within``, the folder to run it in (the current one); ``environment``, variables laid over
    those that are there; ``output``, a file that takes all it prints, of which only the end is printed here.
    """
    output = payload.get("output")
    with ExitStack() as stack:
        out = stack.enter_context(open(output, "wb")) if output else None  # noqa: PTH123
        ended = subprocess.run(
            ["/bin/sh", "-c", payload["command"]],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=None if out is None else subprocess.STDOUT,
            cwd=payload.get("within"),
            env={**os.environ, **payload.get("environment", {})},
            check=False,
        )
    if ended.returncode != 0 and output:
        _print_tail(output)
    if ended.returncode < 0:
        raise EntryFailed(f"it was killed by {_named(-ended.returncode)}")
    if ended.returncode != 0:
        raise EntryFailed(f"exit code {ended.returncode}")


def _print_tail(path: str) -> None:
    with open(path, "rb") as file:  # noqa: PTH123
        file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
        sys.stdout.write(file.read().decode("utf-8", "replace"))


def _named(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

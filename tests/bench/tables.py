"""What every benchmark prints: the machine, and tables in Markdown."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers as they were formatted by the caller."""
    lines = [head, ["---"] * len(head), *[[str(value) for value in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Cores, memory and versions; nothing that names the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{cores} cores, {gigabytes:.0f} GB of memory, {system}, Python {platform.python_version()}, git {git}"


@contextmanager
def workbench() -> Iterator[Path]:
    """A temporary folder on the checkout's disk: what is durable must really be flushed, and no tmpfs does that."""
    runs = Path("runs")
    runs.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=runs) as folder:
        yield Path(folder).resolve()

"""``ratchet run`` as a process that is killed, at moments of several kinds, and what it leaves behind."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from optimizer.evaluation.scratch import PREFIX, choose_base
from optimizer.home import Home
from tests.faults.outcome import rows_of

COMMAND: Final = "import sys; from optimizer.cli.main import main; sys.argv[0] = 'ratchet'; main()"
DEADLINE_S: Final = 120.0
"""No run takes as long, also on a busy machine."""
GONE_S: Final = 10.0
"""How long what a killed process started may take to notice."""


@dataclass
class Killer:
    """Starts one campaign again and again. ``folder`` is the experiment's, and marks all processes that come of it."""

    folder: Path
    seed: int
    rng: random.Random
    whole_s: float
    pids: list[int] = field(default_factory=list)

    @property
    def runs(self) -> Path:
        return self.folder / f"runs-{self.seed}"

    @property
    def home(self) -> Home:
        return Home(self.runs / "small", "small")

    def start(self) -> subprocess.Popen[str]:
        marker = str(self.folder)
        command = [sys.executable, "-c", COMMAND, "run", marker, "--runs", str(self.runs), "--plain"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, marker])}
        process = subprocess.Popen(
            [*command, "--seed", str(self.seed)],
            env=environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.pids.append(process.pid)
        return process

    def finish(self) -> str:
        """Run to the end; what it printed."""
        output, _ = (process := self.start()).communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, output
        return output

    def kill(self, moment: str) -> str | None:
        """Run until ``moment`` and kill; the output when it ended by itself before that."""
        process = self.start()
        try:
            MOMENTS[moment](self, process)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            output, _ = process.communicate(timeout=DEADLINE_S)
        finally:
            process.kill()
            process.wait()
        assert process.returncode in (0, -signal.SIGKILL), output
        return output if process.returncode == 0 else None

    def left_behind(self) -> tuple[list[int], list[Path]]:
        """Processes and temporary folders of this campaign that are still there after a while of waiting."""
        deadline = time.monotonic() + GONE_S
        while (alive := _marked(str(self.folder))) and time.monotonic() < deadline:
            time.sleep(0.05)
        base = choose_base()
        return alive, [folder for pid in self.pids for folder in base.glob(f"{PREFIX}{pid}-*")]


def _at_start(killer: Killer, process: subprocess.Popen[str]) -> None:
    """Before or just when the first rollouts run."""
    _sleep(process, killer.rng.uniform(0.0, 1.2))


def _anywhere(killer: Killer, process: subprocess.Popen[str]) -> None:
    _sleep(process, killer.rng.uniform(0.5, max(1.0, 0.6 * killer.whole_s)))


def _settling(killer: Killer, process: subprocess.Popen[str]) -> None:
    """Between the intent to keep (or to certify, or to fall back) and its confirmation."""
    _watch(killer, process, "SELECT 1 FROM intents")
    _sleep(process, killer.rng.choice((0.0, 0.001, 0.003)))


def _during(purpose: str) -> Callable[[Killer, subprocess.Popen[str]], None]:
    def moment(killer: Killer, process: subprocess.Popen[str]) -> None:
        _watch(killer, process, f"SELECT 1 FROM rollouts WHERE state = 'started' AND purpose = '{purpose}'")
        _sleep(process, killer.rng.uniform(0.0, 0.3))

    return moment


MOMENTS: Final[dict[str, Callable[[Killer, subprocess.Popen[str]], None]]] = {
    "start": _at_start,
    "anywhere": _anywhere,
    "settling": _settling,
    "exam": _during("final"),
    "holdout": _during("holdout"),
}


def _watch(killer: Killer, process: subprocess.Popen[str], query: str) -> None:
    """Return as soon as ``query`` finds something in the ledger, or the process has ended."""
    deadline = time.monotonic() + DEADLINE_S
    while process.poll() is None:
        assert time.monotonic() < deadline, "the campaign does not end"
        try:
            with rows_of(killer.home) as connection:
                while process.poll() is None and not connection.execute(query).fetchone():
                    time.sleep(0.001)
            return
        except sqlite3.Error:  # not there yet, or being recovered
            time.sleep(0.01)


def _sleep(process: subprocess.Popen[str], seconds: float) -> None:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return


def _marked(marker: str) -> list[int]:
    """Living processes with ``marker`` in their command line or environment, this one excepted."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            dead = (folder / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except OSError:
            continue
        if marker.encode() in told and not dead and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found

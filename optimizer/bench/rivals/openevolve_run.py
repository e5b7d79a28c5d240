"""OpenEvolve by its own ``run_evolution``, in an interpreter of its own, with a stub where its language model would be.

OpenEvolve evaluates in a pool of processes, and sets signal handlers, log handlers and global seeds. Here all that
happens in a child (``openevolve_child.py``), which asks this process for every score over a socket. So the meter stays
here and counts every rollout, and whatever OpenEvolve leaves behind ends with the child.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import optimizer
from optimizer.bench.rivals.base import Finding, Metered
from optimizer.bench.rivals.programs import assignment_of
from optimizer.bench.rivals.record import Record, batch_size, batch_words
from optimizer.errors import RatchetError

CHILD = "optimizer.bench.rivals.openevolve_child"

SOCKET = "RATCHET_BENCH_SOCKET"
"""The environment variable that tells the child the number of its end of the socket."""

SILENCE_S = 300.0
"""A child that asks for nothing for so long is given up."""


@dataclass(frozen=True)
class OpenEvolve:
    """One iteration is one program, run on search tasks drawn afresh for it: all of them, or with ``iterations`` as
    many as leave the budget that many iterations. The rest are fields of OpenEvolve's ``DatabaseConfig``."""

    iterations: int | None = 150
    num_islands: int = 1
    population_size: int = 1000
    archive_size: int = 10
    name: str = "openevolve"

    @property
    def settings(self) -> Mapping[str, object]:
        return {
            "tasks an iteration": batch_words(self.iterations),
            **self._database,
            "diff_based_evolution": True,
            "parallel_evaluations": 1,
            "model": "a stub that changes one line at random",
        }

    @property
    def _database(self) -> dict[str, int]:
        return {
            "num_islands": self.num_islands,
            "population_size": self.population_size,
            "archive_size": self.archive_size,
        }

    def run(self, metered: Metered, *, seed: int) -> Finding:
        problem, draws = metered.problem, random.Random(f"tasks {seed}")
        size = batch_size(metered, self.iterations)
        iterations = metered.left // size - 1  # one run is the initial program's
        if iterations < 1:
            return Record(metered, seed=seed).finding()
        job = {
            "components": [[name, list(options)] for name, options in problem.components.items()],
            "stream": problem.stream,
            "iterations": min(iterations, len(problem.components)) if problem.stream else iterations,
            "seed": seed,
            "database": self._database,
        }
        record: Record | None = None
        with _child(job) as child:
            for program in child.programs():
                record = record or Record(metered, seed=seed)  # so its clock starts after the child's imports
                child.answer(_scored(record, assignment_of(program), draws.sample(problem.search, size)))
            if record is None:
                raise child.failure("it ended before it asked for a score")
            return record.finding()


def _scored(record: Record, candidate: dict[str, str], tasks: Sequence[str]) -> float:
    """The initial program comes first; OpenEvolve's best is the program with the highest score."""
    score = record.mean(candidate, tasks)
    if not record.started:
        record.start(score)
        return score
    record.offer(candidate)
    if score > record.best:
        record.keep(candidate, score)
    return score


class _Child:
    """The other interpreter, as seen from here."""

    def __init__(self, process: subprocess.Popen[bytes], end: TextIO, log: Path) -> None:
        self._process, self._end, self._log = process, end, log

    def programs(self) -> Iterator[str]:
        """Every program that a score is asked for, until the evolution has ended. Raises RatchetError when it failed
        or fell silent."""
        try:
            for line in self._end:
                yield json.loads(line)
            code = self._process.wait(timeout=SILENCE_S)
        except (TimeoutError, subprocess.TimeoutExpired):
            raise self.failure(f"it asked for nothing for {SILENCE_S:.0f} s") from None
        if code != 0:
            raise self.failure(f"it ended with exit code {code}")

    def answer(self, score: float) -> None:
        """The score of the program that was asked for last."""
        self._end.write(json.dumps(score) + "\n")
        self._end.flush()

    def failure(self, what: str) -> RatchetError:
        """The error to raise, with the last that the child said."""
        said = self._log.read_text(errors="replace").strip().splitlines()
        return RatchetError(f"openevolve: {what}" + (f": {said[-1]}" if said else ""))


@contextmanager
def _child(job: Mapping[str, object]) -> Iterator[_Child]:
    """The child at work on ``job``, in a process group and a folder of its own, both gone afterwards."""
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryDirectory(prefix="ratchet-openevolve-") as folder, ours:
        log = Path(folder) / "log"
        (Path(folder) / "job.json").write_text(json.dumps(job))
        with theirs, log.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", CHILD],
                cwd=folder,
                env=_environment(folder, theirs.fileno()),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        ours.settimeout(SILENCE_S)
        try:
            with ours.makefile("rw") as end:
                yield _Child(process, end, log)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment(folder: str, descriptor: int) -> dict[str, str]:
    """OpenEvolve draws parents out of sets of strings, so the order of those has to be fixed too."""
    here = str(Path(optimizer.__file__).parents[1])
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    fixed = {"PYTHONHASHSEED": "0", "PYTHONPATH": path, "TMPDIR": folder, SOCKET: str(descriptor)}
    return {**os.environ, **fixed}

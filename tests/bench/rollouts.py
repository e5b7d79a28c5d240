"""Rollouts a second of the shipped navigator with the embedded model: everything between asking and a recorded score.

``rollouts:3`` measures three times (default 3), some 400 rollouts each, on search tasks and the starting harness.
"""

from __future__ import annotations

import statistics
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from optimizer.assemble.machinery import start_runner, start_sandbox
from optimizer.assemble.plan import plan_campaign
from optimizer.assemble.planned import Planned, Request
from optimizer.assemble.sizes import tasks_of, workers_of
from optimizer.evaluation.budget import Budget, BudgetLimits
from optimizer.evaluation.cache import MemoryStore
from optimizer.gathering import rollout_seed
from optimizer.records import Split, Status
from tests.bench.tables import table, workbench

EXPERIMENT = Path("experiments/navigator")
ROLLOUTS = 400
TIMES = 3


def report(options: str = "") -> str:
    times = int(options or TIMES)
    with workbench() as folder:
        planned = plan_campaign(Request(EXPERIMENT, runs=folder))
        found = [measure(planned) for _ in range(times)]
    rows = [
        (number, count, f"{seconds:.1f}", f"{count / seconds:.1f}", f"{ready:.1f}")
        for number, (count, seconds, ready) in enumerate(found, start=1)
    ]
    head = ("run", "rollouts", "seconds", "rollouts a second", "seconds to get ready")
    median = statistics.median(count / seconds for count, seconds, _ in found)
    workers = workers_of(planned.settings)
    return f"Median {median:.1f} rollouts a second, {workers} at once.\n\n{table(head, rows)}"


def measure(planned: Planned) -> tuple[int, float, float]:
    """Rollouts, seconds that they took, and seconds until the first could begin."""
    tasks = tasks_of(planned.suite, Split.search)
    repeats = -(-ROLLOUTS // len(tasks))
    wanted = [(task, rollout_seed(1, task.id, repeat)) for repeat in range(repeats) for task in tasks.values()]
    began = time.perf_counter()
    with ExitStack() as stack:
        sandbox = start_sandbox(planned, stack)
        runner, _ = start_runner(
            planned, stack, sandbox, MemoryStore(), Budget(BudgetLimits()), None, lambda rollout, purpose, cached: None
        )
        ready = time.perf_counter()
        assert planned.files is not None, "the navigator starts from a shipped harness"
        rollouts = runner.run(
            "0" * 40,
            planned.files,
            wanted,
            deadline=time.monotonic() + 3600.0,
            purpose="search",
            cancel=threading.Event(),
        )
        ended = time.perf_counter()
    broken = [rollout for rollout in rollouts if rollout.status is not Status.ok]
    assert not broken, broken[0].reason
    return len(rollouts), ended - ready, ready - began

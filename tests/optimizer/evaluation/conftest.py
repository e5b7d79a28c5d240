"""A tiny suite, a scripted door on a real socket, and a runner with the real sandbox and pool."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import BudgetExceeded
from optimizer.evaluation.budget import Budget, BudgetLimits
from optimizer.evaluation.cache import MemoryStore
from optimizer.evaluation.runner import RunnerSettings, SandboxRunner
from optimizer.evaluation.scratch import Scratch
from optimizer.models.base import Account, Trouble, UpstreamError
from optimizer.pools.threads import ThreadPool
from optimizer.records import Rollout, Spend, Split, Task
from optimizer.sandboxes.process import ProcessSandbox

HERE = str(Path(__file__).parent)
CALL_TOKENS = 10


class TinySuite:
    """Double the number. The truth is computed here and never sent."""

    hash = "sha256:tiny"
    entry = "tiny_rollouts:run_rollout"
    readable: Sequence[Path] = ()

    def tasks(self, split: Split) -> Sequence[Task]:
        return [Task(f"{split.value}-{number}", split, str(number)) for number in range(1, 9)]

    def payload(self, task: Task) -> Mapping[str, Any]:
        return {"task": task.id, "prompt": task.prompt}

    def grade(self, task: Task, answer: str | None) -> float:
        return float(answer == str(2 * int(task.prompt)))


class ScriptedDoor:
    """Answers ``yes`` and charges for it, or ``no`` when the budget does not cover it."""

    def __init__(self, path: Path, budget: Budget) -> None:
        self.budget = budget
        self.opened: list[tuple[str, int, int | None]] = []
        self.spends: dict[str, Spend] = {}
        self.accounts: list[Account] = []
        """What the first sessions to be closed are told beside their spend."""
        self.troubled = Trouble()
        self.held = 0
        self.probed: list[UpstreamError] = []
        self.found: list[Account] = []
        """What the first probes find; the others find the upstream failing."""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def open(self, session: str, seed: int, deadline: float, token_limit: int | None = None) -> str:
        self.opened.append((session, seed, token_limit))
        token = f"token-{len(self.opened)}"
        self.spends[token] = Spend()
        return token

    def close(self, token: str) -> Account:
        told = self.accounts.pop(0) if self.accounts else Account()
        return replace(told, spend=self.spends.pop(token) + told.spend)

    def hold(self, until: float, stop: threading.Event) -> None:
        self.held += 1

    def trouble(self) -> Trouble:
        return self.troubled

    def probe(self, error: UpstreamError) -> Account:
        self.probed.append(error)
        return self.found.pop(0) if self.found else Account(failure=error)

    def end(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()

    def _serve(self) -> None:
        while True:
            try:
                channel, _ = self.socket.accept()
            except OSError:
                return
            with channel:
                token = channel.recv(100).decode()
                cost = Spend(calls=1, input_tokens=CALL_TOKENS)
                try:
                    self.budget.settle(self.budget.reserve(cost), cost)
                except BudgetExceeded:
                    channel.sendall(b"budget_exceeded")
                    continue
                self.spends[token] += cost
                channel.sendall(b"yes")


@dataclass
class Bench:
    """A runner and all that it works with."""

    runner: SandboxRunner
    suite: TinySuite
    door: ScriptedDoor
    store: MemoryStore
    budget: Budget
    scratch: Scratch
    kept: Path
    seen: list[tuple[Rollout, str, bool]] = field(default_factory=list)

    def wanted(self, count: int, split: Split = Split.search, seed: int = 0) -> list[tuple[Task, int]]:
        return [(task, seed) for task in self.suite.tasks(split)[:count]]

    def run(self, order: str, wanted: list[tuple[Task, int]], *, tree: str = "", **how: Any) -> list[Rollout]:
        files = {"harness.toml": b"", "prompts/system.md": order.encode()}
        how = {"deadline": time.monotonic() + 30, "purpose": "search", **how}
        return self.runner.run(tree or order, files, wanted, **how)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ProcessSandbox]:
    sys.path.insert(0, HERE)
    try:
        with ProcessSandbox(preload={"tiny_rollouts": None}) as sandbox:
            yield sandbox
    finally:
        sys.path.remove(HERE)


@pytest.fixture
def limits() -> BudgetLimits:
    return BudgetLimits(rollouts=100, tokens=10_000)


@pytest.fixture
def settings() -> RunnerSettings:
    return RunnerSettings(rollout_timeout_s=10.0)


@pytest.fixture
def bench(sandbox: ProcessSandbox, tmp_path: Path, limits: BudgetLimits, settings: RunnerSettings) -> Iterator[Bench]:
    budget, store, pool, suite, kept = Budget(limits), MemoryStore(), ThreadPool(2), TinySuite(), tmp_path / "kept"
    seen: list[tuple[Rollout, str, bool]] = []
    with Scratch() as scratch:
        door = ScriptedDoor(scratch.socket, budget)
        runner = SandboxRunner(
            suite=suite,
            sandbox=sandbox,
            pool=pool,
            door=door,
            socket=scratch.socket,
            store=store,
            budget=budget,
            scratch=scratch,
            settings=settings,
            keep_trajectories=kept,
            on_rollout=lambda rollout, purpose, cached: seen.append((rollout, purpose, cached)),
        )
        yield Bench(runner, suite, door, store, budget, scratch, kept, seen)
        assert [path.name for path in scratch.path.glob("rollout-*")] == []
        door.end()
    pool.close()

"""What rollouts run on: a sandbox with a model behind a door, or whatever else makes scores of variants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Protocol

from optimizer.assemble.machinery import checker, start_runner, start_sandbox
from optimizer.assemble.mcp import check_servers
from optimizer.assemble.models import upstream_of
from optimizer.assemble.planned import Planned
from optimizer.evaluation.base import Runner
from optimizer.evaluation.budget import Budget
from optimizer.evaluation.cache import RolloutStore
from optimizer.records import Rollout
from optimizer.sandboxes.process import ProcessSandbox

Check = Callable[[Mapping[str, bytes]], str | None]
"""Why a variant cannot work, or None: what fails here costs no rollout."""
OnRollout = Callable[[Rollout, str, bool], None]
"""Called with each rollout, what it was for, and whether it was known already."""


class Machine(Protocol):
    """Started once for one campaign."""

    def start(self, planned: Planned, stack: ExitStack) -> None:
        """All that may fail, before anything of a campaign is made; ``stack`` ends it. Raises RatchetError."""
        ...

    def describe(self) -> tuple[str, str]:
        """What answers rollouts (a model's name), and how they are confined; in words, once it is started."""
        ...

    def runner(self, store: RolloutStore, budget: Budget, on_rollout: OnRollout) -> Runner:
        """The road to a score."""
        ...

    def check(self, cancel: threading.Event) -> Check:
        """The checks before any rollout, to be asked for after the runner."""
        ...


class SandboxMachine:
    """The reference agent in a sandbox, as ``experiment.toml`` says."""

    def start(self, planned: Planned, stack: ExitStack) -> None:
        upstream = upstream_of(planned)
        upstream.check()
        check_servers(planned)
        self._planned, self._stack, self._model = planned, stack, upstream.name
        self._sandbox: ProcessSandbox = start_sandbox(planned, stack)

    def describe(self) -> tuple[str, str]:
        return self._model, self._sandbox.confinement.describe()

    def runner(self, store: RolloutStore, budget: Budget, on_rollout: OnRollout) -> Runner:
        trajectories = self._planned.home.trajectories
        runner, self._scratch = start_runner(
            self._planned, self._stack, self._sandbox, store, budget, trajectories, on_rollout
        )
        return runner

    def check(self, cancel: threading.Event) -> Check:
        return checker(self._planned, self._sandbox, self._scratch, cancel)

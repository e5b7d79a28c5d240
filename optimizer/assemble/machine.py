"""What rollouts run on: a sandbox with a model behind a door, or whatever else makes scores of variants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from optimizer.assemble.machinery import checker, start_runner, start_sandbox
from optimizer.assemble.mcp import check_servers
from optimizer.assemble.models import upstream_of
from optimizer.assemble.planned import Planned
from optimizer.evaluation.base import Runner
from optimizer.evaluation.budget import Budget
from optimizer.evaluation.cache import RolloutStore
from optimizer.records import Rollout
from optimizer.sandboxes.limits import Limits
from optimizer.sandboxes.process import ProcessSandbox
from optimizer.suites.command.stages import CommandSandbox, device_files
from optimizer.suites.command.suite import CommandSuite

NO_MODEL = "none: no model is asked"
DRIVERS = (Path("/proc"), Path("/sys"))
"""What the drivers of devices read."""
MOST_FILES, MOST_OPEN, MOST_PROCESSES = 50_000, 1024, 256
"""Bounds of a command that hardly any means to reach."""

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

    def runner(
        self, store: RolloutStore, budget: Budget, on_rollout: OnRollout, trajectories: Path | None = None
    ) -> Runner:
        """The road to a score; ``trajectories`` is where some of failed rollouts are kept, if anywhere."""
        ...

    def check(self, cancel: threading.Event) -> Check:
        """The checks before any rollout, to be asked for after the runner."""
        ...


class CommandMachine:
    """A command in a sandbox, in stages; no model, unless the suite asks for one."""

    def start(self, planned: Planned, stack: ExitStack) -> None:
        suite = planned.suite
        assert isinstance(suite, CommandSuite)
        settings = suite.settings
        self._planned, self._stack, self._suite, self._asks = planned, stack, suite, settings.model
        self._model = NO_MODEL
        if settings.model:
            upstream = upstream_of(planned)
            upstream.check()
            self._model = upstream.name
        devices = device_files(settings.devices)
        self._sandbox = start_sandbox(
            planned,
            stack,
            readable=DRIVERS if devices else (),
            devices=devices,
            limits=Limits(
                memory_mb=settings.memory_mb,
                folder_mb=settings.disk_mb,
                file_mb=settings.disk_mb,
                files=MOST_FILES,
                open_files=MOST_OPEN,
                processes=MOST_PROCESSES,
                address_space=not devices,
            ),
        )

    def describe(self) -> tuple[str, str]:
        return self._model, self._sandbox.confinement.describe()

    def runner(
        self, store: RolloutStore, budget: Budget, on_rollout: OnRollout, trajectories: Path | None = None
    ) -> Runner:
        staged = CommandSandbox(self._sandbox, self._suite)
        runner, self._scratch = start_runner(
            self._planned, self._stack, staged, store, budget, None, on_rollout, model=self._asks
        )
        return runner

    def check(self, cancel: threading.Event) -> Check:
        return checker(self._planned, self._sandbox, self._scratch, cancel)


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

    def runner(
        self, store: RolloutStore, budget: Budget, on_rollout: OnRollout, trajectories: Path | None = None
    ) -> Runner:
        runner, self._scratch = start_runner(
            self._planned, self._stack, self._sandbox, store, budget, trajectories, on_rollout
        )
        return runner

    def check(self, cancel: threading.Event) -> Check:
        return checker(self._planned, self._sandbox, self._scratch, cancel)

"""What replay runs on: this process for strategies that are shipped, the sandbox for a harness's own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from optimizer.assemble.machine import NO_MODEL, Check, OnRollout
from optimizer.assemble.planned import Planned
from optimizer.evaluation.budget import Budget
from optimizer.evaluation.cache import RolloutStore
from optimizer.evaluation.checks import check_files
from optimizer.evaluation.in_process import InProcessRunner
from optimizer.evaluation.scratch import Scratch, remove_tree
from optimizer.replay.comparing import score_transcript
from optimizer.replay.rendering import built_in
from optimizer.replay.sandboxed import ENTRY, sandboxed
from optimizer.replay.scoring import Score
from optimizer.sandboxes.process import ProcessSandbox
from optimizer.suites.replay import ReplaySuite
from search_space.harness import Harness, harness_from_files
from search_space.harness_file import Plugin


@dataclass(slots=True)
class Replayer:
    """Scores harnesses on the suite's transcripts. A sandbox is started when the first plug-in comes; ``stack`` ends
    it. ``timeout_s`` bounds a plug-in's time at one transcript."""

    suite: ReplaySuite
    stack: ExitStack
    timeout_s: float
    _sandbox: ProcessSandbox | None = None
    _scratch: Scratch = field(init=False)

    def score(self, files: Mapping[str, bytes], task: str, seed: int = 0) -> float:
        """One rollout: the worth of a transcript under the harness of these files. Raises
        :class:`optimizer.replay.sandboxed.PluginFailed` for a plug-in that fails."""
        return self.suite.worth(self.count(files, task))

    def count(self, files: Mapping[str, bytes], task: str) -> Score:
        """What replay counts there."""
        harness, limit = harness_from_files(files), self.suite.limit_tokens
        transcript, uses = self.suite.transcript(task)
        if not isinstance(harness.compaction, Plugin):
            return score_transcript(transcript, built_in(harness.compaction, limit), uses)
        return self._by_plugin(harness, files, task)

    def _by_plugin(self, harness: Harness, files: Mapping[str, bytes], task: str) -> Score:
        assert isinstance(harness.compaction, Plugin)
        if self._sandbox is None:
            self._scratch = self.stack.enter_context(Scratch())
            self._sandbox = ProcessSandbox(preload={ENTRY.partition(":")[0]: None})
            self.stack.callback(self._sandbox.close)
        transcript, uses = self.suite.transcript(task)
        place, folder = self._scratch.folder(), self._scratch.folder()
        try:
            for path, content in files.items():
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                (place / path).write_bytes(content)
            with sandboxed(
                self._sandbox,
                harness=place,
                file=harness.compaction.file,
                parameters={},
                limit_tokens=self.suite.limit_tokens,
                folder=folder,
                timeout_s=self.timeout_s,
            ) as renderer:
                return score_transcript(transcript, renderer, uses)
        finally:
            remove_tree(place)
            remove_tree(folder)


class ReplayMachine:
    """Rollouts of a replay suite."""

    def start(self, planned: Planned, stack: ExitStack) -> None:
        assert isinstance(planned.suite, ReplaySuite)
        self._suite = planned.suite
        self._replayer = Replayer(planned.suite, stack, planned.settings.sandbox.rollout_timeout_s)

    def describe(self) -> tuple[str, str]:
        return NO_MODEL, "strategies that are shipped in this process, plug-ins in the sandbox"

    def runner(
        self, store: RolloutStore, budget: Budget, on_rollout: OnRollout, trajectories: Path | None = None
    ) -> InProcessRunner:
        return InProcessRunner(
            self._replayer.score, suite=self._suite.hash, store=store, budget=budget, on_rollout=on_rollout
        )

    def check(self, cancel: threading.Event) -> Check:
        return lambda files: self._suite.problem(files) or check_files(files)

"""Rollouts whose answers a model judges: asked through the same door, on the rollout's own account, before it is
closed."""

from __future__ import annotations

import json
import threading
from typing import Protocol

from optimizer.evaluation.result import RESULT_FILE, read_result
from optimizer.sandboxes.base import Exit, Launch, Sandbox
from search_space.messages import ModelError, Request, Response


class Judging(Protocol):
    """Sees to verdicts; :class:`optimizer.datasets.judge.Judge` is one."""

    def judge(self, case: str, answer: str, ask: Asking) -> None:
        """Raises :class:`ModelError` when there is no verdict."""
        ...


class Asking(Protocol):
    def __call__(self, request: Request, /) -> Response: ...


class Calls(Protocol):
    """The part of the door that a judge needs."""

    def create(self, token: str, request: Request) -> Response: ...


class JudgedSandbox:
    """A sandbox after whose rollouts a judge is asked about the answer, outside of it: what a rollout costs includes
    its judgement, and a judge that fails is a model that fails. Satisfies :class:`Sandbox`."""

    def __init__(self, inner: Sandbox, door: Calls, judge: Judging) -> None:
        self._inner, self._door, self._judge = inner, door, judge

    def run(self, launch: Launch, *, cancel: threading.Event | None = None) -> Exit:
        ended = self._inner.run(launch, cancel=cancel)
        result = read_result(launch.folder) if ended.status == "ok" else None
        if result is None or result.answer is None or result.outcome != "answered":
            return ended
        token, task = str(launch.payload["token"]), str(launch.payload["task"])
        try:
            self._judge.judge(task, result.answer, lambda request: self._door.create(token, request))
        except ModelError as error:
            told = {"answer": None, "outcome": "model_error", "reason": f"judge: {error}"[:400], "steps": result.steps}
            (launch.folder / RESULT_FILE).unlink()
            (launch.folder / RESULT_FILE).write_text(json.dumps(told), encoding="utf-8")
        return ended

    def close(self) -> None:
        self._inner.close()

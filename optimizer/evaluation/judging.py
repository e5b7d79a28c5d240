"""What an attempt at a rollout says: a measurement of the variant, or nothing about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from optimizer.evaluation.result import Result
from optimizer.evaluation.scores import graded
from optimizer.models.base import Account
from optimizer.records import Rollout, RolloutKey, Status, Task
from optimizer.sandboxes.base import Exit

if TYPE_CHECKING:
    from optimizer.suites.base import LaunchedSuite

REASON_CHARS = 500
OUTPUT_LINES = 3
EXCUSED_SHARE = 0.1
"""What ran out of time is no measurement when at least this share of it went to waiting for a failing model."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a job hands back: how the sandbox left, what the rollout wrote, what the door counted. ``refused`` says that
    the budget did not cover a call that was made meanwhile."""

    exit: Exit
    result: Result = field(default_factory=Result)
    account: Account = field(default_factory=Account)
    refused: bool = False
    trajectory: bytes = b""


def why_not_counted(attempt: Attempt) -> str:
    """Why an attempt is no measurement of the variant; empty when it is one.

    ``cancelled``, ``budget`` and ``deadline`` end the batch. ``model``: the upstream failed one of its calls, whatever
    the rollout made of that. ``waited``: it may have run out of time only because it waited for a failing upstream.
    """
    if attempt.exit.status == "cancelled":
        return "cancelled"
    if attempt.refused:
        return "budget"
    if attempt.account.failure is not None:
        return "model"
    if attempt.exit.status == "timeout" and attempt.exit.reason == "deadline":
        return "deadline"
    # The door's deadline is a moment before the sandbox's: a rollout may still have told that a call was cut short.
    late = attempt.exit.status == "timeout" or attempt.result.outcome == "model_error"
    if late and attempt.account.waited_s >= max(EXCUSED_SHARE * attempt.exit.seconds, 1e-9):
        return "waited"
    return ""


def judge(suite: LaunchedSuite, task: Task, key: RolloutKey, attempt: Attempt) -> Rollout:
    """The rollout that a counted attempt is, graded by ``suite``; raises as :func:`graded` does."""
    ended, result = attempt.exit, attempt.result
    status, score, reason = Status.ok, 0.0, ""
    if ended.status == "timeout":
        status, reason = Status.timeout, ended.reason
    elif ended.status == "crash":
        status, reason = Status.crash, _with_output(ended.reason, ended.output)
    elif result.broken:
        status, reason = Status.crash, _with_output(result.broken, ended.output)
    elif result.outcome == "model_error":
        status, reason = Status.crash, f"model error: {result.reason}"
    else:
        score = graded(suite, task, result.answer)
        reason = "" if result.outcome == "answered" else f"{result.outcome}: {result.reason}".rstrip(": ")
    # Waiting for a failing model is no property of the variant: it must not look slow for it.
    seconds = max(0.0, ended.seconds - attempt.account.waited_s)
    spend = replace(attempt.account.spend, rollouts=1, seconds=seconds)
    answer = None if status is not Status.ok else result.answer
    return Rollout(key, status, score, reason[:REASON_CHARS], answer, result.steps, spend)


def _with_output(reason: str, output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip() and line.strip() not in reason]
    return f"{reason} | {' | '.join(lines[-OUTPUT_LINES:])}" if lines else reason

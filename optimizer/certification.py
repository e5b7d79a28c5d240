"""The exam that certifies a champion, and the look at the holdout: the only figures that a report may claim."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from optimizer.acceptance.exam import ExamResult, first_repeat_of, look_exam, plan_exam
from optimizer.acceptance.exam import Outcome as ExamOutcome
from optimizer.acceptance.holdout import summarize
from optimizer.errors import BudgetExceeded
from optimizer.evaluation.base import Stopped
from optimizer.events import ExamEnded, PhaseChanged
from optimizer.gathering import rollout_seed, with_scores
from optimizer.ledger.rows import Exam
from optimizer.ledger.settle import settle_exam
from optimizer.parts import Parts
from optimizer.records import Evaluation, Rollout, Spend, Task
from optimizer.standing import Standing


@dataclass(frozen=True, slots=True)
class Site:
    """Where an exam or a look at the holdout takes place: its tasks, what its rollouts are called, and until when."""

    tasks: Mapping[str, Task]
    purpose: str
    deadline: float


def hold_exam(standing: Standing, parts: Parts, site: Site, *, most_rollouts: int, final: bool = False) -> Standing:
    """The working champion meets the certified one on ``site``; in the ``final`` exam, which is about all that is
    handed over, the baseline. The standing after it, written down for good.

    It ends when the likelihood ratio decides, or after ``most_rollouts`` (both sides together), or when budget or time
    end; the ``final`` one uses what it is given. An exam of the same champion that was left unclear is gone on with:
    the ratio may be looked at for ever, and what was measured then costs nothing now. Raises :class:`Stopped` on
    cancel: nothing is recorded then but the rollouts, which the next try uses.
    """
    number = standing.exams + 1
    parts.emit(PhaseChanged("exam", f"exam {number}: the working champion on tasks the search never saw"))
    opponent = parts.baseline if final else standing.certified_tree
    again = standing.asked == standing.tree and opponent == standing.certified_tree
    first = standing.asked_first if again else first_repeat_of(standing.exams, parts.gate.exam)
    most = most_rollouts + (standing.asked_rollouts if again else 0)
    result = _examine(standing, opponent, parts, site, first=first, most=most, final=final)
    match result.outcome:
        case ExamOutcome.passed:
            after = standing.passed_exam()
        case ExamOutcome.failed:
            after = standing.failed_exam()
        case ExamOutcome.unclear:
            after = standing.unclear_exam(first, result.rollouts)
    if final and standing.ending:
        after = after.at_stage("holdout", standing.ending)
    exam = Exam(
        number=number,
        outcome=result.outcome.value,
        champion=standing.commit,
        against=parts.ledger.campaign.baseline if final else standing.certified_commit,
        result={**asdict(result), "outcome": result.outcome.value},
        gate=after.to_json(),
    )
    settle_exam(parts.ledger, parts.branch, exam)
    parts.emit(ExamEnded(number, result.outcome.value, result.reason, result.effect, result.low, result.high))
    return after


def _examine(
    standing: Standing, opponent: str, parts: Parts, site: Site, *, first: int, most: int, final: bool
) -> ExamResult:
    settings, tasks = parts.gate.exam, sorted(site.tasks)
    hoped = standing.pool.gained if final else standing.hoped
    evaluation, asked = Evaluation({}, {}), 0
    try:
        while ask := plan_exam(tasks, evaluation, settings, first_repeat=first):
            if asked and asked + len(ask) > most:
                break
            asked += len(ask)
            evaluation = Evaluation(
                with_scores(evaluation.candidate, _run(standing.tree, ask.candidate, parts, site)),
                with_scores(evaluation.champion, _run(opponent, ask.champion, parts, site)),
            )
            if result := look_exam(evaluation, settings, hoped=hoped, final=final):
                return result
    except BudgetExceeded:
        pass
    except Stopped as stopped:
        if stopped.reason == "cancelled":
            raise
    result = look_exam(evaluation, settings, hoped=hoped, last=True)
    assert result is not None, "a last look always answers"
    return result


def look_at_holdout(standing: Standing, baseline: str, parts: Parts, site: Site, *, repeats: int) -> dict[str, Any]:
    """Measure the baseline (a harness tree) and the champion on the holdout, and record the look, which is counted.

    The champion is the certified one; while nothing is certified it is the working one, and ``certified`` is False.
    """
    parts.emit(PhaseChanged("holdout", "baseline and champion on tasks that nothing was decided on"))
    tree = standing.certified_tree if standing.passed else standing.tree
    wanted = tuple((task, repeat) for repeat in range(repeats) for task in sorted(site.tasks))
    before = _run(baseline, wanted, parts, site)
    after = before if tree == baseline else _run(tree, wanted, parts, site)
    summary = summarize(with_scores({}, before), with_scores({}, after))
    assert summary is not None, "a holdout has at least one task"
    result = {
        **_finite(asdict(summary)),
        "certified": bool(standing.passed),
        "champion_tree": tree,
        "champion_commit": standing.certified_commit if standing.passed else standing.commit,
        "working_tree": standing.tree,
        "baseline_cost": asdict(_cost(before)),
        "champion_cost": asdict(_cost(after)),
        "search_estimate": standing.pool.level,
        "limits": parts.limits,
    }
    parts.ledger.report(result, gate=standing.at_stage("done", parts.limits).to_json())
    return result


def _run(tree: str, wanted: tuple[tuple[str, int], ...], parts: Parts, site: Site) -> list[Rollout]:
    tasks = [(site.tasks[task], rollout_seed(parts.seed, task, repeat)) for task, repeat in wanted]
    if not tasks:
        return []
    files = parts.workspace.files(tree)
    return parts.runner.run(tree, files, tasks, deadline=site.deadline, purpose=site.purpose, cancel=parts.cancel)


def _cost(rollouts: list[Rollout]) -> Spend:
    """All that the rollouts cost together."""
    return sum((rollout.spend for rollout in rollouts), Spend())


def _finite(value: Any) -> Any:
    """Infinities (the interval of a single task) as None, which JSON has."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

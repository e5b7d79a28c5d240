"""The Pareto front of a campaign: read from the ledger, and kept in git when the campaign ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from optimizer.acceptance.pareto import Place, believed, beside, front
from optimizer.acceptance.presets import FAST, PRESETS, WorkingSettings
from optimizer.errors import RepositoryError
from optimizer.findings import FrontMember
from optimizer.ledger.rows import Exam, ExperimentRow, Pruning
from optimizer.ledger.store import Ledger
from optimizer.parts import Parts
from optimizer.records import Spend, Verdict
from optimizer.reports.commit import front_message
from optimizer.standing import Standing
from optimizer.workspace.workspace import Workspace

ByTask = Mapping[str, Spend]


def front_of(ledger: Ledger) -> list[FrontMember]:
    """The members, the cheapest first, among the baseline and all variants with as much evidence as a keep needs.

    The cost is in dollars where the campaign spent any, else in billed tokens. All figures are the search's estimates.
    """
    rows, costs = list(ledger.experiments()), ledger.rollouts.costs("search", "calibration")
    gate = ledger.gate()
    if gate is None or not rows or not costs:
        return []
    pool, settings = Standing.from_json(gate).pool, _settings(ledger)
    level = (pool.level or 0.0) - pool.gained
    tasks = {task for by_task in costs.values() for task in by_task}
    evidence = _Evidence(costs, rows[0].champion, settings, level, min(settings.min_rollouts, len(tasks)))
    members = {0: found} if (found := _baseline(evidence, ledger.campaign.baseline)) else {}
    latest = {evidence.baseline: 0}
    refuted = _refuted(rows, ledger.exams(), ledger.prunings())
    for row in rows:
        if row.number in refuted or (found := _member(row, evidence)) is None or latest.get(found.tree) == 0:
            continue
        # A tree that was measured more than once stands where it was measured last.
        members.pop(latest.get(found.tree, row.number), None)
        members[row.number] = found
        latest[found.tree] = row.number
    paid = any(member.usd for member in members.values())
    places = {
        number: Place(member.score, member.usd if paid else member.billed_tokens) for number, member in members.items()
    }
    return [members[number] for number in front(places)]


def keep_front(parts: Parts) -> list[FrontMember]:
    """Put the members into git, each under ``refs/ratchet/<campaign>/pareto/<experiment>``: one that was kept is there
    already, any other one gets a commit on top of the champion that it was compared with. No branch is touched. The
    same ledger gives the same commits, so that doing it again after a kill does no more than doing it once."""
    members = front_of(parts.ledger)
    rows = {row.number: row for row in parts.ledger.experiments()}
    commits = {member.experiment: _commit(member, rows, parts) for member in members}
    parts.branch.show_front(commits)
    return members


def _settings(ledger: Ledger) -> WorkingSettings:
    gate = ledger.campaign.settings.get("gate", {})
    return PRESETS.get(gate.get("preset", ""), FAST).working


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What a member is placed by: costs by tree and task, the baseline's tree, the gate's sizes, the baseline's search
    score, and the rollouts that are enough."""

    costs: Mapping[str, ByTask]
    baseline: str
    settings: WorkingSettings
    level: float
    enough: int

    def per_rollout(self, tree: str, figure: Callable[[Spend], float]) -> float:
        """The mean of a figure over the rollouts of ``tree``, beside the baseline's."""
        ours, theirs = _means(self.costs.get(tree, {}), figure), _means(self.costs.get(self.baseline, {}), figure)
        return beside(ours, theirs) or 0.0

    def rollouts(self, tree: str) -> int:
        return sum(spend.rollouts for spend in self.costs.get(tree, {}).values())


def _baseline(evidence: _Evidence, commit: str) -> FrontMember | None:
    tree, level = evidence.baseline, evidence.level
    if not evidence.rollouts(tree):
        return None
    billed, usd = evidence.per_rollout(tree, _billed), evidence.per_rollout(tree, _usd)
    return FrontMember(0, tree, "the baseline", level, level, level, billed, usd, evidence.rollouts(tree), commit)


def _member(row: ExperimentRow, evidence: _Evidence) -> FrontMember | None:
    """Where a variant stands, None when too little is known of it."""
    if row.variant is None or row.decision is None or row.value is None:
        return None
    found, rollouts = believed(row.decision), evidence.rollouts(row.variant)
    if found is None or rollouts < evidence.enough:
        return None
    effect, low, high = found
    score = evidence.level + row.value
    return FrontMember(
        experiment=row.number,
        tree=row.variant,
        what=row.proposal.what,
        score=score,
        low=score + low - effect,
        high=score + high - effect,
        billed_tokens=evidence.per_rollout(row.variant, _billed),
        usd=evidence.per_rollout(row.variant, _usd),
        rollouts=rollouts,
        commit=row.commit,
    )


def _refuted(rows: Sequence[ExperimentRow], exams: Sequence[Exam], prunings: Sequence[Pruning]) -> set[int]:
    """Experiments whose place rests on keeps that an exam failed: those keeps, and all that was measured on them."""
    kept = {row.commit: row for row in rows if row.commit is not None}
    by_tree = {row.variant: row for row in kept.values()}
    whole = {pruning.champion: pruning.result["before"]["commit"] for pruning in prunings}
    numbers: set[int] = set()
    for exam in exams:
        row = kept.get(whole.get(exam.champion, exam.champion)) if exam.outcome == "failed" else None
        while (
            row is not None
            and row.commit != exam.gate.get("certified_commit", exam.against)
            and row.number not in numbers
        ):
            tree = row.variant
            numbers |= {row.number} | {other.number for other in rows if other.champion == tree}
            row = by_tree.get(row.champion)
    return numbers


def _commit(member: FrontMember, rows: Mapping[int, ExperimentRow], parts: Parts) -> str:
    if member.commit is not None:
        return member.commit
    row = rows[member.experiment]
    _see_that_it_is_there(row, parts.workspace)
    message = front_message(member, campaign=parts.campaign, suite=parts.suite_hash)
    parent = _commit_of(row.champion, row.number, rows.values(), parts)
    return parts.workspace.commit(member.tree, parent=parent, message=message, at=row.ended_at or row.started_at)


def _see_that_it_is_there(row: ExperimentRow, workspace: Workspace) -> None:
    """What is not kept is not flushed to the disk: a variant that a loss of power took is made again."""
    assert row.variant is not None
    try:
        workspace.files(row.variant)
    except RepositoryError:
        workspace.write(row.proposal.edit.apply(workspace.files(row.champion)), like=row.champion)


def _commit_of(tree: str, number: int, rows: Iterable[ExperimentRow], parts: Parts) -> str:
    """The commit of a champion's tree: the last one kept before experiment ``number``, or the baseline."""
    commit = parts.ledger.campaign.baseline
    for row in rows:
        kept = row.decision is not None and row.decision.verdict is Verdict.keep
        if row.number < number and kept and row.variant == tree and row.commit is not None:
            commit = row.commit
    return commit


def _means(tasks: ByTask, figure: Callable[[Spend], float]) -> dict[str, float]:
    return {task: figure(spend) / spend.rollouts for task, spend in tasks.items() if spend.rollouts}


def _billed(spend: Spend) -> float:
    return spend.billed_tokens


def _usd(spend: Spend) -> float:
    return spend.usd

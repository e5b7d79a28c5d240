"""ONE experiment, top to bottom: propose, apply, evaluate, decide, settle, learn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from optimizer.acceptance.beliefs import Posterior
from optimizer.acceptance.constraints import Costs
from optimizer.acceptance.objective import baseline_costs, decide
from optimizer.acceptance.working import Ask, plan, settle, shuffled
from optimizer.broken import broken, refuse_broken_champion
from optimizer.errors import BudgetExceeded
from optimizer.evaluation.base import Stopped, Wanted
from optimizer.events import ExperimentDecided, ExperimentStarted
from optimizer.gathering import gathered, rollout_seed
from optimizer.learning.lessons import lesson
from optimizer.learning.recall import recall
from optimizer.ledger.rows import Outcome
from optimizer.ledger.settle import discard, keep
from optimizer.parts import Memory, Parts
from optimizer.proposers.base import Situation
from optimizer.records import Decision, Evaluation, Proposal, Rollout, Spend, Task, Variant, Verdict
from optimizer.reports.commit import keep_message
from optimizer.standing import Standing
from optimizer.terms import terms_of
from search_space.errors import InvalidEdit
from search_space.space import Assignment


def run_experiment(
    number: int, standing: Standing, memory: Memory, parts: Parts, *, deadline: float
) -> Standing | None:
    """Run experiment ``number`` on the champion of ``standing``; the standing after it, None when nobody proposes.

    A proposal that a killed process had recorded under this number is taken up again; what it had measured is not
    measured again. ``deadline`` (``time.monotonic()``) ends it at the latest. Raises :class:`Stopped` on ``cancel``:
    the experiment then stays open in the ledger.
    """
    began = time.monotonic()
    files = parts.workspace.files(standing.tree)
    if memory.origin is None:
        memory.origin = parts.space.read(parts.workspace.files(parts.baseline))
    proposal = _proposal(number, standing, files, memory.origin, memory, parts)
    if proposal is None:
        return None
    parts.emit(ExperimentStarted(number, proposal))
    variant: Variant | None = None
    evaluation, spend = Evaluation({}, {}), Spend()
    try:
        variant = _apply(number, proposal, files, standing, memory, parts)
        standing = replace(standing, pool=standing.pool.meets(_terms(number, variant, standing, memory.origin, parts)))
        if problem := parts.check(variant.files):
            decision = Decision(Verdict.checks_failed, problem)
        else:
            own = time.monotonic() + parts.experiment_timeout_s - parts.runner.waited_s
            until = _Until(own, deadline, lambda: parts.runner.waited_s)
            evaluation, decision, spent_out = _evaluate(number, variant, files, standing, parts, until)
            standing = replace(standing, spent_out=spent_out)
            spend = evaluation.spend
    except InvalidEdit as error:
        decision = Decision(Verdict.invalid, str(error))
    return _settle(number, proposal, variant, evaluation, decision, standing, memory, parts, (spend, began))


@dataclass(frozen=True, slots=True)
class _Until:
    """Two ``time.monotonic()`` instants: when the experiment's own time is up (had nothing been waited for), and when
    the search's is. ``waited`` tells the seconds that went to waiting for a failing model so far."""

    own: float
    search: float
    waited: Callable[[], float]

    def instant(self) -> float:
        """When the experiment has to end, as far as one knows now."""
        return min(self.own + self.waited(), self.search)


def _proposal(
    number: int,
    standing: Standing,
    files: Mapping[str, bytes],
    origin: Assignment,
    memory: Memory,
    parts: Parts,
) -> Proposal | None:
    opened = parts.ledger.unfinished()
    if opened is not None:
        return opened.proposal
    situation = Situation(
        number=number,
        seed=int.from_bytes(sha256(f"{parts.seed}|experiment|{number}".encode()).digest()[:6], "big"),
        space=parts.space,
        files=files,
        assignment=parts.space.read(files),
        history=memory.past,
        lessons=recall(memory.lessons),
        program=parts.program,
        baseline=origin,
        beliefs=Posterior(standing.pool.effects, parts.gate.working),
    )
    proposal = parts.proposer.propose(situation)
    if proposal is not None:
        if proposal.changes:
            proposal = replace(proposal, words=parts.space.describe(proposal.changes))
        parts.ledger.propose(number, proposal, champion=standing.tree)
    return proposal


def _apply(
    number: int,
    proposal: Proposal,
    files: Mapping[str, bytes],
    standing: Standing,
    memory: Memory,
    parts: Parts,
) -> Variant:
    """The variant as a git tree; raises InvalidEdit."""
    if proposal.problem:
        raise InvalidEdit(proposal.problem)
    after = proposal.edit.apply(files)
    parts.space.check(files, after)
    tree = parts.workspace.write(after, like=standing.tree)
    if tree == standing.tree:
        raise InvalidEdit("the edit changes nothing: the variant is the champion itself")
    if before := memory.tried.get((standing.tree, tree)):
        raise InvalidEdit(f"the variant is the same as that of experiment {before}")
    variant = Variant(tree, after, parts.workspace.diff(standing.tree, tree))
    parts.ledger.evaluate(number, variant=tree, diff=variant.diff, assignment=parts.space.read(after))
    return variant


def _terms(number: int, variant: Variant, standing: Standing, origin: Assignment, parts: Parts) -> tuple[str, ...]:
    """The terms by which the gate knows the variant."""
    return terms_of(parts.space, origin, parts.space.read(variant.files), standing.pool.terms, number)


def _evaluate(
    number: int, variant: Variant, files: Mapping[str, bytes], standing: Standing, parts: Parts, until: _Until
) -> tuple[Evaluation, Decision, str]:
    """Rollouts in batches until the gate decides, the variant proves broken, or time or budget end; the evidence, the
    decision, and the limits that are spent (empty while they are not). The experiment's own clock stands still while a
    rollout waits for a failing model."""
    order = shuffled(parts.tasks, candidate=variant.tree, seed=parts.seed)
    evaluation, ran = Evaluation({}, {}), list[Rollout]()
    pool, settings = standing.pool, parts.gate.working
    simplicity, doubted = parts.objective.simplicity(files, variant.files), False

    def decision_on(evaluation: Evaluation, *, last: bool = False) -> Decision | None:
        nonlocal doubted
        costs = _baseline_costs(standing, evaluation, parts)
        answer = decide(
            pool,
            evaluation,
            settings,
            order,
            parts.objective,
            baseline=costs,
            simplicity=simplicity,
            conceded=standing.conceded,
            doubted=doubted,
            last=last,
        )
        doubted = answer.doubted
        return answer.decision

    try:
        while ask := plan(pool, evaluation, settings, order):
            candidate, champion = _run(variant, files, standing.tree, ask, parts, until, label=f"{number:06}")
            refuse_broken_champion(champion)
            ran += candidate
            evaluation = gathered(evaluation, candidate, champion)
            decision = broken(ran) or decision_on(evaluation)
            if decision:
                return evaluation, decision, ""
        decision = decision_on(evaluation, last=True)
        assert decision is not None, "the gate answers when no more evidence can be had"
        return evaluation, decision, ""
    except BudgetExceeded as error:
        why = f"the budget ended before a decision: {error}"
        return evaluation, Decision(Verdict.over_budget, why, rollouts=len(ran)), parts.limits
    except Stopped as stopped:
        if stopped.reason == "cancelled":
            raise
        if until.search <= until.instant():
            why = "the search's time was up before a decision"
            return evaluation, Decision(Verdict.over_budget, why, rollouts=len(ran)), ""
        why = f"no decision within {parts.experiment_timeout_s:g} s"
        return evaluation, Decision(Verdict.timeout, why, rollouts=len(ran)), ""


def _run(
    variant: Variant, files: Mapping[str, bytes], champion: str, ask: Ask, parts: Parts, until: _Until, *, label: str
) -> tuple[list[Rollout], list[Rollout]]:
    """What ``ask`` wants, of the variant and of the champion, side by side."""

    def seeded(wanted: Sequence[tuple[str, int]]) -> list[tuple[Task, int]]:
        return [(parts.tasks[task], rollout_seed(parts.seed, task, repeat)) for task, repeat in wanted]

    asked = [
        Wanted(variant.tree, variant.files, seeded(ask.candidate), label),
        Wanted(champion, files, seeded(ask.champion)),
    ]
    while True:
        deadline = until.instant()
        try:
            ours, theirs = parts.runner.run_together(asked, deadline=deadline, purpose="search", cancel=parts.cancel)
            return ours, theirs
        except Stopped as stopped:
            # What has finished is known already: asking again costs nothing but what is missing.
            if stopped.reason != "deadline" or until.instant() <= max(deadline, time.monotonic()):
                raise


def _baseline_costs(standing: Standing, evaluation: Evaluation, parts: Parts) -> Costs:
    """What is known of the baseline's costs; while it is the champion, its rollouts of this experiment among them."""
    return baseline_costs(
        standing.baseline_costs,
        evaluation,
        parts.objective,
        standing.pool,
        champion_is_baseline=standing.tree == parts.baseline,
    )


def _settle(
    number: int,
    proposal: Proposal,
    variant: Variant | None,
    evaluation: Evaluation,
    decision: Decision,
    standing: Standing,
    memory: Memory,
    parts: Parts,
    cost: tuple[Spend, float],
) -> Standing:
    """Write the decision down for good, move the branch after a keep, and learn."""
    spend, seconds = cost[0], time.monotonic() - cost[1]
    learned = lesson(number, proposal, decision)
    value = None if decision.effect is None else standing.pool.gained + decision.effect
    pool = settle(standing.pool, evaluation, decision, parts.gate.working)
    costs = _baseline_costs(standing, evaluation, parts)
    standing = replace(standing, baseline_costs=costs)
    after, commit = replace(standing, pool=pool), None
    if decision.verdict is Verdict.keep:
        assert variant is not None
        message = keep_message(
            number,
            proposal,
            decision,
            campaign=parts.campaign,
            suite=parts.suite_hash,
            before=standing.pool.level,
            spend=spend,
            seconds=seconds,
            metric=parts.metric,
        )
        commit = parts.workspace.commit(variant.tree, parent=standing.commit, message=message, at=time.time())
        after = standing.kept(variant.tree, commit, pool, decision, evaluation.champion)
    outcome = Outcome(number, decision, after.to_json(), learned, value, spend, seconds)
    if commit is None:
        discard(parts.ledger, outcome)
    else:
        keep(parts.ledger, parts.branch, outcome, commit)
    memory.add(
        number,
        proposal,
        learned,
        champion=standing.tree,
        variant=variant.tree if variant else None,
        assignment=parts.space.read(variant.files) if variant else {},
        value=value,
        rollouts=spend.rollouts,
        refused=bool(decision.refused),
    )
    parts.emit(ExperimentDecided(number, proposal, decision, commit, after.pool.level, seconds))
    return replace(after, pool=after.pool.written())

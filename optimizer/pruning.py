"""The end of a search: what of the champion pays is found by leaving things out; the finalized branch is written."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from optimizer.acceptance.comparison import measure, priors
from optimizer.acceptance.constraints import violated
from optimizer.acceptance.distributions import normal_quantile
from optimizer.acceptance.effects import TASK_SD
from optimizer.acceptance.evidence import within
from optimizer.acceptance.pool import Pool, seen
from optimizer.acceptance.pruning import Subset, plan_pruning, stakes, staying
from optimizer.acceptance.working import shuffled
from optimizer.broken import BROKEN_SHARE
from optimizer.errors import BudgetExceeded
from optimizer.evaluation.base import Stopped, Wanted
from optimizer.events import PhaseChanged, PruningEnded
from optimizer.finalized import left_out, steps_of, write_chain
from optimizer.gathering import gathered, rollout_seed
from optimizer.ledger.rows import Pruning
from optimizer.ledger.settle import settle_pruning
from optimizer.parts import Parts
from optimizer.records import Evaluation, Rollout, RolloutKey, Spend, Status, Task
from optimizer.removal import Removal
from optimizer.reports.commit import pruned_message
from optimizer.standing import Standing
from search_space.errors import SearchSpaceError

PURPOSE = "prune"
FIRST_REPEAT, REPEATS_EACH = 500_000, 10_000
"""Repeat indices of a pruning begin here, each round with its own: no search gets so far, so every rollout is fresh,
also of a harness that was run before."""
BARREN = 20
"""So many rounds in a row without a harness that can be run end it."""


def prune(standing: Standing, parts: Parts, *, most_rollouts: int, deadline: float) -> Standing:
    """The standing with what stays of the working champion, written down for good in one step, with the finalized
    branch; as it was, but one stage further, when it is the baseline.

    All is decided by the recorded posterior, the campaign's seed and the rollouts, which are looked up by their key:
    taken up after a kill it comes to the same, and pays for nothing twice. Raises :class:`Stopped` on cancel.
    """
    removal = Removal.of(standing, parts)
    after = standing.at_stage("exam", standing.ending) if standing.ending else standing
    if not removal.units:
        if after != standing:
            parts.ledger.remember(after.to_json())
        return after
    changes = f"{len(removal.units)} change{'' if len(removal.units) == 1 else 's'} of the champion"
    parts.emit(PhaseChanged(PURPOSE, f"{changes}: which of them pay is told by leaving them out"))
    trial = _Trial(standing, parts, removal, deadline, standing.pool)
    trial.run(most_rollouts)
    there = trial.fit(staying(trial.pool.effects, removal.whole, parts.gate.pruning))
    return _settle(after, parts, removal, trial, there)


@dataclass(slots=True)
class _Trial:
    """The rollouts of a pruning and what they teach: ``pool`` grows with every round."""

    standing: Standing
    parts: Parts
    removal: Removal
    deadline: float
    pool: Pool
    rollouts: int = 0
    variants: int = 0
    over: bool = False
    trees: dict[Subset, str | None] = field(default_factory=dict)
    done: dict[str, set[str]] = field(default_factory=dict)

    def run(self, most: int) -> None:
        """Rounds until nothing is doubtful, or ``most`` rollouts were asked for, or budget or time end."""
        settings, barren, turn = self.parts.gate.pruning, 0, 0
        room = most - (len(self.parts.tasks) if self.parts.objective.constraints else 0)
        while not self.over and barren < BARREN and turn < REPEATS_EACH - 1:
            seed = self.parts.seed
            subsets = plan_pruning(self.pool.effects, self.removal.whole, settings, seed=seed, turn=turn)
            if not subsets:
                return
            asked = {subset: wanted for subset in subsets if (wanted := self._wanted(subset, turn))}
            while asked and self.rollouts + sum(map(len, asked.values())) > room:
                asked.popitem()
                self.over = True
            barren = 0 if asked else barren + 1
            self._learn(asked)
            turn += 1

    def fit(self, there: Subset) -> Subset:
        """``there``, or the least that is more and can be made and is within the limits of the objective."""
        whole, settings = self.removal.whole, self.parts.gate.pruning
        everything = whole.closed(frozenset(whole.units))
        while there != everything and self.tree(there) is None:
            out = everything - there
            chances = {one.unit: one.pays for one in stakes(self.pool.effects, whole, everything, settings)}
            best = max(sorted(out), key=lambda unit: chances[unit])
            grown = whole.closed(there | {best} | self.removal.needs.get(best, frozenset()))
            there = grown if best in grown else everything
        return everything if there != everything and self._breaks_limits(there) else there

    def _wanted(self, subset: Subset, turn: int) -> list[tuple[Task, int]]:
        """The rollouts of one variant in a round: the tasks come round in an order of their own."""
        tree = self.tree(subset)
        if tree is None:
            return []
        parts, each = self.parts, self.parts.gate.pruning.rollouts
        order = shuffled(parts.tasks, candidate=f"prune {self.standing.prunings}", seed=parts.seed)
        names = [order[(turn * each + place) % len(order)] for place in range(min(each, len(order)))]
        if not parts.gate.working.deterministic:
            repeat = FIRST_REPEAT + REPEATS_EACH * self.standing.prunings + turn
            return [(parts.tasks[name], rollout_seed(parts.seed, name, repeat)) for name in names]
        known = parts.ledger.rollouts.known_tasks(tree, PURPOSE, self._before()) | self.done.get(tree, set())
        return [(parts.tasks[name], rollout_seed(parts.seed, name, 0)) for name in names if name not in known]

    def _before(self) -> int:
        earlier = self.parts.ledger.prunings()
        return int(earlier[-1].result["last_attempt"]) if earlier else 0

    def _learn(self, asked: Mapping[Subset, Sequence[tuple[Task, int]]]) -> None:
        if not asked:
            return
        self.rollouts += sum(map(len, asked.values()))
        self.variants += len(asked)
        found = []
        for subset, ran in zip(asked, self._run(asked), strict=True):
            # Of a harness that does not run nothing is learnt: something that it lacks, another change needs.
            if sum(rollout.status is Status.crash for rollout in ran) >= max(1.0, BROKEN_SHARE * len(ran)):
                self.trees[subset] = None
            elif ran:
                self.done.setdefault(ran[0].key.tree, set()).update(rollout.key.task for rollout in ran)
                found.append((self.removal.terms_of(subset), gathered(Evaluation({}, {}), ran, ())))
        if found:
            self.pool = self.pool.learn(_update(self.pool, found, self.parts))

    def _run(self, asked: Mapping[Subset, Sequence[tuple[Task, int]]]) -> list[list[Rollout]]:
        """The rollouts of each; when budget or time end, those that are known then."""
        parts = self.parts
        wanted = []
        for subset, rollouts in asked.items():
            tree = self.tree(subset)
            assert tree is not None, "what cannot be made is not asked for"
            wanted.append(Wanted(tree, parts.workspace.files(tree), rollouts, PURPOSE))
        try:
            return parts.runner.run_together(wanted, deadline=self.deadline, purpose=PURPOSE, cancel=parts.cancel)
        except BudgetExceeded:
            pass
        except Stopped as stopped:
            if stopped.reason == "cancelled":
                raise
        self.over = True
        return [self._known(one) for one in wanted]

    def _known(self, one: Wanted) -> list[Rollout]:
        keys = [RolloutKey(one.tree, self.parts.suite_hash, task.id, seed) for task, seed in one.rollouts]
        found = self.parts.ledger.rollouts.find(keys)
        return [found[key] for key in keys if key in found]

    def tree(self, subset: Subset) -> str | None:
        """The tree of the harness with a closed subset; None when it cannot be made, or does not run."""
        if subset not in self.trees:
            self.trees[subset] = self._made(subset)
        return self.trees[subset]

    def _made(self, subset: Subset) -> str | None:
        parts = self.parts
        try:
            files = self.removal.files(subset)
        except SearchSpaceError:
            return None
        if files is self.removal.champion:
            return self.standing.tree
        if files is self.removal.baseline:
            return parts.baseline
        return None if parts.check(files) else parts.workspace.write(files, like=self.standing.tree)

    def _breaks_limits(self, there: Subset) -> bool:
        """Whether what stays clearly violates a constraint: something that made it cheaper did not pay in score."""
        parts = self.parts
        if not parts.objective.constraints:
            return False
        repeat = FIRST_REPEAT + REPEATS_EACH * (self.standing.prunings + 1) - 1
        tasks = [(task, rollout_seed(parts.seed, name, repeat)) for name, task in parts.tasks.items()]
        self.rollouts += len(tasks)
        (ran,) = self._run({there: tasks})
        costs = gathered(Evaluation({}, {}), ran, ()).candidate_costs
        guard = parts.gate.working.pseudo_tasks
        known = self.standing.baseline_costs
        return bool(violated(costs, known, parts.objective.constraints, pseudo_tasks=guard))


def _update(pool: Pool, found: Sequence[tuple[tuple[str, ...], Evaluation]], parts: Parts) -> dict[str, Any]:
    """What the rollouts of one round add to the posterior: terms with what was run with them."""
    settings, new, sight = parts.gate.working, dict[str, list[float]](), []
    for terms, evaluation in found:
        beside = pool.meets(terms)
        new.update({f"task:{task}": [0.0, TASK_SD] for task in evaluation.candidate})
        # Without terms it is the baseline, of which everything is known.
        new.update(priors(beside, settings) if terms else {})
        differs = measure(beside, evaluation, settings) if terms else None
        sight.append(asdict(seen(terms, evaluation.candidate, uneven=differs.uneven if differs else 0.0)))
    groups = [scores for _, evaluation in found for scores in evaluation.candidate.values()]
    return {"new": new, "exact": settings.deterministic, "seen": sight, "runs": within(groups), "present": pool.terms}


def _settle(after: Standing, parts: Parts, removal: Removal, trial: _Trial, there: Subset) -> Standing:
    """Write down what stays: the branches in git, the record and the new standing in the ledger, all in one step."""
    pool, tree, settings = trial.pool, trial.tree(there), parts.gate.pruning
    assert tree is not None, "what stays was made before"
    steps = steps_of(removal, pool.effects, there, trial.tree, settings)
    gone = left_out(removal, pool.effects, there, settings)
    score, commit = pool.effects.level(()), after.commit
    spend = parts.ledger.rollouts.spent().get(PURPOSE, Spend())
    if gone:
        pool = _with_terms(pool, removal.terms_of(there))
        message = pruned_message(
            gone,
            campaign=parts.campaign,
            suite=parts.suite_hash,
            before=trial.pool.level or 0.0,
            after=pool.level or 0.0,
            rollouts=trial.rollouts,
            spend=spend,
        )
        commit = parts.workspace.commit(tree, parent=after.commit, message=message, at=time.time())
    start = parts.ledger.campaign.baseline
    chain = write_chain(steps, parts, start=start, score=score, rollouts=trial.rollouts, spend=spend)
    standing = after.pruned(tree, commit, pool)
    gain, sd = pool.effects.gain(pool.terms)
    half = normal_quantile(0.975) * sd
    result = {
        "before": {"tree": after.tree, "commit": after.commit},
        "gain": gain,
        "low": gain - half,
        "high": gain + half,
        "rollouts": trial.rollouts,
        "variants": trial.variants,
        "stays": [{**asdict(step.piece), "commit": one} for step, one in zip(steps, chain, strict=True)],
        "left_out": [asdict(piece) for piece in gone],
        "last_attempt": parts.ledger.rollouts.last_attempt(),
    }
    tip = chain[-1] if chain else start
    settle_pruning(parts.ledger, parts.branch, Pruning(standing.prunings, commit, tip, result, standing.to_json()))
    ended = PruningEnded(standing.prunings, len(steps), len(gone), trial.rollouts, gain, gain - half, gain + half)
    parts.emit(ended)
    return replace(standing, pool=standing.pool.written())


def _with_terms(pool: Pool, terms: tuple[str, ...]) -> Pool:
    """The pool of another champion, of which nothing was run as yet under its own name."""
    nothing_new = {"new": {}, "seen": [], "runs": [0.0, 0.0], "present": list(terms)}
    return replace(pool, terms=terms, facing=(), alone={}).learn(nothing_new)

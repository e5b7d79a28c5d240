"""Where a campaign stands between two experiments: one frozen value, written with every decision, read on resuming."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from optimizer.acceptance.constraints import Costs
from optimizer.acceptance.effects import Effects
from optimizer.acceptance.pool import Pool
from optimizer.records import Decision


@dataclass(frozen=True, slots=True)
class Standing:
    """The working champion, the certified one, and what the gate knows of both.

    ``tree`` and ``commit`` name the working champion, ``certified_*`` the last one that passed an exam (at first the
    baseline). ``exams`` counts the exams held, ``passed`` those passed, ``prunings`` the prunings done. ``asked`` is
    the tree of the champion whose last exam was unclear, ``asked_first`` the first repeat of that exam and
    ``asked_rollouts`` its size: while that champion stands, the exam is gone on with. ``spent_out`` names the limits
    at which the search ended for want of budget, empty before. ``ending`` names the limits under which the search is
    over, empty before, and ``stage`` what comes next in that end: ``prune``, ``exam``, ``holdout`` or ``done``.
    ``baseline_costs`` is what is known of the first harness's costs, where a constraint compares with them;
    ``conceded`` the loss that simplifications kept since the last certificate may have cost, as a fraction;
    ``calibration`` what was found when the first harness was measured against itself (JSON), None before.
    """

    tree: str
    commit: str
    certified_tree: str
    certified_commit: str
    pool: Pool
    certified_pool: Pool
    exams: int = 0
    passed: int = 0
    prunings: int = 0
    asked: str = ""
    asked_first: int = 0
    asked_rollouts: int = 0
    spent_out: str = ""
    ending: str = ""
    stage: str = ""
    baseline_costs: Costs = field(default_factory=Costs)
    conceded: float = 0.0
    calibration: Mapping[str, Any] | None = None

    @classmethod
    def at_baseline(cls, tree: str, commit: str) -> Standing:
        """The standing of a campaign that has done nothing yet."""
        return cls(tree, commit, tree, commit, Pool(), Pool())

    @property
    def hoped(self) -> float:
        """What the working champion is believed to be better by than the certified one, as a fraction."""
        return self.pool.effects.gain(self.pool.terms, self.certified_pool.terms)[0]

    def kept(
        self, tree: str, commit: str, pool: Pool, decision: Decision, own: Mapping[str, Sequence[float]]
    ) -> Standing:
        """After a keep: a new working champion. ``own`` are the old one's rollouts of this experiment: where it is the
        certified one, they must be known when an exam leads back to it."""
        left = replace(self.pool, facing=(), alone=self.pool.with_own(own))
        return replace(
            self,
            tree=tree,
            commit=commit,
            pool=pool,
            certified_pool=left if self.tree == self.certified_tree else self.certified_pool,
            conceded=self.conceded + decision.conceded,
        )

    def passed_exam(self) -> Standing:
        """After a passed exam: the working champion is the certified one."""
        return replace(
            self,
            certified_tree=self.tree,
            certified_commit=self.commit,
            certified_pool=self.pool,
            exams=self.exams + 1,
            passed=self.passed + 1,
            asked="",
            conceded=0.0,
        )

    def failed_exam(self) -> Standing:
        """After a failed exam: back to the certified champion."""
        return replace(
            self,
            tree=self.certified_tree,
            commit=self.certified_commit,
            pool=replace(self.certified_pool, effects=self.pool.effects),
            exams=self.exams + 1,
            asked="",
            conceded=0.0,
        )

    def unclear_exam(self, first: int, rollouts: int) -> Standing:
        """After an unclear exam of ``rollouts`` that began at repeat ``first``: one exam fewer to hold."""
        return replace(self, exams=self.exams + 1, asked=self.tree, asked_first=first, asked_rollouts=rollouts)

    def pruned(self, tree: str, commit: str, pool: Pool) -> Standing:
        """After a pruning: what stays is the working champion."""
        left = replace(self.pool, facing=()) if self.tree == self.certified_tree else self.certified_pool
        return replace(self, tree=tree, commit=commit, pool=pool, certified_pool=left, prunings=self.prunings + 1)

    def at_stage(self, stage: str, limits: str) -> Standing:
        """In the end of the campaign under ``limits``; both empty while it searches."""
        return replace(self, stage=stage, ending=limits)

    def to_json(self) -> dict[str, Any]:
        """A JSON value that :meth:`from_json` reads back."""
        return {
            "tree": self.tree,
            "commit": self.commit,
            "certified_tree": self.certified_tree,
            "certified_commit": self.certified_commit,
            "pool": self.pool.to_json(),
            "certified_pool": self.certified_pool.to_json(),
            "exams": self.exams,
            "passed": self.passed,
            "prunings": self.prunings,
            "asked": self.asked,
            "asked_first": self.asked_first,
            "asked_rollouts": self.asked_rollouts,
            "spent_out": self.spent_out,
            "ending": self.ending,
            "stage": self.stage,
            "conceded": self.conceded,
            **({"baseline_costs": self.baseline_costs.to_json()} if self.baseline_costs.known else {}),
            **({"calibration": self.calibration} if self.calibration is not None else {}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], effects: Effects | None = None) -> Standing:
        """The standing that :meth:`to_json` wrote; ``effects`` is what all updates together say, which is needed where
        the campaign goes on from here."""
        pools = {name: Pool.from_json(value[name], effects) for name in ("pool", "certified_pool")}
        costs = Costs.from_json(value.get("baseline_costs", {}))
        return cls(**{**value, **pools, "baseline_costs": costs})

"""A campaign: experiments on one branch until budget, time or a person ends it; then the last exam and the holdout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from optimizer.acceptance.exam import exam_due, final_due
from optimizer.acceptance.sizing import Sizes
from optimizer.calibration import Asked, calibrated_sizes
from optimizer.certification import Site, hold_exam, look_at_holdout
from optimizer.errors import BudgetExceeded, ModelUnavailable
from optimizer.evaluation.base import Stopped
from optimizer.events import CampaignEnded, PhaseChanged
from optimizer.experiment import run_experiment
from optimizer.front import keep_front
from optimizer.parts import Memory, Parts
from optimizer.pruning import prune
from optimizer.recollection import recollect, recollected
from optimizer.records import Spend, Task
from optimizer.standing import Standing
from optimizer.stopping import TIME_IS_UP, Stopping

IDLE_EXPERIMENTS = 40
"""So many experiments in a row without a single rollout end the search: the proposers only repeat themselves."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign, opened. ``certify`` and ``holdout`` are the tasks of those splits, empty when there are none;
    ``baseline`` is the harness tree it began with, ``holdout_repeats`` the rollouts a holdout task,
    ``calibration`` what a person says of it."""

    parts: Parts
    stopping: Stopping
    baseline: str
    baseline_commit: str
    certify: Mapping[str, Task]
    holdout: Mapping[str, Task]
    holdout_repeats: int
    calibration: Asked = field(default_factory=Asked)

    def run(self) -> CampaignEnded:
        """Begin, or go on where a killed or stopped process left off; how it ended."""
        try:
            ended = self._calibrated()._run()
        except Stopped:
            ended = CampaignEnded(self.stopping.halted() or "stopped at once", finished=False)
        except KeyboardInterrupt:
            ended = CampaignEnded("stopped at once: Ctrl-C, twice", finished=False)
        except ModelUnavailable as error:
            why = f"stopped: {error.message}"
            ended = CampaignEnded(why, finished=False, to_mend=not error.heals, hint=error.hint)
        self.parts.emit(ended)
        return ended

    def _calibrated(self) -> Campaign:
        """The campaign with the sizes that its calibration sets, which is held first where it is yet to be."""
        before = Sizes(self.parts.gate, self.holdout_repeats)
        sizes = calibrated_sizes(
            self._standing(), self.parts, self.stopping, self.calibration, before, certify=len(self.certify)
        )
        return replace(self, parts=replace(self.parts, gate=sizes.preset), holdout_repeats=sizes.holdout_repeats)

    def _run(self) -> CampaignEnded:
        standing, memory = self._standing(), recollect(self.parts)
        stage, why = standing.stage, "the search was over in an earlier run"
        if standing.ending != self.parts.limits or stage == "done":
            if stage == "done":
                memory.idle = 0  # who starts it again may have something new to propose
            before = standing.at_stage("", "")
            standing, why = self._search(before, memory)
            if why.startswith("stopped"):
                return CampaignEnded(why, finished=False)
            if stage == "done" and standing == before:
                return CampaignEnded(f"{why}; the end was reached in an earlier run", finished=True)
            standing = self._begin_end(standing, why)
        self._finish(standing)
        return CampaignEnded(why, finished=True)

    def _standing(self) -> Standing:
        return recollected(self.parts.ledger) or Standing.at_baseline(self.baseline, self.baseline_commit)

    def _search(self, standing: Standing, memory: Memory) -> tuple[Standing, str]:
        parts = self.parts
        parts.emit(PhaseChanged("search", "experiments on the search tasks"))
        while True:
            if why := self.stopping.halted():
                return standing, why
            opened = parts.ledger.unfinished()
            if opened is None:
                if why := self._over(standing) or idling(memory):
                    return standing, why
                if self._exam_due(standing):
                    standing = self._exam(standing, "exam")
                    continue
            number = opened.number if opened else parts.ledger.next_number()
            after = run_experiment(number, standing, memory, parts, deadline=self.stopping.search_deadline())
            if after is None:
                return standing, "the proposers have nothing more to offer"
            standing = after
            parts.ledger.backup_if_due()

    def _exam_due(self, standing: Standing) -> bool:
        due = exam_due(self.parts.gate.exam, hoped=standing.hoped, held=standing.exams)
        return bool(self.certify) and due and standing.asked != standing.tree

    def _over(self, standing: Standing) -> str | None:
        if standing.spent_out == self.parts.limits:
            return "the budget is spent"
        return self.stopping.search_over()

    def _exam(self, standing: Standing, purpose: str) -> Standing:
        end, spent = self.stopping.end, self.stopping.budget.spent.rollouts
        most = max(end.exam_least, end.exam_rollouts(spent))
        final = purpose == "final"
        if final:
            used = self.parts.ledger.rollouts.spent().get("prune", Spend()).rollouts
            most += max(0, end.prune_rollouts(spent) - used)
            self.stopping.budget.hand_over("prune", "final")
        deadline = self.stopping.final_deadline() if final else self.stopping.search_deadline()
        standing = hold_exam(
            standing, self.parts, Site(self.certify, purpose, deadline), most_rollouts=most, final=final
        )
        if not final:
            self.parts.emit(PhaseChanged("search", "experiments on the search tasks"))
        return standing

    def _prune(self, standing: Standing) -> Standing:
        """What pays stays; rollouts that this does not need are the last exam's."""
        end = self.stopping.end
        if end.prunes:
            most = end.prune_rollouts(self._spent_but("prune"))
            standing = prune(standing, self.parts, most_rollouts=most, deadline=self.stopping.prune_deadline())
        elif standing.stage:
            standing = standing.at_stage("exam", standing.ending)
        return standing

    def _spent_but(self, purpose: str) -> int:
        spent = self.parts.ledger.rollouts.spent()
        return sum(spend.rollouts for name, spend in spent.items() if name != purpose)

    def _begin_end(self, standing: Standing, why: str) -> Standing:
        """Note that the search is over, so that a killed process does not search again. The time is each sitting's own:
        when that is up, the next sitting searches on."""
        if why == TIME_IS_UP:
            return standing
        standing = standing.at_stage("prune", self.parts.limits)
        self.parts.ledger.remember(standing.to_json())
        return standing

    def _finish(self, standing: Standing) -> None:
        """Pruning, the last exam, the Pareto front into git, and the counted look at the holdout: all from what was
        kept of the budget for them."""
        parts = self.parts
        if standing.stage in ("", "prune"):
            standing = self._prune(standing)
        due = final_due(parts.gate.exam, hoped=standing.pool.gained, held=standing.exams)
        due = due and standing.tree != standing.certified_tree
        if self.stopping.end.examines and due and standing.stage != "holdout":
            standing = self._exam(standing, "final")
        keep_front(parts)
        if self.holdout:
            site = Site(self.holdout, "holdout", self.stopping.final_deadline())
            try:
                look_at_holdout(standing, self.baseline, parts, site, repeats=self.holdout_repeats)
            except (BudgetExceeded, Stopped) as error:
                if isinstance(error, Stopped) and error.reason == "cancelled":
                    raise
                parts.emit(PhaseChanged("holdout", f"could not be measured in full: {error}"))
        else:
            parts.ledger.remember(standing.at_stage("done", parts.limits).to_json())
        parts.emit(PhaseChanged("done", "finished"))


def idling(memory: Memory) -> str | None:
    """Why to end when the last experiments measured nothing, or None."""
    if memory.idle < IDLE_EXPERIMENTS:
        return None
    return f"{memory.idle} experiments in a row offered nothing new to measure"

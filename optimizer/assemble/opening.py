"""A campaign opened: locked, recovered, its budget counted, its machinery started."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from optimizer.assemble.accounts import budget_of, share_spent
from optimizer.assemble.founding import check_same, found, refuse_early
from optimizer.assemble.kinds import KINDS
from optimizer.assemble.machine import Check, Machine
from optimizer.assemble.machinery import proposer_of
from optimizer.assemble.planned import Planned
from optimizer.assemble.sizes import (
    calibration_of,
    end_of,
    holdout_repeats_of,
    needed_of,
    objective_of,
    remarks_of,
    tasks_of,
)
from optimizer.campaign import Campaign
from optimizer.errors import LedgerError
from optimizer.evaluation.base import Runner
from optimizer.evaluation.budget import Budget
from optimizer.events import Bus, CampaignStarted, Remarked, RolloutFinished, Spent
from optimizer.ledger.branch import Branch
from optimizer.ledger.lock import CampaignLock
from optimizer.ledger.settle import recover
from optimizer.ledger.store import Ledger
from optimizer.parts import Parts
from optimizer.records import Rollout, Spend, Split, Verdict
from optimizer.settings import BudgetSettings
from optimizer.standing import Standing
from optimizer.stopping import Stopping
from optimizer.workspace.workspace import Workspace

BEAT_EVERY_S = 2.0
SPENT_EVERY_S = 0.25


@contextmanager
def open_campaign(planned: Planned, bus: Bus, machine: Machine | None = None) -> Iterator[Campaign]:
    """Everything that the campaign needs, started; closed again on the way out. New campaigns get their repository and
    ledger here, old ones are recovered first. Rollouts run on ``machine``, by default on
    that of the suite's kind. Raises CampaignBusy when another process runs it."""
    home, machine = planned.home, machine or KINDS[planned.settings.suite.kind].machine()
    refuse_early(planned)
    with ExitStack() as stack:
        machine.start(planned, stack)
        found(planned)
        stack.enter_context(CampaignLock(home.folder))
        home.stop_request.unlink(missing_ok=True)
        ledger = stack.enter_context(Ledger.open(home.folder, durable=planned.durable))
        check_same(planned, ledger.campaign)
        workspace = Workspace.open(home.repository, planned.harness, ref=home.ref)
        branch = Branch(home.repository, home.campaign)
        recovery = recover(ledger, branch)
        budget = budget_of(planned, ledger)
        ledger.rollouts.reserved = average(budget.spent)
        stack.callback(_let_go, ledger)
        cancel = threading.Event()
        stopping = Stopping(budget, end_of(planned), needed_of(planned), home.stop_request, cancel)
        reporter = _reporter(bus, ledger, budget, stopping)
        runner = machine.runner(ledger.rollouts, budget, reporter, home.trajectories)
        done = ledger.next_number() - 1 - (recovery.unfinished is not None)
        parts = _parts(planned, ledger, branch, workspace, runner, bus, cancel, machine.check(cancel))
        ledger.beat()
        bus.emit(_started(planned, ledger, done, machine))
        for text in remarks_of(planned):
            bus.emit(Remarked(text))
        bus.emit(Spent(budget.spent, share_spent(budget, stopping)))
        campaign = ledger.campaign
        yield Campaign(
            parts=parts,
            stopping=stopping,
            baseline=parts.baseline,
            baseline_commit=campaign.baseline,
            certify=tasks_of(planned.suite, Split.certify),
            holdout={} if planned.no_holdout else tasks_of(planned.suite, Split.holdout),
            holdout_repeats=holdout_repeats_of(planned),
            calibration=calibration_of(planned),
        )


def _parts(
    planned: Planned,
    ledger: Ledger,
    branch: Branch,
    workspace: Workspace,
    runner: Runner,
    bus: Bus,
    cancel: threading.Event,
    check: Check,
) -> Parts:
    settings = planned.settings
    return Parts(
        campaign=planned.home.campaign,
        seed=planned.seed,
        limits=_limits_text(planned.limits),
        gate=planned.gate,
        objective=objective_of(settings),
        baseline=workspace.tree(ledger.campaign.baseline),
        experiment_timeout_s=settings.sandbox.experiment_timeout_s,
        program=planned.program,
        suite_hash=planned.suite.hash,
        metric=planned.metric,
        tasks=tasks_of(planned.suite, Split.search),
        space=planned.space,
        workspace=workspace,
        ledger=ledger,
        branch=branch,
        runner=runner,
        proposer=proposer_of(planned),
        check=check,
        emit=bus.emit,
        cancel=cancel,
    )


def _limits_text(limits: BudgetSettings) -> str:
    """The limits on what may be spent, by which a campaign knows that it ended before; time is each sitting's own."""
    return f"rollouts {limits.rollouts}, tokens {limits.tokens}, usd {limits.usd}"


def _started(planned: Planned, ledger: Ledger, done: int, machine: Machine) -> CampaignStarted:
    totals, gate = ledger.totals(), ledger.gate()
    model, confinement = machine.describe()
    return CampaignStarted(
        campaign=planned.home.campaign,
        seed=planned.seed,
        done=done,
        resumed=done > 0,
        total_rollouts=planned.limits.rollouts,
        seconds_left=planned.seconds,
        model=model,
        confinement=confinement,
        ref=planned.home.ref,
        repository=str(planned.home.repository),
        kept=totals.verdicts.get(Verdict.keep.value, 0),
        certified=totals.certified,
        champion=None if gate is None else Standing.from_json(gate).pool.level,
        metric=planned.metric,
    )


@dataclass(slots=True)
class _Reporter:
    """Tells of every rollout, of the budget now and then, and gives a sign of life."""

    bus: Bus
    ledger: Ledger
    budget: Budget
    stopping: Stopping
    beat_at: float = field(default=0.0)
    spent_at: float = field(default=0.0)

    def __call__(self, rollout: Rollout, purpose: str, cached: bool) -> None:
        if not cached:
            self.bus.emit(RolloutFinished(purpose, rollout))
        now = time.monotonic()
        if now - self.spent_at >= SPENT_EVERY_S:
            self.spent_at = now
            self.bus.emit(Spent(self.budget.spent, share_spent(self.budget, self.stopping)))
        if now - self.beat_at >= BEAT_EVERY_S:
            self.beat_at = now
            self.ledger.rollouts.reserved = average(self.budget.spent)
            self.ledger.beat()


def _let_go(ledger: Ledger) -> None:
    """On the way out nothing is under way any more. A full disk must not hide the error that led here: recovery does
    the same when the campaign is opened again."""
    with suppress(LedgerError):
        ledger.rollouts.interrupt()


def average(spent: Spend) -> Spend:
    """What one rollout has cost so far: so much is counted for one that a kill cut off, since nobody knows."""
    if not spent.rollouts:
        return Spend()
    return Spend(input_tokens=spent.tokens // spent.rollouts, usd=spent.usd / spent.rollouts)


def _reporter(bus: Bus, ledger: Ledger, budget: Budget, stopping: Stopping) -> _Reporter:
    return _Reporter(bus, ledger, budget, stopping)

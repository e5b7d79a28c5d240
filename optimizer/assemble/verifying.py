"""A kept commit measured again, beside a campaign that may be running."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from optimizer.assemble.founding import check_same
from optimizer.assemble.plan import plan_campaign
from optimizer.assemble.planned import Request
from optimizer.assemble.scoring import open_scoring
from optimizer.assemble.sizes import tasks_of
from optimizer.errors import SettingsError
from optimizer.home import Home
from optimizer.ledger import rows
from optimizer.ledger.store import Ledger
from optimizer.records import Split
from optimizer.verification import Verification, verify_trees
from optimizer.workspace.workspace import Workspace


def verify_commit(
    home: Home, which: str, *, repeats: int, attempt: int, on_rollout: Callable[[], None] = lambda: None
) -> Verification:
    """Measure a kept commit (an experiment's number, or a commit's id) against its parent; the ledger is only read.
    ``on_rollout`` is called after each rollout."""
    with Ledger.open(home.folder, read_only=True) as ledger:
        campaign = ledger.campaign
        row = next((row for row in ledger.experiments() if row.commit and _names(which, row)), None)
    if row is None or row.variant is None:
        raise SettingsError(
            f"verify: got '{which}', expected the number or commit of a kept experiment",
            hint="see 'ratchet log --kept'",
        )
    if campaign.settings["suite"]["kind"] == "callable":
        raise SettingsError(
            f"verify: campaign '{campaign.name}' measures a Python function, expected one of an experiment file",
            hint="what was certified, and the holdout, stand in 'ratchet status'",
        )
    folder = Path(campaign.settings["folder"])
    no_holdout = bool(campaign.settings.get("no_holdout"))
    planned = plan_campaign(
        Request(folder, name=campaign.name, runs=home.repository.parent, no_holdout=no_holdout, minutes=24 * 60.0)
    )
    check_same(planned, campaign)
    with open_scoring(planned, on_rollout) as runner:
        workspace = Workspace.open(home.repository, planned.harness, ref=home.ref)
        return verify_trees(
            row.variant,
            row.champion,
            believed=None if row.decision is None else row.decision.effect,
            repeats=repeats,
            attempt=attempt,
            tasks=tasks_of(planned.suite, Split.search),
            seed=planned.seed,
            workspace=workspace,
            runner=runner,
            deadline=time.monotonic() + 24 * 3600.0,
            cancel=threading.Event(),
        )


def _names(which: str, row: rows.ExperimentRow) -> bool:
    return which == str(row.number) or (len(which) >= 7 and (row.commit or "").startswith(which))

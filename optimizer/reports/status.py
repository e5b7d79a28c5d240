"""Whether a campaign runs, and where it stands right now."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from optimizer.ledger.rows import Totals
from optimizer.reports.words import count, duration


def status_json(totals: Totals, gate: Mapping[str, Any] | None, pid: int | None) -> dict[str, Any]:
    """The state of the process and of the working champion; ``gate`` is the standing that the ledger keeps."""
    return {
        "running": pid is not None,
        "pid": pid,
        "seconds_since_sign_of_life": None if totals.heartbeat is None else max(0.0, time.time() - totals.heartbeat.at),
        "current_experiment": totals.current,
        "rollouts_running": totals.running if pid is not None else 0,
        "rollouts_interrupted": totals.interrupted,
        "working_champion": None if gate is None else gate["tree"],
        "certified_champion": None if gate is None else gate["certified_tree"],
        "exams_passed": totals.certified,
    }


def render(totals: Totals, gate: Mapping[str, Any] | None, pid: int | None) -> RenderableType:
    """The same for a terminal."""
    facts = status_json(totals, gate, pid)
    table = Table.grid(padding=(0, 2))
    if pid is not None:
        beat = duration(facts["seconds_since_sign_of_life"])
        table.add_row("process", Text(f"running, process {pid}, last sign of life {beat} ago", style="green"))
    else:
        table.add_row("process", Text("not running; 'ratchet run' goes on with it", style="yellow"))
    table.add_row("campaign", f"{totals.campaign.name}, seed {totals.campaign.seed}, branch {totals.campaign.ref}")
    current = (
        "none" if totals.current is None else f"number {totals.current}, {facts['rollouts_running']} rollouts under way"
    )
    table.add_row("experiment in hand", current)
    table.add_row(
        "spent",
        f"{count(totals.total.rollouts)} rollouts, {count(totals.total.tokens)} tokens, ${totals.total.usd:.2f}",
    )
    if totals.interrupted:
        table.add_row("interrupted", f"{totals.interrupted} rollouts were cut off by a kill and are run again")
    return table

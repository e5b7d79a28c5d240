"""Whether a campaign runs, and where it stands right now."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from optimizer.ledger.rows import Totals
from optimizer.reports.spending import dollars
from optimizer.reports.words import count, duration


@dataclass(frozen=True, slots=True)
class Sitting:
    """What is known of the process that works, or last worked, on the campaign. ``pid`` is None when none runs now.
    ``rollouts``, ``tokens`` and ``usd`` are the campaign's limits (None: no such limit, or not known), ``share`` how
    much of the nearest one is gone, ``seconds_left`` the time left; ``why`` says how it ended, if it did."""

    pid: int | None = None
    rollouts: int | None = None
    tokens: int | None = None
    usd: float | None = None
    share: float | None = None
    seconds_left: float | None = None
    why: str = ""
    finished: bool = False


def status_json(totals: Totals, gate: Mapping[str, Any] | None, sitting: Sitting) -> dict[str, Any]:
    """The state of the process and of the working champion; ``gate`` is the standing that the ledger keeps."""
    running = sitting.pid is not None
    return {
        "running": running,
        "pid": sitting.pid,
        "finished": sitting.finished and not running,
        "ended": sitting.why,
        "seconds_since_sign_of_life": None if totals.heartbeat is None else max(0.0, time.time() - totals.heartbeat.at),
        "limits": {"rollouts": sitting.rollouts, "tokens": sitting.tokens, "usd": sitting.usd},
        "share_spent": sitting.share,
        "seconds_left": sitting.seconds_left if running else None,
        "current_experiment": totals.current,
        "rollouts_running": totals.running if running else 0,
        "rollouts_interrupted": totals.interrupted,
        "working_champion": None if gate is None else gate["tree"],
        "certified_champion": None if gate is None else gate["certified_tree"],
        "exams_passed": totals.certified,
    }


def render(totals: Totals, gate: Mapping[str, Any] | None, sitting: Sitting) -> RenderableType:
    """The same for a terminal."""
    facts = status_json(totals, gate, sitting)
    table = Table.grid(padding=(0, 2))
    table.add_row("process", _process(sitting, facts["seconds_since_sign_of_life"]))
    branch = totals.campaign.ref.removeprefix("refs/heads/")
    table.add_row("campaign", f"{totals.campaign.name}, seed {totals.campaign.seed}, branch {branch}")
    current = "none"
    if totals.current is not None:
        under_way = f", {facts['rollouts_running']} rollouts under way" if sitting.pid else ", to be gone on with"
        current = f"number {totals.current}{under_way}"
    table.add_row("experiment in hand", current)
    table.add_row("spent", _spent(totals, sitting))
    if totals.interrupted:
        table.add_row("interrupted", f"{totals.interrupted} rollouts were cut off, and are run again when needed")
    return table


def _process(sitting: Sitting, beat_s: float | None) -> Text:
    if sitting.pid is not None:
        return Text(f"running, process {sitting.pid}, last sign of life {duration(beat_s)} ago", style="green")
    if sitting.finished:
        return Text(f"finished: {sitting.why}", style="green")
    why = f" ({sitting.why})" if sitting.why else ""
    return Text(f"not running{why}; 'ratchet run' goes on with it", style="yellow")


def _spent(totals: Totals, sitting: Sitting) -> str:
    spent = totals.total
    parts = [
        f"{count(used)}{f' of {count(limit)}' if limit else ''} {what}"
        for used, limit, what in (
            (spent.rollouts, sitting.rollouts, "rollouts"),
            (spent.tokens, sitting.tokens, "tokens"),
        )
    ]
    parts.append(dollars(spent) + (f" of ${sitting.usd:.2f}" if sitting.usd else ""))
    if sitting.share is not None:
        parts.append(f"{100 * sitting.share:.0f}% of the budget")
    if sitting.pid is not None and sitting.seconds_left is not None:
        parts.append(f"{duration(sitting.seconds_left)} left")
    return ", ".join(parts)

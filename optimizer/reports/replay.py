"""What replay found, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def replay_table(rows: Sequence[Any]) -> Table:
    """A line for each strategy (:class:`optimizer.replay.tables.Row`), over all workloads."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("strategy", "at risk", "kept", "cost", "with re-reads", "re-reads / 100"):
        table.add_column(name, justify="left" if name == "strategy" else "right", overflow="fold")
    for row in rows:
        if not row.workload:
            figures = (_share(row.kept), _share(row.cost), _share(row.cost_with_rereads), f"{row.rereads:.1f}")
            table.add_row(row.strategy, f"{row.at_risk:,}", *figures)
    return table


def workload_table(rows: Sequence[Any]) -> Table | None:
    """A line for each workload: what each strategy keeps there, and at what cost; None for a single workload."""
    from rich.table import Table

    strategies = list(dict.fromkeys(row.strategy for row in rows))
    workloads = list(dict.fromkeys(row.workload for row in rows if row.workload))
    if not workloads:
        return None
    table = Table(
        box=None, pad_edge=False, header_style="bold", title="kept and cost by workload", title_justify="left"
    )
    for name in ("workload", "at risk", *strategies):
        table.add_column(name, justify="left" if name == "workload" else "right", overflow="fold")
    for workload in workloads:
        own = {row.strategy: row for row in rows if row.workload == workload}
        figures = [f"{_plain(own[name].kept)} {_plain(own[name].cost)}" for name in strategies]
        table.add_row(workload, f"{own[strategies[0]].at_risk:,}", *figures)
    return table


def replay_words(
    rows: Sequence[Any], batches: Any, silent: Sequence[str], *, limit: int, transcripts: int
) -> list[str]:
    """The sentences under the table: what the columns are, tool calls side by side, and what replay cannot say."""
    steps = rows[0].steps if rows else 0
    lines = [
        f"{transcripts:,} transcripts, {steps:,} steps, rendered into {limit:,} tokens (--context-tokens).",
        "at risk: steps that use a value last seen more than 8 messages back. kept: those of them that still see all "
        "their values. cost: input under a prompt cache (reads 0.1, writes 1.25), as a share of sending everything; "
        "with re-reads: lost values looked up again. In brackets the 95% interval over transcripts and workloads.",
    ]
    if not any(row.at_risk for row in rows):
        lines.append("No step is at risk: these transcripts say nothing of what a strategy loses.")
    elif rows and not any(row.compacted for row in rows):
        lines.append("Everything fits, so that nothing was compacted: try a smaller --context-tokens.")
    if batches.rounds:
        lines.append(
            f"Tool calls side by side: at most {batches.savable:,} of {batches.rounds:,} rounds could have been made "
            f"with the one before; of {batches.batches:,} batches that were made, {batches.conflicting:,} hold calls "
            "that conflict. What a call touches is guessed from its name."
        )
    return [*lines, "Replay cannot say: " + "; ".join(silent) + "."]


def replay_json(
    rows: Sequence[Any], batches: Any, silent: Sequence[str], *, limit: int, transcripts: int
) -> Mapping[str, Any]:
    """All of it; shares are null where nothing has them."""
    return {
        "transcripts": transcripts,
        "context_tokens": limit,
        "strategies": [asdict(row) for row in rows],
        "batches": asdict(batches),
        "cannot_say": list(silent),
    }


def _plain(share: Any) -> str:
    return "-" if share.value is None else f"{share.value:.2f}"


def _share(share: Any) -> str:
    if share.value is None:
        return "-"
    if share.low is None:
        return f"{share.value:.2f}"
    return f"{share.value:.2f} [{share.low:.2f}, {share.high:.2f}]"

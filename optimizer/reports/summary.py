"""The summary of a campaign: what may be claimed first, then what was kept and why, the cost, and where to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from optimizer.findings import FrontMember, Switch
from optimizer.ledger.rows import Exam, ExperimentRow, Pruning, Totals
from optimizer.ledger.store import Ledger
from optimizer.metric import Metric
from optimizer.records import Verdict
from optimizer.reports import calibration
from optimizer.reports.experiments import experiment_json
from optimizer.reports.findings import flags_line, front_line, member_json, switch_json
from optimizer.reports.pruned import pruning_json, pruning_table
from optimizer.reports.screened import Screening, screening_json, screening_line, screening_of
from optimizer.reports.sentence import sentence
from optimizer.reports.spending import cache_sentence, dollars, spend_json
from optimizer.reports.words import count, duration, interval, points, short, some, span

WIDEST = 110
"""Longer lines are hard to read."""
NO_HOLDOUT = (
    "No holdout: nothing below is a measurement on tasks that were not used for deciding. Claim nothing from it."
)


@dataclass(frozen=True, slots=True)
class Summary:
    """All that a summary shows. ``holdout`` is the last recorded look, None when there was none; ``has_holdout`` tells
    whether the suite has such a split at all; ``looks`` counts the looks, ``stale`` tells whether the champion has
    changed since the last one. ``front`` is the Pareto front, ``switches`` what each flag did, ``calibration``
    what was found when the baseline was measured against itself, ``pruning`` the last one,
    ``screening`` how well a cheap look predicted."""

    totals: Totals
    kept: Sequence[ExperimentRow]
    exams: Sequence[Exam]
    holdout: Mapping[str, Any] | None
    looks: int
    has_holdout: bool
    stale: bool
    why: str
    front: Sequence[FrontMember] = ()
    switches: Sequence[Switch] = ()
    calibration: Mapping[str, Any] | None = None
    pruning: Pruning | None = None
    screening: Screening | None = None


def summarize(
    ledger: Ledger, *, why: str = "", front: Sequence[FrontMember] = (), switches: Sequence[Switch] = ()
) -> Summary:
    """Read a summary from the ledger; ``why`` says how the run ended."""
    reports, gate = ledger.reports(), ledger.gate()
    kept = [row for row in ledger.experiments() if row.decision and row.decision.verdict is Verdict.keep]
    return Summary(
        totals=ledger.totals(),
        kept=kept,
        exams=ledger.exams(),
        holdout=reports[-1].result if reports else None,
        looks=len(reports),
        has_holdout=bool(reports) or not ledger.campaign.settings.get("no_holdout", False),
        stale=bool(reports and gate and reports[-1].result["working_tree"] != gate["tree"]),
        why=why,
        front=front,
        switches=switches,
        calibration=gate.get("calibration") if gate else None,
        pruning=next(iter(ledger.prunings()[-1:]), None),
        screening=screening_of(ledger.experiments()),
    )


def summary_json(summary: Summary) -> dict[str, Any]:
    """The summary as JSON, scores and gains as fractions."""
    totals = summary.totals
    return {
        "campaign": totals.campaign.name,
        "seed": totals.campaign.seed,
        "suite": totals.campaign.suite,
        "ref": totals.campaign.ref,
        "baseline": totals.campaign.baseline,
        "tip": totals.tip,
        "ended": summary.why,
        "has_holdout": summary.has_holdout,
        "holdout": summary.holdout,
        "holdout_looks": summary.looks,
        "holdout_is_stale": summary.stale,
        "exams": [{"number": exam.number, "outcome": exam.outcome, **exam.result} for exam in summary.exams],
        "calibration": summary.calibration,
        "experiments": totals.experiments,
        "verdicts": dict(totals.verdicts),
        "pruning": pruning_json(summary.pruning, f"{totals.campaign.ref}-final"),
        "metric": _metric_json(summary),
        "screening": screening_json(summary.screening),
        "kept": [experiment_json(row, Metric.of(totals.campaign.settings)) for row in summary.kept],
        "pareto": [member_json(member) for member in summary.front],
        "flags": [switch_json(switch) for switch in summary.switches],
        "cost": {
            **spend_json(totals.total),
            "replayed": totals.replays,
            "by_purpose": {purpose: spend_json(spend) for purpose, spend in totals.spend.items()},
        },
    }


def _metric_json(summary: Summary) -> dict[str, Any] | None:
    """What the score is made of and, in its unit, the holdout: mean, low and high of both sides and of the gain."""
    metric, result = Metric.of(summary.totals.campaign.settings), summary.holdout
    if metric is None:
        return None
    told: dict[str, Any] = {"name": metric.name, "worst": metric.worst, "best": metric.best, "holdout": None}
    if result is not None:
        told["holdout"] = {
            key: {end: None if result[key][end] is None else turn(result[key][end]) for end in ("mean", "low", "high")}
            for key, turn in (("baseline", metric.value), ("champion", metric.value), ("difference", metric.change))
        }
    return told


def render(summary: Summary, *, commands: Sequence[tuple[str, str]] = (), framed: bool = True) -> RenderableType:
    """The summary, fit for 80 columns; ``commands`` are (command, what it shows). ``framed`` is for a terminal."""
    parts: list[RenderableType] = []
    if not summary.has_holdout:
        parts += [Text(NO_HOLDOUT, style="bold yellow"), Text("")]
    if summary.why:
        parts += [Text(f"Ended: {summary.why}."), Text("")]
    parts += [_holdout(summary), Text(""), _exams(summary), Text("")]
    if summary.pruning is not None:
        parts += [pruning_table(summary.pruning, f"{summary.totals.campaign.ref}-final"), Text("")]
    parts += [_kept(summary), Text("")]
    told = (front_line(summary.front), flags_line(summary.switches), screening_line(summary.screening))
    if findings := [line for line in told if line]:
        parts += [*map(Text, findings), Text("")]
    if summary.calibration is not None:
        parts += [*_calibration(summary.calibration), Text("")]
    parts.append(_cost(summary.totals))
    if commands:
        width = min(34, max(len(command) for command, _ in commands))
        lines = [Text.assemble((command.ljust(width), "cyan"), (f"  # {shows}", "dim")) for command, shows in commands]
        for line in lines:
            # A line to be pasted stays one line, except in a frame.
            line.no_wrap, line.overflow = (None, None) if framed else (True, "ignore")
        parts += [Text(""), Text("Look further", style="bold"), *lines]
    if not framed:
        return Group(*parts)
    panel = Panel(Group(*parts), title=f"Ratchet · {summary.totals.campaign.name}", border_style="green", expand=True)
    return Constrain(panel, WIDEST)


def _holdout(summary: Summary) -> RenderableType:
    result = summary.holdout
    if result is None:
        return Text(
            "The holdout has not been measured yet: that is done when the budget or the time ends.", style="yellow"
        )
    champion = "certified champion" if result["certified"] else "working champion (not certified)"
    if result["champion_commit"] == summary.totals.campaign.baseline:
        champion = "champion (the baseline itself)"
    table = Table(box=None, padding=(0, 2), title="Holdout: tasks that nothing was decided on", title_justify="left")
    table.add_column("")
    table.add_column("score", justify="right")
    table.add_column("95% interval", justify="right")
    metric = Metric.of(summary.totals.campaign.settings)
    if metric is not None:
        table.add_column(metric.name, justify="right")
        table.add_column("95% interval", justify="right")
    for name, key in (("baseline", "baseline"), (champion, "champion")):
        part = result[key]
        own = () if metric is None else (metric.told(part["mean"]), metric.told_span(part["low"], part["high"]))
        table.add_row(name, points(part["mean"], signed=False), span(part["low"], part["high"]), *own)
    gain = result["difference"]
    style = "bold green" if (gain["low"] or 0.0) > 0 else "bold"
    ends = (gain["low"], gain["high"])
    own = () if metric is None else (metric.told_change(gain["mean"]), metric.told_span(*ends, change=True))
    table.add_row("gain, paired", points(gain["mean"]), interval(*ends), *own, style=style)
    old = "measured before the last keeps: a look at the present champion is yet to come; " if summary.stale else ""
    note = old + (
        f"better on {result['better']} of {result['tasks']} tasks, worse on {result['worse']}; "
        f"{result['rollouts']} rollouts; look number {summary.looks} at this holdout; "
        f"the search's own estimate was {points(result['search_estimate'], signed=False)}, which is no claim"
    )
    return Group(table, Text(note, style="dim"))


def _exams(summary: Summary) -> RenderableType:
    if not summary.exams:
        return Text("Exams: none was held; nothing is certified.")
    lines = [Text("Exams on the certify tasks (never used by the search)", style="bold")]
    for exam in summary.exams:
        style = {"passed": "green", "failed": "red"}.get(exam.outcome, "")
        result = exam.result
        metric = Metric.of(summary.totals.campaign.settings)
        unit = "" if metric is None else f" ({metric.told_change(result['effect'])} {metric.name})"
        figures = f"{points(result['effect'])} points{unit}, 95% interval {interval(result['low'], result['high'])}"
        if not result["tasks"]:
            figures = "ended before it had anything to compare"
        told = f"  {exam.number} {exam.outcome}: {figures}; {result['rollouts']} rollouts, {exam.champion[:9]}"
        lines.append(Text(told, style=style))
    return Group(*lines)


def _kept(summary: Summary) -> RenderableType:
    if not summary.kept:
        return Text("Kept: nothing was better.")
    metric = Metric.of(summary.totals.campaign.settings)
    table = Table(box=None, padding=(0, 1), title=f"Kept: {len(summary.kept)}", title_justify="left", expand=True)
    table.add_column("#", justify="right", style="dim")
    table.add_column("commit")
    table.add_column("believed", justify="right")
    table.add_column("what and why", ratio=1)
    for row in summary.kept:
        assert row.decision is not None
        what = Text.assemble(
            (short(row.proposal.what, 160), ""), "\n", (sentence(row.decision, row.seconds, metric), "dim")
        )
        table.add_row(str(row.number), (row.commit or "")[:9], points(row.decision.effect), what)
    return Group(
        table,
        Text(
            "All this is the search's own estimate of one edit, no claim; only the figures above are claims. What is "
            "said of chance counts for one edit: of a hundred without effect, one looks as good as 1 in 100.",
            style="dim",
        ),
    )


def _calibration(record: Mapping[str, Any]) -> list[RenderableType]:
    return [
        Text(f"Calibrated: {calibration.line(record)}."),
        *(Text(f"! {text}.", style="yellow") for text in calibration.remarks(record)),
    ]


def _cost(totals: Totals) -> RenderableType:
    spend = totals.total
    verdicts = ", ".join(f"{number} {verdict}" for verdict, number in totals.verdicts.items())
    purposes = ", ".join(f"{count(part.rollouts)} {purpose}" for purpose, part in totals.spend.items() if part.rollouts)
    cached = cache_sentence(spend)
    replayed = "These are the figures of the recording: no call was made and nothing was paid. " * totals.replays
    return Text(
        f"Cost: {count(spend.rollouts)} rollouts ({purposes}), {count(spend.calls)} model calls, "
        f"{count(spend.tokens)} tokens, {dollars(spend)}, {duration(spend.seconds)} of rollouts. "
        f"{cached[:1].upper()}{cached[1:]}{'. ' if cached else ''}{replayed}"
        f"{some(totals.experiments, 'experiment')}{': ' if verdicts else ''}{verdicts}."
    )

"""Experiments as a person or a program reads them: the list, and one in full."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from optimizer.ledger.rows import ExperimentRow, Pair
from optimizer.metric import Metric
from optimizer.records import Decision
from optimizer.reports.findings import NO_CLAIM
from optimizer.reports.sentence import sentence
from optimizer.reports.spending import cache_sentence, dollars, spend_json
from optimizer.reports.words import STYLES, count, duration, interval, points, short
from search_space.edits import edit_to_json

WIDE = 110
"""Columns from which on the log shows everything."""


def experiment_json(row: ExperimentRow, metric: Metric | None = None) -> dict[str, Any]:
    """One experiment as JSON: every figure in fractions of the score's scale, times in seconds since the epoch. With a
    ``metric`` its plain and its believed effect are there in its unit too."""
    decision = row.decision
    return {
        "number": row.number,
        "state": row.state.value,
        "verdict": decision.verdict.value if decision else None,
        "sentence": sentence(decision, row.seconds, metric) if decision else None,
        "reason": decision.reason if decision else None,
        "effect": decision.effect if decision else None,
        "raw_effect": decision.raw_effect if decision else None,
        "low": decision.low if decision else None,
        "high": decision.high if decision else None,
        "metric": _changes(decision, metric),
        "posterior": decision.posterior if decision else None,
        "chance": decision.chance if decision else None,
        "simplification": decision.simplification if decision else None,
        "conceded": decision.conceded if decision else None,
        "rollouts": decision.rollouts if decision else None,
        "what": row.proposal.what,
        "hypothesis": row.proposal.hypothesis,
        "proposer": row.proposal.proposer,
        "predicted": row.proposal.predicted,
        "drawn": row.proposal.drawn,
        "changes": dict(row.proposal.changes),
        "edit": edit_to_json(row.proposal.edit),
        "champion": row.champion,
        "variant": row.variant,
        "commit": row.commit,
        "tokens": row.spend.tokens,
        "usd": row.spend.known_usd,
        "cost": spend_json(row.spend),
        "seconds": row.seconds,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
    }


def _changes(decision: Decision | None, metric: Metric | None) -> dict[str, Any] | None:
    if metric is None or decision is None or decision.effect is None or decision.raw_effect is None:
        return None
    return {
        "name": metric.name,
        "effect": metric.change(decision.effect),
        "raw_effect": metric.change(decision.raw_effect),
    }


def log_table(rows: Iterable[ExperimentRow], *, width: int = WIDE, metric: Metric | None = None) -> RenderableType:
    """The list of experiments, as given, each with its decision in a sentence; below ``WIDE`` columns without interval
    and proposer. With a ``metric`` effects are in its unit too."""
    table = Table(box=None, padding=(0, 1), expand=True, caption=NO_CLAIM, caption_justify="left")
    table.add_column("#", justify="right", style="dim")
    table.add_column("decision")
    table.add_column("effect", justify="right")
    if metric is not None:
        table.add_column(metric.name, justify="right")
    if width >= WIDE:
        table.add_column("95% interval", justify="right")
        table.add_column("by")
    table.add_column("rollouts", justify="right")
    table.add_column("commit")
    table.add_column("what was tried, and why it was kept or not", ratio=1)
    for row in rows:
        decision = row.decision
        more = (interval(decision.low, decision.high) if decision else "", row.proposal.proposer)
        table.add_row(
            str(row.number),
            decision.verdict.value if decision else row.state.value,
            points(decision.effect) if decision else "",
            *(() if metric is None else (metric.told_change(decision.effect) if decision else "",)),
            *(more if width >= WIDE else ()),
            str(decision.rollouts) if decision else "",
            (row.commit or "")[:9],
            _tried(row, metric),
            style=STYLES[decision.verdict] if decision else "cyan",
        )
    return table


def _tried(row: ExperimentRow, metric: Metric | None) -> Text:
    what = Text(short(row.proposal.what, 240))
    if row.decision is None:
        return what
    return Text.assemble(what, "\n", (short(sentence(row.decision, row.seconds, metric), 400), "not bold dim"))


def pairs_json(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Paired results by task as JSON."""
    return [{"task": p.task, "candidate": list(p.candidate), "champion": list(p.champion)} for p in pairs]


def show(
    row: ExperimentRow,
    pairs: Sequence[Pair],
    *,
    fate: str = "",
    most_pairs: int = 100,
    metric: Metric | None = None,
) -> RenderableType:
    """One experiment in full: idea, decision and its reason, what became of it in the end (``fate``), diff, paired
    results by task: scores, or values of the ``metric`` that they are made of."""
    decision = row.decision
    verdict = decision.verdict.value if decision else row.state.value
    head = Text.assemble(
        (f"Experiment {row.number}: ", "bold"),
        (verdict, STYLES[decision.verdict] if decision else "cyan"),
        f" · proposed by {row.proposal.proposer}" + (f" · commit {row.commit[:12]}" if row.commit else ""),
    )
    facts = Table.grid(padding=(0, 2))
    facts.add_row("what", Text(row.proposal.what))
    facts.add_row("hypothesis", Text(row.proposal.hypothesis))
    if row.proposal.predicted is not None:
        gain = f"{points(row.proposal.predicted)} points, the best of {row.proposal.drawn} proposals"
        facts.add_row("replay said", Text(gain))
    if decision:
        facts.add_row("decision", Text(sentence(decision, row.seconds, metric)))
        if decision.effect is not None:
            facts.add_row("", Text(NO_CLAIM, "dim"))
    if fate:
        facts.add_row("in the end", Text(fate))
    facts.add_row(
        "cost",
        f"{row.spend.rollouts} rollouts · {count(row.spend.tokens)} tokens · {dollars(row.spend)} · "
        f"{duration(row.seconds)}",
    )
    if cached := cache_sentence(row.spend):
        facts.add_row("", cached)
    facts.add_row("trees", f"{row.champion[:12]} -> {(row.variant or 'none')[:12]}")
    parts: list[RenderableType] = [head, facts]
    if row.diff:
        parts += [Text(""), Syntax(row.diff.rstrip("\n"), "diff", background_color="default", word_wrap=True)]
    if pairs:
        parts += [Text(""), _pairs(pairs[:most_pairs], metric)]
    return Group(*parts)


def _pairs(pairs: Sequence[Pair], metric: Metric | None) -> RenderableType:
    unit = "" if metric is None else f", {metric.name}"
    title = f"search tasks: variant against champion{unit}"
    table = Table(box=None, padding=(0, 1), title=title, title_justify="left")
    for name in ("task", "variant", "champion", "difference"):
        table.add_column(name, justify="left" if name == "task" else "right")
    for pair in pairs:
        ours, theirs = _mean(pair.candidate), _mean(pair.champion)
        difference = None if ours is None or theirs is None else ours - theirs
        style = "" if not difference else "green" if difference > 0 else "red"
        told = points(difference) if metric is None else metric.told_change(difference)
        cells = (_cell(pair.candidate, metric), _cell(pair.champion, metric))
        table.add_row(Text(pair.task), *cells, told, style=style)
    return table


def _mean(scores: Sequence[float]) -> float | None:
    return sum(scores) / len(scores) if scores else None


def _cell(scores: Sequence[float], metric: Metric | None) -> str:
    mean = _mean(scores)
    if mean is None:
        return "-"
    return f"{mean:.2f} of {len(scores)}" if metric is None else f"{metric.told(mean)} of {len(scores)}"

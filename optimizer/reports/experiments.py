"""Experiments as a person or a program reads them: the list, one in full, and results.tsv."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from optimizer.ledger.rows import ExperimentRow, Pair
from optimizer.records import Verdict
from optimizer.reports.findings import NO_CLAIM
from optimizer.reports.sentence import sentence
from optimizer.reports.spending import cache_sentence, dollars, spend_json
from optimizer.reports.words import STYLES, count, duration, interval, points, short
from search_space.edits import edit_to_json

WIDE = 110
"""Columns from which on the log shows everything."""
TSV_HEADER = "commit\tscore\tcost_usd\tstatus\tdescription"


def experiment_json(row: ExperimentRow) -> dict[str, Any]:
    """One experiment as JSON: every figure in fractions of the score's scale, times in seconds since the epoch."""
    decision = row.decision
    return {
        "number": row.number,
        "state": row.state.value,
        "verdict": decision.verdict.value if decision else None,
        "sentence": sentence(decision, row.seconds) if decision else None,
        "reason": decision.reason if decision else None,
        "effect": decision.effect if decision else None,
        "raw_effect": decision.raw_effect if decision else None,
        "low": decision.low if decision else None,
        "high": decision.high if decision else None,
        "posterior": decision.posterior if decision else None,
        "chance": decision.chance if decision else None,
        "simplification": decision.simplification if decision else None,
        "conceded": decision.conceded if decision else None,
        "rollouts": decision.rollouts if decision else None,
        "what": row.proposal.what,
        "hypothesis": row.proposal.hypothesis,
        "proposer": row.proposal.proposer,
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


def log_table(rows: Iterable[ExperimentRow], *, width: int = WIDE) -> RenderableType:
    """The list of experiments, as given, each with its decision in a sentence; below ``WIDE`` columns without interval
    and proposer."""
    table = Table(box=None, padding=(0, 1), expand=True, caption=NO_CLAIM, caption_justify="left")
    table.add_column("#", justify="right", style="dim")
    table.add_column("decision")
    table.add_column("effect", justify="right")
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
            *(more if width >= WIDE else ()),
            str(decision.rollouts) if decision else "",
            (row.commit or "")[:9],
            _tried(row),
            style=STYLES[decision.verdict] if decision else "cyan",
        )
    return table


def _tried(row: ExperimentRow) -> Text:
    what = Text(short(row.proposal.what, 240))
    if row.decision is None:
        return what
    return Text.assemble(what, "\n", (short(sentence(row.decision, row.seconds), 400), "not bold dim"))


def tsv_lines(rows: Iterable[ExperimentRow]) -> Iterable[str]:
    """``results.tsv`` in autoresearch's columns. The score is the search estimate of the variant, as a gain over the
    baseline; a status is ``keep``, ``discard`` or ``crash``."""
    yield TSV_HEADER
    for row in rows:
        if row.decision is None:
            continue
        verdict = row.decision.verdict
        status = verdict.value if verdict in (Verdict.keep, Verdict.discard) else "crash"
        value = "" if row.value is None else f"{row.value:.6f}"
        commit = (row.commit or row.variant or "")[:9]
        usd = "" if row.spend.known_usd is None else f"{row.spend.known_usd:.4f}"
        yield f"{commit}\t{value}\t{usd}\t{status}\t{short(row.proposal.what, 200)}"


def pairs_json(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Paired results by task as JSON."""
    return [{"task": p.task, "candidate": list(p.candidate), "champion": list(p.champion)} for p in pairs]


def show(row: ExperimentRow, pairs: Sequence[Pair], *, fate: str = "", most_pairs: int = 100) -> RenderableType:
    """One experiment in full: idea, decision and its reason, what became of it in the end (``fate``), diff, paired
    results by task."""
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
    if decision:
        facts.add_row("decision", Text(sentence(decision, row.seconds)))
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
        parts += [Text(""), _pairs(pairs[:most_pairs])]
    return Group(*parts)


def _pairs(pairs: Sequence[Pair]) -> RenderableType:
    table = Table(box=None, padding=(0, 1), title="search tasks: variant against champion", title_justify="left")
    for name in ("task", "variant", "champion", "difference"):
        table.add_column(name, justify="left" if name == "task" else "right")
    for pair in pairs:
        ours, theirs = _mean(pair.candidate), _mean(pair.champion)
        difference = None if ours is None or theirs is None else ours - theirs
        style = "" if not difference else "green" if difference > 0 else "red"
        table.add_row(Text(pair.task), _cell(pair.candidate), _cell(pair.champion), points(difference), style=style)
    return table


def _mean(scores: Sequence[float]) -> float | None:
    return sum(scores) / len(scores) if scores else None


def _cell(scores: Sequence[float]) -> str:
    mean = _mean(scores)
    return "-" if mean is None else f"{mean:.2f} of {len(scores)}"

"""``results.tsv``, as autoresearch keeps it: one line for each experiment, tabs between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from optimizer.ledger.rows import ExperimentRow, Pair
from optimizer.metric import Metric
from optimizer.records import Verdict
from optimizer.reports.words import short

DESCRIPTION = 200
"""Characters of a description."""


def score_lines(rows: Iterable[ExperimentRow]) -> Iterator[str]:
    """Where a score is all there is: commit (of a discarded variant its tree), score, cost, status, description. The
    score is the search estimate of the variant, as a gain over the baseline; a status is ``keep``, ``discard`` or
    ``crash``."""
    yield "commit\tscore\tcost_usd\tstatus\tdescription"
    for row in rows:
        if row.decision is not None:
            value = "" if row.value is None else f"{row.value:.6f}"
            usd = "" if row.spend.known_usd is None else f"{row.spend.known_usd:.4f}"
            yield f"{_commit(row)}\t{value}\t{usd}\t{_status(row)}\t{short(row.proposal.what, DESCRIPTION)}"


def metric_lines(
    rows: Iterable[ExperimentRow],
    metric: Metric,
    pairs: Callable[[int], Sequence[Pair]],
    *,
    baseline: tuple[str, float] | None = None,
) -> Iterator[str]:
    """autoresearch's own columns: commit, the metric, peak memory (0.0: it is not measured), status, description.

    The metric is the mean of the variant's rollouts on search tasks, 0.000000 for what did not come to any;
    ``baseline``, a commit and its mean score, makes the first line.
    """
    yield f"commit\t{metric.name}\tmemory_gb\tstatus\tdescription"
    if baseline is not None:
        yield f"{baseline[0][:9]}\t{metric.value(baseline[1]):.6f}\t0.0\tkeep\tbaseline"
    for row in rows:
        if row.decision is None:
            continue
        scores = [score for pair in pairs(row.number) for score in pair.candidate]
        status = _status(row)
        value = metric.value(sum(scores) / len(scores)) if scores and status != "crash" else 0.0
        yield f"{_commit(row)}\t{value:.6f}\t0.0\t{status}\t{short(row.proposal.what, DESCRIPTION)}"


def _commit(row: ExperimentRow) -> str:
    return (row.commit or row.variant or "")[:9]


def _status(row: ExperimentRow) -> str:
    assert row.decision is not None
    verdict = row.decision.verdict
    return verdict.value if verdict in (Verdict.keep, Verdict.discard) else "crash"

"""The commit of a kept variant: what changed and the gain, the idea and the evidence, trailers a program can read."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from optimizer.findings import FrontMember, Piece
from optimizer.ledger.branch import commit_message
from optimizer.metric import Metric
from optimizer.records import Decision, Proposal, Spend
from optimizer.reports.sentence import sentence
from optimizer.reports.words import count, duration, interval, points, short

SUBJECT_WIDTH = 72
BODY_WIDTH = 78


def keep_message(
    number: int,
    proposal: Proposal,
    decision: Decision,
    *,
    campaign: str,
    suite: str,
    before: float | None,
    spend: Spend,
    seconds: float,
    metric: Metric | None = None,
) -> str:
    """The message of the commit that experiment ``number`` leaves after ``seconds``. ``before`` is the search estimate
    of the old champion's score: the figures here are those of the search, and say so. With a ``metric`` they are told
    in its unit too."""
    unit = "" if metric is None else f", {metric.told_change(decision.effect)} {metric.name}"
    gain = f" ({points(decision.effect)} points{unit}, search estimate)"
    what = f"Simplify: {proposal.what}" if decision.simplification else proposal.what
    subject = _sentence(short(what, SUBJECT_WIDTH)) + gain
    body = _filled(
        (
            f"What changed: {proposal.what}.",
            f"Hypothesis: {proposal.hypothesis}",
            f"Evidence on search tasks: {sentence(decision, seconds, metric)}.",
            "A search estimate is no claim: what is claimed is certified, or measured on the holdout, and stands in "
            "the report (ratchet status). This commit was made by a machine.",
        )
    )
    low = 0.0 if before is None else before
    return commit_message(
        subject,
        body,
        {
            "Ratchet-Campaign": campaign,
            "Ratchet-Experiment": str(number),
            "Ratchet-Proposer": proposal.proposer,
            "Ratchet-Score": f"{low:.3f} -> {low + (decision.effect or 0.0):.3f} (search estimate)",
            **_in_its_unit(metric, low, decision),
            "Ratchet-Evidence": (
                f"effect {points(decision.raw_effect)}, shrunken {points(decision.effect)}, 95% "
                f"{interval(decision.low, decision.high)}, P(better) {decision.posterior or 0.0:.3f}, "
                f"tasks {decision.tasks}, better {decision.better}, worse {decision.worse}"
                + ("" if decision.chance is None else f", by chance at most {decision.chance:.2g}")
                + (f", a simplification, conceded {points(decision.conceded)}" if decision.simplification else "")
            ),
            "Ratchet-Cost": f"{spend.rollouts} rollouts, {count(spend.tokens)} tokens, {duration(spend.seconds)}",
            "Ratchet-Suite": suite,
        },
    )


def _in_its_unit(metric: Metric | None, low: float, decision: Decision) -> dict[str, str]:
    if metric is None:
        return {}
    after = low + (decision.effect or 0.0)
    return {"Ratchet-Metric": f"{metric.name} {metric.told(low)} -> {metric.told(after)} (search estimate)"}


def piece_message(
    piece: Piece, *, campaign: str, suite: str, before: float, rollouts: int, spend: Spend, place: int, places: int
) -> str:
    """The message of a commit of the finalized branch: one change that pays, ``place`` of ``places``. ``before`` is the
    believed score without it, ``rollouts`` how many told it from the others, ``spend`` what those cost."""
    paragraphs = (
        f"What changed: {piece.what}.",
        f"Measured: {piece_sentence(piece)}, beside the changes before it; from all rollouts of the campaign with this "
        f"change and without, among them {count(rollouts)} in which changes of the champion were left out at random.",
        f"Change {place} of {places} that stay, the best first. These are figures of the search tasks and no claim: "
        "what is claimed is certified, or measured on the holdout, and stands in the report (ratchet status). This "
        "commit was made by a machine.",
    )
    trailers = {
        "Ratchet-Campaign": campaign,
        "Ratchet-Experiment": ", ".join(map(str, piece.experiments)),
        "Ratchet-Proposer": ", ".join(piece.proposers),
        "Ratchet-Score": f"{before:.3f} -> {before + piece.effect:.3f}",
        "Ratchet-Evidence": _evidence([piece]),
        "Ratchet-Cost": f"{spend.rollouts} rollouts, {count(spend.tokens)} tokens, for all changes together",
        "Ratchet-Suite": suite,
    }
    subject = f"{_sentence(short(piece.what, SUBJECT_WIDTH))} ({points(piece.effect)} points, search estimate)"
    return commit_message(subject, _filled(paragraphs), {name: text for name, text in trailers.items() if text})


def pruned_message(
    pieces: Sequence[Piece], *, campaign: str, suite: str, before: float, after: float, rollouts: int, spend: Spend
) -> str:
    """The message of the commit that leaves ``pieces`` out of the champion, whose believed score was ``before``."""
    named = [short(piece.what, 40) for piece in pieces]
    listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    if len(listed) > SUBJECT_WIDTH:
        listed = f"{named[0]} and {len(named) - 1} more" if len(named) > 1 else short(listed, SUBJECT_WIDTH)
    paragraphs = (
        "Left out, since they were not shown to pay:",
        *(f"- {piece.what}: {piece_sentence(piece)}" for piece in pieces),
        f"From {count(rollouts)} rollouts in which changes of the champion were left out at random, and all before. "
        "This commit was made by a machine.",
    )
    trailers = {
        "Ratchet-Campaign": campaign,
        "Ratchet-Experiment": ", ".join(str(number) for piece in pieces for number in piece.experiments),
        "Ratchet-Score": f"{before:.3f} -> {after:.3f}",
        "Ratchet-Evidence": _evidence(pieces),
        "Ratchet-Cost": f"{spend.rollouts} rollouts, {count(spend.tokens)} tokens, {duration(spend.seconds)}",
        "Ratchet-Suite": suite,
    }
    return commit_message(
        f"Without {listed}", _filled(paragraphs), {name: text for name, text in trailers.items() if text}
    )


def piece_sentence(piece: Piece) -> str:
    """What a pruning found of a change, in numbers."""
    pays = f"P(worth having) {piece.pays:.2f}" + (", a simplification" if piece.simplification else "")
    return f"{points(piece.effect)} points, 95% interval {interval(piece.low, piece.high)}, {pays}"


def front_message(member: FrontMember, *, campaign: str, suite: str) -> str:
    """The message of the commit that holds a member of the Pareto front which was not kept on the branch."""
    return commit_message(
        f"Pareto front: {short(member.what, SUBJECT_WIDTH)}",
        textwrap.fill(
            "Nothing else that the campaign measured is both better and cheaper, by the search's estimates, which are "
            "no claim. It was not kept on the campaign's branch. This commit was made by a machine.",
            BODY_WIDTH,
        ),
        {
            "Ratchet-Campaign": campaign,
            "Ratchet-Experiment": str(member.experiment),
            "Ratchet-Score": f"{member.score:.3f} (search estimate)",
            "Ratchet-Cost": f"{count(member.billed_tokens)} billed tokens a rollout",
            "Ratchet-Suite": suite,
        },
    )


def _evidence(pieces: Sequence[Piece]) -> str:
    return "; ".join(
        f"effect {points(piece.effect)}, 95% {interval(piece.low, piece.high)}, P(worth having) {piece.pays:.3f}"
        for piece in pieces
    )


def _filled(paragraphs: Sequence[str]) -> str:
    return "\n\n".join(
        textwrap.fill(paragraph, BODY_WIDTH, break_long_words=False, break_on_hyphens=False) for paragraph in paragraphs
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]

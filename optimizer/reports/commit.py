"""The commit of a kept variant: what changed and the gain, the idea and the evidence, trailers a program can read."""

from __future__ import annotations

import textwrap

from optimizer.ledger.branch import commit_message
from optimizer.records import Decision, FrontMember, Proposal, Spend
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
) -> str:
    """The message of the commit that experiment ``number`` leaves after ``seconds``. ``before`` is the search estimate
    of the old champion's score: the figures here are those of the search, and say so."""
    gain = f" ({points(decision.effect)} points, search estimate)"
    what = f"Simplify: {proposal.what}" if decision.simplification else proposal.what
    subject = _sentence(short(what, SUBJECT_WIDTH)) + gain
    body = "\n\n".join(
        textwrap.fill(paragraph, BODY_WIDTH, break_long_words=False, break_on_hyphens=False)
        for paragraph in (
            f"What changed: {proposal.what}.",
            f"Hypothesis: {proposal.hypothesis}",
            f"Evidence on search tasks: {sentence(decision, seconds)}.",
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


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]

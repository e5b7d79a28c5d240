"""What simplicity decides: an edit that takes away is kept when it is shown not to be worse.

The question asked of a simplification is whether it is worse by a margin or more (a test of non-inferiority: Piaggio et
al. 2012, "Reporting of noninferiority and equivalence randomized trials: extension of the CONSORT 2010 statement"). It
is answered once, when the candidate has had all its rollouts, by a one-sided confidence limit, so that looking often
adds no error. Before that it is only given up, when too little chance is left (Lan, Simon & Halperin 1982,
"Stochastically curtailed testing in long-term clinical trials").

A row of simplifications that lose a little each would lose much. So the margin is one for all of them since the last
certificate: each takes from it the loss that its own limit does not rule out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from optimizer.acceptance.distributions import normal_cdf, t_quantile
from optimizer.acceptance.evidence import Estimate
from optimizer.acceptance.presets import WorkingSettings
from optimizer.acceptance.words import points
from optimizer.acceptance.working import decided
from optimizer.records import Decision, Verdict


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gate says at one look: a decision, or None for more evidence. ``doubted`` says that the score alone has
    discarded the candidate, now or at an earlier look: then it is a simplification, and kept as one or not at all."""

    decision: Decision | None
    doubted: bool = False


def weigh(
    decision: Decision | None,
    found: Estimate,
    settings: WorkingSettings,
    *,
    simplicity: int,
    conceded: float,
    share: float,
    rollouts: int,
    last: bool,
    doubted: bool = False,
) -> Answer:
    """``decision``, of the gate by the score alone, with simplicity weighed in.

    ``simplicity`` is 1 for a simplification, -1 for an edit that makes the harness less simple, else 0. ``conceded`` is
    what simplifications have taken of the margin since the last certificate, as a fraction of the scale. ``share`` is
    the part of its rollouts that the candidate has had, 1 for all, and ``rollouts`` the number of both sides; ``last``
    says that no more can be had. ``doubted`` is what the look before said.

    A keep that is not clear (P(effect > 0) below ``keep_at``: it was kept with all its rollouts had) and makes the
    harness less simple is discarded. A simplification that the score alone discards is measured on as long as it may
    well prove not worse. With all its rollouts had it is kept when it has; a second chance to look better than it is,
    it does not get.
    """
    if simplicity > 0 and settings.simpler_margin > 0.0:
        doubted = doubted or (decision is not None and decision.verdict is Verdict.discard)
        margin = max(0.0, settings.simpler_margin - conceded)
        return Answer(_not_worse(found, settings, margin, share, rollouts, last), True) if doubted else Answer(decision)
    kept = decision is not None and decision.verdict is Verdict.keep
    if decision is None or not kept or simplicity >= 0 or found.posterior >= settings.keep_at:
        return Answer(decision)
    because = f"not clearly better (P below {settings.keep_at:g}), and less simple"
    return Answer(replace(decision, verdict=Verdict.discard, reason=because))


def largest_loss(found: Estimate, settings: WorkingSettings) -> float:
    """The largest loss that the evidence does not rule out at the confidence ``keep_at``, as a fraction; 0 when it
    rules out every loss. The prior has no part in it: it would take no evidence at all for evidence of no harm."""
    return max(0.0, t_quantile(settings.keep_at, found.degrees) * found.se - found.raw)


def hope(found: Estimate, settings: WorkingSettings, margin: float, share: float) -> float:
    """The probability that the loss not ruled out is at most ``margin`` in the end, if the effect is what it looks like
    now; ``share`` of the rollouts are there. As if all of the error shrank with more rollouts: rather too hopeful."""
    later = found.se * math.sqrt(share)
    bar = t_quantile(settings.keep_at, found.degrees) * later - margin
    move = math.sqrt(max(0.0, found.se**2 - later**2))
    if move == 0.0 or not math.isfinite(move):
        return 1.0 if found.raw >= bar else 0.0
    return normal_cdf((found.raw - bar) / move)


def _not_worse(
    found: Estimate, settings: WorkingSettings, margin: float, share: float, rollouts: int, last: bool
) -> Decision | None:
    """The answer for a simplification that the score alone discarded."""
    sure, allowed = f"{100 * settings.keep_at:.3g}% confidence", f"{100 * margin:.1f} allowed"
    if share < 1.0:
        if not last and hope(found, settings, margin, share) > 1.0 - settings.keep_at:
            return None
        why = "the end came before it could prove" if last else "too little hope that it proves"
        return decided(Verdict.discard, found, rollouts, f"a simplification, but {why} not worse")
    loss = largest_loss(found, settings)
    if loss > margin:
        because = f"a simplification, but it may lose {points(loss)[1:]} points ({sure}), {allowed}"
        return decided(Verdict.discard, found, rollouts, because)
    kept = decided(Verdict.keep, found, rollouts, f"worse by {points(loss)[1:]} points at most ({sure}), {allowed}")
    return replace(kept, simplification=True, conceded=loss)

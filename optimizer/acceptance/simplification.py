"""What simplicity decides: an edit that takes away is kept when it is shown not to be worse.

The question asked of a simplification is whether it is worse by a margin or more (a test of non-inferiority: Piaggio et
al. 2012, "Reporting of noninferiority and equivalence randomized trials: extension of the CONSORT 2010 statement"). It
is answered once, when the candidate has had all its rollouts, by a one-sided confidence limit, so that looking often
adds no error; before, it is only given up.

A row of simplifications that lose a little each would lose much. So the margin is one for all of them since the last
certificate: each takes from it the loss that its own limit does not rule out.
"""

from __future__ import annotations

from dataclasses import replace

from optimizer.acceptance.distributions import t_cdf, t_quantile
from optimizer.acceptance.evidence import Estimate
from optimizer.acceptance.presets import WorkingSettings
from optimizer.acceptance.words import points
from optimizer.records import Decision, Verdict


def weigh(
    decision: Decision | None,
    found: Estimate,
    settings: WorkingSettings,
    *,
    simplicity: int,
    conceded: float,
    at_cap: bool,
    last: bool,
) -> Decision | None:
    """``decision``, of the gate by the score alone, with simplicity weighed in; None for more evidence.

    ``simplicity`` is 1 for a simplification, -1 for an edit that makes the harness less simple, else 0. ``conceded`` is
    what simplifications have taken of the margin since the last certificate, as a fraction of the scale. ``at_cap``
    says that the candidate has had all its rollouts, ``last`` that no more can be had.

    A keep that is not clear (P(effect > 0) below ``keep_at``: it was kept at the cap) and makes the harness less simple
    is discarded. A discard of a simplification waits as long as it may yet prove not worse, and at the cap it is kept
    when it has.
    """
    if decision is None or simplicity == 0:
        return decision
    if decision.verdict is Verdict.keep:
        if simplicity > 0 or found.posterior >= settings.keep_at:
            return decision
        because = f"not clearly better (P below {settings.keep_at:g}), and less simple"
        return replace(decision, verdict=Verdict.discard, reason=because)
    if simplicity < 0 or settings.simpler_margin <= 0.0:
        return decision
    margin = max(0.0, settings.simpler_margin - conceded)
    if not at_cap:
        open_still = not last and not_worse(found, margin) > settings.discard_at
        return None if open_still else decision
    loss = largest_loss(found, settings)
    sure, allowed = f"{100 * settings.keep_at:.3g}% confidence", f"{100 * margin:.1f}"
    if loss > margin:
        because = f"a simplification, but it may lose {points(loss)[1:]} points ({sure}), {allowed} allowed"
        return replace(decision, reason=because)
    because = f"worse by {points(loss)[1:]} points at most ({sure}), {allowed} allowed"
    return replace(decision, verdict=Verdict.keep, reason=because, simplification=True, conceded=loss)


def largest_loss(found: Estimate, settings: WorkingSettings) -> float:
    """The largest loss that the evidence does not rule out at the confidence ``keep_at``, as a fraction; 0 when it
    rules out every loss. The prior has no part in it: it would take no evidence at all for evidence of no harm."""
    return max(0.0, t_quantile(settings.keep_at, found.degrees) * found.se - found.raw)


def not_worse(found: Estimate, margin: float) -> float:
    """The confidence with which the evidence rules out a loss of ``margin``."""
    if found.se == 0.0:
        return 1.0 if found.raw >= -margin else 0.0
    return t_cdf((found.raw + margin) / found.se, found.degrees)

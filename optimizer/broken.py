"""Whether a harness runs at all: rollouts that crash or hang are no measurement of how good it is."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.errors import SettingsError
from optimizer.records import Decision, Rollout, Status, Verdict

BROKEN_SHARE = 0.5
"""A variant is a crash (or a timeout) when at least this share of its first rollouts ended so."""
BROKEN_LEAST = 3


def refuse_broken_champion(ran: Sequence[Rollout]) -> None:
    """Nothing can be compared with a harness that never runs, and a night of zeros would look like a result."""
    if len(ran) >= BROKEN_LEAST and all(rollout.status is Status.crash for rollout in ran):
        raise SettingsError(
            f"the harness to be improved does not run: {len(ran)} of {len(ran)} rollouts crashed: {ran[0].reason}",
            hint="mend the harness (and commit it) or the suite's environment, then start a new campaign with --name",
        )


def broken(ran: Sequence[Rollout]) -> Decision | None:
    """A decision when too many rollouts of the variant did not end as they should."""
    for status, verdict in ((Status.crash, Verdict.crash), (Status.timeout, Verdict.timeout)):
        bad = [rollout for rollout in ran if rollout.status is status]
        if len(bad) >= max(BROKEN_LEAST, BROKEN_SHARE * len(ran)):
            reason = f"{len(bad)} of {len(ran)} rollouts: {bad[0].reason}"
            return Decision(verdict, reason, rollouts=len(ran))
    return None

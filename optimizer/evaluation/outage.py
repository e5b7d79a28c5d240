"""What to do when the upstream spoilt a rollout: try it again, count it all the same, or give up."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from optimizer.errors import ModelUnavailable
from optimizer.evaluation.judging import Attempt
from optimizer.models.base import Trouble, UpstreamError

MOST_TRIES = 5
"""A rollout that the upstream failed so often is not tried again: something is wrong, with it or with the upstream."""
MOST_CHANCES = 1
"""An upstream that fails a rollout and is found well right after, more often than this, is failed by the rollout."""
MOST_EXCUSES = 2
"""A rollout that ran out of time so often, having waited for the upstream each time, is slow by itself."""


class Next(Enum):
    """``again``: another attempt. ``count``: take it as what it says, a timeout."""

    again = "again"
    count = "count"


class Outage:
    """Decides by how the upstreams do. ``most_s``: seconds without a single answer after which to give up."""

    def __init__(self, trouble: Callable[[], Trouble], most_s: float) -> None:
        self._trouble, self._most_s = trouble, most_s

    def after(self, attempt: Attempt, tries: int, well: Callable[[UpstreamError], int]) -> Next | ModelUnavailable:
        """What comes after an attempt, the ``tries``-th of its rollout, that the upstream spoilt; an error to give up
        with, whose text is the reason.

        ``well`` asks whether the upstream is well by itself: 0 when it is not, else how often it was found so after
        this rollout's failures. A variant that makes its calls fail would else be measured never, and stop every
        campaign that it is in.
        """
        failure = attempt.account.failure
        if failure is not None and self._doubtful(failure, tries) and (found := well(failure)):
            return Next.count if found > MOST_CHANCES and (tries >= MOST_TRIES or not failure.again) else Next.again
        if failure is not None and not failure.again:
            return ModelUnavailable(_told(failure), hint=HINTS.get(failure.status, MEND), heals=False)
        trouble = self._trouble()
        if trouble.pause_s > self._most_s:
            why = f"the provider asked for a pause of {trouble.pause_s:,.0f} s, expected at most {self._most_s:,.0f}"
        elif trouble.failing_s >= self._most_s:
            why = f"the model did not answer for {trouble.failing_s:,.0f} s"
        elif failure is None:
            return Next.again if tries <= MOST_EXCUSES else Next.count
        elif tries >= MOST_TRIES:
            why = f"a rollout failed {tries} times because the model did"
        else:
            return Next.again
        last = "" if failure is None else f"; last: {_told(failure)}"
        return ModelUnavailable(why + last, hint=LATER, heals=True)

    def _doubtful(self, failure: UpstreamError, tries: int) -> bool:
        """Whether it is time to ask who is to blame, and the provider does not want to be left alone."""
        trouble = self._trouble()
        late = tries >= MOST_TRIES or trouble.failing_s >= self._most_s
        return not failure.again or (late and trouble.pause_s <= 0)


LATER = (
    "nothing is lost: give the same command again when the provider is well; model.retry_for_s says how long to wait"
)
MEND = "mend that, then give the same command again: nothing is lost"
HINTS = {
    401: "check the key in the environment (it may have been revoked), then give the same command again",
    402: "check credit and billing with the provider, then give the same command again",
    403: "check what the key may be used for, then give the same command again",
    404: "check model.agent and model.base_url in experiment.toml",
}


def _told(failure: UpstreamError) -> str:
    return f"{failure.message} ({failure.status} {failure.kind})"

"""When a call that the upstream failed is tried again, and when no more."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from optimizer.models.base import UpstreamError


@dataclass(frozen=True, slots=True)
class Retries:
    """``for_s``: no new attempt is begun later than this after a call's first failure. Waits grow from ``first_s`` by
    ``factor`` to ``most_s`` at most, each stretched by up to ``jitter`` of itself, so that calls do not come back all
    at once (exponential back-off with jitter). What the provider asks for (``Retry-After``) is waited instead."""

    for_s: float = 300.0
    first_s: float = 0.5
    factor: float = 2.0
    most_s: float = 30.0
    jitter: float = 0.25


class Patience:
    """One call's: ``seed`` fixes its jitter, ``deadline`` is the session's (an instant of the door's clock)."""

    def __init__(self, retries: Retries, seed: str, deadline: float) -> None:
        self._retries, self._seed, self._deadline = retries, seed, deadline
        self._failures = 0
        self._until = deadline

    def next_attempt(self, error: UpstreamError, now: float) -> float | None:
        """The instant of the attempt after the one that ended with ``error``; None when there is to be none."""
        if not self._failures:
            self._until = min(self._deadline, now + self._retries.for_s)
        wait = self._wait_s(error)
        self._failures += 1
        at = now + wait
        return at if error.again and at < self._until else None

    def _wait_s(self, error: UpstreamError) -> float:
        given, asked = self._retries, error.retry_after_s
        # The exponent is bounded, so that a patient call does not overflow it.
        own = min(given.most_s, given.first_s * given.factor ** min(self._failures, 60))
        wait = own if asked is None else max(asked, given.first_s)
        return wait + given.jitter * min(wait, given.most_s) * self._draw()

    def _draw(self) -> float:
        digest = sha256(f"{self._seed}|{self._failures}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64


class Stopwatch:
    """Seconds during which at least one of several things was under way. Not thread-safe: its owner holds a lock."""

    def __init__(self) -> None:
        self._open = 0
        self._since = self._ended = self._total = 0.0

    def enter(self, since: float) -> None:
        """One more, under way ``since`` an instant that may lie in the past."""
        if not self._open:
            self._since = max(since, self._ended)
        self._open += 1

    def leave(self, now: float) -> None:
        """One less."""
        self._open -= 1
        if not self._open:
            self._total += now - self._since
            self._ended = now

    def seconds(self, now: float) -> float:
        """The sum up to ``now``."""
        return self._total + (now - self._since if self._open else 0.0)


class Line:
    """What all calls of one upstream share: until when the provider asked to be left alone, and since when nothing was
    answered. Not thread-safe: its owner holds a lock."""

    def __init__(self) -> None:
        self.paused_until = 0.0
        self.failing_since: float | None = None
        self.last_error: UpstreamError | None = None

    def failed(self, error: UpstreamError, now: float) -> None:
        """An attempt ended with ``error``."""
        self.last_error = error
        if self.failing_since is None:
            self.failing_since = now
        if error.retry_after_s is not None and error.again:
            self.paused_until = max(self.paused_until, now + error.retry_after_s)

    def answered(self) -> None:
        """An attempt was answered."""
        self.failing_since = None

    def closed_for(self, now: float) -> UpstreamError | None:
        """While the provider asked for quiet: the error that says so and how long still."""
        left = self.paused_until - now
        if left <= 0 or self.last_error is None:
            return None
        known = self.last_error
        text = f"the provider asked for a pause, {left:.1f} s of which are left ({known.message})"
        return UpstreamError(known.status, known.kind, text, again=True, retry_after_s=left)

"""The one metered road to any model.

A rollout is given a token when its session opens. Each call with it is checked, paid for beforehand (its worst case is
reserved in the meter) and settled afterwards, whatever happens in between: a reservation is settled exactly once.
Keys of providers stay in the upstreams behind the door.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from optimizer.errors import BudgetExceeded
from optimizer.models.base import Meter, Reply, Upstream, UpstreamError
from optimizer.models.checking import check_request
from optimizer.records import Spend
from search_space.messages import ModelError, Request, Response


@dataclass(slots=True)
class _Session:
    """One rollout's account. ``reserved`` are tokens set aside for calls under way."""

    name: str
    seed: int
    deadline: float
    token_limit: int | None
    spend: Spend = field(default_factory=Spend)
    reserved: int = 0
    calls_open: int = 0


class Door:
    """Checks, meters and forwards calls. Safe to use from any number of threads.

    ``upstreams`` maps a model role, which is what a request's ``model`` names, to what answers it. ``clock`` tells
    the instants that deadlines are compared with (``time.monotonic`` unless a test says otherwise).
    """

    def __init__(
        self, upstreams: Mapping[str, Upstream], meter: Meter, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._upstreams = dict(upstreams)
        self._meter = meter
        self._clock = clock
        self._sessions: dict[str, _Session] = {}
        self._changed = threading.Condition()

    def open(self, session: str, seed: int, deadline: float, token_limit: int | None = None) -> str:
        """A new token for ``session``. Calls with it are answered with ``seed`` until ``deadline`` (an instant of the
        door's clock) and as long as their tokens together stay within ``token_limit`` (None: no limit)."""
        token = secrets.token_hex(16)
        with self._changed:
            self._sessions[token] = _Session(session, seed, deadline, token_limit)
        return token

    def close(self, token: str, *, wait_s: float = 0.2) -> Spend:
        """Refuse ``token`` from now on and return what its session spent; an unknown token has spent nothing.

        Calls under way are waited for, at most ``wait_s`` seconds; what comes later still reaches the meter.
        """
        with self._changed:
            session = self._sessions.pop(token, None)
            if session is None:
                return Spend()
            self._changed.wait_for(lambda: not session.calls_open, timeout=wait_s)
            return session.spend

    def spent(self, token: str) -> Spend:
        """What an open session has spent so far; an unknown token has spent nothing."""
        with self._changed:
            session = self._sessions.get(token)
            return session.spend if session else Spend()

    def create(self, token: str, request: Request) -> Response:
        """Answer ``request`` for the session of ``token``.

        Raises :class:`ModelError`: 401 for an unknown token, 400 for an invalid request, 404 for an unknown model role,
        504 past the deadline, 402 (``budget_exceeded``) when the campaign's budget or the session's token limit does
        not cover the worst case, and whatever the upstream raises.
        """
        with self._changed:
            session = self._sessions.get(token)
        if session is None:
            raise ModelError(401, "authentication_error", "x-api-key: unknown or closed token")
        request = check_request(request)
        upstream = self._upstreams.get(request["model"])
        if upstream is None:
            known = ", ".join(sorted(self._upstreams)) or "none"
            raise ModelError(
                404, "not_found_error", f"model: got '{request['model']}', expected one of the roles: {known}"
            )
        if self._clock() >= session.deadline:
            raise ModelError(504, "timeout_error", f"the deadline of session '{session.name}' has passed")
        return self._metered(session, upstream, request)

    def _metered(self, session: _Session, upstream: Upstream, request: Request) -> Response:
        worst = upstream.worst_case(request)
        self._enter(session, worst)
        actual = Spend()
        try:
            try:
                ticket = self._meter.reserve(worst)
            except BudgetExceeded as error:
                why = str(error) or "the budget does not cover this call"
                raise ModelError(402, "budget_exceeded", why) from None
            try:
                reply = _answer(upstream, request, session)
                actual = reply.spend
            except UpstreamError as error:
                actual = error.spend
                raise
            finally:
                self._meter.settle(ticket, actual)
        finally:
            self._leave(session, worst, actual)
        return reply.response

    def _enter(self, session: _Session, worst: Spend) -> None:
        with self._changed:
            taken = session.spend.tokens + session.reserved
            if session.token_limit is not None and taken + worst.tokens > session.token_limit:
                text = f"{taken:,} tokens taken and up to {worst.tokens:,} needed, expected at most"
                raise ModelError(402, "budget_exceeded", f"this rollout: {text} {session.token_limit:,}")
            session.reserved += worst.tokens
            session.calls_open += 1

    def _leave(self, session: _Session, worst: Spend, actual: Spend) -> None:
        with self._changed:
            session.reserved -= worst.tokens
            session.calls_open -= 1
            session.spend += actual
            self._changed.notify_all()


def _answer(upstream: Upstream, request: Request, session: _Session) -> Reply:
    try:
        return upstream.create(request, seed=session.seed, session=session.name, deadline=session.deadline)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(500, "api_error", f"{upstream.name}: {type(error).__name__}: {error}") from error


def error_body(error: ModelError) -> dict[str, Any]:
    """``error`` in the API's JSON shape."""
    return {"type": "error", "error": {"type": error.kind, "message": error.message}}

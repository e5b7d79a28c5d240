"""The one metered road to any model.

A rollout is given a token when its session opens. Each attempt at a call with it is paid for beforehand (its worst case
is reserved in the meter) and settled afterwards, whatever happens in between: a reservation is settled exactly once.
What the upstream failed is tried again here, and nowhere else. Keys of providers stay in the upstreams behind the door.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from optimizer.errors import BudgetExceeded
from optimizer.models.attempting import Bug, answer
from optimizer.models.base import PROBE, Account, Meter, Trouble, Upstream, UpstreamError
from optimizer.models.checking import check_request
from optimizer.models.misses import with_missed
from optimizer.models.retrying import Line, Patience, Retries, Stopwatch
from optimizer.models.session import Session
from optimizer.records import Spend
from search_space.messages import ModelError, Request, Response, estimate_tokens

NAMES_KNOWN = 16_384
"""So many of the latest sessions' names are remembered, to tell when one is opened again."""
RESERVE_AGAIN_S = 0.02
PROBE_S = 30.0
PROBE_REQUEST: Request = {"model": "", "max_tokens": 16, "messages": [{"role": "user", "content": "Say yes."}]}
"""As plain as a request can be: whoever does not answer it is not well."""


class Door:
    """Checks, meters, forwards and repeats calls. Safe to use from any number of threads.

    ``upstreams`` maps a model role, which is what a request's ``model`` names, to what answers it. ``default`` is the
    role of requests that name none of them, empty to refuse those. ``clock`` tells the instants that deadlines are
    compared with (``time.monotonic`` unless a test says otherwise).
    """

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        meter: Meter,
        *,
        default: str = "",
        retries: Retries | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._upstreams = dict(upstreams)
        self._meter = meter
        self._default = default
        self._retries = retries or Retries()
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._opened: dict[str, int] = {}
        self._lines = {id(upstream): Line() for upstream in self._upstreams.values()}
        self._waited = Stopwatch()
        self._changed = threading.Condition()

    def open(self, session: str, seed: int, deadline: float, token_limit: int | None = None) -> str:
        """A new token for ``session``. Calls with it are answered with ``seed`` until ``deadline`` (an instant of the
        door's clock) and as long as their tokens together stay within ``token_limit`` (None: no limit).

        Upstreams know a session that is opened again as ``session#2``, and so on: it finds no prompt cache of its own.
        """
        token = secrets.token_hex(16)
        with self._changed:
            times = self._opened.pop(session, 0) + 1
            self._opened[session] = times
            if len(self._opened) > NAMES_KNOWN:
                del self._opened[next(iter(self._opened))]
            name = session if times == 1 else f"{session}#{times}"
            self._sessions[token] = Session(name, seed, deadline, token_limit)
        return token

    def close(self, token: str, *, wait_s: float = 0.2) -> Account:
        """Refuse ``token`` from now on and return its session's account; that of an unknown token is empty.

        Calls that wait for another attempt give up; those under way are waited for, at most ``wait_s`` seconds. What
        comes later still reaches the meter; the account has its worst case, since nobody will ask for it again.
        """
        with self._changed:
            session = self._sessions.pop(token, None)
            if session is None:
                return Account()
            session.gone.set()
            self._changed.wait_for(lambda: not session.calls_open, timeout=wait_s)
            account = session.told(self._clock())
            return replace(account, wasted=sum(session.unpaid, account.wasted))

    def account(self, token: str) -> Account:
        """The account of an open session so far; that of an unknown token is empty."""
        with self._changed:
            session = self._sessions.get(token)
            return session.told(self._clock()) if session else Account()

    def trouble(self) -> Trouble:
        """How the upstreams do at this moment, the worst of them."""
        now = self._clock()
        with self._changed:
            lines = self._lines.values()
            failing = max((now - line.failing_since for line in lines if line.failing_since is not None), default=0.0)
            pause = max((line.paused_until - now for line in lines), default=0.0)
            return Trouble(self._waited.seconds(now), failing, max(0.0, pause))

    def hold(self, until: float, stop: threading.Event) -> None:
        """Wait before a rollout begins, while the upstream fails: as long as the provider asked for, or as long as it
        has been failing (so that waits double), at most the longest wait between attempts. Not past ``until``, an
        instant of the door's clock, nor past ``stop``."""
        trouble, began = self.trouble(), self._clock()
        wait = max(trouble.pause_s, min(trouble.failing_s, self._retries.most_s))
        end = min(began + wait, until)
        if not wait or end <= began:
            return
        with self._changed:
            self._waited.enter(began)
        try:
            while (left := end - self._clock()) > 0 and not stop.is_set():
                time.sleep(min(left, 0.05))
        finally:
            with self._changed:
                self._waited.leave(self._clock())

    def deadline(self, token: str) -> float:
        """The instant until which calls with ``token`` are answered. Raises :class:`ModelError` (401) for an unknown
        token."""
        return self._session(token).deadline

    def spoilt(self, token: str, error: UpstreamError) -> None:
        """The session met a failure that says nothing about it, of something else than a model that it needs: an MCP
        server behind the relay. That of an unknown token is nobody's."""
        with self._changed:
            session = self._sessions.get(token)
            if session is not None:
                session.account = replace(session.account, failure=error)

    def probe(self, error: UpstreamError) -> Account:
        """Ask what failed with ``error`` something in which no rollout has a hand: a rollout could send what makes its
        upstream fail. The account has no ``failure`` when it is well, and what asking cost."""
        if error.well is not None:
            return Account() if error.well() else Account(failure=error)
        with self._changed:
            lines = [(each, self._lines[id(each)]) for each in self._upstreams.values()]
            failing = [(upstream, line) for upstream, line in lines if line.failing_since is not None]
        session = Session(PROBE, 0, self._clock() + PROBE_S, None)
        for upstream, line in failing:
            try:
                self._attempt(session, upstream, line, PROBE_REQUEST)
            except UpstreamError as failed:
                return replace(session.account, failure=failed)
            except ModelError:
                return replace(session.account, failure=error)
        return session.account

    def roles(self, token: str) -> list[str]:
        """The roles that may be named as ``model``. Raises :class:`ModelError` (401) for an unknown token."""
        self._session(token)
        return sorted(self._upstreams)

    def count(self, token: str, request: Any) -> int:
        """Input tokens of ``request``, estimated (see :func:`estimate_tokens`); nothing is called or paid."""
        self._session(token)
        asked = check_request({"max_tokens": 1, **request} if isinstance(request, dict) else request)
        return sum(estimate_tokens(asked[key]) for key in ("system", "tools", "messages") if asked.get(key))

    def create(self, token: str, request: Request) -> Response:
        """Answer ``request`` for the session of ``token``.

        Raises :class:`ModelError`: 401 for an unknown token, 400 for an invalid request, 404 for an unknown model role,
        504 past the deadline, 402 (``budget_exceeded``) when the campaign's budget or the session's token limit does
        not cover the worst case, whatever else is the request's own fault; and :class:`UpstreamError` when the upstream
        failed and no further attempt is worth it.
        """
        session = self._session(token)
        request = check_request(request)
        upstream = self._upstreams.get(request["model"]) or self._upstreams.get(self._default)
        if upstream is None:
            known = ", ".join(sorted(self._upstreams)) or "none"
            raise ModelError(
                404, "not_found_error", f"model: got '{request['model']}', expected one of the roles: {known}"
            )
        if self._clock() >= session.deadline:
            raise session.past()
        with self._changed:
            session.calls += 1
            session.calls_open += 1
            patience = Patience(self._retries, f"{session.seed}|{session.name}|{session.calls}", session.deadline)
        try:
            return self._patiently(session, upstream, request, patience)
        finally:
            with self._changed:
                session.calls_open -= 1
                self._changed.notify_all()

    def _session(self, token: str) -> Session:
        with self._changed:
            session = self._sessions.get(token)
        if session is None:
            raise ModelError(401, "authentication_error", "x-api-key: unknown or closed token")
        return session

    def _patiently(self, session: Session, upstream: Upstream, request: Request, patience: Patience) -> Response:
        """Attempts until one is answered or no other is worth it; the first waits while the provider wants a pause."""
        line, troubled = self._lines[id(upstream)], False
        try:
            while True:
                began = self._clock()
                with self._changed:
                    error = line.closed_for(began)
                if error is None:
                    try:
                        return self._attempt(session, upstream, line, request)
                    except UpstreamError as failed:
                        error = failed
                if not troubled:
                    troubled = True
                    self._enter_trouble(session, began)
                now = self._clock()
                if now >= session.deadline:
                    # Cut short by the rollout's own deadline: slow by itself, or kept waiting? Its time waited tells.
                    raise session.past() from error
                at = patience.next_attempt(error, now)
                if at is None or session.gone.wait(max(0.0, at - now)):
                    with self._changed:
                        session.account = replace(session.account, failure=error)
                    raise error
        finally:
            if troubled:
                self._leave_trouble(session)

    def _attempt(self, session: Session, upstream: Upstream, line: Line, request: Request) -> Response:
        """One attempt, reserved, made and settled."""
        worst = upstream.worst_case(request)
        with self._changed:
            session.set_aside(worst, billed=upstream.costs_money)
        spend, wasted = Spend(), Spend()
        try:
            ticket = self._reserved(session, worst)
            try:
                wasted = worst if upstream.costs_money else Spend()  # what nobody can price is paid, not forgotten
                begun = session.misses.begins(request)
                reply = answer(upstream, request, session)
                missed = session.misses.took(begun, reply.spend)
                spend, wasted = with_missed(reply.spend, missed), Spend()
            except UpstreamError as error:
                wasted = error.spend
                with self._changed:
                    line.failed(error, self._clock())
                raise
            except Bug:
                raise
            except ModelError:
                wasted = Spend()
                raise
            finally:
                self._meter.settle(ticket, spend + wasted)
            with self._changed:
                line.answered()
            return reply.response
        finally:
            with self._changed:
                session.book(worst, spend, wasted)

    def _reserved(self, session: Session, worst: Spend) -> int:
        """The meter's ticket. What only the calls under way keep from being covered waits for them: who makes many at
        once must not end the budget for all."""
        waiting = False
        try:
            while True:
                try:
                    return self._meter.reserve(worst)
                except BudgetExceeded as error:
                    if not error.passing:
                        why = str(error) or "the budget does not cover this call"
                        raise ModelError(402, "budget_exceeded", why) from None
                now = self._clock()
                if not waiting:
                    waiting = True
                    self._enter_trouble(session, now)
                if now >= session.deadline or session.gone.wait(RESERVE_AGAIN_S):
                    raise session.past()
        finally:
            if waiting:
                self._leave_trouble(session)

    def _enter_trouble(self, session: Session, since: float) -> None:
        with self._changed:
            self._waited.enter(since)
            session.waited.enter(since)

    def _leave_trouble(self, session: Session) -> None:
        now = self._clock()
        with self._changed:
            self._waited.leave(now)
            session.waited.leave(now)

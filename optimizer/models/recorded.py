"""Exchanges recorded as they happen, and answered again from the recording: no call, nothing paid, the same figures."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from optimizer.models.base import PROBE, Reply, Upstream, UpstreamError
from optimizer.models.exchanges import Asked, Exchange, Exchanges
from optimizer.records import Spend
from search_space.messages import Request


class RecordingUpstream:
    """``upstream``, with every answered attempt written to ``path`` before it is handed on.

    A rollout that begins again replaces what was recorded of it: what counts is what was measured. Failed attempts are
    not recorded. Raises :class:`optimizer.errors.SettingsError` when the file cannot be opened.
    """

    def __init__(self, upstream: Upstream, path: Path) -> None:
        self._upstream = upstream
        self._exchanges = Exchanges(path, write=True)
        self._exchanges.describe("model", upstream.name)
        self._asked = Asked()
        self._last = threading.local()

    @property
    def name(self) -> str:
        """The model's own."""
        return self._upstream.name

    @property
    def costs_money(self) -> bool:
        """Whether the model does."""
        return self._upstream.costs_money

    def worst_case(self, request: Request) -> Spend:
        """The model's own."""
        worst = self._upstream.worst_case(request)
        self._last.worst = worst  # the same thread makes the attempt next
        return worst

    def create(self, request: Request, *, seed: int, session: str, deadline: float) -> Reply:
        """One attempt of the model's, recorded. A recording that cannot be written is a failure that does not heal."""
        reply = self._upstream.create(request, seed=seed, session=session, deadline=deadline)
        if session == PROBE:
            return reply
        name, nth, before = self._asked.count(session, request)
        try:
            if not before:
                self._exchanges.forget(name)
            exchange = Exchange(reply.response, reply.spend, getattr(self._last, "worst", reply.spend))
            self._exchanges.add(name, seed, nth, request, exchange)
        except sqlite3.Error as error:
            text = f"{self._exchanges.path}: the recording cannot be written: {error}"
            raise UpstreamError(507, "api_error", text, again=False, spend=reply.spend) from None
        return reply

    def check(self) -> None:
        """The model's own."""
        self._upstream.check()

    def close(self) -> None:
        """Leave one plain file."""
        self._exchanges.close()


class RecordedUpstream:
    """Answers from the recording at ``path``, with the cost that each answer had; nothing is called and nothing paid.

    Raises :class:`optimizer.errors.SettingsError` when there is no such recording.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(Exchanges(path, write=False)) as exchanges:
            self._model = exchanges.description("model")
        self._opened: Exchanges | None = None
        self._lock = threading.Lock()
        self._asked = Asked()

    @property
    def name(self) -> str:
        """The file, and whose answers it holds."""
        return f"recorded answers of {self._model}, from {self._path.name}; nothing is paid"

    @property
    def costs_money(self) -> bool:
        """Nobody is billed, whatever the figures say."""
        return False

    def worst_case(self, request: Request) -> Spend:
        """What was set aside when it was recorded; nothing for a request that was not."""
        return self._exchanges.worst(request) or Spend()

    def create(self, request: Request, *, seed: int, session: str, deadline: float) -> Reply:
        """What was answered. A request that was never recorded is a failure that does not heal."""
        name, nth, before = self._asked.count(session, request)
        try:
            found = self._exchanges.find(name, seed, nth, request)
        except (sqlite3.Error, ValueError) as error:
            text = f"{self._path}: the recording cannot be read: {error}"
            raise UpstreamError(500, "api_error", text, again=False) from None
        if found is None:
            raise UpstreamError(404, "not_found_error", self._missing(name, before, request), again=False)
        return Reply(found.response, found.spend)

    def check(self) -> None:
        """The file was read when this was made."""

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    @property
    def _exchanges(self) -> Exchanges:
        """The file, opened when it is first asked: who only wants the name lets go of it at once."""
        with self._lock:
            if self._opened is None:
                self._opened = Exchanges(self._path, write=False)
            return self._opened

    def _missing(self, session: str, before: int, request: Request) -> str:
        """Why there is no answer, with what differs from the nearest request there is."""
        said = f"{self._path.name} has no answer to call {before + 1} of rollout {session}: "
        near = self._exchanges.call(session, before)
        if near is not None:
            return said + f"it differs from the recorded one in {', '.join(differences(request, near)) or 'its seed'}"
        count = self._exchanges.sessions()
        return said + f"that rollout is not among the {count} recorded ones (another harness, suite, seed or budget?)"


def differences(one: Any, other: Any) -> list[str]:
    """The fields in which two requests differ, of the messages the first such one."""
    found = [key for key in sorted({*one, *other} - {"messages"}) if one.get(key) != other.get(key)]
    mine, theirs = one["messages"], other["messages"]
    for index in range(max(len(mine), len(theirs))):
        if mine[index : index + 1] != theirs[index : index + 1]:
            return [*found, f"messages.{index}"]
    return found

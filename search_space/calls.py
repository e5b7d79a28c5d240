"""What a running tool call really reads and writes, beside what its tool declared.

An environment tells the call that is running in this thread (:func:`current_call`) each resource that it reads, and
hands it each write as a function that is carried out when the call is *committed*. So whoever runs calls side by side
can see a conflict that the declarations missed, throw the late call's writes away, and run it again in its turn. An
environment that tells nothing is taken at its tools' word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Call:
    """One running call. ``reads`` and ``writes`` are resources as in :class:`search_space.tools.Effects`; ``held`` is
    room for what an environment must remember of the call until it is committed, such as contents not yet written."""

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.writes: set[str] = set()
        self.held: dict[Any, Any] = {}
        self._pending: list[Callable[[], None]] = []

    def read(self, resource: str) -> None:
        """The call reads ``resource``."""
        self.reads.add(resource)

    def write(self, resource: str, carry_out: Callable[[], None]) -> None:
        """The call writes ``resource``; ``carry_out`` does it, when the call is committed."""
        self.writes.add(resource)
        self._pending.append(carry_out)

    def commit(self) -> None:
        """Carry the writes out, in their order."""
        pending, self._pending = self._pending, []
        for carry_out in pending:
            carry_out()

    def discard(self) -> None:
        """Forget the writes: nothing has happened."""
        self._pending.clear()
        self.held.clear()


class _Alone(Call):
    """Outside any call, as in a test of a single tool: every write happens at once."""

    def write(self, resource: str, carry_out: Callable[[], None]) -> None:
        carry_out()


_current: ContextVar[Call | None] = ContextVar("current_call", default=None)


def current_call() -> Call:
    """The call that runs in this thread; outside any, one that writes at once and remembers nothing."""
    return _current.get() or _Alone()


@contextmanager
def running(call: Call) -> Iterator[Call]:
    """Within this context, in this thread, ``call`` is the running one."""
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)

"""Runs the calls of one answer side by side where their effects allow it, with the outcome of one after the other.

An earlier call that conflicts with a later one comes before it: that is the dependence graph. Calls are *committed*
(their writes carried out) in their order. A call starts as soon as all earlier ones that it depends on are committed,
the earliest first (list scheduling: R. L. Graham, "Bounds on multiprocessing timing anomalies", 1969). What a call
really read and wrote is known when it has ended; if that conflicts with an earlier call that was not committed when it
started, its writes are thrown away and it is run again in its turn, as speculative processors do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from search_space.calls import Call, running
from search_space.tools import Effects


@dataclass(frozen=True, slots=True)
class Catch:
    """A conflict that the declarations missed: ``later`` started before ``earlier`` was committed, and both touched
    ``resource``. ``again`` says whether ``later`` was run again: not when it wrote at once, which nobody can undo."""

    earlier: int
    later: int
    resource: str
    again: bool


@dataclass(frozen=True, slots=True)
class Work:
    """The calls by their place. ``run(place)`` does one and says whether it succeeded (else its writes are thrown
    away); ``failed(place, error)`` is told when its writes could not be carried out. Neither raises an ``Exception``.
    """

    effects: Sequence[Effects | None]
    """What each one declares to touch; None for one that must run alone."""
    run: Callable[[int], bool]
    failed: Callable[[int, Exception], None]


def run_calls(work: Work, max_parallel: int) -> list[Catch]:
    """Do the work, at most ``max_parallel`` calls at a time, in the caller's thread and in others where there is
    something to do side by side; the conflicts that were caught, in the order of the calls."""
    count = len(work.effects)
    after = [-1] * count if max_parallel > 1 else [place - 1 for place in range(count)]
    if max_parallel > 1 and count > 1:
        after = [max(before, default=-1) for before in dependences(work.effects)]
    if all(last == place - 1 for place, last in enumerate(after)):
        for place in range(count):
            _commit(work, place, *_run(work, place))
        return []
    return _SideBySide(work, after, max_parallel).run()


def dependences(effects: Sequence[Effects | None]) -> list[list[int]]:
    """For each call the earlier ones that it conflicts with: the edges of the dependence graph."""
    return [
        [before for before in range(place) if _conflict(effects[before], effects[place])]
        for place in range(len(effects))
    ]


class _SideBySide:
    """One answer's calls under way. The lock guards every field; no call and no commit runs under it."""

    def __init__(self, work: Work, after: Sequence[int], max_parallel: int) -> None:
        """A call may start when all up to ``after[place]`` are committed."""
        self._work = work
        self._after = after
        self._max_parallel = max_parallel
        self._lock = threading.Condition()
        self._waiting = list(range(len(after)))
        self._started: dict[int, int] = {}
        self._ended: dict[int, tuple[Call, bool]] = {}
        self._touched: list[Effects] = []
        self._catches: list[Catch] = []
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._committing = False
        self._broken: BaseException | None = None

    def run(self) -> list[Catch]:
        self._work_on()
        with self._lock:
            self._lock.wait_for(lambda: self._broken is not None or len(self._touched) == len(self._after))
        if self._broken is not None:
            raise self._broken
        for thread in self._threads:
            thread.join()
        return self._catches

    def _work_on(self) -> None:
        try:
            while (place := self._next()) is not None:
                ended = _run(self._work, place)
                with self._lock:
                    self._ended[place] = ended
                self._commit_in_order()
        except BaseException as error:  # a thread that just went away would leave the others waiting for ever
            with self._lock:
                self._broken = self._broken or error
                self._lock.notify_all()

    def _next(self) -> int | None:
        """The next call to run in this thread, once there is one; None when all have been started."""
        with self._lock:
            while self._waiting and self._broken is None:
                ready = [place for place in self._waiting if self._after[place] < len(self._touched)]
                if ready:
                    self._waiting.remove(ready[0])
                    self._started[ready[0]] = len(self._touched)
                    if len(ready) > 1:
                        self._another()
                    return ready[0]
                self._idle += 1
                self._lock.wait()
                self._idle -= 1
            return None

    def _another(self) -> None:
        """Somebody for the next ready call; under the lock."""
        if self._idle:
            self._lock.notify_all()
        elif len(self._threads) + 1 < self._max_parallel:
            self._threads.append(threading.Thread(target=self._work_on, daemon=True))
            self._threads[-1].start()

    def _commit_in_order(self) -> None:
        """Commit what has ended and has no uncommitted call before it; one thread at a time does so."""
        with self._lock:
            if self._committing:
                return
            self._committing = True
        while True:
            with self._lock:
                place = len(self._touched)
                if place not in self._ended or self._broken is not None:
                    self._committing = False
                    return
                call, good = self._ended[place]
            touched = self._settle(place, call, good)
            with self._lock:
                self._touched.append(touched)
                self._lock.notify_all()

    def _settle(self, place: int, call: Call, good: bool) -> Effects:
        """Commit a call whose turn it is, after running it again if need be; what it touched."""
        declared = self._work.effects[place] or Effects()
        caught = self._caught(place, _touched(declared, call))
        if caught is not None:
            # A tool that wrote at once has told nothing, and to run it again would be to write twice.
            again = bool(call.reads or call.writes or not declared.writes)
            self._catches.append(Catch(*caught, again))
            if again:
                call.discard()
                call, good = _run(self._work, place)
        _commit(self._work, place, call, good)
        return _touched(declared, call, good)

    def _caught(self, place: int, touched: Effects) -> tuple[int, int, str] | None:
        for earlier in range(self._started[place], place):
            over = self._touched[earlier].conflict(touched)
            if over is not None:
                return earlier, place, over
        return None


def _run(work: Work, place: int) -> tuple[Call, bool]:
    with running(Call()) as call:
        return call, work.run(place)


def _commit(work: Work, place: int, call: Call, good: bool) -> None:
    if not good:
        call.discard()
        return
    try:
        call.commit()
    except Exception as error:  # as when the tool itself fails: the model is told, the rollout goes on
        call.discard()
        work.failed(place, error)


def _touched(declared: Effects, call: Call, good: bool = True) -> Effects:
    """What a call was declared to touch and what it told; one that told and failed has written nothing."""
    if not (call.reads or call.writes):
        return declared
    told = declared | Effects(frozenset(call.reads), frozenset(call.writes))
    return told if good else Effects(told.reads)


def _conflict(one: Effects | None, other: Effects | None) -> bool:
    return one is None or other is None or one.conflicts(other)

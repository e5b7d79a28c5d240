"""How a person, or a program, follows a run: the live table, lines or JSON; and how a person ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from optimizer.campaign import Campaign
from optimizer.cli.options import console
from optimizer.events import Bus
from optimizer.reports.live import LiveTable
from optimizer.reports.plain import JsonLog, PlainLog

Tell = Callable[[str], None]
"""Takes a remark for the person at the terminal; safe to call from a signal handler."""

ONCE = "Ctrl-C: ending after what is in hand (Ctrl-C again ends now); nothing is lost, the same command goes on"
TWICE = "Ctrl-C again: ending now"


@contextmanager
def watching(bus: Bus, *, as_json: bool, plain: bool) -> Iterator[Tell]:
    """The live table on a terminal, lines elsewhere, JSON when asked."""
    screen = console()
    if as_json:
        bus.listen(JsonLog(sys.stdout))
        yield _remark
    elif plain or not sys.stdout.isatty() or screen.is_dumb_terminal:
        bus.listen(PlainLog(sys.stdout))
        yield _remark
    else:
        with _quiet_keys(), LiveTable(screen) as table:
            bus.listen(table)
            yield table.tell


@contextmanager
def stoppable(campaign: Campaign, tell: Tell) -> Iterator[None]:
    """Ctrl-C once asks, twice ends now; SIGTERM and SIGHUP (a machine going down, a closed terminal) end now."""
    stopping = campaign.stopping

    def interrupt(number: int, frame: FrameType | None) -> None:
        if stopping.asked:
            stopping.asked = "Ctrl-C, twice"
            stopping.cancel.set()
            tell(TWICE)
        else:
            stopping.ask("Ctrl-C")
            tell(ONCE)

    def end(number: int, frame: FrameType | None) -> None:
        stopping.ask(signal.Signals(number).name)
        stopping.cancel.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, interrupt),
        signal.SIGTERM: signal.signal(signal.SIGTERM, end),
        signal.SIGHUP: signal.signal(signal.SIGHUP, end),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _quiet_keys() -> Iterator[None]:
    """The terminal does not write ``^C`` into the table. Nothing that a killed process would leave in disorder."""
    try:
        before = termios.tcgetattr(sys.stdin)
    except (termios.error, ValueError, OSError):  # no terminal there
        yield
        return
    quiet = [*before]
    quiet[3] &= ~termios.ECHOCTL
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _remark(text: str) -> None:
    # Past Python's buffers: a signal may come in the middle of a print.
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode())

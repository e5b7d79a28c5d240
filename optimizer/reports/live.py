"""The table that a person watches while a campaign runs."""

from __future__ import annotations

import threading
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from optimizer.events import Event
from optimizer.reports.progress import Progress
from optimizer.reports.words import STYLES, count, duration, points, short


class LiveTable:
    """A listener that redraws four times a second; use as a context manager."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress()
        self._lock = threading.Lock()
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=4, transient=False)

    def __enter__(self) -> LiveTable:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take an event; the next redraw shows it."""
        with self._lock:
            self.progress.take(event)

    def _render(self) -> RenderableType:
        with self._lock:
            return render(self.progress)


def render(progress: Progress) -> RenderableType:
    """The whole picture of a campaign in progress."""
    started = progress.started
    if started is None:
        return Text("starting …")
    head = Text.assemble(
        ("Ratchet ", "bold"),
        f"· {started.campaign} · seed {started.seed} · model: {started.model}",
        ("" if not started.resumed else f" · resumed after {started.done} experiments", "yellow"),
    )
    return Panel(
        Group(head, _budget(progress), _standing(progress), Text(""), _decisions(progress)),
        border_style="blue",
        expand=True,
    )


def _budget(progress: Progress) -> RenderableType:
    started = progress.started
    total = None if started is None else started.total_rollouts
    spent = f"{count(progress.spent.rollouts)}{f' of {count(total)}' if total else ''} rollouts"
    line = Table.grid(padding=(0, 1))
    line.add_row(
        Text(progress.phase, style="bold cyan"),
        ProgressBar(total=1.0, completed=progress.share or 0.0, width=30),
        Text(f"{100 * progress.share:.0f}%" if progress.share is not None else ""),
        Text(f"· {spent} · {count(progress.spent.tokens)} tokens · ${progress.spent.usd:.2f}"),
        Text(f"· {progress.rate:.1f}/s · {duration(progress.seconds_left)} left"),
    )
    return line


def _standing(progress: Progress) -> RenderableType:
    champion = "measuring" if progress.champion is None else points(progress.champion, signed=False)
    since = "" if progress.first_champion is None else f" (began at {points(progress.first_champion, signed=False)})"
    exam = progress.exam
    verdict = "no exam yet" if exam is None else f"last exam {exam.outcome} ({points(exam.effect)})"
    return Text(
        f"champion {champion}{since}, search estimate, no claim · {progress.experiments} experiments, "
        f"{progress.kept} kept · {progress.certificates} certified, {verdict}"
    )


def _decisions(progress: Progress) -> RenderableType:
    table = Table(box=None, padding=(0, 1), expand=True, show_edge=False)
    table.add_column("#", justify="right", style="dim", width=5)
    table.add_column("decision", width=13)
    table.add_column("effect", justify="right", width=7)
    table.add_column("rollouts", justify="right", width=8)
    table.add_column("what was tried", ratio=1, no_wrap=True, overflow="ellipsis")
    current = progress.current
    if current is not None:
        what = short(current.proposal.what, 200)
        table.add_row(str(current.number), "running …", "", str(progress.in_hand), what, style="cyan")
    elif progress.phase != "search" and progress.ended is None:
        table.add_row("", f"{progress.phase} …", "", str(progress.in_hand), progress.phase_text, style="cyan")
    for row in reversed(progress.rows):
        decision = row.decision
        table.add_row(
            str(row.number),
            Text(decision.verdict.value, style=STYLES[decision.verdict]),
            points(decision.effect),
            str(decision.rollouts),
            Text(short(row.proposal.what, 200), style=STYLES[decision.verdict]),
        )
    return table

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

from optimizer.events import Event, ExamEnded
from optimizer.metric import Metric
from optimizer.reports.progress import Progress, Row
from optimizer.reports.sentence import sentence
from optimizer.reports.spending import dollars
from optimizer.reports.words import STYLES, count, duration, interval, points, short, some


class LiveTable:
    """A listener that redraws four times a second; use as a context manager."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress()
        self.notice = ""
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

    def tell(self, text: str) -> None:
        """Show a remark below the table from the next redraw on; takes no lock, so that a signal handler may."""
        self.notice = text

    def _render(self) -> RenderableType:
        with self._lock:
            return render(self.progress, self.notice)


def render(progress: Progress, notice: str = "") -> RenderableType:
    """The whole picture of a campaign in progress, fit for 80 columns; ``notice`` is a remark below it."""
    started = progress.started
    if started is None:
        return Text("starting …")
    head = Text.assemble(
        ("Ratchet ", "bold"),
        f"· {started.campaign} · seed {started.seed} · model {started.model.partition(' (')[0]}",
        ("" if not started.resumed else f" · resumed after {some(started.done, 'experiment')}", "yellow"),
    )
    parts = [head, _budget(progress), _spent(progress), *_standing(progress), *_told(progress)]
    parts += [Text(""), _decisions(progress)]
    if progress.rows:
        parts += [Text(""), _last(progress.rows[-1], progress.metric)]
    if notice and progress.ended is None:
        parts += [Text(""), Text(notice, style="bold yellow")]
    return Panel(Group(*parts), border_style="blue", expand=True)


def _budget(progress: Progress) -> RenderableType:
    line = Table.grid(padding=(0, 1))
    share = "" if progress.share is None else f"{100 * progress.share:.0f}% of the budget"
    took = f"took {duration(progress.seconds)}"
    left = took if progress.ended else f"{duration(progress.seconds_left)} left"
    line.add_row(
        Text(progress.phase, style="bold cyan"),
        ProgressBar(total=1.0, completed=progress.share or 0.0, width=30),
        Text(f"{share} · {left}" if share else left),
    )
    return line


def _spent(progress: Progress) -> Text:
    total = None if progress.started is None else progress.started.total_rollouts
    rollouts = f"{count(progress.spent.rollouts)}{f' of {count(total)}' if total else ''} rollouts"
    spent = progress.spent
    return Text(f"{rollouts} · {count(spent.tokens)} tokens · {dollars(spent)} · {progress.rate:.1f} rollouts/s")


def _standing(progress: Progress) -> tuple[Text, Text]:
    champion = "measuring" if progress.champion is None else _level(progress.champion, progress.metric)
    first = progress.first_champion
    since = "" if first is None else f", began at {_level(first, progress.metric)}"
    exam = progress.exam
    verdict = "no exam yet" if exam is None else f"last exam {exam.outcome} {_gain(exam)}"
    tried = f"{some(progress.experiments, 'experiment')}, {progress.kept} kept"
    return (
        Text(f"champion {champion}{since} (search estimates, no claim)"),
        Text(f"{tried} · {progress.certificates} certified, {verdict}"),
    )


def _level(score: float, metric: Metric | None) -> str:
    """A score; before it, where there is one, the metric's value."""
    told = points(score, signed=False)
    return told if metric is None else f"{metric.name} {metric.told(score)} (score {told})"


def _last(row: Row, metric: Metric | None) -> Text:
    """The last decision in its sentence, of which the screen has room for one."""
    return Text(short(f"#{row.number} {sentence(row.decision, row.seconds, metric)}", 300), style="dim")


def _gain(exam: ExamEnded) -> str:
    """A gain stands nowhere without its interval."""
    return f"{points(exam.effect)} ({interval(exam.low, exam.high)})"


def _told(progress: Progress) -> list[RenderableType]:
    """What calibration found, and what a person should know of."""
    found = [Text(f"calibrated: {progress.calibration}")] if progress.calibration else []
    return [*found, *(Text(f"! {text}", style="yellow") for text in progress.remarks)]


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

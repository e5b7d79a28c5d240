"""What calibration found, in words: a line for a log, a screen for a person."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from optimizer.reports.words import count, points, some

Record = Mapping[str, Any]


def line(record: Record) -> str:
    """The findings in one line."""
    found = record["found"]
    if found is None:
        return "not measured: a twentieth of the budget is less than two rollouts"
    told = [f"baseline {points(found['mean'], signed=False)} on {some(found['tasks'], 'search task')}", _noise(record)]
    if (seen := record["prospects"]) and seen["search"] is not None:
        told.append(f"an edit's gain is seen from {points(seen['search'])} points on")
    if seen and seen["exam"] is not None:
        told.append(f"the last exam certifies from {points(seen['exam'])} on")
    return f"{'; '.join(told)}; {some(found['rollouts'], 'rollout')}"


def remarks(record: Record) -> list[str]:
    """What a person should know of, though it stops nothing; empty when all is well."""
    found, grader = record["found"], record["grader"]
    told: list[str] = []
    if grader["differing"]:
        told.append(
            f"the grader is random: it gave another score to {grader['differing']} of {grader['regraded']} answers "
            f"when the same answer was graded again (task{'s' if len(grader['tasks']) > 1 else ''} "
            f"{', '.join(grader['tasks'])}); that noise is in every comparison, and no harness can take it away"
        )
    if found is None:
        return told
    if found["equal"]:
        told.append(
            f"every rollout scored {points(found['mean'], signed=False)}, on each of {some(found['tasks'], 'task')}: "
            "nothing tells a better harness from a worse one as long as that is so; see whether the grader can read "
            "the answers, and whether the tasks are too hard or too easy"
        )
    halves = found["halves"]
    if halves and halves["drifts"]:
        told.append(
            f"something changes over time: the later rollouts of the same harness on the same tasks score "
            f"{points(halves['difference'])} points (95% interval {points(halves['low'])} to {points(halves['high'])}) "
            "beside the earlier ones; look for a cache, a rate limit, or a world that the rollouts change"
        )
    return told


def render(record: Record, *, tasks: int) -> RenderableType:
    """The whole of it, for ``ratchet calibrate``; ``tasks`` is the number of search tasks."""
    parts: list[RenderableType] = [_measured(record, tasks)]
    if told := remarks(record):
        parts += [Text(""), *(Text(f"! {text}", style="yellow") for text in told)]
    if record["prospects"]:
        parts += [Text(""), _prospects(record)]
    return Group(*parts, Text(""), _gate(record))


def _measured(record: Record, tasks: int) -> RenderableType:
    found, grader = record["found"], record["grader"]
    if found is None:
        return Text("Nothing was measured: there is no budget for two rollouts.", style="yellow")
    table = _table("The harness against itself")
    ran = f"{some(found['rollouts'], 'rollout')} on {found['tasks']} of {some(tasks, 'search task')}"
    table.add_row("measured", f"{ran}, {found['repeats']} of them repeats")
    table.add_row("score", f"{points(found['mean'], signed=False)} points")
    table.add_row("noise", _noise(record))
    spread = f"standard deviation {points(found['spread'], signed=False)} points between tasks"
    table.add_row("tasks", f"{spread}; {found['always']:.0%} always solved, {found['never']:.0%} never")
    if halves := found["halves"]:
        holds = "holds zero, as it should" if halves["low"] <= 0 <= halves["high"] else "does not hold zero"
        rare = "" if halves["low"] <= 0 <= halves["high"] or halves["drifts"] else " (1 in 20 does not, by chance)"
        table.add_row(
            "late against early",
            f"{points(halves['difference'])} points, 95% interval {points(halves['low'])} to {points(halves['high'])} "
            f"on {some(halves['tasks'], 'task')}: {holds}{rare}",
        )
    if grader["regraded"]:
        same = "always the same score" if not grader["differing"] else f"{grader['differing']} got another score"
        table.add_row("grader", f"{some(grader['regraded'], 'answer')} graded again: {same}")
    return table


def _prospects(record: Record) -> RenderableType:
    seen, unit = record["prospects"], "tasks" if record["prospects"]["in_tasks"] else "rollouts"
    table = Table(box=None, padding=(0, 2), title="What can be seen, 4 times of 5", title_justify="left")
    for name in ("gain", "one edit, in the search", "all keeps, in an exam"):
        table.add_column(name, justify="right")
    table.add_row("within the budget", *(_from(seen[where]) for where in ("search", "exam")), style="bold")
    for needed in seen["needed"]:
        figures = (f"{count(needed[where])} {unit}" for where in ("search", "exam"))
        table.add_row(f"{points(needed['gain'])} takes", *figures)
    both = "each run once by both sides" if unit == "tasks" else "both sides together"
    note = f"At the least, {both}: an edit that helps only a few tasks takes more."
    return Group(table, Text(note, style="dim"))


def _gate(record: Record) -> RenderableType:
    gate, sizes = record["gate"], record["sizes"]
    table = _table("The gate will use")
    table.add_row("looks", f"first after {gate['first_look']} rollouts of a candidate, then every {gate['look_every']}")
    table.add_row("passes", f"at most {some(gate['max_passes'], 'rollout')} of a candidate on a task")
    table.add_row("champion", f"at least {some(gate['min_champion'], 'rollout')} on a task that is compared")
    low, high = gate["exam_repeats"]
    table.add_row("exam", "1 rollout a task and side" if high == 1 else f"{low} to {high} rollouts a task and side")
    table.add_row("holdout", f"{some(gate['holdout_repeats'], 'rollout')} a task and side")
    reasons = [Text(f"{reason}.") for reason in sizes["reasons"]] or [Text("Calibration changes none of them.")]
    return Group(table, *reasons)


def _noise(record: Record) -> str:
    """Whether the suite is deterministic, and how noisy it is when it is not."""
    found = record["found"]
    if found["deterministic"]:
        if record["declared"]:
            return "deterministic, as the suite says"
        return (
            f"deterministic: no score changed in {some(found['repeats'], 'repeat')} (a suite where 1 in 10 changes "
            f"would look so with a probability of {found['fooled']:.1%})"
        )
    if found["noise"] is None:
        return "no task was run twice, so the noise is not known"
    if not found["noise"]:
        return (
            f"no score changed in {some(found['repeats'], 'repeat')}, which are too few to call the suite "
            f"deterministic (one where 1 in 10 changes would look so with a probability of {found['fooled']:.0%})"
        )
    return f"a rollout run again differs with a standard deviation of {100 * math.sqrt(found['noise']):.1f} points"


def _from(gain: float | None) -> str:
    return "no gain" if gain is None else f"from {points(gain)}"


def _table(title: str) -> Table:
    table = Table(box=None, padding=(0, 2), title=title, title_justify="left", show_header=False)
    table.add_column(style="dim")
    table.add_column()
    return table

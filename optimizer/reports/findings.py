"""What a campaign found beside its champion: the Pareto front, and what each flag did. Search estimates, no claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from optimizer.findings import FrontMember, Switch
from optimizer.reports.words import count, interval, points, short, some, span

NO_CLAIM = "Search estimates, from the tasks and rollouts that the search itself chose by: no claim."
SHOWN = 3
"""So many flags are named in a summary."""


def member_json(member: FrontMember, ref: str | None = None) -> dict[str, Any]:
    """A member of the front as JSON: scores as fractions, costs of one rollout. ``ref`` is where git has it, None while
    it has not; ``commit`` is set for what was kept on the branch."""
    return {
        "experiment": member.experiment,
        "what": member.what,
        "score": member.score,
        "low": member.low,
        "high": member.high,
        "billed_tokens": member.billed_tokens,
        "usd": member.usd,
        "rollouts": member.rollouts,
        "tree": member.tree,
        "commit": member.commit,
        "ref": ref,
    }


def switch_json(switch: Switch) -> dict[str, Any]:
    """A flag as JSON; ``effect`` is that of switching it on, as a fraction of the scale."""
    return {
        "name": switch.name,
        "on": switch.on,
        "effect": switch.effect,
        "low": switch.low,
        "high": switch.high,
        "experiments": switch.experiments,
        "rollouts": switch.rollouts,
        "together": switch.together,
        "measured_alone": switch.effect is not None,
    }


def front_table(front: Sequence[FrontMember], refs: Mapping[int, str]) -> RenderableType:
    """The front, the cheapest first; ``refs`` names where git has a member, by experiment."""
    if not front:
        return Text("Pareto front: nothing was measured yet.")
    table = Table(box=None, padding=(0, 1), expand=True)
    table.add_column("#", justify="right", style="dim")
    for name in ("score", "95% interval", "billed tokens", "dollars", "rollouts"):
        table.add_column(name, justify="right")
    table.add_column("what", ratio=1, no_wrap=True, overflow="ellipsis")
    for member in front:
        table.add_row(
            str(member.experiment),
            points(member.score, signed=False),
            span(member.low, member.high) if member.experiment else "",
            count(member.billed_tokens),
            f"{member.usd:.4f}",
            count(member.rollouts),
            Text(short(member.what, 240)),
        )
    lines = [_checking_out(member, refs) for member in front]
    return Group(table, Text(""), Text(NO_CLAIM, style="dim"), Text(""), *lines)


def flags_table(switches: Sequence[Switch]) -> RenderableType:
    """What switching each flag on did."""
    if not switches:
        return Text("Flags: nothing that is on or off was measured.")
    table = Table(box=None, padding=(0, 1), expand=True)
    for name in ("flag", "champion"):
        table.add_column(name)
    for name in ("on, points", "95% interval", "experiments", "rollouts"):
        table.add_column(name, justify="right")
    table.add_column("", ratio=1)
    for switch in switches:
        table.add_row(
            switch.name,
            _state(switch),
            points(switch.effect),
            interval(switch.low, switch.high),
            str(switch.experiments or ""),
            count(switch.rollouts) if switch.experiments else "",
            _beside(switch),
        )
    note = (
        f"{NO_CLAIM} Effects of switching on, from experiments that changed nothing else, weighed by inverse variance; "
        "they share the champion's rollouts, so that the intervals are too narrow."
    )
    return Group(table, Text(""), Text(note, style="dim"))


def front_line(front: Sequence[FrontMember]) -> str:
    """The front in a summary; empty where there is nothing but the baseline to show."""
    if len(front) < 2:
        return ""
    first, last = front[0], front[-1]
    return (
        f"Pareto front, search estimates: {len(front)} harnesses, from {points(first.score, signed=False)} "
        f"at {count(first.billed_tokens)} billed tokens a rollout to {points(last.score, signed=False)} at "
        f"{count(last.billed_tokens)} ('ratchet log --pareto')."
    )


def flags_line(switches: Sequence[Switch]) -> str:
    """The flags in a summary; empty where nothing is on or off."""
    if not switches:
        return ""
    alone = [switch for switch in switches if switch.effect is not None]
    told = [
        f"{switch.name} {points(switch.effect)} when on ({interval(switch.low, switch.high)}), {_state(switch)} now"
        for switch in alone[:SHOWN]
    ]
    if len(alone) < len(switches):
        told.append(f"{len(switches) - len(alone)} not measured alone")
    return f"Flags, search estimates: {'; '.join(told)} ('ratchet log --flags')."


def _state(switch: Switch) -> str:
    return "not active" if switch.on is None else "on" if switch.on else "off"


def _beside(switch: Switch) -> str:
    together = f"changed with others in {some(switch.together, 'experiment')}" if switch.together else ""
    if switch.effect is not None:
        return together
    return f"not measured alone{f'; {together}' if together else ''}"


def _checking_out(member: FrontMember, refs: Mapping[int, str]) -> Text:
    where = refs.get(member.experiment) or member.commit
    what = f"#{member.experiment}"
    if where is None:
        return Text(f"{what}: written to git when the campaign ends", style="dim")
    line = Text.assemble((f"{what.rjust(5)}  ", "dim"), (f"git switch --detach {where}", "cyan"))
    line.no_wrap, line.overflow = True, "ignore"
    return line

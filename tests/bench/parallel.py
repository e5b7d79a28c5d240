"""Calls side by side: are the outcomes those of one after the other, and how much sooner are they there?

``parallel:1000`` runs so many random batches (default 10,000) against the serial oracle: of the workspace's tools, and
of a small environment whose calls pause at random; once with tools that tell the truth and once with some that lie
about what they touch. Calls fail now and then. A conflict has reached execution when a result or the final state
differs from the oracle's.

Then batches of the workspace's tools are timed one after the other and scheduled. Each access to a file sleeps 10 ms, a
stand-in for a slow disk or network: there is none here whose speed could be relied on. The shortest time is what the
dependence graph allows with the seconds that each call took in the serial run: its critical path, when no more calls
may run at once than may side by side, the earliest first.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from baselines.agent.scheduling import dependences
from baselines.agent.toolbox import Toolbox
from search_space.harness_file import ToolsConfig
from search_space.messages import ToolUseBlock
from search_space.partition import Partition
from search_space.tools import Tool
from tests.baselines.agent import shelf
from tests.baselines.workspace import batches, examples
from tests.bench.tables import table, workbench

BATCHES = 10_000
TIMED = 12
LATENCY_S = 0.010
JITTER_S = 0.0001
"""Slept at each access in the batches that are compared, so that calls really overlap."""
LIES = 0.3
FOLDER = [f"texts/{number}.txt" for number in range(16)]
READS, WRITES = ("read_file", "head_file", "count_words", "file_info"), ("write_file", "append_to_file")
MIXES: dict[str, tuple[tuple[str, ...], int]] = {
    "reads": (READS, 4),
    "reads, wider": (READS, 8),
    "reads and searches": ((), 4),
    "one in four writes": ((*READS, *READS, *READS, *WRITES, *WRITES), 4),
    "half write": ((*READS, *WRITES, *WRITES), 4),
}
"""Tools, on random ones of 16 files (none: the examples of all reading tools), and calls side by side at most."""
SIZES = (4, 8, 16)


def report(options: str = "") -> str:
    count = int(options or BATCHES)
    with workbench() as folder:
        rows = [
            _row("workspace", "true", [in_workspace(folder, seed, 0.0) for seed in range(count)]),
            _row("workspace", "some are lies", [in_workspace(folder, seed, LIES) for seed in range(count)]),
            _row("with pauses", "true", [on_shelf(seed, shelf.HONEST) for seed in range(count)]),
            _row("with pauses", "some are lies", [on_shelf(seed, _EVERY) for seed in range(count)]),
        ]
        timed = [timing(folder, name, size) for name in MIXES for size in SIZES]
    head = (
        "tools",
        "declarations",
        "batches",
        "calls",
        "conflicting pairs",
        "caught and run again",
        "outcomes that differ",
    )
    timed_head = ("calls", "how many", "side by side at most", "rounds", "serial, ms", "scheduled, ms", "times faster")
    return f"{table(head, rows)}\n\n{table((*timed_head, 'shortest, ms', 'times the shortest'), timed)}"


_EVERY = (*shelf.HONEST, *shelf.LIARS)


@dataclass(frozen=True, slots=True)
class Compared:
    """One batch beside the oracle."""

    calls: int
    pairs: int
    caught: int
    differs: bool


def in_workspace(folder: Path, seed: int, lies: float) -> Compared:
    """A random batch of the workspace's tools."""
    rng = Random(f"{lies} {seed}")
    batch = batches.random_batch(rng)
    scheduled, serial = folder / "scheduled", folder / "serial"
    for root in (scheduled, serial):
        batches.lay_out(root)
    honest = batches.tools_of(scheduled, JITTER_S)
    box = _box(batches.lying(honest, rng, lies), "effects", rng.randint(2, 6))
    said = batches.said(box.run(batch))
    differs = said != batches.one_after_the_other(batches.tools_of(serial), batch)
    differs |= batches.snapshot(scheduled) != batches.snapshot(serial)
    return Compared(len(batch), sum(map(len, _graph(honest, batch))), len(box.catches), differs)


def on_shelf(seed: int, names: Sequence[str]) -> Compared:
    """A random batch of tools that pause."""
    rng = Random(f"{len(names)} {seed}")
    batch = shelf.random_batch(rng, names)
    ours, oracle = shelf.Shelf(), shelf.Shelf()
    box = _box(ours.tools(), "effects", rng.randint(2, 6))
    said = [shelf.SERIAL_TEXT if each.get("is_error") else each["content"] for each in box.run(batch)]
    differs = said != shelf.one_after_the_other(oracle, [_quick(call) for call in batch]) or ours.texts != oracle.texts
    return Compared(len(batch), sum(map(len, _graph(ours.tools(), batch))), len(box.catches), differs)


def timing(folder: Path, name: str, size: int) -> tuple[str, ...]:
    """A row: batches of ``size`` calls, medians."""
    names, width = MIXES[name]
    rng = Random(f"{name} {size}")
    found = [_timed(folder / "timed", batch, width) for batch in _batches(rng, names, size)]
    serial, scheduled, least = (statistics.median(values) for values in zip(*(each[:3] for each in found), strict=True))
    return (
        name,
        str(size),
        str(width),
        f"{statistics.mean(rounds for *_, rounds in found):.1f}",
        f"{1000 * serial:.0f}",
        f"{1000 * scheduled:.0f}",
        f"{statistics.median(serial / scheduled for serial, scheduled, *_ in found):.1f}",
        f"{1000 * least:.0f}",
        f"{statistics.median(scheduled / least for _, scheduled, least, _ in found):.2f}",
    )


def shortest(graph: Sequence[Sequence[int]], seconds: Sequence[float], width: int) -> float:
    """When all calls can have ended: each starts once those that it depends on have ended and one of ``width`` places
    is free, the earliest call first. With enough places that is the graph's critical path."""
    ended: dict[int, float] = {}
    places = [0.0] * width
    waiting = list(range(len(graph)))
    while waiting:
        begins = {
            call: max([places[0], *(ended[before] for before in graph[call])])
            for call in waiting
            if all(before in ended for before in graph[call])
        }
        call = min(begins, key=lambda each: (begins[each], each))
        waiting.remove(call)
        ended[call] = begins[call] + seconds[call]
        places = sorted([*places[1:], ended[call]])
    return max(ended.values())


def _timed(root: Path, batch: Sequence[ToolUseBlock], width: int) -> tuple[float, float, float, float]:
    """Seconds one after the other, scheduled, and at least; and how many calls long the longest chain is."""
    took: dict[str, float] = {}
    each: dict[int, float] = {}
    for schedule in ("serial", "effects"):
        batches.lay_out(root)
        for path in FOLDER:
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_text("some text\n" * 20)
        tools = batches.tools_of(root, LATENCY_S)
        clocked = [_clocked(tool, each if schedule == "serial" else {}) for tool in tools]
        box = _box(clocked, schedule, width)
        began = time.perf_counter()
        box.run(batch)
        took[schedule] = time.perf_counter() - began
    graph = _graph(tools, batch)
    least = shortest(graph, [each[id(call["input"])] for call in batch], width)
    return took["serial"], took["effects"], least, shortest(graph, [1.0] * len(batch), width)


def _batches(rng: Random, names: Sequence[str], size: int) -> Iterator[list[ToolUseBlock]]:
    writes = {tool.name for tool in batches.tools_of(Path()) if tool.effects.writes or not tool.effects.reads}
    reading = [each for each in examples.WORKS if each.tool not in {*batches.PROGRAMS, *writes}]
    for _ in range(TIMED):
        chosen = [rng.choice(reading) for _ in range(size)]
        calls = [(each.tool, dict(each.given)) for each in chosen]
        if names:
            calls = [(rng.choice(names), {"path": rng.choice(FOLDER)}) for _ in range(size)]
        yield [
            shelf.a_call(number, name, {**given, **({"text": "x"} if name in WRITES else {})})
            for number, (name, given) in enumerate(calls)
        ]


def _box(tools: Sequence[Tool], schedule: str, width: int) -> Toolbox:
    config = ToolsConfig.model_validate({"schedule": schedule, "max_parallel": width})
    return Toolbox(Partition(config, tools), max_result_chars=1_000_000)


def _graph(tools: Sequence[Tool], batch: Sequence[ToolUseBlock]) -> list[list[int]]:
    effects = {tool.name: tool.effects for tool in tools}
    return dependences([effects[call["name"]].of(call["input"]) for call in batch if call["name"] in effects])


def _clocked(tool: Tool, seconds: dict[int, float]) -> Tool:
    """``tool``, which notes what each call took by its input."""

    def run(given: Mapping[str, Any]) -> str:
        began = time.perf_counter()
        try:
            return tool.run(given)
        finally:
            seconds[id(given)] = time.perf_counter() - began

    return replace(tool, run=run)


def _quick(call: ToolUseBlock) -> ToolUseBlock:
    """The call without its pauses, which are nothing to the oracle."""
    given = {key: value for key, value in call["input"].items() if not key.startswith("pause")}
    return {**call, "input": given}


def _row(tools: str, declarations: str, found: Sequence[Compared]) -> tuple[str, ...]:
    calls, pairs, caught = (
        f"{sum(values):,}" for values in zip(*((f.calls, f.pairs, f.caught) for f in found), strict=True)
    )
    return tools, declarations, f"{len(found):,}", calls, pairs, caught, str(sum(each.differs for each in found))

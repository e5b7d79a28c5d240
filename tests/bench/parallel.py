"""Calls side by side: are the outcomes those of one after the other, and how much sooner are they there?

``parallel:1000`` runs so many random batches against the serial oracle (default 10,000), first with tools that tell the
truth and then with some that lie about what they touch; both fail now and then. A conflict has reached execution when a
result or the final state differs from the oracle's. Then batches of calls that each sleep a fixed latency, a stand-in
for a slow disk or network, are timed one after the other and scheduled, and compared with the shortest time that the
dependence graph allows.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from baselines.agent.scheduling import dependences
from baselines.agent.toolbox import Toolbox
from search_space.harness import ToolsConfig
from search_space.messages import ToolUseBlock
from search_space.partition import Partition
from search_space.tools import Tool
from tests.baselines.agent.shelf import (
    HONEST,
    LIARS,
    SERIAL_TEXT,
    START,
    Shelf,
    a_call,
    one_after_the_other,
    random_batch,
)
from tests.bench.tables import table

BATCHES = 10_000
TIMED = 40
EVEN_MS, UNEVEN_MS = (5,), (1, 3, 5, 7, 9)
READS = ("read", "list", "add")
MIXES = {
    "reads only": (READS, 4, EVEN_MS),
    "reads only, wider": (READS, 8, EVEN_MS),
    "one in four writes": ((*READS, *READS, "write", "append"), 4, EVEN_MS),
    "half write": (("read", "list", "write", "append"), 4, EVEN_MS),
    "half write, uneven latency": (("read", "list", "write", "append"), 4, UNEVEN_MS),
}
"""Tools, calls side by side at most, and milliseconds that a call sleeps."""
SIZES = (4, 8, 16)


def report(options: str = "") -> str:
    batches = int(options or BATCHES)
    rows = [compared(batches, "true", HONEST), compared(batches, "some are lies", (*HONEST, *LIARS))]
    head = ("declarations", "batches", "calls", "conflicting pairs", "caught and run again", "outcomes that differ")
    timed = [timing(name, size) for name in MIXES for size in SIZES]
    timed_head = ("batches", "calls", "side by side at most", "rounds, serial", "rounds", "serial, ms", "scheduled, ms")
    more = ("times faster", "shortest possible, ms", "times the shortest")
    return f"{table(head, rows)}\n\n{table((*timed_head, *more), timed)}"


def compared(batches: int, name: str, tools: Sequence[str]) -> tuple[str, ...]:
    """A row: so many random batches of calls of these tools, beside the oracle."""
    calls = pairs = caught = differ = 0
    for seed in range(batches):
        rng = Random(f"{name} {seed}")
        batch = random_batch(rng, tools)
        shelf, oracle = Shelf(), Shelf()
        partition = Partition(ToolsConfig(schedule="effects", max_parallel=rng.randint(2, 6)), shelf.tools())
        box = Toolbox(partition, max_result_chars=1000)
        results = box.run(batch)
        texts = [SERIAL_TEXT if each.get("is_error") else each["content"] for each in results]
        differ += texts != one_after_the_other(oracle, [_quick(call) for call in batch]) or shelf.texts != oracle.texts
        calls += len(batch)
        pairs += sum(map(len, _graph(shelf.tools(), batch)))
        caught += len(box.catches)
    return name, f"{batches:,}", f"{calls:,}", f"{pairs:,}", f"{caught:,}", str(differ)


@dataclass(frozen=True, slots=True)
class Timed:
    """One batch: seconds one after the other, scheduled, and at least; and the longest chain of calls in each."""

    serial_s: float
    scheduled_s: float
    least_s: float
    rounds: int


def timing(name: str, size: int) -> tuple[str, ...]:
    """A row: batches of ``size`` calls, medians."""
    tools, width, latencies = MIXES[name]
    found = [_timed(batch, width) for batch in _batches(name, tools, size, latencies)]
    serial, scheduled, least = (
        statistics.median(values)
        for values in zip(*((each.serial_s, each.scheduled_s, each.least_s) for each in found), strict=True)
    )
    return (
        name,
        str(size),
        str(width),
        str(size),
        f"{statistics.mean(each.rounds for each in found):.1f}",
        f"{1000 * serial:.1f}",
        f"{1000 * scheduled:.1f}",
        f"{statistics.median(each.serial_s / each.scheduled_s for each in found):.1f}",
        f"{1000 * least:.1f}",
        f"{statistics.median(each.scheduled_s / each.least_s for each in found):.2f}",
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


def _batches(name: str, tools: Sequence[str], size: int, latencies: Sequence[int]) -> Iterator[list[ToolUseBlock]]:
    rng = Random(f"{name} {size}")
    paths = [f"{folder}/{number}" for folder in "fg" for number in range(8)]
    for _ in range(TIMED):
        yield [
            a_call(
                number,
                rng.choice(tools),
                {
                    "path": rng.choice(paths),
                    "folder": rng.choice("fg"),
                    "text": "x",
                    "latency_ms": rng.choice(latencies),
                },
            )
            for number in range(size)
        ]


def _timed(batch: Sequence[ToolUseBlock], width: int) -> Timed:
    graph = _graph(_shelf().tools(), batch)
    took: dict[str, float] = {}
    tools = [_slow(tool) for tool in _shelf().tools()]
    for schedule in ("serial", "effects"):
        config = ToolsConfig.model_validate({"schedule": schedule, "max_parallel": width})
        box = Toolbox(Partition(config, tools), max_result_chars=1000)
        began = time.perf_counter()
        box.run(batch)
        took[schedule] = time.perf_counter() - began
    slept = [call["input"]["latency_ms"] / 1000 for call in batch]
    rest = (took["serial"] - sum(slept)) / len(batch)
    least = shortest(graph, [seconds + rest for seconds in slept], width)
    return Timed(took["serial"], took["effects"], least, round(shortest(graph, [1.0] * len(batch), width)))


def _shelf() -> Shelf:
    shelf = Shelf()
    shelf.texts = {f"{folder}/{number}": "text" for folder in "fg" for number in range(8)} | START
    return shelf


def _graph(tools: Sequence[Tool], batch: Sequence[ToolUseBlock]) -> list[list[int]]:
    effects = {tool.name: tool.effects for tool in tools}
    known = [call for call in batch if call["name"] in effects]
    return dependences([effects[call["name"]].of(call["input"]) for call in known])


def _slow(tool: Tool) -> Tool:
    def run(given: Mapping[str, Any]) -> str:
        time.sleep(given["latency_ms"] / 1000)
        return tool.run(given)

    return replace(tool, run=run)


def _quick(call: ToolUseBlock) -> ToolUseBlock:
    """The call without its pauses, which are nothing to the oracle."""
    given = {key: value for key, value in call["input"].items() if not key.startswith("pause")}
    return {**call, "input": given}

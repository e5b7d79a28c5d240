"""Calls side by side: always the outcome of one after the other, and side by side where that is possible."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.agent.scheduling import Catch, Work, dependences, run_calls
from baselines.agent.toolbox import Toolbox
from search_space.calls import current_call
from search_space.harness_file import ToolsConfig
from search_space.messages import ToolResultBlock, ToolUseBlock
from search_space.partition import Partition
from search_space.tools import Effects, Tool
from tests.baselines.agent.shelf import HONEST, SERIAL_TEXT, Shelf, a_call, one_after_the_other, random_batch

MARKS = dict.fromkeys(("read", "list", "add", "liar_read", "liar_append", "liar_list"), True)
SCHEDULES = st.sampled_from([{"schedule": "effects"}, {"parallel": MARKS}, {"schedule": "serial"}])


def toolbox(tools: Sequence[Tool], **settings: Any) -> Toolbox:
    return Toolbox(Partition(ToolsConfig.model_validate(settings), tools), max_result_chars=1000)


def texts(results: Sequence[ToolResultBlock]) -> list[object]:
    return [SERIAL_TEXT if each.get("is_error") else each["content"] for each in results]


@settings(deadline=None, max_examples=300)
@given(seed=st.integers(0, 2**32), schedule=SCHEDULES, width=st.integers(1, 5))
def test_side_by_side_is_one_after_the_other(seed: int, schedule: dict[str, Any], width: int) -> None:
    calls = random_batch(Random(seed))
    shelf, oracle = Shelf(), Shelf()
    results = toolbox(shelf.tools(), max_parallel=width, **schedule).run(calls)
    assert texts(results) == one_after_the_other(oracle, calls)
    assert [each["tool_use_id"] for each in results] == [call["id"] for call in calls]
    assert shelf.texts == oracle.texts


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_tools_that_tell_the_truth_are_never_caught(seed: int) -> None:
    box = toolbox(Shelf().tools(), schedule="effects")
    box.run(random_batch(Random(seed), HONEST))
    assert box.catches == []


def test_what_the_declarations_missed_is_caught_and_run_again() -> None:
    shelf = Shelf()
    ended = threading.Event()
    tools = {tool.name: tool for tool in shelf.tools()}
    slow = Tool("write", "", {}, lambda g: f"{ended.wait(10)} {tools['write'].run(g)}", tools["write"].effects)
    quick = Tool("liar_append", "", {}, lambda g: (tools["liar_append"].run(g), ended.set())[0])
    box = toolbox([slow, quick, tools["add"]], schedule="effects")
    results = box.run(
        [
            a_call(0, "write", {"path": "a", "text": "new"}),
            a_call(1, "liar_append", {"path": "a", "text": "!"}),
            a_call(2, "add", {"text": "xx"}),
        ]
    )
    assert texts(results) == ["True a: new", "a: new!", "2"]
    assert shelf.texts["a"] == "new!"
    assert box.catches == [Catch(earlier=0, later=1, resource="files:a", again=True)]


def test_a_failed_call_that_saw_too_early_is_run_again_too() -> None:
    shelf = Shelf()
    failed = threading.Event()
    tools = {tool.name: tool for tool in shelf.tools()}

    def look(g: Any) -> str:
        try:
            return tools["liar_read"].run(g)
        finally:
            failed.set()

    slow = Tool("write", "", {}, lambda g: f"{failed.wait(10)} {tools['write'].run(g)}", tools["write"].effects)
    box = toolbox([slow, Tool("look", "", {}, look)], schedule="effects")
    results = box.run([a_call(0, "write", {"path": "e", "text": "new"}), a_call(1, "look", {"path": "e"})])
    assert texts(results) == ["True e: new", "new"]
    assert [each.resource for each in box.catches] == ["files:e"]


def test_a_tool_that_writes_at_once_is_not_run_twice() -> None:
    log: list[str] = []
    told = threading.Event()

    def liar(g: Any) -> str:
        told.wait(10)
        current_call().write("log", lambda: None)
        return "x"

    def direct(g: Any) -> str:
        log.append("x")
        told.set()
        return "y"

    box = toolbox(
        [Tool("liar", "", {}, liar), Tool("direct", "", {}, direct, Effects(writes=frozenset({"log"})))],
        schedule="effects",
    )
    box.run([a_call(0, "liar", {}), a_call(1, "direct", {})])
    assert log == ["x"]
    assert box.catches == [Catch(0, 1, "log", again=False)]


def meeting(count: int, effects: Sequence[Effects | None], width: int) -> int:
    """How many of ``count`` calls were under way at once, when each waits for the others as long as they may come."""
    barrier = threading.Barrier(count)
    met = 0

    def run(place: int) -> bool:
        nonlocal met
        barrier.wait(10)
        met += 1
        return True

    run_calls(Work(effects, run, lambda place, error: None), width)
    return met


def test_readers_run_side_by_side() -> None:
    reader = Effects(reads=frozenset({"files"}))
    assert meeting(4, [reader] * 4, 4) == 4


def spans(effects: Sequence[Effects | None], width: int) -> tuple[list[int], int]:
    """The order in which calls were started, and how many were under way at once at most."""
    lock, order, now, most = threading.Lock(), list[int](), 0, 0

    def run(place: int) -> bool:
        nonlocal now, most
        with lock:
            order.append(place)
            now, most = now + 1, max(most, now + 1)
        threading.Event().wait(0.005)
        with lock:
            now -= 1
        return True

    assert run_calls(Work(effects, run, lambda place, error: None), width) == []
    return order, most


def reads(*names: str) -> Effects:
    return Effects(reads=frozenset(names))


def writes(*names: str) -> Effects:
    return Effects(writes=frozenset(names))


def test_the_width_is_a_bound() -> None:
    order, most = spans([reads("files")] * 7, 3)
    assert sorted(order) == list(range(7))
    assert most <= 3
    assert order[0] == 0


def test_a_call_that_must_be_alone_is_alone() -> None:
    order, most = spans([None, None, None], 4)
    assert (order, most) == ([0, 1, 2], 1)
    assert spans([reads("a"), None, reads("a")], 4) == ([0, 1, 2], 1)


def test_the_graph_has_an_edge_from_each_earlier_conflicting_call() -> None:
    effects = [writes("files:a"), reads("files:b"), reads("files"), writes("files:a/x"), None, Effects()]
    assert dependences(effects) == [[], [], [0], [0, 2], [0, 1, 2, 3], [4]]


def test_calls_that_depend_on_one_another_need_no_thread() -> None:
    threads = set()
    work = Work([writes("a"), reads("a"), writes("a")], lambda place: not threads.add(threading.get_ident()), _never)
    assert run_calls(work, 4) == []
    assert threads == {threading.get_ident()}


def test_writes_are_carried_out_in_the_order_of_the_calls() -> None:
    log: list[int] = []
    gate = threading.Event()

    def run(place: int) -> bool:
        current_call().write(f"files:{place}", lambda: log.append(place))
        return gate.wait(10) if place == 0 else not gate.set()

    run_calls(Work([writes("files:0"), writes("files:1"), writes("files:2")], run, _never), 3)
    assert log == [0, 1, 2]


def test_a_write_that_cannot_be_carried_out_is_an_error_result() -> None:
    box = toolbox(Shelf().tools(), schedule="effects")
    one, other = box.run(
        [a_call(0, "write", {"path": "a", "text": "unwritable"}), a_call(1, "write", {"path": "b", "text": "x"})]
    )
    assert (one["content"], one["is_error"]) == ("the tool failed: OSError: no room", True)
    assert other["content"] == "b: x"


@pytest.mark.parametrize("place", [0, 3])
def test_what_ends_a_thread_ends_the_rollout_and_nobody_waits(place: int) -> None:
    def run(at: int) -> bool:
        if at == place:
            raise SystemExit(3)
        return True

    with pytest.raises(SystemExit):
        run_calls(Work([reads("a")] * 4, run, _never), 4)


def test_no_thread_is_left_behind() -> None:
    before = set(threading.enumerate())
    spans([reads("a")] * 8, 4)
    assert set(threading.enumerate()) <= before


def test_a_refused_call_is_not_run() -> None:
    shelf, asked = Shelf(), list[str]()

    def refuse(call: ToolUseBlock) -> str | None:
        asked.append(call["id"])
        return "not allowed: write" if call["name"] == "write" else None

    partition = Partition(ToolsConfig(schedule="effects"), shelf.tools())
    box = Toolbox(partition, max_result_chars=1000, refuse=refuse)
    results = box.run([a_call(0, "write", {"path": "a", "text": "x"}), a_call(1, "read", {"path": "a"})])
    assert [(each["content"], each.get("is_error", False)) for each in results] == [
        ("not allowed: write", True),
        ("one", False),
    ]
    assert asked == ["c0", "c1"]


def _never(place: int, error: Exception) -> None:
    raise AssertionError(f"call {place}: {error}")

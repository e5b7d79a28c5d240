from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from optimizer.models.base import UpstreamError
from optimizer.models.door import Door
from optimizer.models.retrying import Patience, Retries, Stopwatch
from optimizer.records import Spend
from search_space.messages import ModelError, Request, Response
from tests.optimizer.models.doubles import Books, Scripted, answer, ask

FOREVER = float("inf")
QUICK = Retries(for_s=5.0, first_s=0.01, most_s=0.05)
CALL = Spend(calls=1, input_tokens=8, output_tokens=2)


def failing(*errors: UpstreamError | None) -> Callable[[Request], Response]:
    """Ends the first attempts with these (None: is answered), then answers."""
    left = list(errors)
    lock = threading.Lock()

    def act(request: Request) -> Response:
        with lock:
            error = left.pop(0) if left else None
        if error is not None:
            raise error
        return answer(request)

    return act


def overloaded(spend: Spend | None = None, retry_after_s: float | None = None) -> UpstreamError:
    return UpstreamError(529, "overloaded_error", "busy", again=True, spend=spend, retry_after_s=retry_after_s)


def test_waits_grow_to_a_bound_and_are_the_same_for_the_same_seed() -> None:
    retries = Retries(for_s=1e9, first_s=1.0, factor=2.0, most_s=8.0, jitter=0.25)

    def waits(seed: str) -> list[float]:
        patience = Patience(retries, seed, FOREVER)
        return [(patience.next_attempt(overloaded(), 100.0) or 0.0) - 100.0 for _ in range(200)]

    assert waits("a") == waits("a") != waits("b")
    for wait, least in zip(waits("a"), [1.0, 2.0, 4.0, *[8.0] * 197], strict=True):
        assert least <= wait <= 1.25 * least


@pytest.mark.parametrize(("asked", "least"), [(0.0, 1.0), (7.0, 7.0), (40.0, 40.0)])
def test_what_the_provider_asks_for_is_waited(asked: float, least: float) -> None:
    patience = Patience(Retries(for_s=60.0, first_s=1.0), "s", FOREVER)
    at = patience.next_attempt(overloaded(retry_after_s=asked), 0.0)
    assert at is not None and least <= at <= least + 0.25 * min(least, 30.0)


@pytest.mark.parametrize(
    ("error", "deadline"),
    [
        (overloaded(retry_after_s=3600.0), FOREVER),
        (overloaded(retry_after_s=20.0), 15.0),
        (UpstreamError(401, "authentication_error", "wrong key", again=False), FOREVER),
    ],
)
def test_what_is_not_worth_waiting_for_is_told_at_once(error: UpstreamError, deadline: float) -> None:
    assert Patience(Retries(for_s=60.0), "s", deadline).next_attempt(error, 0.0) is None


def test_time_under_way_is_counted_once_however_many_there_are() -> None:
    watch = Stopwatch()
    watch.enter(1.0)
    watch.enter(2.0)
    watch.leave(4.0)
    assert watch.seconds(5.0) == 4.0
    watch.leave(6.0)
    watch.enter(5.0)  # began before the last one was over
    watch.leave(7.0)
    assert watch.seconds(100.0) == 6.0


def test_what_failed_is_tried_again_and_every_attempt_is_settled() -> None:
    books, half = Books(), Spend(calls=1, input_tokens=8)
    upstream = Scripted(failing(overloaded(), overloaded(half), overloaded(half)))
    door = Door({"agent": upstream}, books, retries=QUICK)
    token = door.open("s", 0, FOREVER)
    assert door.create(token, ask())["type"] == "message"
    account = door.close(token)
    assert len(upstream.calls) == 4 and not books.open
    assert (account.spend, account.wasted, account.failure) == (CALL, half + half, None)
    assert books.spent == CALL + half + half and 0.03 <= account.waited_s < 5.0
    assert door.trouble().failing_s == 0.0 and door.trouble().waited_s == pytest.approx(account.waited_s, abs=0.01)


def test_failed_attempts_do_not_count_towards_a_sessions_limit() -> None:
    upstream = Scripted(failing(*[overloaded(Spend(calls=1, input_tokens=90))] * 3))
    door = Door({"agent": upstream}, Books(), retries=QUICK)
    assert door.create(door.open("s", 0, FOREVER, 100), ask())["type"] == "message"


def test_the_budget_holds_over_attempts() -> None:
    books = Books(limit=250)
    upstream = Scripted(failing(*[overloaded(Spend(calls=1, input_tokens=90))] * 9))
    door = Door({"agent": upstream}, books, retries=QUICK)
    with pytest.raises(ModelError) as error:
        door.create(door.open("s", 0, FOREVER), ask())
    assert error.value.kind == "budget_exceeded" and len(upstream.calls) == 2
    assert books.spent.tokens == 180 and not books.open and books.highest <= 250


def test_a_call_gives_up_in_time_and_its_session_remembers() -> None:
    door = Door({"agent": Scripted(failing(*[overloaded()] * 1000))}, Books(), retries=Retries(0.2, 0.01, 2.0, 0.05))
    token, began = door.open("s", 0, FOREVER), time.monotonic()
    with pytest.raises(UpstreamError, match="busy"):
        door.create(token, ask())
    assert time.monotonic() - began < 1.0
    account = door.close(token)
    assert account.failure is not None and account.failure.status == 529 and account.waited_s > 0.1
    assert door.trouble().failing_s > 0.1


def test_an_attempt_that_the_deadline_cut_is_no_failure_of_the_upstream() -> None:
    def slow(request: Request) -> Response:
        time.sleep(0.2)
        raise UpstreamError(504, "timeout_error", "no answer in time", again=True)

    door = Door({"agent": Scripted(slow)}, Books(), retries=QUICK)
    token = door.open("s", 0, time.monotonic() + 0.1)
    with pytest.raises(ModelError) as error:
        door.create(token, ask())
    assert error.value.status == 504 and not isinstance(error.value, UpstreamError)
    account = door.close(token)
    assert account.failure is None and account.waited_s >= 0.2


def test_a_pause_that_the_provider_asked_for_holds_every_call() -> None:
    upstream = Scripted(failing(overloaded(retry_after_s=0.8)))
    door = Door({"agent": upstream}, Books(), retries=QUICK)
    began, ended = time.monotonic(), []

    def call() -> None:
        door.create(door.open("s", 0, FOREVER), ask())
        ended.append(time.monotonic() - began)

    first = threading.Thread(target=call)
    first.start()
    time.sleep(0.1)
    assert 0.0 < door.trouble().pause_s <= 0.8
    others = [threading.Thread(target=call) for _ in range(5)]
    for thread in others:
        thread.start()
    time.sleep(0.1)
    assert len(upstream.calls) == 1 and not ended
    for thread in (first, *others):
        thread.join(5.0)
    assert len(ended) == 6 and min(ended) >= 0.8 and len(upstream.calls) == 7


def test_closing_a_session_ends_its_waiting() -> None:
    door = Door({"agent": Scripted(failing(*[overloaded(retry_after_s=60.0)] * 9))}, Books())
    token, failed = door.open("s", 0, FOREVER), threading.Event()

    def call() -> None:
        with pytest.raises(UpstreamError):
            door.create(token, ask())
        failed.set()

    thread = threading.Thread(target=call)
    thread.start()
    while not door.trouble().pause_s:
        time.sleep(0.01)
    door.close(token)
    assert failed.wait(2.0)
    thread.join()


def test_a_rollout_is_held_while_the_upstream_fails_and_not_when_it_must_stop() -> None:
    act = failing(overloaded(retry_after_s=0.2), overloaded(retry_after_s=60.0))
    door = Door({"agent": Scripted(act)}, Books(), retries=Retries(for_s=0.0))
    token, stop = door.open("s", 0, FOREVER), threading.Event()
    began = time.monotonic()
    door.hold(FOREVER, stop)  # all is well: returns at once
    with pytest.raises(UpstreamError):
        door.create(token, ask())
    door.hold(FOREVER, stop)
    assert time.monotonic() - began >= 0.2 <= door.trouble().waited_s + 0.01
    with pytest.raises(UpstreamError):
        door.create(token, ask())
    door.hold(time.monotonic() + 0.1, stop)
    stop.set()
    door.hold(FOREVER, stop)
    assert time.monotonic() - began < 10.0


def test_an_unknown_failure_of_a_paid_upstream_is_paid_in_full() -> None:
    def crash(request: Request) -> Response:
        raise KeyError("usage")

    books = Books()
    door = Door({"agent": Scripted(crash, costs_money=True)}, books)
    token = door.open("s", 0, FOREVER)
    with pytest.raises(ModelError, match="KeyError") as error:
        door.create(token, ask())
    assert error.value.status == 500 and books.spent.tokens == 100 == door.close(token).wasted.tokens

from __future__ import annotations

import threading
import time

import pytest

from optimizer.evaluation.budget import Budget, BudgetLimits
from optimizer.models.base import Account, UpstreamError
from optimizer.models.door import Door
from optimizer.records import Spend
from search_space.messages import ModelError, Request, Response
from tests.optimizer.models.doubles import ONCE, Books, Scripted, answer, ask, crash, refuse

FOREVER = float("inf")


def test_a_call_is_reserved_settled_and_counted() -> None:
    books, upstream = Books(), Scripted(answer)
    door = Door({"agent": upstream}, books)
    token = door.open("rollout 7", 42, FOREVER, None)
    assert door.create(token, ask())["content"] == [{"type": "text", "text": "fine"}]
    door.create(token, ask())
    assert upstream.calls == [(42, "rollout 7")] * 2
    assert (
        door.account(token).spend
        == door.close(token).spend
        == books.spent
        == Spend(calls=2, input_tokens=16, output_tokens=4)
    )
    assert not books.open


def test_a_closed_or_unknown_token_is_refused() -> None:
    door = Door({"agent": Scripted(answer)}, Books())
    token = door.open("s", 0, FOREVER, None)
    door.close(token)
    for wrong in (token, "", "nonsense"):
        with pytest.raises(ModelError) as error:
            door.create(wrong, ask())
        assert (error.value.status, error.value.kind) == (401, "authentication_error")
        assert door.close(wrong) == Account()


@pytest.mark.parametrize(("act", "status"), [(refuse, 529), (crash, 500)])
def test_a_failed_call_releases_its_reservation(act: object, status: int) -> None:
    books = Books()
    door = Door({"agent": Scripted(act)}, books, retries=ONCE)  # type: ignore[arg-type]
    token = door.open("s", 0, FOREVER, None)
    with pytest.raises(ModelError) as error:
        door.create(token, ask())
    assert error.value.status == status
    assert not books.open and books.spent == Spend() == door.close(token).wasted


def test_a_failed_attempt_costs_what_the_upstream_says() -> None:
    def half(request: Request) -> Response:
        raise UpstreamError(502, "api_error", "half a stream", again=True, spend=Spend(calls=1, input_tokens=8))

    books = Books()
    door = Door({"agent": Scripted(half)}, books, retries=ONCE)
    token = door.open("s", 0, FOREVER, None)
    with pytest.raises(UpstreamError, match="half a stream"):
        door.create(token, ask())
    assert not books.open and books.spent == Spend(calls=1, input_tokens=8) == door.close(token).wasted


def test_a_spent_budget_is_said_before_anything_is_called() -> None:
    books, upstream = Books(limit=115), Scripted(answer)
    door = Door({"agent": upstream}, books)
    token = door.open("s", 0, FOREVER, None)
    door.create(token, ask())
    door.create(token, ask()) if books.spent.tokens + 100 <= 115 else None
    with pytest.raises(ModelError) as error:
        door.create(token, ask())
    assert (error.value.status, error.value.kind) == (402, "budget_exceeded")
    assert len(upstream.calls) == 2 and not books.open


def test_a_session_has_a_token_limit_of_its_own() -> None:
    books = Books()
    door = Door({"agent": Scripted(answer)}, books)
    token, other = door.open("a", 0, FOREVER, 105), door.open("b", 0, FOREVER, None)
    door.create(token, ask())
    with pytest.raises(ModelError) as error:
        door.create(token, ask())
    assert error.value.kind == "budget_exceeded" and "10 tokens taken" in error.value.message
    door.create(other, ask())


def test_past_the_deadline_nothing_is_called() -> None:
    now = [100.0]
    upstream = Scripted(answer)
    door = Door({"agent": upstream}, Books(), clock=lambda: now[0])
    token = door.open("s", 0, 110.0, None)
    door.create(token, ask())
    now[0] = 110.0
    with pytest.raises(ModelError) as error:
        door.create(token, ask())
    assert (error.value.status, error.value.kind) == (504, "timeout_error") and len(upstream.calls) == 1


@pytest.mark.parametrize(
    ("request_", "where"),
    [
        (None, "the body"),
        ([], "the body"),
        ({"max_tokens": 5, "messages": []}, "model"),
        ({**ask(), "max_tokens": 0}, "max_tokens"),
        ({**ask(), "max_tokens": True}, "max_tokens"),
        ({**ask(), "messages": "hi"}, "messages"),
        ({**ask(), "messages": []}, "messages"),
        ({**ask(), "messages": ["hi"]}, "messages.0"),
        ({**ask(), "messages": [{"role": "system", "content": "x"}]}, "messages.0.role"),
        ({**ask(), "messages": [{"role": "user", "content": 3}]}, "messages.0.content"),
        ({**ask(), "messages": [{"role": "user", "content": [{"kind": "text"}]}]}, "messages.0.content.0.type"),
        ({**ask(), "messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text"),
        ({**ask(), "messages": [{"role": "user", "content": ""}]}, "messages.0"),
        ({**ask(), "system": 3}, "system"),
        ({**ask(), "tools": [{"name": "a"}]}, "tools.0.input_schema"),
        ({**ask(), "tools": [{"name": "a", "input_schema": {}}] * 2}, "tools"),
    ],
)
def test_an_invalid_request_names_the_field(request_: object, where: str) -> None:
    books = Books()
    door = Door({"agent": Scripted(answer)}, books)
    with pytest.raises(ModelError) as error:
        door.create(door.open("s", 0, FOREVER, None), request_)  # type: ignore[arg-type]
    assert (error.value.status, error.value.kind) == (400, "invalid_request_error")
    assert error.value.message.startswith(where) and not books.open


def test_an_unknown_role_names_the_known_ones() -> None:
    door = Door({"agent": Scripted(answer), "judge": Scripted(answer)}, Books())
    with pytest.raises(ModelError, match="expected one of the roles: agent, judge") as error:
        door.create(door.open("s", 0, FOREVER, None), ask(model="gpt"))
    assert error.value.status == 404


def test_threads_never_overspend_nor_lose_a_reservation() -> None:
    turn = [0]

    def sometimes(request: Request) -> Response:
        turn[0] += 1
        return [answer, refuse, crash][turn[0] % 3](request)

    books = Books(limit=2_000)
    door = Door({"agent": Scripted(sometimes)}, books, retries=ONCE)
    tokens = [door.open(f"s{i}", i, FOREVER, None) for i in range(8)]
    refused = []

    def work(token: str) -> None:
        for _ in range(100):
            try:
                door.create(token, ask())
            except ModelError as error:
                refused.append(error.status)

    threads = [threading.Thread(target=work, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = sum((door.close(token).spend for token in tokens), Spend())
    assert not books.open and total == books.spent and books.highest <= 2_000
    assert {402, 529, 500} == set(refused)


def test_close_waits_a_moment_for_calls_under_way() -> None:
    begun = threading.Event()

    def slow(request: Request) -> Response:
        begun.set()
        time.sleep(0.05)
        return answer(request)

    door = Door({"agent": Scripted(slow)}, Books())
    token = door.open("s", 0, FOREVER, None)
    thread = threading.Thread(target=door.create, args=(token, ask()))
    thread.start()
    assert begun.wait(5.0)
    assert door.close(token, wait_s=5.0).spend.calls == 1
    thread.join()


def test_many_calls_at_once_wait_for_each_other_and_are_no_end_of_the_budget() -> None:
    """Worst cases of 100 tokens, of which 10 are taken: two fit side by side, and all one after the other."""

    def slowly(request: Request) -> Response:
        time.sleep(0.01)
        return answer(request)

    budget, failed = Budget(BudgetLimits(tokens=290)), list[ModelError]()
    door = Door({"agent": Scripted(slowly)}, budget)
    token = door.open("s", 0, FOREVER)

    def call() -> None:
        try:
            door.create(token, ask())
        except ModelError as error:
            failed.append(error)

    threads = [threading.Thread(target=call) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    account = door.close(token)
    assert not failed and account.spend.calls == 16 and budget.spent.tokens == 160 and budget.refusals == 0
    assert account.waited_s > 0.0


def test_who_waits_for_the_calls_of_others_waits_until_its_deadline() -> None:
    budget = Budget(BudgetLimits(tokens=150))
    budget.reserve(Spend(input_tokens=100))
    door = Door({"agent": Scripted(answer)}, budget)
    token = door.open("s", 0, time.monotonic() + 0.1)
    with pytest.raises(ModelError) as error:
        door.create(token, ask())
    account = door.close(token)
    assert error.value.status == 504 and account.waited_s >= 0.09 and budget.refusals == 0
    assert account.spend == account.wasted == Spend()

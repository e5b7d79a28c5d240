"""What the door adds to a call, and 200 streams at once: a model that takes a fixed time stands behind it.

``door:300`` makes so many calls of each kind, one after the other and turn by turn with calls of the model itself.
"""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from baselines.agent.door_client import DoorClient
from optimizer.evaluation.budget import Budget, BudgetLimits
from optimizer.models.base import Reply
from optimizer.models.door import Door
from optimizer.models.server import DoorServer
from optimizer.records import Spend
from search_space.messages import Request, Response
from tests.bench.tables import table

CALLS = 300
DELAY_S = 0.02
STREAMS = 200
ROUNDS = 5
FOREVER = float("inf")


@dataclass
class FixedDelay:
    """An upstream that answers after ``delay_s`` with an amount of text and figures that depend on the request."""

    delay_s: float
    name: str = "fixed delay"
    costs_money: bool = False
    told: Spend = field(default_factory=Spend)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def worst_case(self, request: Request) -> Spend:
        return Spend(calls=1, input_tokens=20_000, output_tokens=request["max_tokens"])

    def create(self, request: Request, *, seed: int, session: str, deadline: float) -> Reply:
        began = time.perf_counter()
        digest = sha256(json.dumps(request["messages"][-1]).encode()).digest()
        usage = [int.from_bytes(digest[at : at + 2], "big") % 4000 + 1 for at in (0, 2, 4, 6)]
        response: Response = {
            "id": f"msg_{digest[:6].hex()}",
            "type": "message",
            "role": "assistant",
            "model": request["model"],
            "content": [{"type": "text", "text": "word " * (usage[1] % 400)}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": usage[0],
                "output_tokens": usage[1] % 1000,
                "cache_creation_input_tokens": usage[2],
                "cache_read_input_tokens": usage[3],
            },
        }
        spend = Spend(0, 1, usage[0], usage[1] % 1000, usage[3], usage[2])
        with self._lock:
            self.told += spend
        time.sleep(max(0.0, self.delay_s - (time.perf_counter() - began)))
        return Reply(response, spend)

    def check(self) -> None:
        """Always there."""


def report(options: str = "") -> str:
    calls = int(options or CALLS)
    found = added(calls)
    direct = statistics.median(found.pop("the model itself"))
    rows = [("the model itself", f"{1000 * direct:.2f}", "", "")]
    for name, seconds in found.items():
        over = sorted(1000 * (one - direct) for one in seconds)
        high = over[int(0.95 * len(over))]
        rows.append((name, f"{1000 * statistics.median(seconds):.2f}", f"{statistics.median(over):.2f}", f"{high:.2f}"))
    head = ("call", "median, ms", "added at the median, ms", "95% add less than, ms")
    lost = streams(STREAMS, ROUNDS)
    accounts = ("counted by", "calls", "input", "output", "cache reads", "cache writes")
    told = f"{STREAMS} streams at once, {ROUNDS} calls each, in {lost.pop('seconds'):.1f} s:"
    return (
        f"{table(head, rows)}\n\n{told}\n\n{table(accounts, [(name, *figures(spend)) for name, spend in lost.items()])}"
    )


def added(calls: int) -> dict[str, list[float]]:
    """Seconds of each call, by way: the model asked directly, and through the door."""
    upstream = FixedDelay(DELAY_S)
    door = Door({"agent": upstream}, Budget(BudgetLimits(tokens=10**12)))
    token = door.open("bench", 1, FOREVER)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        unix = stack.enter_context(DoorServer(door, folder / "door"))
        loopback = stack.enter_context(DoorServer(door, None))
        agent, other = DoorClient(str(unix.path), token), Client(loopback.url, token)
        ways: dict[str, Callable[[Request], Any]] = {
            "the model itself": lambda asked: upstream.create(asked, seed=1, session="", deadline=FOREVER),
            "in process": lambda asked: door.create(token, asked),
            "unix socket (the agent's way)": agent.create,
            "loopback": other.create,
            "loopback, streamed": other.stream,
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(calls + 5):
            for name, way in ways.items():
                asked = request(number)
                began = time.perf_counter()
                way(asked)
                if number >= 5:  # the first ones open connections
                    seconds[name].append(time.perf_counter() - began)
        agent.close()
        other.close()
    return seconds


def streams(clients: int, rounds: int, delay_s: float = 0.1) -> dict[str, Any]:
    """What clients, meter and model counted of ``clients`` streams at once, ``rounds`` calls each; and the seconds."""
    upstream, budget = FixedDelay(delay_s), Budget(BudgetLimits(tokens=10**12))
    door, seen, ready = Door({"agent": upstream}, budget), list[Spend](), threading.Barrier(clients + 1)
    tokens = [door.open(f"client {number}", number, FOREVER) for number in range(clients)]

    def work(number: int) -> None:
        client = Client(server.url, tokens[number])
        ready.wait()
        for turn in range(rounds):
            usage = client.stream(request(1000 * number + turn))
            read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
            seen.append(Spend(0, 1, usage["input_tokens"], usage["output_tokens"], read, written))
        client.close()

    with DoorServer(door, None) as server:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        ready.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
    sessions = sum((door.close(token).spend for token in tokens), Spend())
    counted = {"clients": sum(seen, Spend()), "the door's sessions": sessions}
    return {**counted, "the budget": budget.spent, "the model": upstream.told, "seconds": seconds}


class Client:
    """A client on loopback that keeps its connection; ``stream`` returns the usage that the stream told."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60.0)
        self._headers = {"content-type": "application/json", "x-api-key": token}

    def create(self, asked: Request) -> Any:
        return json.loads(self._ask(asked))

    def stream(self, asked: Request) -> dict[str, int]:
        lines = self._ask({**asked, "stream": True}).split(b"\n")
        told = [json.loads(line[6:]) for line in lines if line.startswith(b"data: ")]
        assert told[-1]["type"] == "message_stop", told[-1]
        usage: dict[str, int] = next(one["usage"] for one in told if one["type"] == "message_delta")
        return usage

    def close(self) -> None:
        self._connection.close()

    def _ask(self, asked: Any) -> bytes:
        self._connection.request("POST", "/v1/messages", json.dumps(asked).encode(), self._headers)
        got = self._connection.getresponse()
        body = got.read()
        assert got.status == 200, body
        return body


def request(number: int) -> Request:
    """A conversation of twenty messages, about 12 KB."""
    said = [
        {"role": ("user", "assistant")[turn % 2], "content": f"turn {turn} " + "some words " * 55} for turn in range(20)
    ]
    messages: Any = [*said, {"role": "user", "content": f"question {number}"}]
    return {"model": "agent", "max_tokens": 1000, "messages": messages}


def figures(spend: Spend) -> tuple[str, ...]:
    """Calls and the four kinds of tokens."""
    kinds = (spend.input_tokens, spend.output_tokens, spend.cache_read_tokens, spend.cache_write_tokens)
    return tuple(f"{value:,}" for value in (spend.calls, *kinds))

"""The same small campaigns with a model that fails in a tenth of its calls, and without: do they decide the same?

A server on loopback speaks the Messages API, with the embedded model's answers; the official SDK asks it, through the
door. ``faults:3`` takes three seeds.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

from optimizer.ledger.store import Ledger
from optimizer.records import Spend
from tests.bench.tables import table, workbench
from tests.faults.models import decisions, run_small, write_small
from tests.servers.faults import Fault, Kind, Plan, Seen, never
from tests.servers.messages_api import KEY, MODEL, MessagesServer

SEEDS = 3
ROLLOUTS = 400
SHARE = 0.1
KINDS: tuple[Kind, ...] = ("rate_limit", "overloaded", "cut", "reset", "reset_during", "slow")
SLOW_S = 0.0002
"""Pause between the bytes of a slow answer: a second or so for all of it."""


class Faults:
    """A plan: ``share`` of all requests fail, in an order that ``seed`` fixes, each kind about as often; ``made``
    counts them by kind."""

    def __init__(self, share: float, seed: int) -> None:
        self._share, self._seed = share, seed
        self.made: Counter[str] = Counter()

    def __call__(self, seen: Seen) -> Fault | None:
        dice = random.Random(f"{self._seed}:{seen.number}")
        if dice.random() >= self._share:
            return None
        kind = dice.choice(KINDS)
        self.made[kind] += 1
        return Fault(kind, retry_after="1" if kind == "rate_limit" else None, seconds=SLOW_S)


def report(options: str = "") -> str:
    rows, kinds = [], Counter[str]()
    with workbench() as folder:
        for seed in range(int(options or SEEDS)):
            plain = campaign(folder / f"plain-{seed}", seed, never)
            plan = Faults(SHARE, seed)
            faulty = campaign(folder / f"faulty-{seed}", seed, plan)
            kinds += plan.made
            same = "the same" if plain[0] == faulty[0] else "DIFFERENT"
            rows += [
                (seed, "none", *plain[1], ""),
                (seed, f"{plan.made.total():,} of {faulty[2]:,} calls", *faulty[1], same),
            ]
    head = ("seed", "faults", "experiments", "keeps", "rollouts", "calls paid for", "seconds", "decisions")
    made = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    return f"Faults: {made}.\n\n{table(head, rows)}"


def campaign(folder: Path, seed: int, plan: Plan, *, rollouts: int = ROLLOUTS) -> tuple[Any, tuple[str, ...], int]:
    """What a campaign decided, its figures as text, and how many requests the server got."""
    began = time.perf_counter()
    with MessagesServer(plan=plan) as server:
        os.environ["ANTHROPIC_API_KEY"] = KEY
        lines = f'agent = "anthropic:{MODEL}"\nbase_url = "{server.url}"'
        try:
            ended, home = run_small(write_small(folder, rollouts=rollouts, model=lines), seed)
        finally:
            del os.environ["ANTHROPIC_API_KEY"]
        assert ended.finished, ended.why
        asked = sum(got.path.startswith("/v1/messages") for got in server.got)
    with Ledger.open(home.folder, read_only=True) as ledger:
        totals = ledger.totals()
    spent = sum(totals.spend.values(), Spend())
    figures = totals.experiments, totals.verdicts.get("keep", 0), spent.rollouts, spent.calls
    return decisions(home), (*(f"{one:,}" for one in figures), f"{time.perf_counter() - began:.0f}"), asked

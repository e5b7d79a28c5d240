"""A metered door for somebody else's harness: on loopback, with a budget of its own, outside any campaign."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from optimizer.assemble.models import make_upstream
from optimizer.errors import SettingsError
from optimizer.evaluation.budget import Budget, BudgetLimits
from optimizer.models.base import Account, Upstream
from optimizer.models.door import Door
from optimizer.models.recorded import RecordedUpstream, RecordingUpstream
from optimizer.models.retrying import Retries
from optimizer.models.server import DoorServer
from optimizer.settings import ModelSettings

ROLE = "agent"


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """``url`` and ``token`` are what a client needs; ``model`` is who answers; ``account`` tells what it had so far."""

    url: str
    token: str
    model: str
    costs_money: bool
    account: Callable[[], Account]


@contextmanager
def open_door(
    model: str, *, usd: float | None, tokens: int | None, record: Path | None, prices: Path | None, seed: int
) -> Iterator[OpenDoor]:
    """The door with ``model`` (as ``agent`` under ``[model]``) behind it, for whatever model a request names.

    ``usd`` and ``tokens`` bound what may be spent, ``record`` keeps every exchange. Files are relative to the current
    folder. Raises :class:`SettingsError` as a campaign's beginning would.
    """
    folder = Path.cwd()
    try:
        named = ModelSettings(agent=model, prices=None if prices is None else str(prices))
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise SettingsError(f"--model: got '{model}', {why}") from None
    upstream = make_upstream(named, folder, dollars=usd is not None)
    upstream.check()
    recorded: list[RecordingUpstream | RecordedUpstream] = [upstream] if isinstance(upstream, RecordedUpstream) else []
    behind: Upstream = upstream
    if record is not None:
        recording = RecordingUpstream(upstream, record)
        recorded, behind = [recording, *recorded], recording
    door = Door(
        {ROLE: behind},
        Budget(BudgetLimits(tokens=tokens, usd=usd)),
        default=ROLE,
        retries=Retries(for_s=named.retry_for_s),
    )
    token = door.open("door", seed, math.inf)
    try:
        with DoorServer(door, None) as server:
            yield OpenDoor(server.url, token, upstream.name, upstream.costs_money, lambda: door.account(token))
    finally:
        for each in recorded:
            each.close()

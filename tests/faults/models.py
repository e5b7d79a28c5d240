"""Small campaigns with a model of the test's choice behind the door, run in this process."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from optimizer.assemble import Request, open_campaign, plan_campaign
from optimizer.events import Bus, CampaignEnded
from optimizer.home import Home
from optimizer.models.base import Reply, Upstream, UpstreamError
from optimizer.models.embedded import EmbeddedModel
from tests.faults.outcome import read_outcome
from tests.faults.small_campaign import write_experiment

DECISIONS: Mapping[str, tuple[str, ...]] = {
    "experiments": ("number", "state", "verdict", "variant", "champion", "value", "decision", "assignment"),
    "exams": ("number", "outcome", "champion", "against"),
    "rollouts": ("tree", "suite", "task", "seed", "state", "purpose", "score", "reason", "answer", "steps"),
    "counted": ("purpose", "rollouts"),
}


def write_small(folder: Path, *, rollouts: int, model: str = "", workers: int = 4) -> Path:
    """A small experiment in a new ``folder``; ``model`` are lines for its ``[model]``."""
    folder.mkdir(parents=True)
    write_experiment(folder, rollouts=rollouts)
    with (folder / "experiment.toml").open("a") as file:
        file.write(f"\n[sandbox]\nworkers = {workers}\n\n[model]\n{model}\n")
    return folder


def run_small(folder: Path, seed: int = 0, **more: Any) -> tuple[CampaignEnded, Home]:
    """Run the experiment in ``folder`` to its end, or go on with it."""
    planned = plan_campaign(Request(folder, seed=seed, runs=folder / "runs", **more))
    with open_campaign(planned, Bus()) as campaign:
        return campaign.run(), planned.home


def decisions(home: Home) -> dict[str, Any]:
    """What a campaign measured and decided, without what it cost: the same for two campaigns that decided the same."""
    outcome = read_outcome(home)
    found: dict[str, Any] = {
        part: [{name: row[name] for name in names} for row in outcome[part]] for part, names in DECISIONS.items()
    }
    return {**found, "refs": outcome["refs"], "left": outcome["left"]}


class Moody(EmbeddedModel):
    """The embedded model with a seed of its own for each call: like a language model, it never answers twice alike."""

    def create(self, request: Any, *, seed: int, session: str, deadline: float) -> Reply:
        return super().create(request, seed=secrets.randbits(60), session=session, deadline=deadline)


class Faulty(EmbeddedModel):
    """The embedded model, whose attempts fail as ``fail(call)`` says: with the error that it returns, if it does."""

    def __init__(self, fail: Callable[[int], UpstreamError | None]) -> None:
        super().__init__()
        self.calls = 0
        self._fail = fail

    def create(self, request: Any, *, seed: int, session: str, deadline: float) -> Reply:
        self.calls += 1
        if error := self._fail(self.calls):
            raise error
        return super().create(request, seed=seed, session=session, deadline=deadline)


def now_and_then(share: float) -> Callable[[int], UpstreamError | None]:
    """Errors that pass, in this share of calls, in the order of a fixed seed."""
    dice = random.Random(1)

    def fail(call: int) -> UpstreamError | None:
        if dice.random() >= share:
            return None
        status = dice.choice((429, 500, 502, 529))
        return UpstreamError(status, "api_error", "not now", again=True, retry_after_s=0.0 if status == 429 else None)

    return fail


def put(monkeypatch: Any, upstream: Upstream) -> None:
    """Stand ``upstream`` behind the door of campaigns, whatever their settings say."""
    monkeypatch.setattr("optimizer.assemble.models.make_upstream", lambda *_, **__: upstream)

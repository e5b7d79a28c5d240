"""Events of a made-up campaign."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console, RenderableType

from optimizer.events import CampaignStarted
from optimizer.records import Decision, Proposal, Verdict
from search_space.edits import SetKey


@pytest.fixture
def started() -> CampaignStarted:
    return CampaignStarted(
        campaign="night",
        seed=7,
        done=0,
        resumed=False,
        total_rollouts=1_000,
        seconds_left=None,
        model="embedded (a stand-in)",
        confinement="confined",
        ref="refs/heads/ratchet/night",
        repository="somewhere",
    )


@pytest.fixture
def proposal() -> Proposal:
    edit = SetKey(file="harness.toml", key="limits.max_steps", value=9)
    return Proposal(edit, "more [steps] help", "human", {"limits.max_steps": 9}, words="set [limits] to 9")


@pytest.fixture
def kept() -> Decision:
    return Decision(
        Verdict.keep,
        "",
        effect=0.03,
        raw_effect=0.1,
        low=-0.01,
        high=0.21,
        posterior=0.9,
        rollouts=40,
        better=4,
        worse=1,
        tasks=6,
        chance=0.0032,
    )


@pytest.fixture
def shown() -> Callable[..., str]:
    """What a console of some width prints."""

    def show(what: RenderableType, width: int = 80) -> str:
        out = StringIO()
        Console(file=out, width=width, color_system=None).print(what)
        return out.getvalue()

    return show

"""Calibration as a stage of a campaign: within its share, never twice, and what follows from it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optimizer.acceptance.presets import FAST
from optimizer.assemble.callable import CallableRequest, open_callable
from optimizer.assemble.components import harness_of
from optimizer.calibration import GRADINGS, Asked, regraded
from optimizer.campaign import Campaign
from optimizer.errors import SettingsError
from optimizer.events import Bus, Calibrated, Event, ExperimentStarted, PhaseChanged
from optimizer.ledger.store import Ledger
from optimizer.records import Rollout, RolloutKey, Split, Status, Task
from optimizer.standing import Standing

Assignment = Mapping[str, str]
COMPONENTS = {"plan": ("none", "short", "long"), "verify": ("off", "on")}
WORTH = {"none": 0.0, "short": 0.2, "long": 0.3, "off": 0.0, "on": -0.1}


def drawn(*parts: object) -> float:
    """A number in [0, 1) that belongs to the parts."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:6], "big") / 2**48


class Calls:
    """A score function that counts what it is asked: passes or fails by chance, or always the same."""

    def __init__(self, *, deterministic: bool, level: float = 0.3) -> None:
        self.deterministic, self.level = deterministic, level
        self.ran: Counter[tuple[str, str]] = Counter()

    def __call__(self, harness: Assignment, task: str, seed: int) -> float:
        named = "|".join(harness[name] for name in COMPONENTS)
        self.ran[named, task] += 1
        chance = self.level + sum(WORTH[harness[name]] for name in COMPONENTS)
        return float(drawn(task, "" if self.deterministic else (named, seed)) < chance)

    @property
    def repeats(self) -> int:
        return sum(count - 1 for count in self.ran.values())


def ids(letter: str, number: int) -> list[str]:
    return [f"{letter}{n}" for n in range(number)]


def request(score: Callable[..., object], folder: Path | None = None, **changes: Any) -> CallableRequest:
    space, files = harness_of(COMPONENTS)
    tasks = {Split.search: ids("s", 40), Split.certify: ids("c", 20), Split.holdout: ids("h", 20)}
    asked = CallableRequest(
        score=score, space=space, harness=files, tasks=tasks, rollouts=2400, view=space.read, folder=folder
    )
    return replace(asked, **changes)


@contextmanager
def campaign(asked: CallableRequest) -> Iterator[tuple[Campaign, list[Event]]]:
    events: list[Event] = []
    with open_callable(asked, Bus(events.append)) as opened:
        yield opened, events


def record_of(opened: Campaign) -> Mapping[str, Any]:
    standing = Standing.from_json(opened.parts.ledger.gate() or {})
    assert standing.calibration is not None
    return standing.calibration


def test_it_comes_first_within_its_share_and_is_the_champions_pool() -> None:
    score = Calls(deterministic=False)
    with campaign(request(score)) as (opened, events):
        calibrated = opened._calibrated()
        standing = Standing.from_json(opened.parts.ledger.gate() or {})
        assert [event.phase for event in events if isinstance(event, PhaseChanged)] == ["calibration"]
        assert sum(score.ran.values()) == 120 == 0.05 * 2400, "3 for each of 40 tasks, as the gate wants"
        assert {standing.pool.next_repeat(task) for task in opened.parts.tasks} == {3}
        assert standing.certified_pool == standing.pool
        assert opened.parts.ledger.rollouts.spent()["calibration"].rollouts == 120
        assert opened.stopping.budget.spent.rollouts == 120
        found = record_of(opened)["found"]
        assert not found["deterministic"] and 0.1 < found["noise"] < 0.3
        assert calibrated.parts.gate.working.max_passes == 2, "a small budget is for many candidates"
        assert calibrated.run().finished
        assert opened.parts.ledger.rollouts.spent()["calibration"].rollouts == 120
    assert [event for event in events if isinstance(event, Calibrated)] != []


def test_killed_in_the_middle_it_goes_on_where_it_was(tmp_path: Path) -> None:
    whole, score = Calls(deterministic=False), Calls(deterministic=False)
    with campaign(request(whole)) as (opened, _):
        opened._calibrated()
        expected = record_of(opened)

    def dies(*call: Any) -> float:
        if sum(score.ran.values()) == 70:
            raise KeyboardInterrupt
        return score(*call)

    with campaign(request(dies, tmp_path / "place")) as (opened, _):
        assert not opened.run().finished
        assert opened.parts.ledger.gate() is None
    with campaign(request(score, tmp_path / "place")) as (opened, events):
        assert not [event for event in events if isinstance(event, ExperimentStarted)]
        opened._calibrated()
        assert record_of(opened) == expected
        # What was in hand when it died was not written down yet: it is all that may have been run again.
        assert opened.parts.ledger.rollouts.spent()["calibration"].rollouts == 120
    with campaign(request(score, tmp_path / "place")) as (opened, events):
        before = sum(score.ran.values())
        assert opened._calibrated().parts.gate.working.max_passes == 2, "the sizes are those that were recorded"
        assert sum(score.ran.values()) == before and not [e for e in events if isinstance(e, Calibrated)]


def test_a_suite_that_is_said_to_be_deterministic_is_never_run_twice() -> None:
    score = Calls(deterministic=True)
    with campaign(request(score, deterministic=True)) as (opened, _):
        assert opened.holdout_repeats == 1 and opened.stopping.end.holdout == 2 * 20
        assert opened.run().finished
        assert opened.parts.ledger.next_number() > 3
        assert record_of(opened)["found"]["rollouts"] == 40, "once round the tasks, which the pool needs anyway"
        standing = Standing.from_json(opened.parts.ledger.gate() or {})
        assert standing.tree != opened.baseline, "a gain of twenty points was kept"
    assert score.repeats == 0


def test_one_that_is_found_to_be_deterministic_costs_29_repeats() -> None:
    score = Calls(deterministic=True)
    with campaign(request(score)) as (opened, _):
        set_aside = opened.stopping.end
        assert (set_aside.exam, set_aside.holdout) == (240, 80)
        assert opened.run().finished
        assert record_of(opened)["found"]["deterministic"]
        assert (opened.stopping.end.exam, opened.stopping.end.holdout) == (40, 40), "the search has the rest"
    assert score.repeats == 29


def test_a_small_budget_gets_what_there_is() -> None:
    score = Calls(deterministic=True)
    with campaign(request(score, rollouts=200)) as (opened, _):
        opened._calibrated()
        record = record_of(opened)
        assert (record["found"]["rollouts"], record["found"]["deterministic"]) == (10, False)
        assert "too few" in record["sizes"]["reasons"][0]
    tasks = {Split.search: ids("s", 10)}
    with campaign(request(score, rollouts=39 + 20, tasks=tasks)) as (opened, _):
        opened._calibrated()
        assert record_of(opened)["found"]["rollouts"] == 2
    with campaign(request(score, rollouts=39, tasks={Split.search: ids("s", 2)})) as (opened, _):
        assert opened._calibrated().parts.gate == FAST and record_of(opened)["found"] is None


def test_what_a_person_set_stays() -> None:
    score = Calls(deterministic=False)
    own = replace(FAST, working=replace(FAST.working, max_passes=2, min_champion=2))
    with campaign(request(score, gate=own)) as (opened, _):
        assert opened._calibrated().parts.gate == own
    with campaign(request(score, calibrate=False)) as (opened, events):
        assert opened._calibrated().parts.gate == FAST
        assert not events[-1:] or not isinstance(events[-1], Calibrated)
    assert sum(score.ran.values()) == 80, "2 for each of 40 tasks, as the gate that was set wants"
    with campaign(request(Calls(deterministic=True), holdout_repeats=3)) as (opened, _):
        assert opened._calibrated().holdout_repeats == 3


def test_a_baseline_that_cannot_be_bettered_is_refused() -> None:
    with (
        campaign(request(lambda *call: 1.0)) as (opened, _),
        pytest.raises(SettingsError, match=r"full score in all 58 rollouts .* nothing can be learnt") as raised,
    ):
        replace(opened, parts=replace(opened.parts, tasks=dict(list(opened.parts.tasks.items())[:29]))).run()
    assert "calibrate = false" in raised.value.hint


def test_scores_that_are_all_equal_are_remarked() -> None:
    with campaign(request(lambda *call: 0.0)) as (opened, _):
        opened._calibrated()
        assert record_of(opened)["found"]["equal"]


def test_a_function_without_order_is_told() -> None:
    for wrong in (1.5, float("nan"), "0.5"):
        with (
            campaign(request(lambda *call, wrong=wrong: wrong)) as (opened, _),
            pytest.raises(SettingsError, match="expected a number from 0 to 1"),
        ):
            opened.run()


def answered(task: str, score: float) -> Rollout:
    return Rollout(RolloutKey("tree", "suite", task, 0), Status.ok, score, answer=f"about {task}")


def test_a_random_grader_is_found_apart_from_the_harness() -> None:
    tasks = {name: Task(name, Split.search, name) for name in ids("s", 40)}
    ran = [answered(task, 0.5) for task in tasks]
    asked: list[str] = []

    def grade(task: Task, answer: str | None) -> float:
        asked.append(task.id)
        return 0.5 if task.id != "s3" else drawn(len(asked))

    found = regraded(ran, tasks, grade)
    assert found == {"regraded": 30, "differing": 1, "tasks": ["s3"]}
    assert Counter(asked)["s0"] == GRADINGS
    assert regraded([replace(ran[0], answer=None)], tasks, grade)["regraded"] == 0
    assert regraded(ran, tasks, Asked().grade)["regraded"] == 0


def test_the_ledger_of_a_campaign_without_calibration_is_gone_on_with(tmp_path: Path) -> None:
    score = Calls(deterministic=False)
    asked = request(score, tmp_path / "place", calibrate=False, rollouts=800)
    with campaign(asked) as (opened, _):
        assert opened.run().finished
        assert Standing.from_json(opened.parts.ledger.gate() or {}).calibration is None
        with Ledger.open(opened.parts.ledger.folder, read_only=True) as ledger:
            assert "calibration" not in ledger.rollouts.spent()

"""The shipped experiment on the whole harness: it opens what it says, and every part does something in a rollout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baselines.agent.main import run_rollout
from experiments.expedition import environment
from experiments.navigator.tools import DEFINITIONS
from optimizer.models.door import Door
from optimizer.models.embedded import EmbeddedModel
from optimizer.models.server import DoorServer
from optimizer.records import Split
from optimizer.settings import load_experiment
from optimizer.suites.agent import AgentSuite
from search_space.harness import read_folder
from search_space.space import Space, load_space
from tests.optimizer.models.doubles import Books

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "experiments" / "expedition"


@pytest.fixture(scope="module")
def suite() -> AgentSuite:
    settings, folder = load_experiment(FOLDER)
    return AgentSuite.load(settings.suite, folder)


@pytest.fixture(scope="module")
def space() -> Space:
    return load_space(FOLDER / "space.toml")


def test_the_navigators_tools_stand_first_among_more_than_a_hundred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [tool.name for tool in environment.build({})]
    assert names[: len(DEFINITIONS)] == [definition.name for definition in DEFINITIONS]
    assert len(names) == len(set(names)) > 100
    assert set(names) <= set(environment.effects({}))


def test_every_dimension_can_be_changed_in_the_harness_that_it_starts_from(space: Space) -> None:
    files = read_folder(ROOT / "baselines" / "explorer")
    for name in space.active(space.read(files)):
        now = space.read(files).get(name)
        domain: Any = space.allowed(name, space.read(files))
        values = getattr(domain, "values", None) or (domain.low, domain.high)
        after = space.edit(files, {name: next(value for value in values if value != now)}).apply(files)
        space.check(files, after)


def test_in_a_rollout_parts_are_handed_out_and_notes_are_found_again(
    suite: AgentSuite, space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {
        "say.delegate": "parts",
        "say.notes": "facts",
        "memory.notes": True,
        "memory.index": True,
        "memory.notes_read": "start",
        "subagents.reader.enabled": True,
        "tools.schedule": "effects",
        "cache.breakpoints.system": True,
        "cache.breakpoints.messages": True,
        "flags.step_counter": True,
    }
    files = read_folder(ROOT / "baselines" / "explorer")
    changed = space.edit(files, changes).apply(files)
    seen = [_rollout(suite, changed, index, tmp_path / str(index), monkeypatch) for index in range(4)]
    kinds = [record["kind"] for records in seen for record in records]
    assert kinds.count("delegated") == kinds.count("returned") > 0
    text = json.dumps(seen)
    assert '"write_note"' in text and "step 1 of 10 is done" in text
    assert sum(record["cache"]["read"] for records in seen for record in records if "cache" in record) > 0
    for records in seen:
        assert records[-1]["kind"] == "end"


def _rollout(
    suite: AgentSuite, files: dict[str, bytes], index: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    harness, work = folder / "harness", folder / "work"
    work.mkdir(parents=True)
    for path, content in files.items():
        (harness / path).parent.mkdir(parents=True, exist_ok=True)
        (harness / path).write_bytes(content)
    monkeypatch.chdir(work)
    task = suite.tasks(Split.search)[index]
    door = Door({"agent": EmbeddedModel()}, Books())
    token = door.open(task.id, index, float("inf"))
    with DoorServer(door, folder / "door"):
        payload = {**suite.payload(task), "harness": str(harness), "folder": str(work)}
        run_rollout({**payload, "door": str(folder / "door"), "token": token})
    answer = json.loads((work / "result.json").read_text())["answer"]
    assert 0.0 <= suite.grade(task, answer) <= 1.0
    return [json.loads(line) for line in (work / "trajectory.jsonl").read_text().splitlines()]

"""The experiment on sequences: its files hold together, and its space opens all of memory."""

from __future__ import annotations

from pathlib import Path

import optimizer
from optimizer.records import Split
from optimizer.settings import load_experiment
from optimizer.suites.agent import AgentSuite
from search_space.harness import harness_from_files, read_folder
from search_space.harness_file import MemoryConfig
from search_space.space import load_space

ROOT = Path(optimizer.__file__).parents[1]
FOLDER = ROOT / "experiments" / "sequences"


def test_the_space_opens_every_key_of_memory_and_fits_the_harness() -> None:
    space = load_space(FOLDER / "space.toml")
    opened = {name.removeprefix("memory.") for name in space.names if name.startswith("memory.")}
    assert opened == set(MemoryConfig.model_fields)
    files = read_folder(ROOT / "baselines" / "minimal")
    changes = {"memory.notes": True, "memory.index": True, "memory.index_shows": "notes"}
    changed = space.edit(files, changes).apply(files)
    space.check(files, changed)
    memory = harness_from_files(changed).memory
    assert (memory.notes, memory.index, memory.index_shows) == (True, True, "notes")


def test_the_tasks_are_sequences() -> None:
    settings, folder = load_experiment(FOLDER)
    suite = AgentSuite.load(settings.suite, folder)
    assert {split: len(suite.tasks(split)) for split in Split} == {"search": 60, "certify": 40, "holdout": 60}
    assert all(len(suite.payload(task)["prompts"]) == 3 for split in Split for task in suite.tasks(split))

"""The agent suite: where its tasks come from, what it refuses, and that the truth stays with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import SettingsError
from optimizer.records import Split
from optimizer.settings import AgentSuiteSettings
from optimizer.suites.agent import ENTRY, AgentSuite
from optimizer.suites.base import Suite
from search_space.tools import Effects

Row = dict[str, Any]
Load = Callable[..., AgentSuite]

ROWS: list[Row] = [
    {"id": "s1", "split": "search", "prompt": "One?", "answer": "1", "kind": "count"},
    {"id": "s2", "split": "search", "prompt": "Two?", "answer": 2},
    {"id": "c1", "split": "certify", "prompt": "Three?", "answer": "three"},
    {"id": "h1", "split": "holdout", "prompt": "Four?", "answer": "`four`"},
]

TOOLS = """
def build(args):
    return []
"""


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Writes a module that can be imported while the test runs."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)

    yield write
    for name in set(sys.modules) - before:
        if name.startswith("my_"):
            del sys.modules[name]


@pytest.fixture
def load(tmp_path: Path, modules: Callable[[str, str], None]) -> Load:
    """Loads a suite of rows; the environment is a module of the test."""
    modules("my_tools", TOOLS)

    def made(rows: list[Row] | str, *, need_holdout: bool = False, **more: Any) -> AgentSuite:
        text = rows if isinstance(rows, str) else "\n".join(json.dumps(row) for row in rows)
        (tmp_path / "tasks.jsonl").write_text(text)
        settings = AgentSuiteSettings(
            tasks="tasks.jsonl", environment=more.pop("environment", "my_tools:build"), **more
        )
        return AgentSuite.load(settings, tmp_path, need_holdout=need_holdout)

    return made


def test_tasks_by_split_in_the_files_order(load: Load) -> None:
    suite: Suite = load(ROWS)
    assert [task.id for task in suite.tasks(Split.search)] == ["s1", "s2"]
    assert [task.prompt for task in suite.tasks(Split.holdout)] == ["Four?"]
    assert suite.entry == ENTRY and list(suite.readable) == []


def test_grades_exactly(load: Load) -> None:
    suite = load(ROWS)
    one, two = suite.tasks(Split.search)
    (four,) = suite.tasks(Split.holdout)
    assert (suite.grade(one, "Answer: 1"), suite.grade(one, "one"), suite.grade(one, None)) == (1.0, 0.0, 0.0)
    assert (suite.grade(two, "02"), suite.grade(four, "four.")) == (1.0, 1.0)
    assert (suite.kind(one), suite.kind(two)) == ("count", "")


def test_the_payload_has_no_truth(load: Load) -> None:
    suite = load(ROWS, environment_args={"root": "/somewhere"})
    (task,) = suite.tasks(Split.certify)
    payload = suite.payload(task)
    assert payload == {
        "prompt": "Three?",
        "task": "c1",
        "environment": "my_tools:build",
        "environment_args": {"root": "/somewhere"},
    }
    assert "three" not in json.dumps(payload).replace("Three", "")


SEQUENCE: Row = {"id": "q1", "split": "search", "prompts": ["Five?", "Six?"], "answers": ["5", 6], "kind": "pair"}


def test_a_sequence_is_a_task_with_a_mean_score(load: Load) -> None:
    suite = load([*ROWS, SEQUENCE])
    task = suite.tasks(Split.search)[-1]
    payload = suite.payload(task)
    assert payload["prompts"] == ["Five?", "Six?"] and "prompt" not in payload and suite.kind(task) == "pair"
    scores = {
        '["5", "6"]': 1.0,
        '["Answer: 5.", "x"]': 0.5,
        '[null, "6"]': 0.5,
        "[5, 6]": 0.0,
        '["6", "5"]': 0.0,
        '["5"]': 0.0,
        '["5", "6", "7"]': 0.0,
        '{"0": "5"}': 0.0,
        "[" * 100_000: 0.0,
        "5": 0.0,
    }
    assert {answer: suite.grade(task, answer) for answer in scores} == scores
    assert suite.grade(task, None) == 0.0


def test_the_hash_covers_sequences(load: Load) -> None:
    changed = [{**SEQUENCE, "answers": ["5", "7"]}, {**SEQUENCE, "prompts": ["Five?", "Seven?"]}, SEQUENCE]
    hashes = {load([*ROWS, row]).hash for row in changed} | {load(ROWS).hash}
    assert len(hashes) == 4


def test_the_hash_of_single_tasks_is_what_it_always_was(load: Load) -> None:
    """Scores in ledgers are kept under it."""
    assert load(ROWS).hash == "sha256:d3032d73d467facee13e0f0e64bd2999254c90c85c971ba23229d9b173aa9770"


def test_the_hash_follows_tasks_truths_and_environment(load: Load) -> None:
    first = load(ROWS).hash
    assert first.startswith("sha256:") and len(first) == 71
    assert load(ROWS).hash == first
    changed = [{**ROWS[0], "answer": "11"}, *ROWS[1:]]
    moved = [{**ROWS[0], "split": "certify"}, *ROWS[1:]]
    reworded = [{**ROWS[0], "prompt": "One, please?"}, *ROWS[1:]]
    hashes = {
        first,
        *(load(rows).hash for rows in (changed, moved, reworded)),
        load(ROWS, environment_args={"a": 1}).hash,
    }
    assert len(hashes) == 5


def test_the_hash_does_not_depend_on_where_the_folder_is(load: Load, tmp_path: Path) -> None:
    suite = load(ROWS, environment_args={"root": "./src"})
    assert suite.payload(suite.tasks(Split.search)[0])["environment_args"] == {
        "root": str((tmp_path / "src").resolve())
    }
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "tasks.jsonl").write_text((tmp_path / "tasks.jsonl").read_text())
    settings = AgentSuiteSettings(tasks="tasks.jsonl", environment="my_tools:build", environment_args={"root": "./src"})
    assert AgentSuite.load(settings, tmp_path / "other").hash == suite.hash


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([*ROWS, ROWS[0]], "id 's1' stands twice"),
        (
            [*ROWS, {**ROWS[0], "id": "h9", "split": "holdout"}],
            "'s1' and 'h9' have the same prompt (in splits holdout and search)",
        ),
        ([*ROWS, {**ROWS[0], "id": "s9", "prompt": " One?\n"}], "have the same prompt (in split search)"),
        (ROWS[:2] + ROWS[3:], "got no task in split certify"),
        ([], "got no task in split search"),
        ([{**ROWS[0], "anser": "1"}], "tasks.jsonl:1: unknown key 'anser'"),
        ([{k: v for k, v in ROWS[0].items() if k != "answer"}], "key 'answer' is missing"),
        ([{**ROWS[0], "split": "train"}], "split: got 'train', expected search, certify or holdout"),
        ([{**ROWS[0], "split": ["search"]}], "split: got ['search']"),
        ([{**ROWS[0], "id": ""}], "id: got '', expected text"),
        ([{**ROWS[0], "prompt": 3}], "prompt: got 3, expected text"),
        ([{**ROWS[0], "answer": True}], "answer: got True"),
        ([{**ROWS[0], "answer": "a\nb"}], "expected one line"),
        ([{**ROWS[0], "answer": "'.'"}], "expected one line"),
        ([{**ROWS[0], "answer": 1.5}], "answer: got 1.5"),
        ([{**SEQUENCE, "prompt": "Five?"}], "got 'prompt' beside 'prompts'"),
        ([{**ROWS[0], "answers": ["1", "2"]}], "got 'prompt' beside 'answers'"),
        ([{k: v for k, v in SEQUENCE.items() if k != "answers"}], "key 'answers' is missing"),
        ([{**SEQUENCE, "answers": ["5"]}], "answers: got ['5'], expected a list of at least two"),
        ([{**SEQUENCE, "answers": ["5", "6", "7"]}], "got 2 prompts and 3 answers"),
        ([{**SEQUENCE, "prompts": "Five? Six?"}], "prompts: got 'Five? Six?', expected a list"),
        ([{**SEQUENCE, "prompts": ["Five?", ""]}], "prompts[1]: got ''"),
        ([{**SEQUENCE, "answers": ["5", True]}], "answers[1]: got True"),
        ([{**SEQUENCE, "prompts": ["Five?", " Five? "]}], "task 'q1' has the same prompt twice"),
        ([*ROWS, {**SEQUENCE, "prompts": ["Five?", "Four?"]}], "tasks 'h1' and 'q1' have the same prompt (in splits"),
        ([{**SEQUENCE, "promts": []}], "unknown key 'promts'"),
        ("[1]", "tasks.jsonl:1: got [1], expected an object"),
        ("\n{", "tasks.jsonl:2: no JSON"),
    ],
)  # fmt: skip
def test_bad_tasks_are_refused(load: Load, rows: list[Row] | str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(rows)
    assert said in caught.value.message


def test_a_mistyped_key_is_told_the_nearest(load: Load) -> None:
    with pytest.raises(SettingsError) as caught:
        load([{**ROWS[0], "anser": "1"}])
    assert caught.value.hint == "Did you mean 'answer'?"


def test_an_empty_holdout_is_refused_where_one_is_needed(load: Load) -> None:
    assert load(ROWS[:3]).tasks(Split.holdout) == ()
    with pytest.raises(SettingsError, match="no task in split holdout"):
        load(ROWS[:3], need_holdout=True)


def test_a_missing_or_unreadable_file_is_refused(tmp_path: Path) -> None:
    settings = AgentSuiteSettings(tasks="none.jsonl", environment="my_tools:build")
    with pytest.raises(SettingsError, match="no such file"):
        AgentSuite.load(settings, tmp_path)
    (tmp_path / "none.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read"):
        AgentSuite.load(settings, tmp_path)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ("my_tools", "expected package.module:function"),
        ("my_nothing:build", "cannot import my_nothing"),
        ("my_tools:bild", "has no bild"),
    ],
)
def test_a_bad_environment_is_refused(load: Load, environment: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(ROWS, environment=environment)
    assert said in caught.value.message


def test_the_environment_says_what_it_must_read(load: Load, modules: Callable[[str, str], None]) -> None:
    modules("my_reader", TOOLS + "\ndef readable(args):\n    return [args['root']]\n")
    suite = load(ROWS, environment="my_reader:build", environment_args={"root": "/data"})
    assert list(suite.readable) == [Path("/data")]


def test_the_environment_says_what_its_tools_touch(load: Load, modules: Callable[[str, str], None]) -> None:
    assert load(ROWS).effects == {}
    said = TOOLS + "\nfrom search_space.tools import Effects\n\ndef effects(args):\n    return {}\n"
    modules("my_effects", said.format("{args['tool']: Effects(writes=frozenset({'files:{path}'}))}"))
    suite = load(ROWS, environment="my_effects:build", environment_args={"tool": "edit"})
    assert suite.effects == {"edit": Effects(writes=frozenset({"files:{path}"}))}
    modules("my_bad_effects", said.format("{'edit': 'everything'}"))
    with pytest.raises(
        SettingsError, match=r"my_bad_effects:build: effects.*returned \{'edit': 'everything'\}, expected"
    ):
        load(ROWS, environment="my_bad_effects:build")


def generated(tmp_path: Path, generator: str, **more: Any) -> AgentSuite:
    settings = AgentSuiteSettings(generator=generator, environment="my_tools:build", **more)
    return AgentSuite.load(settings, tmp_path)


def test_tasks_from_a_generator(tmp_path: Path, modules: Callable[[str, str], None]) -> None:
    modules("my_tools", TOOLS)
    modules(
        "my_maker",
        "def make(args):\n"
        "    return [{'id': s, 'split': s, 'prompt': f'{s} {args}', 'answer': args['n']}\n"
        "            for s in ('search', 'certify', 'holdout')]\n",
    )
    suite = generated(tmp_path, "my_maker:make", environment_args={"root": "/r"}, generator_args={"n": 7})
    (task,) = suite.tasks(Split.search)
    assert task.prompt == "search {'root': '/r', 'n': 7}" and suite.grade(task, "7") == 1.0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('seed: got x')", "my_bad:make: seed: got x"),
        ("return 1 / 0", "ZeroDivisionError"),
        ("return [3]", "my_bad:make: task 1: got 3"),
        ("return None", "TypeError"),
    ],
)
def test_a_generator_that_fails_is_shown(
    tmp_path: Path, modules: Callable[[str, str], None], body: str, said: str
) -> None:
    modules("my_tools", TOOLS)
    modules("my_bad", f"def make(args):\n    {body}\n")
    with pytest.raises(SettingsError) as caught:
        generated(tmp_path, "my_bad:make")
    assert said in caught.value.message


def test_the_navigator_loads_as_a_suite(tmp_path: Path) -> None:
    generator = "experiments.navigator.generator:generate"
    settings = AgentSuiteSettings(generator=generator, environment="experiments.navigator.environment:build")
    suite = AgentSuite.load(settings, tmp_path)
    assert {split: len(suite.tasks(split)) for split in Split} == {"search": 72, "certify": 48, "holdout": 96}
    assert list(suite.readable) == []
    with pytest.raises(SettingsError, match="unknown argument sede"):
        AgentSuite.load(settings.model_copy(update={"generator_args": {"sede": 1}}), tmp_path)

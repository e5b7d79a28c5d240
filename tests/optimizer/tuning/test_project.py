"""A prompt and data as an experiment: what is made of them, and what is refused before anything is made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.errors import SettingsError
from optimizer.records import Split
from optimizer.tuning.project import Wanted, make_project, plan_project
from optimizer.tuning.space import Material, recipes_of, space_of
from search_space.space import load_space

COLOURS = {"red": "rose cherry brick ruby", "green": "grass leaf moss fern", "blue": "sky ocean denim cobalt"}


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    """A small prompt with a place for the question at its end, and 48 cases."""
    rows = [
        {"question": f"What colour has a {noun} {place} {noun}?", "label": colour}
        for colour, nouns in COLOURS.items()
        for noun in nouns.split()
        for place in ("beside the old mill", "under heavy rain", "at noon", "seen from afar")
    ]
    (tmp_path / "data.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "Ask Me.md").write_text("# Colours\n\nName the colour.\n\nQuestion: {question}\nAnswer:\n")
    return Wanted(tmp_path / "Ask Me.md", tmp_path / "data.jsonl")


def test_the_same_input_is_the_same_project_and_another_input_another(wanted: Wanted, tmp_path: Path) -> None:
    project = plan_project(wanted)
    assert plan_project(wanted) == project and project.name.startswith("tune-ask-me-")
    others = [
        replace(wanted, context_tokens=500),
        replace(wanted, static=True),
        replace(wanted, seed=1),
        replace(wanted, metric="exact"),
        replace(wanted, model="anthropic:x", rollouts=9),
    ]
    assert len({project.name, *(plan_project(other).name for other in others)}) == 6
    assert plan_project(replace(wanted, rollouts=99)).name == project.name
    wanted.prompt.write_text("Another prompt")
    assert plan_project(wanted).name != project.name


def test_the_place_of_the_question_is_left_out_and_the_file_stays(wanted: Wanted) -> None:
    before = wanted.prompt.read_bytes()
    assert plan_project(wanted).harness["PROMPT.md"] == b"# Colours\n\nName the colour.\n"
    assert wanted.prompt.read_bytes() == before


def test_making_it_twice_changes_nothing(wanted: Wanted, tmp_path: Path) -> None:
    project = plan_project(wanted)
    folder = make_project(project, tmp_path / "runs")
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert make_project(project, tmp_path / "runs") == folder
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == files


def test_the_space_and_the_recipes_fit_the_harness(wanted: Wanted, tmp_path: Path) -> None:
    project = plan_project(replace(wanted, model="anthropic:x", rollouts=9))
    folder = make_project(project, tmp_path / "runs")
    space = load_space(folder / "experiment" / "space.toml")
    assert space.read(project.harness)["examples.choice"] == "none"
    assert "say.alone" in space.names
    for _, changes in recipes_of(Material(40, True, ["balanced"], False, True, 4000)):
        assert set(changes) <= set(space.names)


def test_a_static_prompt_is_never_looked_up() -> None:
    told = json.dumps(space_of(Material(40, True, ["balanced"], True, False, 4000)))
    assert "similar" not in told and "turns" not in told and "say." not in told and "balanced" in told
    assert "by_answer" not in json.dumps(space_of(Material(40, False, [], False, False, 4000)))


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        (b"", "an empty file"),
        (b"\xff\xfe", "bytes that are not UTF-8"),
        (b"Answer {question} in one word.\n\nBe brief.\n\nBe kind.\n", "Ask Me.md:1: got a place for the question"),
    ],
)
def test_a_prompt_that_is_none_is_told(wanted: Wanted, prompt: bytes, said: str) -> None:
    wanted.prompt.write_bytes(prompt)
    with pytest.raises(SettingsError, match=said):
        plan_project(wanted)


def test_a_prompt_that_is_not_there_or_does_not_fit_is_told(wanted: Wanted, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.md: no such file"):
        plan_project(replace(wanted, prompt=tmp_path / "none.md"))
    with pytest.raises(SettingsError, match="--context-tokens: got 10, but Ask Me"):
        plan_project(replace(wanted, context_tokens=10))


def test_too_few_cases_are_told(wanted: Wanted) -> None:
    wanted.data.write_text('{"question": "one?", "label": "a"}\n{"question": "two?", "label": "b"}\n')
    with pytest.raises(SettingsError, match="got 2 cases, too few to divide"):
        plan_project(wanted)


def test_every_case_has_its_place(wanted: Wanted) -> None:
    divided = plan_project(wanted).divided
    assert sum(len(divided.asked[split]) for split in Split) == 48


def test_where_all_cases_fit_a_complete_prompt_is_tried_first_and_kept_among_equals() -> None:
    fits, not_all = (Material(40, True, ["balanced"], False, False, 4000, fits=fits) for fits in (True, False))
    assert (fits.choices[1], not_all.choices[1]) == ("balanced", "similar")
    first = recipes_of(fits)[0][1]
    assert (first["examples.choice"], first["examples.count"]) == ("balanced", 40)
    assert fits.budgets == [1000, 2000, 4000]

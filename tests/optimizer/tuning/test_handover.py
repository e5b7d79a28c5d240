"""What is handed over: a prompt that is complete in itself or looked up, never larger than was asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer.datasets.splitting import Divided, divide
from optimizer.errors import SettingsError
from optimizer.tuning.handover import check_place, hand_over, render
from search_space.prompting.cases import Case

NAMES = ["amber", "birch", "cedar", "daisy", "elder", "fennel", "ginger", "hazel", "iris", "juniper"]
CASES = [
    Case(f"c{number}", f"{NAMES[number % 10]} and {NAMES[(number * 3 + number // 10) % 10]}", "xy"[number % 2])
    for number in range(60)
]
BEFORE = {"PROMPT.md": b"Say x or y.\n", "prompt.toml": b"context_tokens = 300\n"}


@pytest.fixture(scope="module")
def divided() -> Divided:
    return divide(CASES)


def after(settings: str, prompt: bytes = b"Say x or y.\n") -> dict[str, bytes]:
    return {
        "PROMPT.md": prompt,
        "prompt.toml": f"context_tokens = 300\n{settings}".encode(),
        "rankings.json": json.dumps({"plain": [case.id for case in CASES]}).encode(),
    }


def test_examples_that_are_the_same_for_all_stand_in_the_prompt(tmp_path: Path, divided: Divided) -> None:
    ids = [case.id for case in divided.stored]
    files = {**after('[examples]\nchoice = "plain"\ncount = 5\n'), "rankings.json": json.dumps({"plain": ids}).encode()}
    made = hand_over(tmp_path, BEFORE, files, divided, {"holdout_score": 0.5})
    text = made.prompt_file.read_text()
    assert made.self_contained and text.startswith("Say x or y.") and divided.stored[4].question in text
    assert "{question}" not in text and "+Answer: x" in made.diff
    told = json.loads((tmp_path / "tuned.json").read_text())
    assert told["holdout_score"] == 0.5 and told["asked_as"] == "Question: {question}\nAnswer:"
    assert made.context_tokens <= 300


def test_examples_that_depend_on_the_question_are_looked_up(tmp_path: Path, divided: Divided) -> None:
    made = hand_over(tmp_path, BEFORE, after('[examples]\nchoice = "similar"\ncount = 500\n'), divided, {})
    assert not made.self_contained and made.diff == ""
    assert made.prompt_file.read_text() == "Say x or y.\n"
    assert 200 < made.context_tokens <= 300
    composed, _ = render(tmp_path, "iris and juniper, which?")
    asked = composed.messages[-1]["content"]
    assert (
        isinstance(asked, str) and asked.endswith("Question: iris and juniper, which?\nAnswer:") and "iris and" in asked
    )


def test_turns_are_no_single_text(tmp_path: Path, divided: Divided) -> None:
    ids = json.dumps({"plain": [case.id for case in divided.stored]}).encode()
    files = {**after('[examples]\nchoice = "plain"\ncount = 2\nformat = "turns"\n'), "rankings.json": ids}
    assert not hand_over(tmp_path, BEFORE, files, divided, {}).self_contained


def test_only_a_place_of_its_own_is_written_to(tmp_path: Path, divided: Divided) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SettingsError, match="which has other files in it"):
        check_place(tmp_path)
    with pytest.raises(SettingsError, match="which is a file"):
        check_place(tmp_path / "mine.txt")
    hand_over(tmp_path / "new", BEFORE, after(""), divided, {})
    check_place(tmp_path / "new")
    with pytest.raises(SettingsError, match=r"got no tuned\.json"):
        render(tmp_path, "a question")

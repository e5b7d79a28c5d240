"""``ratchet tune`` and ``ratchet render``, end to end with the embedded model."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

NOUNS = {"red": ["rose", "cherry", "brick", "ruby", "tomato"], "green": ["grass", "leaf", "moss", "fern", "lime"]}
PLACES = ["beside the old mill", "under heavy rain", "at noon", "seen from afar", "in a drawer", "on the roof"]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``ratchet`` in this process, in a folder with a prompt and 60 cases: its exit code and what it said."""
    rows = [
        {"text": f"What colour has a {noun} {place}, a {noun}?", "label": colour}
        for colour, nouns in NOUNS.items()
        for noun in nouns
        for place in PLACES
    ]
    (tmp_path / "data.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "PROMPT.md").write_text("Name the colour.\n")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        from optimizer.cli.main import main

        monkeypatch.setattr(sys, "argv", ["ratchet", *words])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return run


def test_a_prompt_is_tuned_and_the_same_command_says_the_same(command: Command, tmp_path: Path) -> None:
    words = ("tune", "PROMPT.md", "--data", "data.jsonl", "--rollouts", "330", "--context-tokens", "1500", "--json")
    code, out, err = command(*words)
    assert code == 0, err
    told = json.loads(out)
    assert set(told["holdout_score"]) == {"mean", "low", "high"}
    assert told["certified"] and told["gain"]["low"] > 0 and told["search_score"] > 0.5
    assert 0 <= told["holdout_score"]["low"] <= told["holdout_score"]["mean"] <= told["holdout_score"]["high"] <= 1
    assert told["context_tokens"] <= 1500 and told["holdout_cases"] > 10
    assert Path(told["prompt_file"]).read_text().startswith("Name the colour.")
    assert (tmp_path / "PROMPT.md").read_text() == "Name the colour.\n"
    code, again, err = command(*words)
    assert code == 0 and json.loads(again) == told
    code, shown, _ = command("render", told["folder"], "What colour has a leaf?")
    assert code == 0 and "What colour has a leaf?" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere.md", "--data", "data.jsonl"), "nowhere.md: no such file"),
        (("PROMPT.md", "--data", "nowhere.csv"), "nowhere.csv: no such file or folder"),
        (("PROMPT.md", "--data", "data.jsonl", "--metric", "accuracy"), "metric: got 'accuracy'"),
        (("PROMPT.md", "--data", "data.jsonl", "--answer", "colour"), "got no column 'colour' for the answer"),
        (("PROMPT.md", "--data", "data.jsonl", "--context-tokens", "3"), "--context-tokens: got 3"),
        (("PROMPT.md", "--data", "data.jsonl", "--model", "anthropic:x"), "which costs money, and no limit"),
        (("PROMPT.md", "--data", "data.jsonl", "--out", "."), "which has other files in it"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_made(
    command: Command, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    code, _, err = command("tune", *words)
    assert code == 2 and said in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["PROMPT.md", "data.jsonl"]


def test_a_model_as_judge_is_asked_through_the_door_and_its_noise_is_told(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.servers.messages_api import KEY, MODEL, MessagesServer, text

    def answer(body: Mapping[str, Any]) -> list[dict[str, Any]]:
        asked = str(body["messages"])
        if "You grade answers" not in str(body.get("system")):
            return [text("It is red.")]
        return [text("GRADE: 10" if "<right_answer>\\nred\\n" in asked else "GRADE: 0")]

    with MessagesServer(answer=answer) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        words = ("--metric", "judge", "--model", f"anthropic:{MODEL}", "--rollouts", "120", "--json")
        code, out, err = command("tune", "PROMPT.md", "--data", "data.jsonl", *words)
    assert code == 0, err
    told = json.loads(out)
    assert 0.3 < told["baseline_score"]["mean"] < 0.7
    assert told["judge"] == {"pairs": 20, "differing": 0, "sd": 0}

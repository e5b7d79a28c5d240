"""A rollout of a prompt harness: what is asked at the door, and what is left behind."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from baselines.prompted.main import answer_in, memory_of, run_rollout, warm
from optimizer.evaluation.result import read_result
from search_space.errors import SearchSpaceError
from search_space.prompting import Case, write_cases
from search_space.trajectory import read_trajectory
from tests.servers.unix_http import Handler, Server

USAGE = {"input_tokens": 9, "output_tokens": 1, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
SETTINGS = '[examples]\nchoice = "similar"\ncount = 1\nformat = "arrow"\n'


def said(text: str) -> tuple[int, dict[str, Any]]:
    return 200, {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": USAGE}


@dataclass
class Place:
    folder: Path
    model: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]] = lambda request: said("pin")
    asked: list[dict[str, Any]] = field(default_factory=list)

    def settings(self, text: str) -> None:
        (self.folder / "harness/prompt.toml").write_text(text)

    def payload(self, **others: Any) -> dict[str, Any]:
        paths = {"harness": "harness", "folder": "", "door": "door", "cases": "cases.jsonl"}
        named = {key: str(self.folder / path) for key, path in paths.items()}
        return {**named, "token": "t1", "task": "task-1", "question": "How do I change my PIN?", **others}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness/PROMPT.md").write_text("Sort it.\n")
    cases = [Case("1", "I forgot my PIN", "pin", "g1"), Case("2", "My card is late", "card", "g2")]
    write_cases(tmp_path / "cases.jsonl", cases)
    place = Place(tmp_path)
    place.settings(SETTINGS)

    class Door(Handler):
        def do_POST(self) -> None:
            place.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            assert self.headers["x-api-key"] == "t1"
            status, answer = place.model(place.asked[-1])
            self.answer(status, json.dumps(answer).encode())

    with Server(str(tmp_path / "door"), Door) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield place
        server.shutdown()


def test_one_question_is_asked_with_what_is_similar(place: Place) -> None:
    warm({"cases": str(place.folder / "cases.jsonl")})
    run_rollout(place.payload())
    examples = "Examples:\nI forgot my PIN => pin\n\nHow do I change my PIN? =>"
    messages = [{"role": "user", "content": examples}]
    assert place.asked == [{"model": "agent", "max_tokens": 256, "messages": messages, "system": "Sort it."}]
    result = read_result(place.folder)
    assert (result.answer, result.outcome, result.steps, result.broken) == ("pin", "answered", 1, "")
    records = read_trajectory(place.folder / "trajectory.jsonl")
    assert [record["kind"] for record in records] == ["task", "answer", "end"]
    assert records[0]["shown"] == ["1"]


def test_a_questions_own_group_is_not_shown(place: Place) -> None:
    run_rollout(place.payload(exclude_group="g1"))
    assert "I forgot my PIN" not in json.dumps(place.asked)
    assert "My card is late => card" in place.asked[0]["messages"][0]["content"]


def test_the_answer_is_taken_out_of_json(place: Place) -> None:
    place.settings('[output]\nformat = "json"')
    place.model = lambda request: said('```json\n{"answer": "pin"}\n```')
    run_rollout(place.payload())
    assert read_result(place.folder).answer == "pin"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"answer": "a"}', "a"),
        ('It is {not json} but {"answer": 3}.', "3"),
        ('{"other": 1} {"answer": ["x"]}', '["x"]'),
        ("plain words", "plain words"),
        ('{"answer": "cut', '{"answer": "cut'),
        ("[" * 5000 + '{"a":' * 3000, None),
    ],
)
def test_answers_in_odd_texts(text: str, expected: str | None) -> None:
    assert answer_in(text, "json") == (text if expected is None else expected)
    assert answer_in(text, "plain") == text


def test_a_model_error_is_a_result_and_a_cut_answer_says_so(place: Place) -> None:
    error = {"type": "invalid_request_error", "message": "prompt is too long"}
    place.model = lambda request: (400, {"type": "error", "error": error})
    run_rollout(place.payload())
    result = read_result(place.folder)
    assert (result.answer, result.outcome) == (None, "model_error")
    assert "prompt is too long" in result.reason
    place.model = lambda request: (200, {**said("pi")[1], "stop_reason": "max_tokens"})
    run_rollout(place.payload())
    assert read_result(place.folder).reason


@pytest.mark.parametrize(
    ("settings", "others", "words"),
    [
        ("context_tokens = 3", {}, "context_tokens: got 3, expected at least"),
        ("contxt_tokens = 3", {}, "did you mean 'context_tokens'"),
        (SETTINGS, {"question": ""}, "payload: question"),
        (SETTINGS, {"cases": "nowhere.jsonl"}, "expected stored cases"),
    ],
)
def test_what_cannot_run_says_why_and_leaves_no_result(
    place: Place, settings: str, others: dict[str, Any], words: str
) -> None:
    place.settings(settings)
    with pytest.raises(SearchSpaceError, match=words):
        run_rollout(place.payload(**others))
    assert not (place.folder / "result.json").exists()
    assert not place.asked


def test_the_cases_are_read_once(place: Place) -> None:
    path = str(place.folder / "cases.jsonl")
    assert memory_of(path) is memory_of(path)

"""One rollout of a prompt harness: put the request together, ask once, write trajectory and result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from baselines.agent.answers import read_answer
from baselines.agent.door_client import DoorClient
from baselines.agent.outcome import Outcome, write_result
from search_space.errors import SearchSpaceError
from search_space.harness import read_folder
from search_space.messages import Model, ModelError, Request
from search_space.prompting import Composed, Memory, PromptHarness, compose, prompt_from_files
from search_space.trajectory import TrajectoryWriter

MODEL: Final = "agent"
"""The model's role at the door."""


class BadPayload(SearchSpaceError):
    """What the rollout was started with is not what it needs; the text says what is missing."""


def warm(arguments: Mapping[str, Any]) -> None:
    """Read the stored cases once, before rollouts are forked; ``arguments``: ``cases``, their file."""
    memory_of(str(arguments["cases"]))


def run_rollout(payload: Mapping[str, Any]) -> None:
    """Ask the harness's question and leave ``trajectory.jsonl`` and ``result.json`` in the rollout folder.

    ``payload``: ``harness`` and ``folder`` (directories), ``door`` (socket path), ``token``, ``task`` (its id),
    ``question``, ``cases`` (the file of stored cases) and, where the question is one of these, ``exclude_group``.
    Raises :class:`SearchSpaceError` for a harness that is not valid and for a request that cannot be made short enough;
    then there is no ``result.json``.
    """
    folder = Path(_needed(payload, "folder"))
    harness = prompt_from_files(read_folder(Path(_needed(payload, "harness"))))
    memory = memory_of(_needed(payload, "cases"))
    composed = compose(harness, memory, _needed(payload, "question"), str(payload.get("exclude_group") or ""))
    with TrajectoryWriter(folder / "trajectory.jsonl") as trajectory:
        told = {"question": payload["question"], "shown": list(composed.shown), "tokens": composed.tokens}
        trajectory.write({"kind": "task", "task": payload.get("task", ""), **told})
        with closing(DoorClient(_needed(payload, "door"), payload.get("token", ""))) as door:
            outcome = _ask(harness, composed, door, trajectory)
        trajectory.write({"kind": "end", **asdict(outcome)})
    write_result(folder / "result.json", outcome)


@lru_cache(maxsize=4)
def memory_of(cases: str) -> Memory:
    """The memory of a file of cases. It is read once in a process: the file is not to change."""
    return Memory.load(Path(cases))


def answer_in(text: str, output: str) -> str:
    """The answer in what the model said: the text, or what ``answer`` is in the first JSON object that has it. Text
    without one is an answer as it stands, for the grader to judge."""
    if output != "json":
        return text
    decoder = json.JSONDecoder()
    for at, character in enumerate(text):
        if character != "{":
            continue
        try:
            value, _ = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and "answer" in value:
            answer = value["answer"]
            return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return text


def _ask(harness: PromptHarness, composed: Composed, model: Model, trajectory: TrajectoryWriter) -> Outcome:
    request: Request = composed.request(MODEL, harness.settings.max_output_tokens)
    try:
        response = model.create(request)
    except ModelError as error:
        return Outcome(None, "model_error", str(error), 0)
    answer = read_answer(response, set())
    trajectory.write({"kind": "answer", "content": answer.content, "usage": response.get("usage")})
    return Outcome(answer_in(answer.text, harness.settings.output.format), "answered", answer.ending, 1)


def _needed(payload: Mapping[str, Any], key: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str) or not value:
        raise BadPayload(f"payload: {key}: got {value!r}, expected a text")
    return value

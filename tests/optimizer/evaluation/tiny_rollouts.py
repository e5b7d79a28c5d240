"""The inside of a tiny suite: an agent in one function, told by its harness what to do. Runs in the sandbox only."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any


def run_rollout(payload: dict[str, Any]) -> None:
    """The harness's ``system.md`` says what to do with the prompt, which is a number to double."""
    order, _, argument = (Path(payload["harness"]) / "prompts" / "system.md").read_text().partition(" ")
    folder = Path(payload["folder"])
    assert Path.cwd() == folder
    (folder / "trajectory.jsonl").write_text(json.dumps({"task": payload["task"], "order": order}) + "\n")
    answer: str | None = str(2 * int(payload["prompt"]))
    outcome, reason = "answered", ""
    if order == "sleep":
        time.sleep(float(argument))
    elif order == "sleep-on" and argument == payload["task"]:
        time.sleep(60)
    elif order == "raise":
        raise ValueError(argument)
    elif order == "silent":
        os._exit(0)
    elif order == "wrong":
        answer = "0"
    elif order == "give-up":
        answer, outcome, reason = None, "step_limit", "8 steps"
    elif order == "cut-short":
        answer, outcome, reason = None, "model_error", "504: the deadline has passed"
    elif order == "ask":
        reason = ask(payload["door"], payload["token"])
        outcome = "answered" if reason == "yes" else "model_error"
    result = {"answer": answer, "outcome": outcome, "reason": reason, "steps": 3}
    if order == "malformed":
        (folder / "result.json").write_text("{")
    else:
        (folder / "result.json").write_text(json.dumps(result))


def ask(door: str, token: str) -> str:
    """One question to the scripted door."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect(door)
        channel.sendall(token.encode())
        return channel.recv(100).decode()

"""A harness written by others, pointed at the door: mini-swe-agent mends a file, and the door pays and counts.

It lives in an environment of its own (``make foreign``), since its packages and ours exclude each other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.servers.faults import Fault, in_order
from tests.servers.messages_api import KEY, MODEL, MessagesServer, call, scripted, text

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-foreign" / "bin" / "python"
PATIENCE_S = 300
BUGGY = "def total(prices):\n    return sum(prices[1:])\n"
CHECK = "from shop import total\nassert total([1, 2, 3]) == 6, total([1, 2, 3])\nprint('all is well')\n"
SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"


def installed() -> bool:
    """Whether mini-swe-agent's environment is there."""
    if not PYTHON.exists():
        return False
    probe = [PYTHON, "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('minisweagent') is None)"]
    return subprocess.run(probe, timeout=PATIENCE_S, check=False).returncode == 0


@pytest.mark.skipif(not installed(), reason="mini-swe-agent is not installed: make foreign")
def test_mini_swe_agent_mends_a_file_through_the_door(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "shop.py").write_text(BUGGY)
    (work / "check.py").write_text(CHECK)
    turns = [
        [text("I look first."), call("bash", command="cat shop.py check.py"), call("bash", command="ls")],
        [text("The first price is left out."), call("bash", command="sed -i 's/prices\\[1:\\]/prices/' shop.py")],
        [text("I check it."), call("bash", command=f"{sys.executable} check.py")],
        [text("It holds."), call("bash", command=SUBMIT)],
    ]
    # A rate limit on the way is the door's affair, and so is half an answer: the harness never sees them.
    plan = in_order(None, Fault("rate_limit", retry_after="0"), None, Fault("cut"))
    with MessagesServer(scripted(*turns), plan=plan) as provider:
        trajectory, account = mini(work, tmp_path, provider.url)
        assert len(provider.got) == 6 and len(provider.billed) == 5, "four answers, a rate limit, and half an answer"
    assert trajectory["info"]["exit_status"] == "Submitted"
    assert subprocess.run([sys.executable, "check.py"], cwd=work, check=False).returncode == 0
    results = [str(message["content"]) for message in trajectory["messages"] if message["role"] == "tool"]
    assert BUGGY.split("\n")[1] in results[0] and "all is well" in results[3]
    assert account["exit_code"] == 0
    assert account["cost"]["calls"] - account["failed_attempts"]["calls"] == 4
    assert 0 < account["failed_attempts"]["usd"] < account["cost"]["usd"] < 1.0


def mini(work: Path, home: Path, provider: str) -> tuple[Any, Any]:
    """Run mini-swe-agent's command line in ``work`` behind the door: its trajectory, and the door's account."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "MSWEA_CONFIGURED": "true",
        "MSWEA_COST_TRACKING": "ignore_errors",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "ANTHROPIC_BASE_URL": provider,
        "ANTHROPIC_API_KEY": KEY,
    }
    output = home / "trajectory.json"
    ratchet = [sys.executable, "-m", "optimizer.cli.main", "door", "--json", "--model", f"anthropic:{MODEL}"]
    command = [PYTHON, "-m", "minisweagent.run.mini", "--model", "anthropic/agent", "--yolo", "--exit-immediately"]
    command += ["--task", "Make check.py pass.", "--output", str(output)]
    done = subprocess.run(
        [*ratchet, "--usd", "1", "--", *command],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert output.exists(), done.stdout[-2_000:] + done.stderr[-2_000:]
    assert KEY not in output.read_text() + done.stdout + done.stderr
    return json.loads(output.read_text()), json.loads(done.stderr.strip().splitlines()[-1])

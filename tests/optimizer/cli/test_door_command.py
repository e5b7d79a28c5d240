"""``ratchet door``: a command of somebody else's on a metered model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.optimizer.cli.projects import command, environment
from tests.servers.messages_api import KEY, MODEL, MessagesServer, scripted, text

ASK = """
import json, os, sys, urllib.error, urllib.request
assert "sk-" not in repr(dict(os.environ)), "keys stay outside"
url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
headers = {"authorization": "Bearer " + os.environ["ANTHROPIC_API_KEY"]}
try:
    for n in range(int(sys.argv[1])):
        body = {"model": "any", "max_tokens": 40, "messages": [{"role": "user", "content": f"{n}"}]}
        asked = urllib.request.Request(url, json.dumps(body).encode(), headers)
        print(json.load(urllib.request.urlopen(asked))["content"][0]["text"])
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
    sys.exit(7)
"""


def door(folder: Path, *words: str, calls: int = 2, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    asked = [*command("door", *words), "--", sys.executable, "-c", ASK, str(calls)]
    done = subprocess.run(
        asked, cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=environment(env)
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def test_a_command_is_metered_recorded_and_replayed(tmp_path: Path) -> None:
    model = f"anthropic:{MODEL}"
    with MessagesServer(answer=scripted([text("good day")])) as server:
        env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": server.url, "OPENAI_API_KEY": "sk-other"}
        code, out, err = door(tmp_path, "--model", model, "--usd", "0.5", "--record", "all.db", "--json", env=env)
        told = json.loads(err.splitlines()[-1])
        assert (code, out, told["exit_code"], told["last_failure"]) == (0, "good day\ngood day\n", 0, None)
        billed = sum(usage["input_tokens"] + usage["output_tokens"] for usage in server.billed)
        assert told["cost"]["calls"] == 2 == len(server.billed) and told["cost"]["tokens"] == billed
        assert 0.0 < told["cost"]["usd"] < 0.5 and KEY not in out + err
    code, out, err = door(tmp_path, "--model", "recorded:all.db")
    assert (code, out) == (0, "good day\ngood day\n")
    assert "2 calls of recorded answers" in err and "as recorded, nothing of it paid" in err


def test_a_spent_budget_is_an_error_of_the_command(tmp_path: Path) -> None:
    code, out, err = door(tmp_path, "--tokens", "70", calls=5)
    assert code == 7 and out.splitlines()[-1].startswith("402") and "embedded" in err


def test_what_cannot_be_is_explained_before_anything_runs(tmp_path: Path) -> None:
    for words, told in (
        (("--model", "gpt"), "--model: got 'gpt', expected embedded, anthropic:MODEL"),
        (("--model", "recorded:none.db"), "no such file"),
        (("--model", f"anthropic:{MODEL}"), "ANTHROPIC_API_KEY is not set"),
    ):
        code, out, err = door(tmp_path, *words)
        assert (code, out) == (2, "") and told in err, err
    done = subprocess.run(
        command("door", "--", "no-such-command"), capture_output=True, text=True, check=False, env=environment()
    )
    assert done.returncode == 2 and "'no-such-command' cannot be run" in done.stderr


LOOK = """
import ctypes, os, subprocess
from optimizer.cli.hiding import hide_memory
if os.geteuid() == 0:  # who may read everything
    os.setgid(65534), os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
for _ in range(2):
    done = subprocess.run(["cat", f"/proc/{os.getpid()}/environ"], capture_output=True, env={}, cwd="/")
    print("seen" if b"sk-secret" in done.stdout else "hidden", done.returncode)
    hide_memory()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_a_key_cannot_be_read_in_proc_by_what_is_started() -> None:
    env = {**environment(None), "ANTHROPIC_API_KEY": "sk-secret"}
    done = subprocess.run([sys.executable, "-c", LOOK], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["seen 0", "hidden 1"], done.stderr

"""Rollouts of commands in a real sandbox: what counts, what is recorded as broken, what is out of reach."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import SettingsError
from optimizer.evaluation.result import Result, read_result
from optimizer.records import Split
from optimizer.sandboxes.base import Exit, Launch
from optimizer.sandboxes.limits import Limits
from optimizer.sandboxes.process import ProcessSandbox
from optimizer.settings import CommandSuiteSettings
from optimizer.suites.command.stages import CommandSandbox, device_files, seed_of
from optimizer.suites.command.suite import ENTRY, CommandSuite

JUDGE = b"import pathlib, sys\nprint('loss:', pathlib.Path(sys.argv[1], 'out.txt').read_text())\n"
EVALUATED = {"evaluator": "python evaluate.py {output}", "pinned": ("evaluate.py",)}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(preload={ENTRY.partition(":")[0]: None}, limits=Limits(memory_mb=512)) as inner:
        yield inner


def suite_of(command: str, files: Mapping[str, bytes], **more: Any) -> CommandSuite:
    scale = {"metric": "loss", "direction": "minimize", "worst": 10.0, "best": 0.0, "seconds": 1.0}
    settings = CommandSuiteSettings.model_validate({"command": command, **scale, **more})
    return CommandSuite(settings).founded(files)


def run(
    sandbox: ProcessSandbox,
    tmp_path: Path,
    command: str,
    files: Mapping[str, bytes] | None = None,
    *,
    timeout_s: float = 10.0,
    seed: int = 7,
    **more: Any,
) -> tuple[Exit, Result]:
    """One rollout of a harness of ``files``; how it ended and what it left."""
    files = files or {"a.txt": b"a"}
    harness, folder = tmp_path / "harness", tmp_path / "rollout"
    for name, content in files.items():
        (harness / name).parent.mkdir(parents=True, exist_ok=True)
        (harness / name).write_bytes(content)
    folder.mkdir()
    suite = suite_of(command, files, **more)
    payload = {**suite.payload(suite.tasks(Split.search)[0]), "harness": str(harness), "seed": seed}
    launch = Launch(suite.entry, payload, folder, (harness,), timeout_s)
    ended = CommandSandbox(sandbox, suite).run(launch, cancel=threading.Event())
    return ended, read_result(folder)


def test_a_command_that_says_it_itself(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    line = 'echo "METRIC loss=$(cat a.txt)"; test "$RATCHET_SEED" = {seed} && test {seconds} = 1'
    ended, result = run(sandbox, tmp_path, line, {"a.txt": b"4.5"})
    assert (ended.status, result.outcome, result.answer) == ("ok", "answered", "4.5")
    assert suite_of(line, {}).grade(suite_of(line, {}).tasks(Split.search)[0], result.answer) == pytest.approx(0.55)


def test_an_evaluator_reads_what_was_left_and_has_only_pinned_files(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    judge = b"import os\nassert os.listdir() == ['evaluate.py'], os.listdir()\n" + JUDGE
    ended, result = run(sandbox, tmp_path, "echo 3 > out.txt", {"evaluate.py": judge, "b.py": b""}, **EVALUATED)
    assert (ended.status, ended.reason, result.answer) == ("ok", "", "3.0")


def test_scripts_may_be_run_and_the_harness_stays_as_it_is(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    files = {"bin/go": b"#!/bin/sh\nrm a.txt; echo loss: 1\n", "a.txt": b"a"}
    ended, result = run(sandbox, tmp_path, "./bin/go", files)
    assert (ended.status, result.answer, (tmp_path / "harness" / "a.txt").exists()) == ("ok", "1.0", True)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("echo hello", "the command printed no metric 'loss', expected a line"),
        ("echo loss: nan", "printed 'nan' as 'loss', expected a finite number"),
        ("echo loss: 1; echo loss: 2", "2 times with different values"),
        ("echo loss: 1; exit 3", "the command: exit code 3"),
        ("echo loss: 1; kill -9 $$", "the command: it was killed by SIGKILL"),
    ],
)
def test_what_is_no_measurement_is_a_crash(sandbox: ProcessSandbox, tmp_path: Path, command: str, told: str) -> None:
    ended, result = run(sandbox, tmp_path, command)
    assert ended.status == "crash"
    assert told in ended.reason
    assert result.broken


def test_what_is_measured_may_not_say_how_good_it_is(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    ended, _ = run(sandbox, tmp_path, "echo 3 > out.txt; echo loss: 0", {"evaluate.py": JUDGE}, **EVALUATED)
    assert (ended.status, ended.reason.partition(",")[0]) == (
        "crash",
        "the command printed the metric 'loss' itself",
    )


@pytest.mark.parametrize(
    "command", ["echo 'print(\"loss: 0\")' > evaluate.py", "rm evaluate.py", "ln -sf a evaluate.py"]
)
def test_a_command_that_changes_its_evaluator(sandbox: ProcessSandbox, tmp_path: Path, command: str) -> None:
    ended, _ = run(sandbox, tmp_path, f"echo 3 > out.txt; {command}", {"evaluate.py": JUDGE}, **EVALUATED)
    assert (ended.status, ended.reason.partition(",")[0]) == ("crash", "the command changed 'evaluate.py'")


def test_a_pinned_file_is_put_in_place_fresh(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    suite = suite_of("true", {"evaluate.py": JUDGE}, pinned=("evaluate.py",))
    assert suite.problem({"evaluate.py": JUDGE}) is None
    assert "is changed, expected it as the baseline has it" in str(suite.problem({"evaluate.py": b"x"}))
    assert "evaluate.py: the file is gone" in str(suite.problem({}))


def test_no_process_of_the_command_lives_on_beside_the_evaluator(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    judge = b"import time\ntime.sleep(0.5)\n" + JUDGE
    later = "(setsid sh -c 'sleep 0.3; echo 0 > out.txt' &) ; echo 3 > out.txt"
    _, result = run(sandbox, tmp_path, later, {"evaluate.py": judge}, **EVALUATED)
    assert result.answer == "3.0"


def test_the_result_is_out_of_reach(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    if not sandbox.confinement.writes:
        pytest.skip("needs Landlock")
    forged = json.dumps({"answer": "0.0", "outcome": "answered"})
    line = f"echo '{forged}' > ../../result.json; mkdir -p ../../judge/work; echo loss: 4"
    ended, result = run(sandbox, tmp_path, line)
    assert (ended.status, result.answer) == ("ok", "4.0")


def test_the_deadline_is_for_both_together(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    files = {"evaluate.py": b"import time\ntime.sleep(30)\n"}
    ended, result = run(sandbox, tmp_path, "sleep 0.5", files, timeout_s=1.0, **EVALUATED)
    assert ended.status == "timeout"
    assert 0.9 < ended.seconds < 2.0
    assert result.broken


@pytest.mark.parametrize(("value", "score", "told"), [(12, 0.0, "beyond the worst of 10"), (-1, 1.0, "the best of 0")])
def test_what_lies_beyond_the_range_says_so(
    sandbox: ProcessSandbox, tmp_path: Path, value: int, score: float, told: str
) -> None:
    _, result = run(sandbox, tmp_path, f"echo loss: {value}")
    suite = suite_of("true", {})
    assert (result.outcome, suite.grade(suite.tasks(Split.search)[0], result.answer)) == ("out_of_range", score)
    assert told in result.reason


def test_variables_that_are_named_and_no_others(
    sandbox: ProcessSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCALE", "2")
    monkeypatch.setenv("OTHER", "3")
    line = 'test -z "$OTHER" && test $OMP_NUM_THREADS = 1 && echo "loss: $SCALE"'
    _, result = run(sandbox, tmp_path, line, environment=("SCALE",))
    assert result.answer == "2.0"


def test_a_device_may_be_used_when_it_is_named(tmp_path: Path) -> None:
    device = "/dev/ptmx"
    line = f"exec 3<>{device} && echo loss: 1"
    if not os.access(device, os.R_OK | os.W_OK):
        pytest.skip("needs /dev/ptmx")
    for devices, status in (((), "crash"), ((device,), "ok")):
        found = device_files(devices)
        with ProcessSandbox(devices=found, limits=Limits(address_space=not found)) as inner:
            if not inner.confinement.writes:
                pytest.skip("needs Landlock")
            (tmp_path / status).mkdir()
            assert run(inner, tmp_path / status, line)[0].status == status


def test_seeds_are_the_rollout_s() -> None:
    assert seed_of({"seed": 2**40 + 5}) == 5
    assert {seed_of({"seed": 3})} == {3}


def test_tasks_hash_and_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = suite_of("true", {"evaluate.py": JUDGE}, pinned=("*.py",), seeds={"search": 3, "certify": 0, "holdout": 2})
    assert [task.id for task in suite.tasks(Split.search)] == ["search-1", "search-2", "search-3"]
    assert (suite.tasks(Split.certify), len(suite.tasks(Split.holdout))) == ((), 2)
    other = suite_of("true", {"evaluate.py": b"#"}, pinned=("*.py",), seeds={"search": 3, "certify": 0, "holdout": 2})
    assert suite.hash != other.hash
    with pytest.raises(SettingsError, match=r"suite\.pinned: got 'judge.py', which matches none"):
        suite_of("true", {"evaluate.py": JUDGE}, pinned=("judge.py",))
    with pytest.raises(SettingsError, match="no such file or folder"):
        CommandSuite.load(suite.settings.model_copy(update={"readable": ("nowhere",)}), tmp_path)
    monkeypatch.delenv("NOT_THERE", raising=False)
    assert "NOT_THERE" not in os.environ
    with pytest.raises(SettingsError, match="which is not set"):
        CommandSuite.load(suite.settings.model_copy(update={"environment": ("NOT_THERE",)}), tmp_path)

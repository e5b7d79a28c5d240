"""A run ended by a person or by the machine, followed from outside, and taken up again."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from optimizer.ledger.lock import running_pid
from optimizer.ledger.store import Ledger
from tests.optimizer.cli.projects import Done, Finished, Project, command, environment, strategy_diff, strict_json

Here = Callable[..., Done]
PATIENCE_S = 60.0


def until(what: Callable[[], Any]) -> Any:
    """The first true answer of ``what``."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := what()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
    return answer


def slow(project: Project) -> subprocess.Popen[str]:
    """A run with time to be stopped in the middle; one worker changes nothing but the pace."""
    return project.start("run", "experiments/quick", "--workers", "1")


def begun(project: Project, rollouts: int = 5) -> int:
    """Wait until so many rollouts are counted, by then in an experiment (calibration has 4); the process id."""
    until(lambda: counted(project) >= rollouts)
    pid = running_pid(project.campaign)
    assert pid is not None
    return pid


def counted(project: Project) -> int:
    if not (project.campaign / "ledger.db").exists():
        return 0
    with Ledger.open(project.campaign, read_only=True) as ledger:
        return ledger.totals().total.rollouts


def end(run: subprocess.Popen[str]) -> Done:
    out, err = run.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in err
    return Done(run.returncode, out, err)


def same_as_uninterrupted(project: Project, finished: Finished) -> None:
    """Taken up to its end, the campaign is the same as one that nobody stopped, and no rollout is counted twice."""
    done = project.ratchet("run", "experiments/quick", "--json")
    assert done.code == 0, done.err
    assert project.rows() == finished.project.rows()
    ours, theirs = done.lines[-1], finished.run.lines[-1]
    assert ours["cost"]["rollouts"] == theirs["cost"]["rollouts"]
    assert ours["holdout"]["difference"] == theirs["holdout"]["difference"]


def test_ctrl_c_once_ends_after_the_experiment_in_hand(project: Project, finished: Finished) -> None:
    run = slow(project)
    begun(project)
    run.send_signal(signal.SIGINT)
    done = end(run)
    assert done.code == 3
    assert "ended: stopped: Ctrl-C" in done.out
    assert "Ctrl-C again ends now" in done.err
    assert "go on where it stopped" in done.out
    value = strict_json(project.ratchet("status", "--json").out)
    assert (value["running"], value["finished"], value["current_experiment"]) == (False, False, None)
    assert "'ratchet run' goes on with it" in project.ratchet("status").out
    same_as_uninterrupted(project, finished)


def test_ctrl_c_twice_ends_now(project: Project, finished: Finished) -> None:
    run = slow(project)
    begun(project)
    run.send_signal(signal.SIGINT)
    time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    sent = time.monotonic()
    done = end(run)
    assert time.monotonic() - sent < 10
    assert done.code == 3
    same_as_uninterrupted(project, finished)


def test_the_machine_goes_down(project: Project) -> None:
    run = slow(project)
    begun(project)
    run.send_signal(signal.SIGTERM)
    done = end(run)
    assert (done.code, "SIGTERM" in done.out) == (3, True)
    assert strict_json(project.ratchet("status", "--json").out)["rollouts_running"] == 0


def test_ratchet_stop_and_a_second_run(project: Project, finished: Finished, here: Here) -> None:
    run = slow(project)
    pid = begun(project)
    second = here(project, "run", "experiments/quick")
    told, asked = here(project, "status"), here(project, "stop")
    done = end(run)
    assert second.code == 2
    assert f"run by process {pid} already" in second.err and "ratchet stop" in second.err
    assert f"running, process {pid}" in told.out
    assert asked.code == 0 and str(pid) in asked.out
    assert done.code == 3
    assert "'ratchet stop' asked for it" in done.out
    same_as_uninterrupted(project, finished)
    assert not (project.campaign / "stop").exists(), "an old wish does not stop the next run"


def test_time_is_a_limit_too(project: Project) -> None:
    project.change("experiments/quick/experiment.toml", "rollouts = 90", "rollouts = 100000")
    began = time.monotonic()
    done = project.ratchet("run", "experiments/quick", "--minutes", "0.06", "--json")
    assert done.code == 0
    assert time.monotonic() - began < 3.6 + 30
    assert done.lines[0]["seconds_left"] == pytest.approx(3.6)
    assert done.lines[-2]["event"] == "CampaignEnded"


def test_until_is_the_next_such_time_of_day(project: Project, here: Here) -> None:
    value = strict_json(here(project, "run", "experiments/quick", "--until", "07:00", "--dry-run", "--json").out)
    assert 0 < value["seconds"] <= 86_400
    both = ("--until", "07:00", "--minutes", "1")
    assert strict_json(here(project, "run", "experiments/quick", *both, "--dry-run", "--json").out)["seconds"] <= 60
    assert "of time" in here(project, "run", "experiments/quick", *both, "--dry-run").out


def test_dry_run_changes_nothing(project: Project, here: Here) -> None:
    value = strict_json(here(project, "run", "experiments/quick", "--dry-run", "--json").out)
    assert value["tasks"] == {"search": 6, "certify": 4, "holdout": 4}
    assert (value["holdout_rollouts"], value["exam_rollouts"], value["resumes"]) == (8, 16, False)
    assert {"name": "limits.max_steps", "value": 1, "active": True, "domain": "1 | 2 | 9"} in value["dimensions"]
    text = here(project, "run", "experiments/quick", "--dry-run").out
    for part in ("Opens 4 dimensions", "90 rollouts", "16 rollouts for the last exam", "Nothing was started."):
        assert part in text
    assert not (project.root / ".ratchet").exists()
    assert project.git("status", "--porcelain") == ""


class Terminal:
    """A run on a terminal of its own, 80 columns wide."""

    def __init__(self, project: Project, *words: str) -> None:
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            os.chdir(project.root)
            line = command(*words)
            os.execvpe(line[0], line, environment({"TERM": "xterm", "COLUMNS": "80", "LINES": "40"}))
        self.seen = ""

    def read_until(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen[-2000:]
            if select.select([self.handle], [], [], 0.5)[0]:
                self.seen += os.read(self.handle, 65536).decode(errors="replace")

    def press_ctrl_c(self) -> None:
        os.write(self.handle, b"\x03")

    def end(self) -> int:
        while True:
            try:
                data = os.read(self.handle, 65536)
            except OSError:
                break
            if not data:
                break
            self.seen += data.decode(errors="replace")
        os.close(self.handle)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_the_live_table_on_a_terminal(project: Project) -> None:
    slow_strategy = (
        "import time\ntime.sleep(0.7)\ndef compact(messages, limit_tokens, parameters):\n    return messages"
    )
    (project.experiment / "proposals" / "a_slow.diff").write_text(strategy_diff(slow_strategy))
    terminal = Terminal(project, "run", "experiments/quick", "--rollouts", "400")
    terminal.read_until("running …")
    terminal.press_ctrl_c()
    terminal.read_until("Ctrl-C again ends now")
    assert terminal.end() == 3
    for part in ("Ratchet", "what was tried", "of 400 rollouts", "Ended: stopped: Ctrl-C.", "╭"):
        assert part in terminal.seen
    assert "^C" not in terminal.seen, "the terminal did not write into the table"
    assert "Traceback" not in terminal.seen


def test_the_reader_of_the_log_goes_away(project: Project) -> None:
    run = project.start("run", "experiments/quick", "--plain", "--rollouts", "40")
    assert run.stdout is not None and run.stderr is not None
    assert run.stdout.readline().startswith("campaign quick")
    run.stdout.close()
    assert run.wait(PATIENCE_S) == 0, "the campaign goes on without"
    assert run.stderr.read() == ""
    run.stderr.close()
    assert strict_json(project.ratchet("status", "--json").out)["finished"] is True

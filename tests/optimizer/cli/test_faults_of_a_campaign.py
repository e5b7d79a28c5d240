"""What goes wrong around a campaign: it stops, explains, loses nothing, and goes on once that is mended."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.optimizer.cli.projects import Done, Finished, Project, command, environment

Here = Callable[..., Done]
READERS = (("status",), ("log",), ("show", "1"), ("verify", "1"))


def keeping_at(project: Project, hook: str) -> None:
    """Let ``hook`` (shell) run when the first keep is about to be settled, by a ``git`` that stands before the real.

    A campaign runs git itself only to move refs.
    """
    real = shutil.which("git")
    folder = project.root.parent / "bin"
    folder.mkdir()
    script = f"""#!/bin/sh
case "$*" in *update-ref*ratchet*experiment*)
  if [ ! -e '{folder}/done' ]; then touch '{folder}/done'; {hook}; fi ;;
esac
exec {real} "$@"
"""
    (folder / "git").write_text(script)
    (folder / "git").chmod(0o755)


def with_that_git(project: Project) -> dict[str, str]:
    return {"PATH": f"{project.root.parent / 'bin'}:{environment()['PATH']}"}


def test_the_branch_is_moved_by_somebody_else_while_it_runs(project: Project, finished: Finished) -> None:
    real, root = shutil.which("git"), project.root
    theirs = project.git("commit-tree", "main^{tree}", "-p", "main", "-m", "somebody else's").strip()
    keeping_at(project, f"{real} -C '{root}' update-ref refs/heads/ratchet/quick {theirs}")
    done = project.ratchet("run", "experiments/quick", env=with_that_git(project))
    assert done.code == 2
    for part in (
        "refs/heads/ratchet/quick was moved",
        "by somebody else",
        "Nothing is lost",
        f"git branch my-work {theirs}",
    ):
        assert part in done.err
    assert project.git("rev-parse", "ratchet/quick").strip() == theirs, "what they did is left as it is"
    again = project.ratchet("run", "experiments/quick")
    assert again.code == 2 and "Nothing is lost" in again.err, "and it does not go on by itself"
    assert project.ratchet("status").code == 0
    steps = done.err.split("set it back: ")[1].split(", and start")[0]
    project.git("branch", "my-work", theirs)
    subprocess.run(steps, shell=True, check=True, cwd=root)
    last = project.ratchet("run", "experiments/quick")
    assert last.code == 0, last.err
    assert project.rows() == finished.project.rows()


def test_the_branch_is_moved_between_two_runs(copied: Project) -> None:
    tip = copied.git("rev-parse", "ratchet/quick").strip()
    copied.git("update-ref", "refs/heads/ratchet/quick", "main")
    done = copied.ratchet("run", "experiments/quick", "--rollouts", "120")
    assert done.code == 2
    assert "by somebody else" in done.err and tip in done.err
    assert copied.git("rev-parse", "ratchet/quick") == copied.git("rev-parse", "main")


def test_the_branch_is_checked_out(copied: Project, here: Here) -> None:
    copied.git("switch", "-q", "ratchet/quick")
    done = here(copied, "run", "experiments/quick", "--rollouts", "120")
    assert done.code == 2
    assert "is checked out in" in done.err and "switch --detach" in done.err
    assert copied.git("status", "--porcelain") == ""


@pytest.mark.parametrize("damage", ["cut", "overwritten", "emptied", "gone"])
def test_a_ledger_that_cannot_be_read(copied: Project, here: Here, damage: str) -> None:
    ledger = copied.campaign / "ledger.db"
    for log in copied.campaign.glob("ledger.db-*"):
        log.unlink()
    content = ledger.read_bytes()
    if damage == "gone":
        ledger.unlink()
    else:
        ledger.write_bytes({"cut": content[: len(content) // 2], "overwritten": b"x" * 4096, "emptied": b""}[damage])
    before = {path.name: path.read_bytes() for path in copied.campaign.glob("ledger*")}
    for words in (*READERS, ("run", "experiments/quick")):
        done = here(copied, *words)
        assert done.code == 2, (words, done.out)
        assert "left as it is" in done.err and "ledger.backup.db" in done.err, done.err
    after = {path.name: path.read_bytes() for path in copied.campaign.glob("ledger*") if "-" not in path.name}
    assert after == {name: data for name, data in before.items() if "-" not in name}, "never overwritten"
    mend = done.err.split("To go on from it: ")[1].strip()
    subprocess.run(mend, shell=True, check=True)
    assert here(copied, "log").code == 0


def test_the_disk_is_full(project: Project, finished: Finished) -> None:
    """No file may grow beyond a size at which the ledger needs more; with room again, it goes on."""

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (160_000, 160_000))

    run = subprocess.run(
        command("run", "experiments/quick"),
        cwd=project.root,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=120,
        preexec_fn=little_room,
    )
    assert run.returncode == 2, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    assert "full" in run.stderr or "too large" in run.stderr or "room" in run.stderr
    done = project.ratchet("run", "experiments/quick")
    assert done.code == 0, done.err
    assert project.rows() == finished.project.rows()


def test_the_clock_goes_backwards(project: Project, finished: Finished, tmp_path: Path) -> None:
    """The wall clock goes back an hour each time it is asked: nothing is decided by it."""
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(
        "import time\nreal, asked = time.time, [0]\n\n\n"
        "def back():\n    asked[0] += 1\n    return real() - 3600.0 * asked[0]\n\n\n"
        "time.time = back\n"
    )
    path = f"{tmp_path / 'clock'}:{environment()['PYTHONPATH']}"
    done = project.ratchet("run", "experiments/quick", "--minutes", "2", env={"PYTHONPATH": path})
    assert done.code == 0, done.err
    assert project.rows() == finished.project.rows()
    told = project.ratchet("log", "--json").lines
    assert all(row["started_at"] <= row["ended_at"] for row in told)
    assert [row["started_at"] for row in told] == sorted(row["started_at"] for row in told)
    assert all(row["seconds"] >= 0 for row in told)


@pytest.mark.parametrize(
    ("file", "before", "after", "part"),
    [
        (
            "experiment.toml",
            "random = 1.0",
            "random = 1.0\ntpe = 1.0",
            "campaign 'quick' began: proposers",
        ),
        ("experiment.toml", "holdout_repeats = 1", "holdout_repeats = 2", "began: gate"),
        ("space.toml", "[1, 2, 9]", "[1, 3, 9]", "began: space.toml"),
        ("tasks.jsonl", "pack0.root0", "pack0.root1", "tasks, truth or grader changed"),
    ],
)
def test_the_experiment_changed(copied: Project, here: Here, file: str, before: str, after: str, part: str) -> None:
    name = f"experiments/quick/{file}"
    text = (copied.root / name).read_text()
    (copied.root / name).write_text(text.replace(before, after, 1))
    for dry in ((), ("--dry-run",)):
        done = here(copied, "run", "experiments/quick", "--rollouts", "120", *dry)
        assert done.code == 2
        assert part in done.err and "--name" in done.err


def test_budget_pace_and_description_may_change(copied: Project) -> None:
    copied.change("experiments/quick/experiment.toml", "rollouts = 90", "rollouts = 95")
    copied.change("experiments/quick/experiment.toml", "workers = 3", "workers = 2")
    copied.change("experiments/quick/experiment.toml", "Where classes come from", "Another")
    assert copied.ratchet("run", "experiments/quick").code == 0


def test_another_name_is_another_campaign(copied: Project) -> None:
    done = copied.ratchet("run", "experiments/quick", "--name", "other", "--seed", "4", "--rollouts", "36", "--json")
    assert done.code == 0, done.err
    assert (done.lines[0]["campaign"], done.lines[0]["seed"]) == ("other", 4)
    assert "ratchet/other" in copied.git("branch", "--list", "ratchet/*")
    told = copied.ratchet("status", "-c", "quick")
    assert "campaign            quick, seed 0" in told.out
    assert "campaign            other, seed 4" in copied.ratchet("status").out, "the one written to last"

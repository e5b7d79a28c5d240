"""The doctor on this machine, and on machines made worse on purpose: real programs, files and processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import namedtuple
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from optimizer.cli import doctor, machine
from optimizer.cli.doctor import Finding, examine, findings_json, render, works

KEY = "sk-not-a-real-key-0123456789"


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def shown(findings: list[Finding], width: int = 100) -> str:
    console = Console(file=StringIO(), width=width, color_system=None)
    render(findings, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_this_machine_can_run_ratchet(tmp_path: Path) -> None:
    findings = examine(tmp_path)
    assert works(findings), shown(findings)
    assert len({finding.name for finding in findings}) == len(findings) == 14
    assert {f.name for f in findings if not f.needed} >= {"bubblewrap", "Docker", "API key"}
    assert all(finding.detail for finding in findings)
    assert list(tmp_path.iterdir()) == [], "the doctor writes nothing where campaigns live"


def test_the_same_machine_is_described_the_same_way(tmp_path: Path) -> None:
    assert [f.name for f in examine(tmp_path)] == [f.name for f in examine(tmp_path)]


def test_a_key_is_never_shown(tmp_path: Path) -> None:
    findings = examine(tmp_path, {**os.environ, "ANTHROPIC_API_KEY": KEY})
    assert next(f for f in findings if f.name == "API key").status == "ok"
    for text in (shown(findings), json.dumps(findings_json(findings)), repr(findings)):
        assert KEY not in text and KEY[:8] not in text


def test_without_a_key_it_says_that_none_is_needed() -> None:
    finding = machine.api_key({})
    assert (finding.status, finding.needed) == ("missing", False)
    assert "not needed for the embedded model" in finding.detail


@pytest.mark.parametrize(
    ("script", "status", "part"),
    [
        ('echo "git version 2.53.0.windows.1"', "ok", "2.53.0"),
        ('echo "git version 2.30.0"', "ok", "2.30.0"),
        ('echo "git version 2.9.5"', "missing", "got 2.9.5, expected 2.30 or newer"),
        ("echo broken >&2; exit 3", "missing", "broken"),
        (None, "missing", "not on the PATH"),
    ],
)
def test_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, status: str, part: str) -> None:
    if script is not None:
        program(tmp_path, "git", script)
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = machine.git()
    assert (finding.status, finding.needed) == (status, True)
    assert part in finding.detail
    assert ("apt-get install git" in finding.mend) == (status == "missing")


def test_a_python_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13, "final", 0))
    finding = machine.python()
    assert finding.status == "missing"
    assert "got 3.10.13, expected 3.11 or newer" in finding.detail
    assert not works([finding])


def test_docker_by_command_and_socket(tmp_path: Path) -> None:
    path = {"PATH": str(tmp_path)}
    assert machine.docker(path).status == "missing"
    program(tmp_path, "docker", "exit 1")
    assert machine.docker(path, tmp_path / "none.sock").status == "degraded"
    assert machine.docker({**path, "DOCKER_HOST": "tcp://engine:2375"}, tmp_path / "none.sock").status == "ok"
    (tmp_path / "docker.sock").touch()
    assert machine.docker(path, tmp_path / "docker.sock").status == "ok"


def test_tmpfs_that_is_not_there_names_where_rollouts_write_instead(tmp_path: Path) -> None:
    finding = machine.tmpfs(tmp_path / "none")
    assert (finding.status, finding.needed) == ("degraded", False)
    assert "instead" in finding.detail and "remount" in finding.mend


def test_little_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    expected = {5: "missing", 500: "degraded", 5_000: "ok"}
    for free_mb, status in expected.items():
        monkeypatch.setattr(machine.shutil, "disk_usage", lambda _, free=free_mb: usage(0, 0, free * 1024**2))
        assert machine.disk(tmp_path / "not" / "yet").status == status
    monkeypatch.setattr(machine, "_file_system", lambda _: "nfs4")
    assert "nfs4" in machine.disk(tmp_path).detail


def test_fork_denied_is_found() -> None:
    assert machine.fork().status == "ok"
    code = "from optimizer.cli import machine; print(machine.fork())"
    denied = "import os\ndef none(): raise PermissionError('fork denied')\nos.fork = none\n"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from optimizer.cli import machine\nmachine.FORK_PROBE = {denied!r} + machine.FORK_PROBE\n{code}",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=Path(__file__).parents[3],
    )
    assert "status='missing'" in done.stdout, done.stderr
    assert "fork denied" in done.stdout


def test_a_look_that_fails_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Finding:
        raise OSError("no /proc here")

    monkeypatch.setattr(machine, "memory", broken)
    findings = {finding.name: finding for finding in examine(tmp_path)}
    assert findings["memory"].status == "degraded"
    assert "no /proc here" in findings["memory"].detail
    assert findings["fork"].status == "ok"


def test_confinement_says_what_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    from optimizer.sandboxes import landlock, seccomp

    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr(seccomp, "available", lambda: False)
    finding = machine.confinement()
    assert finding.status == "degraded"
    assert "Landlock" in finding.detail and "Landlock" in finding.mend


def test_the_table_names_everything_and_the_worst_comes_first() -> None:
    findings = [
        Finding("bubblewrap", "missing", "not installed", "apt-get install bubblewrap", needed=False),
        Finding("memory", "degraded", "10 MB [free]", "free some memory"),
        Finding("git", "missing", "not on the PATH", "apt-get install git"),
    ]
    text = shown(findings, width=80)
    assert "10 MB [free]" in text, "brackets are not markup"
    mends = text[text.index("git: ") :]
    assert mends.index("git: ") < mends.index("memory: ") < mends.index("bubblewrap: ")
    assert "cannot run here yet" in text
    assert not works(findings)
    assert works(findings[:2]), "what is degraded or optional stops nothing"


def test_the_json_form() -> None:
    finding = Finding("git", "ok", "2.39.5")
    entry = {"name": "git", "status": "ok", "detail": "2.39.5", "mend": "", "needed": True}
    assert findings_json([finding]) == {"works": True, "findings": [entry]}
    assert doctor.Finding is machine.Finding

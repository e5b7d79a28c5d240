"""The tools inside the process sandbox: files come in, programs and git run confined, nothing outside is reached."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer.evaluation.scratch import Scratch
from optimizer.sandboxes.base import Launch
from optimizer.sandboxes.process import ProcessSandbox

HERE = str(Path(__file__).parent)
CALLS = [
    ("git_log", {"count": 1}),
    ("git_status", {}),
    ("run_code", {"code": "print(6 * 7); open('made.txt', 'w').write('here')"}),
    ("read_file", {"path": "made.txt"}),
    ("run_tests", {"path": "test_app.py"}),
    ("run_code", {"code": "open('../../outside', 'w')"}),
    ("run_code", {"code": "import socket; socket.create_connection(('127.0.0.1', 9))"}),
    ("convert_timezone", {"time": "2024-07-01T12:00", "source": "Europe/Berlin", "target": "UTC"}),
    ("run_code", {"code": "import time; time.sleep(60)", "seconds": 1}),
]


def test_the_tools_work_confined(shared_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)
    arguments = {"files": str(shared_root)}
    with ProcessSandbox(preload={"boxed": None, "baselines.workspace": arguments}) as sandbox, Scratch() as scratch:
        folder = scratch.folder()
        launch = Launch("boxed:run_calls", {"environment_args": arguments, "calls": CALLS}, folder, timeout_s=60)
        ended = sandbox.run(launch)
        assert ended.status == "ok", ended
        said = json.loads((folder / "said.json").read_text())
        outside = [path.name for path in folder.parent.iterdir()]
    assert said[0].endswith("Demo: Write the notes")
    assert said[1].startswith("## main\n")
    if not (sandbox.confinement.writes and sandbox.confinement.seccomp):
        return  # what follows is what the kernel is asked for
    assert said[2:4] == ["exit status 0\n42", "here"]
    assert said[4].startswith("exit status 0\n") and "1 passed" in said[4]
    assert "PermissionError" in said[5] and outside == [folder.name]
    assert said[6].startswith("exit status 1\n")
    assert said[7:] == ["2024-07-01 10:00+00:00 UTC", "killed: still running after 1 s"]

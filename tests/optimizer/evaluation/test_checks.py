"""What is broken on its face never gets a rollout."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.evaluation.checks import check_commands, check_files
from optimizer.evaluation.scratch import Scratch
from optimizer.sandboxes.process import ProcessSandbox

HARNESS = {
    "harness.toml": b'name = "plain"\nmodel = "agent"\n',
    "prompts/system.md": b"# Task\n\nAnswer the question.\n",
}


def test_a_good_harness_passes() -> None:
    assert check_files(HARNESS) is None
    assert check_files({**HARNESS, "strategies/x.py": b"def compact(): ...\n"}) is None


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"harness.toml": b"name = "}, "harness.toml"),
        ({"harness.toml": b'nme = "x"\n'}, "harness.toml"),
        ({"prompts/system.md": b" \n"}, "system.md"),
        ({"strategies/x.py": b"def f(:\n"}, "strategies/x.py:1: invalid syntax"),
        ({"strategies/x.py": b"\0"}, "strategies/x.py"),
        ({"strategies/x.py": b"(" * 100_000}, "strategies/x.py"),
        ({"strategies/x.py": b"#" * 300_000}, "expected at most"),
    ],
)
def test_a_broken_one_says_where(files: dict[str, bytes], words: str) -> None:
    assert words in (check_files({**HARNESS, **files}) or "")


def test_commands_run_in_a_copy_inside_the_sandbox(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    target = tmp_path / "outside"
    with Scratch() as scratch:

        def check(*commands: str, timeout_s: float = 10.0) -> str | None:
            return check_commands(commands, HARNESS, sandbox=sandbox, scratch=scratch, timeout_s=timeout_s)

        assert (
            check("grep -q Answer prompts/system.md", 'rm harness.toml && test -z "$SECRET"', "cat harness.toml")
            is None
        )
        assert check("true", "echo why; exit 3") == "check 'echo why; exit 3': exit code 3\nwhy"
        assert (check("sleep 60", timeout_s=0.3) or "").startswith("check 'sleep 60': still running after 0.3 s")
        if sandbox.confinement.writes:
            assert check(f"touch {target}") is not None
            assert not target.exists()
        assert list(scratch.path.iterdir()) == []

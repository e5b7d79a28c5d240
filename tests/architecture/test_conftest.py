"""The options and the scrubbing of ``tests/conftest.py``, in a session of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
TESTS = """
import pytest
def test_ran(): pass
def test_skipped(): pytest.skip("needs docker")
def test_xfail(): pytest.xfail("known")
"""
MODULE = 'import pytest\npytest.skip("needs the moon", allow_module_level=True)\n'


def session(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "test_some.py").write_text(TESTS)
    (folder / "test_module.py").write_text(MODULE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
def test_a_skip_that_is_not_allowed_fails_the_session(tmp_path: Path, workers: list[str]) -> None:
    done = session(tmp_path, *workers, "--may-skip=docker,nothing else")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "skipped, but needed here" in done.stdout
    assert "needs the moon" in done.stdout.split("skipped, but needed here")[1]
    assert "needs docker" not in done.stdout.split("skipped, but needed here")[1]


@pytest.mark.parametrize("options", [[], ["--may-skip=docker,the moon"]])
def test_allowed_skips_pass(tmp_path: Path, options: list[str]) -> None:
    done = session(tmp_path, *options)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_of_the_person_reaches_a_test() -> None:
    assert not [name for name in os.environ if name.upper().endswith(("_PROXY", "API_KEY"))]
    assert os.environ["GIT_CONFIG_GLOBAL"] == os.devnull
    assert "GIT_DIR" not in os.environ
    assert Path.home().name.startswith("ratchet-test-home-")

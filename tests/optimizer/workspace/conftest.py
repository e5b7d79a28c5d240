"""A user's repository with a harness in it, and git to look at it with."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

FILES = {
    "harness.toml": b"[limits]\nmax_steps = 10\n",
    "prompts/system.md": b"# Role\n\n- You answer questions.\n- You use tools.\n",
    "prompts/extra/hints.md": b"# Hints\n",
}
WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")

Git = Callable[..., str]


def run_git(folder: Path, *arguments: str, check: bool = True, text: str | None = None) -> str:
    done = subprocess.run(
        ["git", *WHO, *arguments], cwd=folder, input=text, capture_output=True, text=True, check=False
    )
    if check and done.returncode:
        raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip()


def make_repository(root: Path, harness: str = "agents/one") -> Path:
    """A repository with a harness and other things in it, committed."""
    root.mkdir(parents=True)
    run_git(root, "init", "-q", "-b", "main")
    for path, data in FILES.items():
        place = root / harness / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    (root / "src").mkdir()
    for number in range(5):
        (root / "src" / f"module_{number}.py").write_text(f"VALUE = {number}\n")
    (root / "README.md").write_text("# A project\n")
    run_git(root, "add", ".")
    run_git(root, "commit", "-q", "-m", "A project with an agent")
    return root


def fingerprint(root: Path) -> dict[str, str]:
    """Every byte of a repository that is the user's: working tree, index, HEAD, config, hooks, stash, refs, logs."""
    ours = (".ratchet/", ".git/objects/", ".git/refs/ratchet/", ".git/refs/heads/ratchet/", ".git/info/exclude")
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not name.startswith((*ours, ".git/logs/refs/heads/ratchet/")):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest() + f" {path.stat().st_mtime_ns}"
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A user's repository; the harness is in ``agents/one``."""
    return make_repository(tmp_path / "project")


@pytest.fixture
def git(root: Path) -> Git:
    """Runs git in the user's repository and returns what it says."""
    return lambda *arguments, **options: run_git(root, *arguments, **options)


@pytest.fixture
def fingerprint_of() -> Callable[[Path], dict[str, str]]:
    """Hashes what is the user's."""
    return fingerprint

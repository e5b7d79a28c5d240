"""Every package file says what it is for, is about one thing, and holds nothing of the machine it was written on."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("search_space", "baselines", "optimizer", "experiments")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MAX_LINES = 400
LONGER: dict[str, str] = {}
"""Files that may be longer than ``MAX_LINES``, each with the reason. Empty, and to be kept so."""
NOT_A_NAME = {"common", "helper", "helpers", "misc", "util", "utils"}
MACHINE = re.compile(
    r"(?<![\w.~-])/(?:work|root|opt)/[\w.]"  # somebody's folders
    r"|\b(?:pypi|pythonhosted|jfrog|artifactory)\.(?:org|io|com|internal)\b|index[-]url|find[-]links|trusted[-]host"
)
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
"""The target of a Markdown link to a file."""


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_package_file_is_about_one_thing_and_says_what(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    assert ast.get_docstring(ast.parse(text)), f"{relative(path)} has no module docstring"
    assert path.stem not in NOT_A_NAME, f"{relative(path)}: name a module by what it decides, not by '{path.stem}'"
    assert lines <= MAX_LINES or relative(path) in LONGER, f"{relative(path)}: {lines} lines; split it by decision"


def test_the_exceptions_are_still_needed() -> None:
    assert not [name for name in LONGER if (ROOT / name).read_text(encoding="utf-8").count("\n") <= MAX_LINES]


def test_tests_have_no_packages() -> None:
    assert not sorted((ROOT / "tests").rglob("__init__.py")), "tests/ is imported by path (--import-mode=importlib)"


def test_no_machine_and_no_package_host_is_named() -> None:
    found = [f"{relative(path)}:{number}: {line.strip()}" for path in tracked() for number, line in machine_lines(path)]
    assert not found, "\n".join(found)


def test_links_between_documents_lead_somewhere() -> None:
    documents = [path for path in tracked() if path.suffix == ".md"]
    links = [(path, link) for path in documents for link in LINK.findall(path.read_text(encoding="utf-8"))]
    broken = [f"{relative(path)}: {link}" for path, link in links if not (path.parent / link).exists()]
    assert not broken, "\n".join(broken)


def tracked() -> list[Path]:
    """The files that are or would be committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def machine_lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    return [(number, line) for number, line in enumerate(text.splitlines(), 1) if MACHINE.search(line)]

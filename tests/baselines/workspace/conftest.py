"""A laid-out workspace, copied for each test, and its tools by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from baselines.workspace import build
from search_space.tools import Tool
from tests.baselines.workspace.examples import lay_out, snapshot

Unchanged = Callable[[], None]


@pytest.fixture(scope="session")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One workspace for all tests that leave it as it is."""
    root = tmp_path_factory.mktemp("shared") / "original"
    root.mkdir()
    lay_out(root)
    return root


@pytest.fixture(scope="session")
def shared(shared_root: Path) -> dict[str, Tool]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(shared_root.parent)
        return {tool.name: tool for tool in build({"root": shared_root.name, "processes": True})}


@pytest.fixture(scope="session")
def unchanged(shared_root: Path) -> Unchanged:
    """Asserts that the shared workspace is as it was."""
    before = snapshot(shared_root)

    def check() -> None:
        assert snapshot(shared_root) == before

    return check


@pytest.fixture
def root(shared_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace's folder; the current one is the rollout folder around it."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(shared_root, tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def tools(root: Path) -> dict[str, Tool]:
    return {tool.name: tool for tool in build({"processes": True})}

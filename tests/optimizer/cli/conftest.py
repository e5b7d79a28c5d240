"""Projects to run campaigns in, and commands run in this process."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.optimizer.cli.projects import Done, Finished, Project, make_project


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project before any campaign; copied, never used."""
    return make_project(tmp_path_factory.mktemp("template") / "project")


@pytest.fixture
def project(template: Project, tmp_path: Path) -> Project:
    """A project of the test's own, before any campaign."""
    shutil.copytree(template.root, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def finished(template: Project, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Shared and only to be read."""
    root = tmp_path_factory.mktemp("finished") / "project"
    shutil.copytree(template.root, root)
    project = Project(root)
    done = project.ratchet("run", "experiments/quick", "--json")
    assert done.code == 0, done.err
    return Finished(project, done)


@pytest.fixture
def copied(finished: Finished, tmp_path: Path) -> Project:
    """A finished project of the test's own, at another place."""
    shutil.copytree(finished.project.root, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Done]]:
    """Run a command in this process (fast, for what ends before a campaign begins): ``here(project, "run", ...)``."""

    def run(project: Project, *words: str) -> Done:
        from optimizer.cli.main import main

        monkeypatch.chdir(project.root)
        monkeypatch.setattr(sys, "argv", ["ratchet", *words])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Done(code, said.out, said.err)

    yield run

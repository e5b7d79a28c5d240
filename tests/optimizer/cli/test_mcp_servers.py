"""MCP servers in a campaign: what is missing is told before anything is made, and what is there is used by rollouts."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.optimizer.cli.projects import Done, Project
from tests.servers.over_http import over_http

SERVERS = Path(__file__).parents[2] / "servers"
Here = Callable[..., Done]


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[str]:
    """A server over HTTP on loopback; its address."""
    with over_http(tmp_path) as (address, _):
        yield address


def add(project: Project, file: str, text: str) -> None:
    path = project.root / file
    path.write_text(path.read_text() + text)


@pytest.mark.parametrize(
    ("harness", "experiment", "said"),
    [
        ('url = "http://127.0.0.1:9/mcp"', "", "mcp: got no [mcp.shelf], but the harness needs this server"),
        (
            'url = "http://127.0.0.1:9/mcp"',
            'url = "http://127.0.0.1:9/mcp"\nheaders_from_env = { Authorization = "SHELF_KEY" }',
            "mcp.shelf.headers_from_env.Authorization: the environment has no SHELF_KEY",
        ),
        (
            'url = "http://127.0.0.1:9/mcp"',
            'url = "http://127.0.0.1:9/mcp"',
            "mcp.shelf.url: http://127.0.0.1:9/mcp cannot be reached: ConnectError",
        ),
    ],
)
def test_what_is_missing_is_told_before_anything_is_made(
    project: Project, here: Here, harness: str, experiment: str, said: str
) -> None:
    add(project, "harness/harness.toml", f"\n[mcp.shelf]\n{harness}\n")
    if experiment:
        add(project, "experiments/quick/experiment.toml", f"\n[mcp.shelf]\n{experiment}\n")
    project.commit()
    for words in (("run", "experiments/quick"), ("run", "experiments/quick", "--dry-run")):
        done = here(project, *words)
        assert done.code == 2
        assert said in done.err
    assert not project.campaign.exists()


def test_a_campaign_whose_rollouts_use_a_program_and_a_server_outside(project: Project, shelf: str) -> None:
    (project.root / "harness/servers").mkdir()
    shutil.copy(SERVERS / "mcp_rogue.py", project.root / "harness/servers/own.py")
    command = '["{python}", "{harness}/servers/own.py", "echo"]'
    add(
        project,
        "harness/harness.toml",
        f'\n[mcp.own]\ncommand = {command}\n\n[mcp.shelf]\nurl = "{shelf}"\n\n[tools.visibility]\n'
        'own__good = "deferred"\nshelf__add = "off"\n',
    )
    add(project, "experiments/quick/experiment.toml", f'\n[mcp.shelf]\nurl = "{shelf}"\n')
    project.commit()
    done = project.ratchet("run", "experiments/quick", "--rollouts", "40", "--json")
    assert done.code == 0, done.err
    with closing(sqlite3.connect(project.campaign / "ledger.db")) as database:
        ended = database.execute("SELECT state, reason FROM rollouts").fetchall()
    assert not [(state, reason) for state, reason in ended if state != "ok"]
    assert len(ended) > 15

"""Campaigns with a model at a provider: a server of ours on loopback that speaks the Messages API, with a budget."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from optimizer.assemble import Request, plan_campaign
from optimizer.assemble.models import upstream_of
from optimizer.ledger.store import Ledger
from optimizer.models.prices import load_prices
from tests.optimizer.cli.projects import Done, Project, environment
from tests.servers.faults import Fault, always
from tests.servers.messages_api import KEY, MODEL, MessagesServer, scripted, text

Here = Callable[..., Done]
CLAUDE = f"anthropic:{MODEL}"
RUN = ("run", "experiments/quick", "--no-holdout", "--rollouts", "30")
EXPERIMENT = "experiments/quick/experiment.toml"
SPY = '''
"""An environment whose one tool looks for the key wherever a process may look."""

import os
import pathlib

from search_space.tools import Tool


def build(root: str) -> list[Tool]:
    def look(given: object) -> str:
        seen = [repr(dict(os.environ))]
        own = os.getpid()
        for process in ["self", os.getppid(), *range(max(1, own - 2_000), own + 1)]:
            for name in ("environ", "cmdline"):
                try:
                    seen.append(pathlib.Path(f"/proc/{process}/{name}").read_bytes().decode("latin-1"))
                except OSError:
                    pass
        return "SEEN" if "%s" in " ".join(seen) else "nothing"

    return [Tool("look", "Looks.", {"type": "object", "properties": {}}, look)]
'''


def keyed(server: MessagesServer) -> dict[str, str]:
    return {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": server.url}


def dollars(server: MessagesServer) -> float:
    """What the server would have billed."""
    price = load_prices().find("anthropic", MODEL)
    assert price is not None
    return sum(price.cost_usd(usage) for usage in server.billed)


@pytest.fixture
def fast(project: Project) -> Project:
    """A project with little to measure, and time for it: a rollout that runs out of time has calls under way."""
    project.change(EXPERIMENT, "[gate]\n", "[gate]\nmax_passes = 2\nexam_share = 0.0\n")
    project.change(EXPERIMENT, "rollout_timeout_s = 10.0", "rollout_timeout_s = 60.0")
    return project


def test_a_campaign_within_its_dollars(fast: Project) -> None:
    with MessagesServer() as server:
        done = fast.ratchet(*RUN, "--model", CLAUDE, "--usd", "2", "--json", env=keyed(server))
        assert done.code == 0, done.err
        spent = done.lines[-1]["cost"]["usd"]
        assert 0.0 < spent <= 2.0
        assert spent == pytest.approx(dollars(server)), "what is told is what was billed"
        assert len(server.got) == done.lines[-1]["cost"]["calls"]
        assert done.lines[0]["model"] == f"{MODEL} at {server.url}"
    everything = [done.out, done.err, *(str(file.read_bytes()) for file in fast.root.rglob("*") if file.is_file())]
    assert not any(KEY in each for each in everything), "the key stands nowhere"
    other = fast.ratchet("run", "experiments/quick")
    assert other.code == 2 and "changed since campaign 'quick' began: model" in other.err


def test_a_budget_in_dollars_is_never_overrun(fast: Project) -> None:
    limit = 0.05
    with MessagesServer() as server:
        fast.ratchet(*RUN, "--model", CLAUDE, "--usd", str(limit), env=keyed(server))
        assert 0 < dollars(server) <= limit
    with Ledger.open(fast.campaign, read_only=True) as ledger:
        assert ledger.totals().total.usd <= limit


def test_an_unknown_price_is_shown_as_unknown(fast: Project) -> None:
    with MessagesServer() as server:
        done = fast.ratchet(*RUN, "--model", "anthropic:claude-new", env=keyed(server))
    assert done.code == 0, done.err
    assert "unknown cost" in done.out and "$0.00" not in done.out
    told = fast.ratchet("status", "--json")
    assert json.loads(told.out)["cost"]["usd"] is None
    costs = {line["usd"] for line in fast.ratchet("log", "--json").lines if line["tokens"]}
    assert costs == {None}


def test_a_budget_in_dollars_needs_a_price(project: Project, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("run", "experiments/quick", "--model", "anthropic:claude-new")
    with MessagesServer() as server:
        for name, value in keyed(server).items():
            monkeypatch.setenv(name, value)
        refused = here(project, *words, "--usd", "1")
        assert refused.code == 2 and "no price is known for 'claude-new'" in refused.err
        assert "its price is not known" in here(project, *words, "--dry-run").out
        without = (project.root / EXPERIMENT).read_text()
        bound = f'{without}\n[objective]\nconstraints = [{{ metric = "cost_usd", at_most = 0.1 }}]\n'
        (project.root / EXPERIMENT).write_text(bound)
        refused = here(project, *words)
        assert refused.code == 2 and "a constraint is in dollars" in refused.err
        (project.root / EXPERIMENT).write_text(without)
        rates = "input = 2\noutput = 3\ncache_write_5m = 4\ncache_write_1h = 5\ncache_read = 6\n"
        (project.experiment / "mine.toml").write_text(f"[anthropic.claude-new]\n{rates}")
        with (project.root / EXPERIMENT).open("a") as file:
            file.write('\n[model]\nprices = "mine.toml"\n')
        priced = here(project, *words, "--usd", "1", "--dry-run")
    assert priced.code == 0, priced.err
    assert "$2 for a million tokens of input, $3 of output" in " ".join(priced.out.split())
    assert not (project.root / ".ratchet").exists()


def test_a_dry_run_says_what_it_may_cost(project: Project, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    with MessagesServer() as server:
        for name, value in keyed(server).items():
            monkeypatch.setenv(name, value)
        done = here(project, "run", "experiments/quick", "--model", CLAUDE, "--usd", "2", "--dry-run")
        assert server.got == [], "nothing that is billed"
    assert done.code == 0, done.err
    said = " ".join(done.out.split())
    assert re.search(r"\$1 for a million tokens of input, \$5 of output, as of 20\d\d-\d\d-\d\d", said)
    assert re.search(
        r"about \$0\.\d\d for the largest rollout of this harness, \$\d+ for all 90; held to \$2\.00", said
    )


@pytest.mark.parametrize(
    ("words", "env", "parts"),
    [
        (("--model", CLAUDE), {}, ("ANTHROPIC_API_KEY is not set", "embedded model needs none")),
        (("--model", CLAUDE), {"ANTHROPIC_API_KEY": "sk-wrong"}, ("refused the key", "look at ANTHROPIC_API_KEY")),
        (("--model", "anthropic:claude-haiku-45"), {"ANTHROPIC_API_KEY": KEY}, ("did you mean 'claude-haiku-4-5",)),
        (("--model", "claude"), {}, ("--model: got 'claude'", "expected embedded, anthropic:MODEL")),
        (("--model", "anthropic:"), {}, ("--model: got 'anthropic:'", "such as anthropic:")),
        (("--model", CLAUDE), {"ANTHROPIC_API_KEY": "a b"}, ("ANTHROPIC_API_KEY: got blanks",)),
        (("--model", CLAUDE), {"ANTHROPIC_BASE_URL": "ftp://x"}, ("ANTHROPIC_BASE_URL: got something else",)),
    ],
)
def test_what_is_wrong_with_a_model(
    project: Project,
    here: Here,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    env: dict[str, str],
    parts: tuple[str, ...],
) -> None:
    with MessagesServer(scripted([text("fine")])) as server:
        given = {"ANTHROPIC_BASE_URL": server.url, **env} if env.get("ANTHROPIC_API_KEY") else env
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        done = here(project, "run", "experiments/quick", *words)
    assert done.code == 2, done.out
    assert done.err.startswith("error: ")
    for part in parts:
        assert part in done.err, done.err
    assert KEY not in done.err and "sk-wrong" not in done.err
    assert not (project.root / ".ratchet").exists(), "nothing was begun"


@pytest.mark.parametrize(
    ("after", "parts"),
    [
        ('agent = "claude"', ("model.agent: got 'claude'",)),
        ('base_url = "http://user:secret@host"', ("model.base_url", "no password in it")),
        ('prices = "none.toml"\nagent = "anthropic:x"', ("model.prices: got", "no such file")),
        ("retry_for_s = -1", ("model.retry_for_s: got -1",)),
        ("silence_timeout_s = 0", ("model.silence_timeout_s",)),
        ("api_key = 'x'", ("model.api_key: got an unknown key",)),
    ],
)
def test_what_is_wrong_under_model(project: Project, here: Here, after: str, parts: tuple[str, ...]) -> None:
    with (project.root / EXPERIMENT).open("a") as file:
        file.write(f"\n[model]\n{after}\n")
    done = here(project, "run", "experiments/quick")
    assert done.code == 2, done.out
    for part in parts:
        assert part in done.err, done.err


def test_the_way_to_a_model_may_change_but_not_the_model(project: Project) -> None:
    """The digest of an experiment holds the model, and not how it is reached."""
    from optimizer.assemble.founding import _digest

    def digest(extra: str) -> str:
        plain = (project.root / EXPERIMENT).read_text()
        try:
            (project.root / EXPERIMENT).write_text(f"{plain}\n[model]\n{extra}\n")
            return _digest(plan_campaign(Request(project.experiment)))
        finally:
            (project.root / EXPERIMENT).write_text(plain)

    way = (
        'base_url = "http://localhost:1"\nprices = "p.toml"\nrecord = "r.jsonl"\nretry_for_s = 1\nsilence_timeout_s = 1'
    )
    assert digest('agent = "embedded"') == digest(way) != digest('agent = "anthropic:x"')


def test_settings_go_before_the_environment(project: Project) -> None:
    planned = plan_campaign(Request(project.experiment, model=CLAUDE))
    assert upstream_of(planned, {"ANTHROPIC_BASE_URL": "http://a:1/"}).name == f"{MODEL} at http://a:1"
    assert upstream_of(planned, {}).name == MODEL
    with (project.root / EXPERIMENT).open("a") as file:
        file.write('\n[model]\nbase_url = "http://b:2"\n')
    planned = plan_campaign(Request(project.experiment, model=CLAUDE))
    assert upstream_of(planned, {"ANTHROPIC_BASE_URL": "http://a:1"}).name == f"{MODEL} at http://b:2"


def test_a_rollout_cannot_see_the_key(fast: Project, tmp_path: Path) -> None:
    """Neither in its environment nor in that of the process that holds it."""
    (tmp_path / "spying.py").write_text(SPY % KEY)
    fast.change(EXPERIMENT, "experiments.navigator.environment:build", "spying:build")
    answer = scripted([{"type": "tool_use", "name": "look", "input": {}}], [text("done")])
    with MessagesServer(answer) as server:
        env = {**keyed(server), "PYTHONPATH": f"{environment()['PYTHONPATH']}{os.pathsep}{tmp_path}"}
        command = [sys.executable, "-m", "optimizer.cli.main", *RUN, "--model", CLAUDE]
        done = subprocess.run(
            command, cwd=fast.root, env={**environment(), **env}, capture_output=True, text=True, timeout=120
        )
        assert done.returncode in (0, 3), done.stderr
        results: list[Any] = [
            block["content"]
            for got in server.got
            for message in got.body["messages"]
            if message["role"] == "user" and isinstance(message["content"], list)
            for block in message["content"]
            if block["type"] == "tool_result"
        ]
    assert results and set(results) == {"nothing"}


def test_a_provider_that_is_down_stops_the_campaign_and_loses_nothing(fast: Project) -> None:
    with (fast.root / EXPERIMENT).open("a") as file:
        file.write("\n[model]\nretry_for_s = 1\n")
    words = (*RUN, "--model", CLAUDE)
    with MessagesServer(plan=always(Fault("overloaded"))) as server:
        down = fast.ratchet(*words, env=keyed(server))
    assert down.code == 3, down.out + down.err
    with MessagesServer() as server:
        done = fast.ratchet(*words, env=keyed(server))
    assert done.code == 0, done.err
    assert all(verdict is None or "crash" not in str(verdict) for _, _, verdict, *_ in fast.rows())

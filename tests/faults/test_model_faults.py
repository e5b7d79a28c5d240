"""Campaigns whose model fails, is away, or answers from a recording."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from optimizer.assemble import machinery
from optimizer.ledger.store import Ledger
from optimizer.models.base import UpstreamError
from optimizer.models.embedded import EmbeddedModel
from optimizer.models.retrying import Retries
from optimizer.records import Verdict
from optimizer.reports.summary import summarize, summary_json
from tests.faults.models import Faulty, Moody, decisions, now_and_then, put, run_small, write_small

ROLLOUTS = 110


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits of a test are short; how long is waited for at most stays as the experiment says."""
    monkeypatch.setattr(machinery, "Retries", lambda for_s: Retries(for_s, first_s=0.02, most_s=0.2))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = write_small(tmp_path_factory.mktemp("plain") / "small", rollouts=ROLLOUTS)
    ended, home = run_small(folder)
    assert ended.finished
    return decisions(home)


def test_a_model_that_fails_now_and_then_changes_no_decision(
    undisturbed: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Faulty(now_and_then(0.1))
    put(monkeypatch, model)
    ended, home = run_small(write_small(tmp_path / "small", rollouts=ROLLOUTS))
    assert ended.finished and model.calls > 100
    assert decisions(home) == undisturbed


def test_an_outage_stops_the_campaign_and_the_same_command_goes_on(
    undisturbed: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_small(tmp_path / "small", rollouts=ROLLOUTS, model="retry_for_s = 1.0")
    away = UpstreamError(529, "overloaded_error", "we are away", again=True)
    put(monkeypatch, Faulty(lambda call: away if call > 150 else None))
    ended, home = run_small(folder)
    assert not ended.finished and not ended.to_mend
    assert "did not answer for" in ended.why and "we are away" in ended.why and "again" in ended.hint
    ended, _ = run_small(folder)
    assert not ended.finished, "it is still away"
    put(monkeypatch, EmbeddedModel())
    ended, _ = run_small(folder)
    assert ended.finished and decisions(home) == undisturbed


def test_a_key_that_is_revoked_is_for_somebody_to_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_small(tmp_path / "small", rollouts=ROLLOUTS)
    revoked = UpstreamError(401, "authentication_error", "invalid x-api-key", again=False)
    put(monkeypatch, Faulty(lambda call: revoked if call > 60 else None))
    ended, home = run_small(folder)
    assert not ended.finished and ended.to_mend and "invalid x-api-key" in ended.why and "key" in ended.hint
    with Ledger.open(home.folder, read_only=True) as ledger:
        decided = [row.decision for row in ledger.experiments() if row.decision is not None]
        assert all(decision.verdict is not Verdict.crash for decision in decided)


def test_a_replayed_campaign_decides_the_same_and_calls_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_small(tmp_path / "live", rollouts=ROLLOUTS, model='record = "night.db"')
    with monkeypatch.context() as patched:
        put(patched, Moody())
        ended, home = run_small(folder, tokens=2_000_000)
    assert ended.finished
    again = write_small(tmp_path / "again", rollouts=ROLLOUTS, model='agent = "recorded:../live/night.db"')
    monkeypatch.setattr(EmbeddedModel, "create", None)
    ended, replayed = run_small(again, tokens=2_000_000)
    assert ended.finished and decisions(replayed) == decisions(home)
    with Ledger.open(home.folder, read_only=True) as one, Ledger.open(replayed.folder, read_only=True) as other:
        live, cost = (summary_json(summarize(ledger))["cost"] for ledger in (one, other))
        assert cost["replayed"] and not live["replayed"]
        timeless = {"rollout_seconds", "replayed", "by_purpose"}
        assert {key: cost[key] for key in cost if key not in timeless} == {
            key: live[key] for key in live if key not in timeless
        }


def test_a_recording_of_something_else_is_explained_with_exit_code_2(tmp_path: Path) -> None:
    live = write_small(tmp_path / "live", rollouts=52, model='record = "night.db"')
    run_small(live, seed=1)
    folder = write_small(tmp_path / "again", rollouts=ROLLOUTS, model='agent = "recorded:../live/night.db"')
    command = [sys.executable, "-m", "optimizer.cli.main", "run", str(folder), "--runs", str(tmp_path / "runs")]
    done = subprocess.run([*command, "--seed", "2"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "night.db has no answer to call 1" in " ".join(done.stdout.split())
    assert "hint: " in done.stderr

"""The ledger gives back what it was told, to its writer and to readers beside it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from optimizer.errors import CampaignMissing, LedgerError
from optimizer.ledger import schema
from optimizer.ledger.rows import Exam, State
from optimizer.ledger.store import FILE, Ledger
from optimizer.records import Spend, Verdict

Make = SimpleNamespace


def test_campaign_record(ledger: Ledger, make: Make) -> None:
    assert ledger.campaign == replace(make.campaign(), created_at=ledger.campaign.created_at)
    assert ledger.campaign.created_at > 1_700_000_000
    assert (ledger.tip, ledger.next_number(), ledger.gate(), ledger.unfinished()) == ("b" * 40, 1, None, None)
    ledger.close()
    assert Ledger.open(ledger.folder).campaign == ledger.campaign


def test_second_ledger_in_one_place_is_refused(ledger: Ledger, make: Make) -> None:
    with pytest.raises(LedgerError, match="there already"):
        Ledger.create(ledger.folder, make.campaign())


def test_no_campaign(tmp_path: Path) -> None:
    with pytest.raises(CampaignMissing):
        Ledger.open(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_experiment_from_idea_to_end(ledger: Ledger, make: Make) -> None:
    ledger.propose(1, make.proposal(), champion="c" * 40)
    row = ledger.unfinished()
    assert row is not None
    assert (row.number, row.state, row.proposal, row.champion) == (1, State.proposed, make.proposal(), "c" * 40)
    ledger.evaluate(1, variant="v" * 40, diff="--- a/ü\n", assignment={"b": None, "a": 1.5})
    row = ledger.unfinished()
    assert row is not None
    assert (row.state, row.variant, row.diff) == (State.evaluating, "v" * 40, "--- a/ü\n")
    assert list(row.assignment.items()) == [("b", None), ("a", 1.5)], "the declared order stays"
    outcome = make.outcome(1)
    ledger.finish(outcome)
    done = ledger.experiment(1)
    assert done is not None
    assert (done.decision, done.lesson, done.value) == (outcome.decision, outcome.lesson, outcome.value)
    assert (done.state, done.commit, done.spend, done.seconds) == (State.done, None, make.cost, 1.25)
    assert done.ended_at is not None and done.ended_at >= done.started_at
    assert (ledger.gate(), ledger.unfinished(), ledger.next_number()) == (outcome.gate, None, 2)


def test_evaluate_after_the_end_changes_nothing(ledger: Ledger, make: Make) -> None:
    ledger.propose(1, make.proposal(), champion="c" * 40)
    ledger.finish(make.outcome(1, Verdict.invalid))
    ledger.evaluate(1, variant="v" * 40, diff="d", assignment={})
    row = ledger.experiment(1)
    assert row is not None and (row.state, row.variant) == (State.done, None)


def test_log_in_both_directions(ledger: Ledger, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.ledger.reading.PAGE", 20)
    for number in range(1, 46):
        ledger.propose(number, make.proposal(number), champion="c" * 40)
        ledger.finish(make.outcome(number))
    numbers = [row.number for row in ledger.experiments()]
    assert numbers == list(range(1, 46))
    assert [row.number for row in ledger.experiments(newest_first=True)] == numbers[::-1]
    assert [row.number for row in ledger.experiments(after=40)] == numbers[40:]
    assert [row.number for row in ledger.experiments(newest_first=True, limit=3)] == [45, 44, 43]
    assert [row.number for row in ledger.experiments(limit=21)] == numbers[:21]
    assert (ledger.experiment(46), ledger.experiment(0)) == (None, None)


def test_pairs_show_what_was_known_at_the_decision(ledger: Ledger, make: Make) -> None:
    new, old = "v" * 40, "c" * 40

    def roll(task: str, tree: str, seed: int, score: float) -> None:
        key = make.key(task, tree, seed)
        ledger.rollouts.start([key], "search")
        ledger.rollouts.finish(make.rollout(key, score))

    roll("t1", old, 0, 0.25)
    ledger.propose(1, make.proposal(), champion=old)
    ledger.evaluate(1, variant=new, diff="", assignment={})
    roll("t1", new, 1, 1.0)
    roll("t1", new, 0, 0.5)
    roll("t2", new, 0, 0.0)
    ledger.finish(make.outcome(1))
    roll("t2", old, 0, 1.0)
    roll("t3", new, 0, 1.0)
    pairs = [(pair.task, pair.candidate, pair.champion) for pair in ledger.pairs(1)]
    assert pairs == [("t1", (0.5, 1.0), (0.25,)), ("t2", (0.0,), ())]
    assert [row.rollout.key.task for row in ledger.rollouts.of_experiment(1)] == ["t1", "t1", "t2"]
    assert ledger.pairs(2) == []


def test_exams_reports_and_signs_of_life(ledger: Ledger) -> None:
    assert ledger.heartbeat() is None
    ledger.beat()
    exam = Exam(1, "unclear", "c" * 40, "b" * 40, {"ratio": 1.5}, {"state": 1})
    ledger.examine(exam)
    assert [replace(found, at=0.0) for found in ledger.exams()] == [exam]
    assert ledger.gate() == {"state": 1}
    assert [ledger.report({"score": 0.5}).number, ledger.report({"score": 0.6}).number] == [1, 2]
    assert [report.result for report in ledger.reports()] == [{"score": 0.5}, {"score": 0.6}]
    totals = ledger.totals()
    assert (totals.exams, totals.certified, totals.reports) == (1, 0, 2)
    assert totals.heartbeat is not None and totals.heartbeat.pid > 0


def test_totals(ledger: Ledger, make: Make) -> None:
    for number, verdict in enumerate((Verdict.discard, Verdict.crash, Verdict.discard), 1):
        ledger.propose(number, make.proposal(number), champion="c" * 40)
        ledger.finish(make.outcome(number, verdict))
    ledger.propose(4, make.proposal(4), champion="c" * 40)
    keys = [make.key(f"t{n}") for n in range(3)]
    ledger.rollouts.start(keys, "search")
    ledger.rollouts.finish(make.rollout(keys[0]))
    ledger.rollouts.spend("proposer", Spend(calls=1, usd=0.5))
    totals = ledger.totals()
    assert totals.verdicts == {"crash": 1, "discard": 2}
    assert (totals.experiments, totals.current, totals.running, totals.interrupted) == (3, 4, 2, 0)
    assert totals.spend == {"search": make.cost, "proposer": Spend(calls=1, usd=0.5)}
    assert (totals.total.rollouts, totals.total.usd) == (1, 0.75)


READER = """
import sys
from pathlib import Path
from optimizer.ledger.store import Ledger
ledger = Ledger.open(Path(sys.argv[1]), read_only=True)
for line in sys.stdin:
    print(ledger.totals().experiments, len(list(ledger.experiments())), flush=True)
"""


def test_another_process_reads_while_this_one_writes(ledger: Ledger, make: Make) -> None:
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(ledger.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdin and reader.stdout
    for number in range(1, 4):
        ledger.propose(number, make.proposal(number), champion="c" * 40)
        ledger.finish(make.outcome(number))
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert reader.stdout.readline().split() == [str(number), str(number)]
    reader.stdin.close()
    assert reader.wait(20) == 0


def test_reader_cannot_write(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="cannot be opened for reading"):
        Ledger.open(ledger.folder, read_only=True).beat()


def test_path_of_every_character(tmp_path: Path, make: Make) -> None:
    folder = tmp_path / "a b%20#?ü"
    Ledger.create(folder, make.campaign()).close()
    assert Ledger.open(folder, read_only=True).next_number() == 1


def test_results_from_many_threads(ledger: Ledger, make: Make) -> None:
    keys = [make.key(f"t{n}") for n in range(80)]
    ledger.rollouts.start(keys, "search")

    def work(part: list[object]) -> None:
        for key in part:
            ledger.rollouts.finish(make.rollout(key))
            ledger.totals()

    threads = [threading.Thread(target=work, args=(keys[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    totals = ledger.totals()
    assert (totals.total.rollouts, totals.running) == (80, 0)


def test_migrations_run_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    names = [name for name, _ in schema.MIGRATIONS]
    assert schema.migrate(connection, 1.0) == names
    assert schema.migrate(connection, 2.0) == []
    broken = ("9999_broken", ("CREATE TABLE half (x)", "CREATE TABLE nonsense ("))
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(connection, 3.0)
    assert schema.applied(connection) == names
    assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchone()


def test_older_ledger_is_brought_up_to_date_by_a_writer_only(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ledger.totals()
    ledger.close()
    file = (ledger.folder / FILE).read_bytes()
    new = ("9999_more", ("ALTER TABLE reports ADD COLUMN more TEXT",))
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, new))
    with Ledger.open(ledger.folder, read_only=True) as reader:
        assert reader.totals() == before
        with pytest.raises(LedgerError):
            reader.beat()
    assert (ledger.folder / FILE).read_bytes() == file, "who only looks changes nothing"
    Ledger.open(ledger.folder).close()
    monkeypatch.undo()
    with pytest.raises(LedgerError, match=r"newer Ratchet .*9999_more"):
        Ledger.open(ledger.folder)


def test_half_made_ledger_is_made_again(tmp_path: Path, make: Make) -> None:
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / "ledger.new").write_bytes(b"killed while it was made")
    ledger = Ledger.create(tmp_path / "night", make.campaign())
    assert sorted(path.name for path in ledger.folder.iterdir() if FILE not in path.name) == []


def test_ledger_from_before_the_prompt_cache_was_counted(ledger: Ledger, make: Make) -> None:
    """As a version without those columns left it: read as it is, brought up to date by whoever writes."""
    ledger.rollouts.start([make.key()], "search")
    ledger.rollouts.finish(make.rollout(make.key()))
    ledger.propose(1, make.proposal(), champion="c")
    ledger.finish(make.outcome())
    before, total = list(ledger.experiments()), ledger.totals().total
    ledger.close()
    with closing(sqlite3.connect(ledger.folder / FILE)) as connection, connection:
        for table in ("experiments", "rollouts", "spent"):
            for column in ("cache_write_1h_tokens", "cache_missed_tokens", "usd_uncached", "usd_cache_missed"):
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        for column in ("usd_input", "usd_cache_write", "usd_cache_read"):
            for table in ("experiments", "rollouts", "spent"):
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("DELETE FROM migrations WHERE name IN ('0005_prompt_cache', '0007_dollars_by_kind')")
    for read_only in (True, False, True):
        with Ledger.open(ledger.folder, read_only=read_only) as again:
            assert (list(again.experiments()), again.totals().total) == (before, total)


def test_prompt_cache_counts_survive(ledger: Ledger, make: Make) -> None:
    spend = Spend(1, 2, 300, 40, 5000, 600, 0.25, 1.5, 200, 100, 0.75, 0, 0.0625, 0.125, 0.03125, 0.015625)
    ledger.rollouts.start([make.key()], "search")
    ledger.rollouts.finish(replace(make.rollout(make.key()), spend=spend))
    (found,) = ledger.rollouts.find([make.key()]).values()
    assert found.spend == ledger.totals().total == spend
    assert {field.name for field in fields(Spend)} == set(schema.SPEND_COLUMNS)
    assert spend.tokens == 5940 and spend.billed_tokens == 300 + 1.25 * 400 + 2 * 200 + 0.1 * 5000 + 5 * 40
    assert (spend + spend).cache_missed_tokens == 200 and (spend + Spend()) == spend


def test_one_that_is_thrown_away_waits_for_no_disk(ledger: Ledger, make: Make) -> None:
    ledger.close()
    with Ledger.open(ledger.folder, durable=False) as relaxed:
        relaxed.propose(1, make.proposal(), champion="c" * 40)
        relaxed.finish(make.outcome(1))
        assert relaxed.backup_if_due() is None
        level = relaxed._database._connection.execute("PRAGMA synchronous").fetchone()[0]
        assert level == 0, "off, although an end is durable elsewhere"
        with Ledger.open(ledger.folder, read_only=True) as beside:
            assert beside.next_number() == 2, "what was committed is there for others, and after a kill"

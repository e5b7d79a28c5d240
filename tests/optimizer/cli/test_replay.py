"""``ratchet replay`` as a person runs it."""

import json

import pytest

from tests.optimizer.cli.projects import Project
from tests.optimizer.replay.talks import talk


@pytest.fixture
def ratchet(here, tmp_path):
    for number, folder in enumerate(("web", "web", "data")):
        chat = [
            {"role": "assistant" if m["role"] == "assistant" else "user", "content": m["content"]} for m in talk(15)
        ]
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{number}.json").write_text(json.dumps(chat))
    return lambda *words: here(Project(tmp_path), *words)


def test_every_strategy_on_files_as_they_are(ratchet):
    done = ratchet("replay", "web", "data", "--context-tokens", "600", "--json")
    told = json.loads(done.out)
    assert told["transcripts"] == 3 and told["context_tokens"] == 600 and not told["problems"]
    first = {row["strategy"]: row for row in told["strategies"] if not row["workload"]}
    assert set(first) >= {"none", "sliding_window", "clear_results", "truncate_results", "summary", "fact_ledger"}
    assert first["none"]["kept"]["value"] == 1.0 and first["none"]["cost"]["value"] == 1.0
    assert first["sliding_window"]["kept"]["value"] < first["fact_ledger"]["kept"]["value"]
    assert any("prompt wording" in each for each in told["cannot_say"])


def test_the_text_says_what_replay_cannot(ratchet):
    done = ratchet("replay", "web", "data", "--strategy", "sliding_window:block=64", "--strategy", "none")
    assert done.code == 0, done.err
    assert "sliding_window:block=64" in done.out and "kept and cost by workload" in done.out
    assert "Replay cannot say: prompt wording" in done.out


def test_an_imported_file_and_one_that_is_broken(ratchet, tmp_path):
    assert ratchet("import", "web", "--to", "web.jsonl").code == 0
    (tmp_path / "broken.json").write_text("{")
    told = json.loads(ratchet("replay", "web.jsonl", "broken.json", "--json").out)
    assert told["transcripts"] == 2 and "broken.json" in told["problems"][0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["broken.json"], "nothing usable"),
        (["none.jsonl"], "No such file"),
        (["web", "--strategy", "sliding_windw"], "did you mean 'sliding_window'"),
        (["web", "--strategy", "plugin:file=strategies/x.py"], "expected a shipped strategy"),
    ],
)
def test_mistakes_are_told(ratchet, tmp_path, words, said):
    (tmp_path / "broken.json").write_text("{")
    done = ratchet("replay", *words)
    assert done.code == 2 and said in done.err

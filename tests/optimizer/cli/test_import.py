"""``ratchet import`` as a person runs it."""

import json

import pytest

from tests.optimizer.cli.projects import Project

CHAT = [{"role": "user", "content": "I am a@b.org"}, {"role": "assistant", "content": "Hello"}]


@pytest.fixture
def ratchet(here, tmp_path):
    return lambda *words: here(Project(tmp_path), *words)


def test_import_and_its_words(ratchet, tmp_path):
    (tmp_path / "talks.json").write_text(json.dumps([{"messages": CHAT}, {"messages": []}, 3]))
    done = ratchet("import", "talks.json", "--to", "out.jsonl.gz", "--workload", "small talk")
    assert done.code == 0, done.err
    assert "out.jsonl.gz: 1 transcripts, 1 steps" in done.out and "small talk 1" in done.out
    assert "EMAIL 1" in done.out and "talks.json:3: got int, expected an object" in done.out


def test_import_as_json_without_masks(ratchet, tmp_path):
    (tmp_path / "talk.json").write_text(json.dumps(CHAT))
    masked = ratchet("import", "talk.json", "--to", "masked.jsonl")
    assert masked.code == 0 and "a@b.org" not in (tmp_path / "masked.jsonl").read_text()
    done = ratchet("import", "talk.json", "--to", "out.jsonl", "--no-mask", "--json")
    told = json.loads(done.out)
    assert told["transcripts"] == 1 and told["masked"] == {} and told["formats"] == {"chat": 1}
    assert "a@b.org" in (tmp_path / "out.jsonl").read_text()


def test_nothing_usable_is_exit_code_2(ratchet, tmp_path):
    (tmp_path / "talk.json").write_text("{}")
    done = ratchet("import", "talk.json", "--to", "out.jsonl")
    assert done.code == 2 and "error: got nothing usable" in done.err
    assert not (tmp_path / "out.jsonl").exists()

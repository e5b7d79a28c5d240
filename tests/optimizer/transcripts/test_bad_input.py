"""What is wrong with a file is said in a word, and costs no more than what is wrong."""

import gzip
import importlib.util
import json
import os
from pathlib import Path

import pytest

from optimizer.errors import RatchetError, SettingsError
from optimizer.transcripts.importing import import_files
from optimizer.transcripts.reading import MAX_LINE_BYTES
from optimizer.transcripts.recording import NO_RESULT
from optimizer.transcripts.store import read_transcripts
from search_space.messages import check_messages

_spec = importlib.util.spec_from_file_location("transcripts_conftest", Path(__file__).with_name("conftest.py"))
sessions = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sessions)
claude_line, use, result = sessions.claude_line, sessions.use, sessions.result

GOOD = [
    claude_line("user", "Mend it", 1),
    claude_line("assistant", [use("a", path="x.py")], 2, id="m1"),
    claude_line("user", [result("a")], 3),
    claude_line("assistant", [{"type": "text", "text": "Done"}], 4, id="m2"),
]


def told(found):
    return " | ".join(map(str, found.problems))


def test_cut_in_the_middle_of_a_line(taken):
    found, (transcript,) = taken("s.jsonl", "\n".join(GOOD)[:-30])
    assert "s.jsonl:4: cut in the middle" in told(found)
    assert transcript.steps == 1
    assert found.problems[0] in transcript.problems


def test_cut_after_a_call(taken):
    found, (transcript,) = taken("s.jsonl", "\n".join(GOOD[:2]) + "\n")
    assert "the last calls have no results" in told(found)
    check_messages(transcript.messages)
    assert transcript.messages[-1]["content"][0]["content"] == NO_RESULT


def test_a_call_that_never_got_its_result(taken):
    found, (transcript,) = taken("s.jsonl", "\n".join([*GOOD[:2], GOOD[3]]) + "\n")
    assert "s.jsonl:3: the call a before here has no result" in told(found)
    check_messages(transcript.messages)


def test_a_result_without_its_call(taken):
    lines = [GOOD[0], claude_line("user", [result("nobody")], 2), *GOOD[1:]]
    found, (transcript,) = taken("s.jsonl", "\n".join(lines) + "\n")
    assert "s.jsonl:2: a tool result without its call (nobody)" in told(found)
    check_messages(transcript.messages)


def test_invalid_utf8(taken):
    broken = GOOD[0].encode().replace(b"Mend it", b"Mend \xff it")
    found, (transcript,) = taken("s.jsonl", b"\n".join([broken, *(line.encode() for line in GOOD[1:])]) + b"\n")
    assert "s.jsonl:1: not UTF-8" in told(found)
    assert transcript.messages[0]["content"][0]["text"] == "Mend \ufffd it"


def test_a_very_long_line(taken):
    long = claude_line("user", "x" * (3 * MAX_LINE_BYTES), 9)
    found, (transcript,) = taken("s.jsonl", "\n".join([*GOOD[:2], long, *GOOD[2:]]) + "\n")
    assert "s.jsonl:3: a line of 48.0 MB, longer than 16 MB" in told(found)
    assert transcript.steps == 2
    found, (transcript,) = taken("s.jsonl", "\n".join([*GOOD, long]))
    assert "s.jsonl:5: a line of 48.0 MB" in told(found) and transcript.steps == 2


def test_a_line_without_what_is_needed(taken):
    odd = [json.dumps({"type": "assistant", "sessionId": "s1", "message": {}}), "[1, 2]", "no json"]
    found, (transcript,) = taken("s.jsonl", "\n".join([*odd, *GOOD]) + "\n")
    assert "s.jsonl:1: a line of type assistant without message.content" in told(found)
    assert "s.jsonl:2: got list" in told(found) and "s.jsonl:3: no JSON" in told(found)
    assert transcript.steps == 2


@pytest.mark.parametrize("version", [2, "next", None])
def test_a_future_format_version(taken, tmp_path, version):
    taken("s.jsonl", "\n".join(GOOD) + "\n")
    lines = gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()).decode()
    later = lines.replace('"version":1', f'"version":{json.dumps(version)}')
    found, (transcript,) = taken("later.jsonl", later + lines)
    assert f"later.jsonl:1: got format version {version!r}" in told(found)
    assert ("update" in told(found)) == (version == 2)
    assert transcript.steps == 2


def test_an_array_that_is_cut(taken):
    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    whole = json.dumps([{"id": "1", "messages": chat}, {"id": "2", "messages": chat}])
    found, (transcript,) = taken("a.json", whole[:-20])
    assert "a.json:2: cut in the middle" in told(found) and transcript.header.id == "1"


def test_a_compressed_file_that_is_cut(taken):
    packed = gzip.compress(("\n".join(GOOD) + "\n").encode())
    found, (transcript,) = taken("s.jsonl.gz", packed[:-12], wanted="claude-code")
    assert "cut in the middle" in told(found) and transcript.steps == 1


def test_a_compressed_array_that_is_cut(taken):
    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    whole = json.dumps([{"id": str(n), "note": os.urandom(2000).hex(), "messages": chat} for n in range(20)])
    packed = gzip.compress(whole.encode())
    found, transcripts = taken("a.json.gz", packed[: len(packed) * 3 // 4])
    assert "cut in the middle" in told(found)
    assert 10 < len(transcripts) < 20


def test_a_role_of_the_future_is_passed_over(taken):
    chat = [{"role": "user", "content": "a"}, {"role": "oracle", "content": "x"}, {"role": "assistant", "content": "b"}]
    found, (transcript,) = taken("a.json", json.dumps(chat))
    assert "got the role 'oracle'" in told(found) and transcript.steps == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.jsonl", ""), ("a.json", "{"), ("a.traj", "{}"), ("a.traj", "{"), ("a.txt", "hello"), ("a.json", "[1, 2]")],
)
def test_nothing_usable_is_an_error_and_leaves_nothing(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(RatchetError, match="nothing usable") as caught:
        import_files([tmp_path / name], tmp_path / "out.gz")
    assert "formats that are known" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_is_asked_for_must_be_possible(tmp_path):
    (tmp_path / "s.jsonl").write_text("\n".join(GOOD))
    (tmp_path / "there.gz").write_text("mine")
    with pytest.raises(SettingsError, match="No such file"):
        import_files([tmp_path / "none.jsonl"], tmp_path / "out.gz")
    with pytest.raises(SettingsError, match="exists already"):
        import_files([tmp_path / "s.jsonl"], tmp_path / "there.gz")
    with pytest.raises(SettingsError, match="expected one of claude-code"):
        import_files([tmp_path / "s.jsonl"], tmp_path / "out.gz", wanted="claude")
    with pytest.raises(SettingsError, match="does not exist"):
        import_files([tmp_path / "s.jsonl"], tmp_path / "no" / "out.gz")
    assert (tmp_path / "there.gz").read_text() == "mine"


def test_a_file_of_ours_that_was_changed(taken, tmp_path):
    taken("s.jsonl", "\n".join(GOOD) + "\n")
    lines = gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()).decode().splitlines(keepends=True)
    for broken, what in (
        ([*lines[:2], *lines[3:]], "not all its messages"),
        (lines[:-1], "cut in the middle"),
        ([lines[0], lines[2], lines[1], *lines[3:]], "no valid conversation"),
        ([lines[0], *lines], "has no end"),
        (['{"transcript": {"format": "other"}}\n'], "another format"),
        (['{"transcript": {"format": "ratchet-transcript", "version": 1, "id": ""}}\n'], "id: got ''"),
    ):
        path = tmp_path / "broken.jsonl"
        path.write_text("".join(broken))
        notes = []
        list(read_transcripts(path, lambda where, said, notes=notes: notes.append(said)))
        assert any(what in note for note in notes), notes

"""Data files of every kind, and what is wrong with some of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer.datasets.reading import read_data
from optimizer.errors import SettingsError


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def pairs(path: Path, **columns: str) -> list[tuple[str, str]]:
    return [(case.question, case.answer) for case in read_data(path, **columns).cases]


EXPECTED = [("Where is it?", "location"), ('He said "now", twice', "time")]


def test_json_lines_csv_tsv_json_and_folders_say_the_same(tmp_path: Path) -> None:
    rows = [{"text": question, "label": answer} for question, answer in EXPECTED]
    lines = written(tmp_path, "a.jsonl", "\n".join(json.dumps(row) for row in rows) + "\n\n")
    listed = written(tmp_path, "a.json", json.dumps(rows))
    csv = written(tmp_path, "a.csv", 'text,label\r\nWhere is it?,location\r\n"He said ""now"", twice",time\r\n')
    tabs = written(tmp_path, "a.tsv", 'text\tlabel\nWhere is it?\tlocation\n"He said ""now"", twice"\ttime\n')
    for name, (question, answer) in zip(("one", "two"), EXPECTED, strict=True):
        written(tmp_path, f"cases/{name}/input.txt", question + "\n")
        written(tmp_path, f"cases/{name}/expected.txt", answer + "\n")
        written(tmp_path, f"objects/{name}.json", json.dumps({"question": question, "answer": answer}))
    for path in (lines, listed, csv, tabs, tmp_path / "cases", tmp_path / "objects"):
        assert pairs(path) == EXPECTED, path


def test_cases_are_numbered_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "question,answer\nb,1\na,2\n")
    assert [case.id for case in read_data(path, prefix="holdout").cases] == ["holdout-00001", "holdout-00002"]


def test_a_byte_order_mark_and_other_separators_are_understood(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", b"\xef\xbb\xbfinput;output\nhow, now?;cow\n")
    assert pairs(path) == [("how, now?", "cow")]


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "question,note,verdict\nq,n,v\n")
    assert pairs(path, question="note", answer="verdict") == [("n", "v")]


def test_answers_that_are_no_text_are_written_as_json(tmp_path: Path) -> None:
    rows = [{"input": "a", "expected": value} for value in (3, 2.5, True, {"b": 1, "a": [2]})]
    path = written(tmp_path, "a.jsonl", "\n".join(json.dumps(row) for row in rows))
    assert [answer for _, answer in pairs(path)] == ["3", "2.5", "true", '{"a": [2], "b": 1}']


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('text,label\nfine,a\n"open,b\nmore,c\n', 3, "bad quote"),
        ('text,label\n"a "wrong" one",b\n', 2, "bad quote"),
        ("text,label\nhow, now,a\n", 2, "got 3 fields, expected 2"),
        ("text,label\nfine,a\n\nalone\n", 4, "got 1 field, expected 2"),
        ("text,label\nfine,a\n,b\n", 3, "text: got ''"),
        ("text,label\nfine,\n", 2, "label: got ''"),
        ("text,text\na,b\n", 1, "each name once"),
    ],
)
def test_a_bad_row_of_a_csv_file_is_named_by_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = written(tmp_path, "a.csv", text)
    with pytest.raises(SettingsError, match=said) as caught:
        read_data(path)
    assert f"a.csv:{line}:" in caught.value.message


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", '{"question": "q", "answer": "a"}\n{"question": "q", "ans', r"a.jsonl:2: no JSON"),
        ("a.jsonl", '["q", "a"]\n', r"a.jsonl:1: got \['q', 'a'\], expected an object"),
        ("a.jsonl", '{"question": "q", "answer": null}\n', r"a.jsonl:1: answer: got None"),
        ("a.jsonl", '{"question": "q", "answer": NaN}\n', r"a.jsonl:1: answer: got nan"),
        ("a.jsonl", b'{"question": "q", "answer": "a"}\n{"question": "\xff"}\n', r"a.jsonl:2: got the byte 0xff"),
        ("a.jsonl", "\n\n", "got no cases"),
        ("a.json", '{"question": "q"}', "expected a list of objects"),
        ("a.csv", "one,two\n1,2\n", "got the columns one, two, expected one for the question"),
        ("a.csv", "question,two,three\n1,2,3\n", "expected one for the answer"),
        ("a.txt", "q\n", "got a file of the kind '.txt'"),
    ],
)
def test_a_bad_file_is_told(tmp_path: Path, name: str, text: str | bytes, said: str) -> None:
    path = written(tmp_path, name, text)
    with pytest.raises(SettingsError, match=said):
        read_data(path)


def test_a_case_without_its_answer_and_a_missing_file_are_told(tmp_path: Path) -> None:
    written(tmp_path, "cases/one/input.txt", "q")
    with pytest.raises(SettingsError, match=r"one: got no expected answer, expected expected\.txt"):
        read_data(tmp_path / "cases")
    with pytest.raises(SettingsError, match="no such file or folder"):
        read_data(tmp_path / "none.jsonl")

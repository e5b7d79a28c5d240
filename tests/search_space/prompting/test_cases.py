from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.errors import InvalidFile, MissingFile
from search_space.prompting import Case, read_cases, write_cases

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(rows=st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=5))
def test_what_is_written_is_read_back(
    rows: list[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    cases = [Case(f"c{at}", f"?{question}", answer, group) for at, (question, answer, group) in enumerate(rows)]
    path = tmp_path_factory.mktemp("cases") / "cases.jsonl"
    write_cases(path, cases)
    assert read_cases(path) == cases


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", r"line 2: got no JSON .* expected one JSON object a line"),
        ("[1]", "line 2: got list"),
        ('{"id": "b", "question": "q", "answer": "a", "grup": ""}', r"line 2: grup: .*did you mean 'group'"),
        ('{"id": "b", "question": "q"}', "line 2: answer: got nothing, expected a text"),
        ('{"id": "b", "question": " ", "answer": "a"}', "line 2: question: got ' '"),
        ('{"id": "b", "question": "q", "answer": 3}', "line 2: answer: got 3"),
        ('{"id": "a", "question": "q", "answer": "a"}', "line 2: id: got 'a' a second time"),
    ],
)
def test_a_bad_line_is_named(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('{"id": "a", "question": "q", "answer": ""}\n' + line + "\n")
    with pytest.raises(InvalidFile, match=said):
        read_cases(path)


def test_a_missing_file_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="expected stored cases"):
        read_cases(tmp_path / "none.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b'{"id": "a", "question": "\xff", "answer": ""}\n')
    with pytest.raises(InvalidFile, match="line 1"):
        read_cases(tmp_path / "bytes.jsonl")

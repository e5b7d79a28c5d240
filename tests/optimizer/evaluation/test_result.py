"""A result file may hold anything at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from optimizer.evaluation.result import RESULT_BYTES, Result, read_result

GOOD = '{"answer": "42", "outcome": "answered", "reason": "", "steps": 3}'


def test_a_good_one(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(GOOD)
    assert read_result(tmp_path) == Result("42", "answered", "", 3)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("\x00\xff", "is not JSON"),
        ("[]", "holds a list, expected an object"),
        (GOOD.replace('"42"', "42"), "an answer of type int, expected text or null"),
        (GOOD.replace("answered", "won"), "the outcome 'won', expected one of answered"),
        (GOOD.replace("3", '"3"'), "of the wrong type"),
        (GOOD.replace("3", "-3"), "of the wrong type"),
        ('"' + "x" * RESULT_BYTES + '"', "is larger than 256 KB"),
    ],
)
def test_a_broken_one_says_why(tmp_path: Path, text: str, broken: str) -> None:
    (tmp_path / "result.json").write_text(text)
    assert broken in read_result(tmp_path).broken


def test_none_at_all(tmp_path: Path) -> None:
    assert read_result(tmp_path).broken == "it wrote no result.json"


def test_a_link_a_pipe_and_a_folder_are_none(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(GOOD)
    (tmp_path / "result.json").symlink_to(tmp_path / "secret")
    assert "cannot be read" in read_result(tmp_path).broken
    (tmp_path / "result.json").unlink()
    os.mkfifo(tmp_path / "result.json")
    assert "cannot be read" in read_result(tmp_path).broken
    (tmp_path / "result.json").unlink()
    (tmp_path / "result.json").mkdir()
    assert "cannot be read" in read_result(tmp_path).broken

"""Globs: what they match, and what can be said of two of them."""

from __future__ import annotations

import fnmatch

from hypothesis import given
from hypothesis import strategies as st

from search_space.globs import Glob

PATTERN = st.text("ab/.*?A[]!-", max_size=7)
TEXT = st.text("ab/.A-", max_size=8)


@given(PATTERN, TEXT)
def test_globs_match_as_in_the_standard_library(pattern: str, text: str) -> None:
    assert Glob(pattern).matches(text) == fnmatch.fnmatchcase(text, pattern)


@given(PATTERN, PATTERN, st.lists(TEXT, max_size=8))
def test_comparing_globs_never_says_what_a_text_disproves(left: str, right: str, texts: list[str]) -> None:
    one, other = Glob(left), Glob(right)
    both = [text for text in texts if one.matches(text) and other.matches(text)]
    assert one.touches(other) or not both
    assert not one.covers(other) or all(one.matches(text) for text in texts if other.matches(text))


def test_comparing_globs_is_exact() -> None:
    covered = [("*", ""), ("a*", "a*b"), ("?*", "[!x]?"), ("*a*", "*a*a*"), ("[a-c]", "b"), ("*", "*/*"), ("a*b", "ab")]
    for outer, inner in covered:
        assert Glob(outer).covers(Glob(inner)), (outer, inner)
        assert outer == "?*" or not Glob(inner).covers(Glob(outer)) or outer == inner, (outer, inner)
    assert not Glob("read_*").touches(Glob("write_*"))
    assert Glob("*_file").touches(Glob("read_*"))
    assert Glob("*" + "a*" * 90).covers(Glob("a" * 180))


def test_what_is_too_long_winded_to_compare_is_neither_covered_nor_apart() -> None:
    one, other = Glob("*a" + "?" * 18), Glob("*b" + "?" * 18)
    assert one.covers(one)
    assert not one.covers(other)
    assert one.touches(other)
    assert not Glob("c" + "?" * 19).covers(other)


def test_a_pattern_that_is_slow_elsewhere_is_not() -> None:
    assert not Glob("*a" * 60 + "b").matches("a" * 20_000)

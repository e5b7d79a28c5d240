from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.diffs import apply_diff, check_path, count_lines, make_diff, reverse_diff
from search_space.errors import InvalidEdit

LINE = st.sampled_from(
    ["a", "b", "--- a/x", "+++ b/x", "@@ -1 +1 @@", "", " ", "cr\r", "\\ No newline", "diff --git a/x b/x"]
)
CONTENT = st.lists(LINE, max_size=25).map(lambda lines: "\n".join(lines).encode())
TREES = st.dictionaries(st.sampled_from(["x", "y z.md", "d/x", "e"]), CONTENT, max_size=4)


@settings(max_examples=60, deadline=None)
@given(TREES, TREES)
def test_a_diff_leads_there_and_its_reverse_back(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    text = make_diff(before, after)
    if before == after:
        assert text == ""
        return
    assert apply_diff(before, text) == after
    assert apply_diff(after, reverse_diff(text)) == before
    assert apply_diff(before, reverse_diff(reverse_diff(text))) == after


FILES = {"p.md": b"one\ntwo\nthree\nfour\n"}
GOOD = "--- a/p.md\n+++ b/p.md\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"


def test_a_plain_diff_without_git_header_applies() -> None:
    assert apply_diff(FILES, GOOD) == {"p.md": b"one\n2\nthree\nfour\n"}
    assert apply_diff(FILES, GOOD.removesuffix("\n")) == {"p.md": b"one\n2\nthree\nfour\n"}
    assert count_lines(GOOD) == (1, 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "got no file"),
        ("hello", "expected a unified diff's header"),
        (GOOD.replace(" one", " uno"), r"p\.md: hunk 1, line 1: got 'one\\n', expected 'uno\\n'"),
        (GOOD.replace("-1,3", "-2,3"), r"line 2: got 'two\\n', expected 'one\\n'"),
        (GOOD.replace("-1,3 +1,3", "-1,4 +1,4"), "expected a hunk of the length of line 3"),
        (GOOD.replace("-1,3 +1,3", "-1,2 +1,2"), "expected a unified diff's header or hunk"),
        (GOOD.replace("p.md", "q.md"), "q.md: got an edit of a file that is not there, nearest: p.md"),
        (GOOD.replace("a/p.md", "/dev/null"), "already there"),
        (GOOD.replace("b/p.md", "/dev/null"), "not all of its lines"),
        (GOOD.replace("b/p.md", "b/q.md"), "expected one file's old and new name to be the same"),
        (GOOD.replace("p.md", "../p.md"), "expected a relative path inside"),
        (GOOD.replace("a/p.md", "/etc/x").replace("b/p.md", "/etc/x"), "expected a relative path inside"),
        ("diff --git a/p.md b/q.md\nrename from p.md\n", "expected 'diff --git a/file b/file'"),
        ("diff --git a/p.md b/p.md\nold mode 100644\nnew mode 100755\n", "expected only changes of text"),
        ("@@ -1 +1 @@\n-a\n+b\n", "before any"),
        ("--- a/p.md\n@@ -1 +1 @@\n", "got no '\\+\\+\\+ b/file'"),
        (GOOD + "@@ -2,1 +2,1 @@\n-two\n+2\n", "expected a line after the last hunk's"),
        ("--- a/p.md\n+++ b/p.md\n", "got no hunk"),
    ],
)
def test_a_diff_that_does_not_apply_says_why(text: str, why: str) -> None:
    with pytest.raises(InvalidEdit, match=why):
        apply_diff(FILES, text)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InvalidEdit, match="not UTF-8"):
        apply_diff({"p.md": b"\xff"}, GOOD)


@pytest.mark.parametrize("path", ["", "/x", "a/../b", "a//b", "./a", "a\\b", "a/"])
def test_paths_outside_the_tree_are_refused(path: str) -> None:
    with pytest.raises(InvalidEdit, match="expected a relative path"):
        check_path(path)

"""Effects: resources that contain one another, inputs in their names, and when two calls conflict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.tools import Effects, overlap, resource


def effects(reads: str = "", writes: str = "") -> Effects:
    return Effects(frozenset(reads.split()), frozenset(writes.split()))


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("files", "files", True),
        ("files", "files:src/a.py", True),
        ("files:src", "files:src/a.py", True),
        ("files:src", "files:src2/a.py", False),
        ("files:src/a.py", "files:src/b.py", False),
        ("file", "files", False),
        ("notes", "files", False),
    ],
)
def test_a_resource_contains_its_parts(one: str, other: str, meet: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is meet


PARTS = st.lists(st.sampled_from(["a", "b", "ab", "..", ".", "c*"]), max_size=4).map("/".join)


@given(PARTS, PARTS)
def test_overlap_is_what_the_paths_say(one: str, other: str) -> None:
    first, second = resource("files", one), resource("files", other)
    paths = [name.partition(":")[2].split("/") if ":" in name else [] for name in (first, second)]
    shorter = min(map(len, paths))
    assert overlap(first, second) is (paths[0][:shorter] == paths[1][:shorter])


@pytest.mark.parametrize(
    ("declared", "given_input", "bound"),
    [
        ("files:{path}", {"path": "src/a.py"}, {"files:src/a.py"}),
        ("files:{path}", {"path": "./src//b/../a.py"}, {"files:src/a.py"}),
        ("files:{path}", {"path": "."}, {"files"}),
        ("files:{path}", {}, {"files"}),
        ("files:{path}", {"path": 3}, {"files"}),
        ("files:{path}", {"path": "../out"}, {"files"}),
        ("files:{path}", {"path": "/etc"}, {"files"}),
        ("files:{path}", ["not an object"], {"files"}),
        ("files:{glob}", {"glob": "src/lib/*.py"}, {"files:src/lib"}),
        ("files:{glob}", {"glob": "**/x.py"}, {"files"}),
        ("files:{paths}", {"paths": ["a", "b/c"]}, {"files:a", "files:b/c"}),
        ("files:{paths}", {"paths": ["a", 1]}, {"files"}),
        ("files:{paths}", {"paths": []}, {"files"}),
        ("files:{paths}", {"paths": ["a"] * 65}, {"files"}),
        ("files:{folder}/{name}.md", {"folder": "x", "name": "y"}, {"files:x/y.md"}),
        ("files:{folder}/{name}.md", {"folder": "x"}, {"files"}),
        ("files:src notes", {}, {"files:src", "notes"}),
    ],
)
def test_inputs_take_their_place(declared: str, given_input: object, bound: set[str]) -> None:
    assert effects(writes=declared).of(given_input) == Effects(writes=frozenset(bound))


def test_two_readers_never_conflict_and_a_writer_does_with_both() -> None:
    reader, writer = effects(reads="files"), effects(writes="files:{path}")
    assert reader.conflict(reader) is None
    assert reader.conflict(writer) == writer.conflict(reader) == "files:{path}"
    one, other = writer.of({"path": "a"}), writer.of({"path": "b"})
    assert not one.conflicts(other)
    assert one.conflict(one) == "files:a"
    assert one.conflict(reader) == "files:a"


@pytest.mark.parametrize(
    ("one", "other", "always"),
    [
        ("files", "files", "files"),
        ("files", "files:{path}", "files:{path}"),
        ("files:{path}", "files:{path}", None),
        ("files:src", "files:{path}", None),
        ("files:src", "files:src/{name}", "files:src/{name}"),
        ("files:src", "files:src{name}", None),
        ("files:src/a.py", "files:src", "files:src/a.py"),
        ("files:src/a.py", "files:src/{name}", None),
        ("notes", "files", None),
    ],
)
def test_what_conflicts_whatever_the_inputs_are(one: str, other: str, always: str | None) -> None:
    assert effects(writes=one).always_conflict(effects(writes=other)) == always
    assert effects(writes=other).always_conflict(effects(reads=one)) == always
    assert effects(reads=one).always_conflict(effects(reads=other)) is None


NAMES = st.sets(st.sampled_from(["files", "files:{p}", "files:a/{p}", "files:a", "files:b", "notes"]), max_size=3)
INPUTS = st.fixed_dictionaries({"p": st.sampled_from(["a", "b", "a/b", "c"])})


@given(NAMES, NAMES, NAMES, NAMES, INPUTS, INPUTS)
def test_may_and_must_frame_what_two_calls_do(
    r1: set[str], w1: set[str], r2: set[str], w2: set[str], first: dict[str, str], second: dict[str, str]
) -> None:
    one, other = Effects(frozenset(r1), frozenset(w1)), Effects(frozenset(r2), frozenset(w2))
    bound = one.of(first).conflicts(other.of(second))
    assert bound or one.always_conflict(other) is None
    assert one.conflicts(other) or not bound

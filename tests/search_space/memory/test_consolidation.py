"""What consolidation makes of the notes between two tasks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.harness_file import MemoryConfig
from search_space.memory.consolidation import consolidate, merged
from search_space.memory.notes import Note, Notes

TEXTS = st.dictionaries(
    st.text("ab ", min_size=1, max_size=6).filter(str.strip), st.text("xy\n", min_size=1, max_size=8), max_size=8
)


def notes(**texts: str) -> dict[str, Note]:
    return {topic.replace("_", " "): Note(text) for topic, text in texts.items()}


def config(kind: str, chars: int = 4000) -> MemoryConfig:
    return MemoryConfig.model_validate({"consolidation": kind, "notes_chars": chars})


def test_near_duplicates_become_one_note_under_the_shortest_topic() -> None:
    others = {f"{what} of Ware{n}": Note(str(n)) for n in range(4, 8) for what in ("base class", "line")}
    alike = {
        "base class of Ware3": Note("base = Base3", reads=1),
        "file of Ware3": Note("file = ware3.py\nbase = Base3", reads=2),
    }
    found = merged({**others, **alike, "weather": Note("rain")})
    assert list(found) == [
        "line of Ware4",
        "line of Ware5",
        "line of Ware6",
        "line of Ware7",
        "file of Ware3",
        "weather",
    ]
    assert found["file of Ware3"] == Note("base = Base3\nfile = ware3.py", 3, ("base class of Ware3",))


def test_a_word_that_every_topic_has_makes_none_alike() -> None:
    topics = notes(outline_a="1", outline_b="2", outline_c="3", outline_d="4", outline_e="5")
    assert merged(topics) == topics


def test_blocks_of_lines_stay_together() -> None:
    found = merged({"x one": Note("call()\n  1\n  2"), "x one more": Note("other()\n  1\nplain")})
    assert found["x one"].text == "call()\n  1\n  2\nother()\n  1\nplain"


def test_trimming_drops_the_oldest_or_the_least_read() -> None:
    made = {"one": Note("1" * 30, reads=2), "two": Note("2" * 30), "three": Note("3" * 30, reads=1)}
    assert list(consolidate(config("trim_oldest", 100), made.items())) == ["two", "three"]
    assert list(consolidate(config("trim_least_read", 100), made.items())) == ["one", "three"]
    assert list(consolidate(config("none", 100), made.items())) == ["one", "two", "three"]


@given(TEXTS, st.integers(100, 140))
def test_consolidation_makes_nothing_up(texts: dict[str, str], chars: int) -> None:
    before = {topic: Note(text) for topic, text in texts.items()}
    lines = {line for note in before.values() for line in note.text.split("\n")}
    for kind in ("merge", "trim_oldest", "trim_least_read"):
        after = consolidate(config(kind, chars), before.items())
        assert set(after) <= set(before)
        assert {line for note in after.values() for line in note.text.split("\n")} <= lines
        if kind == "merge":
            assert {line for note in after.values() for line in note.text.split("\n")} == lines
            assert {name for topic, note in after.items() for name in (topic, *note.also)} == set(before)


def test_a_merged_topic_is_still_found_by_its_old_name(tmp_path: Path) -> None:
    kept = Notes(tmp_path / "notes.json")
    kept.replace({"file of Ware3": Note("a\nb", also=("base class of Ware3",))})
    assert kept.read("base class of Ware3") == "a\nb"
    kept.write("base class of Ware3", "c", append=True)
    assert Notes(tmp_path / "notes.json").read("file of Ware3") == "a\nb\nc"


@pytest.mark.parametrize("kind", ["merge", "trim_oldest", "trim_least_read", "none"])
def test_no_notes_stay_no_notes(kind: str) -> None:
    assert consolidate(config(kind), []) == {}

"""The three layers of memory: notes with their index, the archive, and what is shown with a task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search_space.calls import Call, running
from search_space.harness_file import MemoryConfig
from search_space.memory import Memory
from search_space.tools import ToolError

CLASS_BASES = ("class_bases", {"name": "Ware3", "path": "shop/ware3.py"}, "Base3")
TASK = "In which module is the base class of the class `Ware3` (defined in the module `shop.ware3`) defined?"


def memory(folder: Path, **config: Any) -> Memory:
    return Memory(MemoryConfig.model_validate({"index": True, "notes": True, "archive": True, **config}), folder)


def write(mine: Memory, topic: str, text: str, append: bool = False) -> None:
    mine.tools()[0].run({"topic": topic, "text": text, "append": append})


def read(mine: Memory, topic: str) -> str:
    return mine.tools()[1].run({"topic": topic})


def test_notes_are_written_read_and_listed(tmp_path: Path) -> None:
    mine = memory(tmp_path / "m")
    assert mine.index_text() == ""
    write(mine, "base", "json.decoder\nline 2")
    write(mine, "count", "4")
    write(mine, "base", "line 3", append=True)
    assert read(mine, "base") == "json.decoder\nline 2\nline 3"
    assert mine.index_text() == "Notes (read with read_note):\n- count: 4\n- base: json.decoder (+2 lines)"
    with pytest.raises(ToolError, match="no note on 'x'; topics: count, base"):
        read(mine, "x")
    with pytest.raises(ToolError, match="text: got None"):
        mine.tools()[0].run({"topic": "x"})
    assert memory(tmp_path / "m").index_text() == mine.index_text()


def test_a_note_is_written_when_its_call_is_committed(tmp_path: Path) -> None:
    mine = memory(tmp_path)
    with running(Call()) as thrown_away:
        write(mine, "wrong", "1")
    thrown_away.discard()
    with running(Call()) as call:
        write(mine, "right", "2")
    assert mine.index_text() == "" and call.writes == {"notes"}
    call.commit()
    assert mine.index_text() == "Notes (read with read_note):\n- right: 2"


@pytest.mark.parametrize("shows", ["topics", "first_lines", "notes"])
@pytest.mark.parametrize("order", ["newest", "most_read"])
def test_the_index_is_bounded(tmp_path: Path, shows: str, order: str) -> None:
    mine = memory(tmp_path, index_chars=100, index_shows=shows, index_order=order)
    for number in range(50):
        write(mine, f"topic {number}", "x" * 30)
        assert len(mine.index_text()) <= 100
    assert "topic 49" in mine.index_text()
    assert "(4" in mine.index_text()  # says how many are left out


def test_what_the_index_shows(tmp_path: Path) -> None:
    for shows, text in {
        "topics": "- a\n- b",
        "first_lines": "- a: one (+1 line)\n- b: three",
        "notes": "a:\n  one\n  two\nb:\n  three",
    }.items():
        mine = memory(tmp_path / shows, index_shows=shows)
        write(mine, "a", "one\ntwo")
        write(mine, "b", "three")
        assert mine.index_text() == f"Notes (read with read_note):\n{text}"


def test_the_most_read_topics_stay(tmp_path: Path) -> None:
    shown = {}
    for order in ("newest", "most_read"):
        mine = memory(tmp_path / order, index_order=order, index_shows="topics", index_chars=60)
        for name in ("first", "second", "third", "fourth"):
            write(mine, name, "text")
        read(mine, "second")
        shown[order] = mine.index_text().split("\n")[1:]
    assert shown["newest"] == ["(3 older topics)", "- fourth"]
    assert shown["most_read"] == ["- second", "(3 less read topics)"]


def test_the_index_tells_of_an_archive_that_holds_something(tmp_path: Path) -> None:
    mine = memory(tmp_path)
    mine.archive("grep", "text")
    assert mine.index_text() == "Archive: earlier results (find them with search_archive)"


def test_layers_that_are_off_offer_nothing(tmp_path: Path) -> None:
    off = Memory(MemoryConfig(), tmp_path / "m")
    off.archive("grep", "text")
    assert off.tools() == []
    assert off.index_text() == off.for_task(TASK) == ""
    assert off.consolidate() is None
    assert not (tmp_path / "m").exists()
    names = [each.name for each in memory(tmp_path, notes=False).tools()]
    assert names == ["search_archive"]


def test_the_archive_is_searched_by_words(tmp_path: Path) -> None:
    mine = memory(tmp_path)
    search = mine.tools()[2]
    mine.archive("grep json", "json/decoder.py:254: class JSONDecoder(object):")
    mine.archive("outline csv", "class DictReader (lines 80-130)")
    mine.archive("read_file", "\n".join(f"{number}: filler line" for number in range(500)) + "\n501: class Wanted")
    assert search.run({"query": "JSONDecoder class"}).startswith("[grep json]\njson/decoder.py:254")
    found = search.run({"query": "Wanted"})
    assert "501: class Wanted" in found
    assert len(found) < 1500
    assert search.run({"query": "nothing_like_it"}) == "nothing in the archive for 'nothing_like_it'"
    assert memory(tmp_path).search("DictReader") == mine.search("DictReader")


def test_ways_to_search_the_archive(tmp_path: Path) -> None:
    found = {}
    for how in ("words", "phrase", "recent"):
        mine = memory(tmp_path / how, archive_search=how, archive_entries=2)
        mine.archive("one", "the base class of Ware3, the rare word")
        mine.archive("two", "a class  of Ware3")
        mine.archive("three", "class")
        mine.archive("four", "nothing")
        found[how] = [source for source, _ in mine.search("Class of ware3 rare")]
        assert mine.search("class of ware3")[0][0] == ("three" if how == "recent" else "two")
    assert found == {"words": ["one", "two"], "phrase": [], "recent": ["three", "two"]}


def test_an_archive_entry_is_cut(tmp_path: Path) -> None:
    mine = memory(tmp_path, archive_chars=100)
    mine.archive("read_file", "\n".join(f"{number}: a line of source" for number in range(100)))
    found = mine.tools()[2].run({"query": "source"})
    assert len(found) < 150 and found.endswith("of 100 lines]")


def test_notes_that_fit_a_task_are_shown_with_it(tmp_path: Path) -> None:
    mine = memory(tmp_path, notes_read="start")
    assert mine.for_task(TASK) == ""
    write(mine, "base class of Ware3", "base class of Ware3 in shop/ware3.py = Base3")
    write(mine, "weather", "rain")
    mine.leave_note(*CLASS_BASES, task=TASK)
    shown = mine.for_task(TASK)
    assert "base class of Ware3:\n  base class of Ware3 in shop/ware3.py = Base3" in shown
    assert 'class_bases({"name":"Ware3","path":"shop/ware3.py"})\n  Base3' in shown
    assert "weather" not in shown
    assert memory(tmp_path, notes_read="asked").for_task(TASK) == ""
    small = memory(tmp_path, notes_read="start", start_chars=120).for_task(TASK)
    assert "Base3" in small and len(small) <= 120


def test_a_note_that_is_shown_counts_as_read(tmp_path: Path) -> None:
    mine = memory(tmp_path, notes_read="start", index_order="most_read", index_shows="topics")
    write(mine, "base class of Ware3", "Base3")
    write(mine, "weather", "rain")
    mine.for_task(TASK)
    assert mine.index_text().split("\n")[1] == "- base class of Ware3"


def test_a_note_left_by_the_harness(tmp_path: Path) -> None:
    mine = memory(tmp_path)
    mine.leave_note(*CLASS_BASES, task=TASK)
    mine.leave_note("read_note", {"topic": "x"}, "text", task=TASK)
    assert mine.index_text().split("\n")[1:] == ["- class_bases Ware3 shop/ware3.py: Base3"]
    long = "\n".join(f"{number}: x = {number}" for number in range(100))
    mine.leave_note("read_file", {"path": "a.py"}, long, task=TASK)
    text = read(mine, "read_file a.py")
    assert len(text) < 800 and text.endswith("  ... (92 more lines)")

"""Memory and trajectory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.errors import InvalidFile, MissingFile
from search_space.harness import MemoryConfig
from search_space.memory import Memory
from search_space.tools import ToolError
from search_space.trajectory import TrajectoryWriter, read_trajectory


def memory(folder: Path, **config: bool | int) -> Memory:
    return Memory(MemoryConfig.model_validate({"index": True, "notes": True, "archive": True, **config}), folder)


def test_notes_are_written_read_and_listed(tmp_path: Path) -> None:
    mine = memory(tmp_path / "m")
    assert mine.index_text() == ""
    write, read, _ = mine.tools()
    write.run({"topic": "base", "text": "json.decoder\nline 2"})
    write.run({"topic": "count", "text": "4"})
    write.run({"topic": "base", "text": "line 3", "append": True})
    assert read.run({"topic": "base"}) == "json.decoder\nline 2\nline 3"
    assert mine.index_text() == "Notes (read with read_note):\n- count: 4\n- base: json.decoder"
    with pytest.raises(ToolError, match="no note on 'x'; topics: count, base"):
        read.run({"topic": "x"})
    with pytest.raises(ToolError, match="text: got None"):
        write.run({"topic": "x"})
    assert memory(tmp_path / "m").index_text() == mine.index_text()


def test_the_index_is_bounded_and_keeps_the_newest(tmp_path: Path) -> None:
    mine = memory(tmp_path, index_chars=100)
    write = mine.tools()[0]
    for number in range(50):
        write.run({"topic": f"topic {number}", "text": "x" * 30})
        assert len(mine.index_text()) <= 100
    assert "topic 49" in mine.index_text()
    assert "older topics" in mine.index_text()


def test_layers_that_are_off_offer_nothing(tmp_path: Path) -> None:
    off = Memory(MemoryConfig(), tmp_path / "m")
    off.archive("grep", "text")
    assert off.tools() == []
    assert off.index_text() == ""
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


RECORDS = st.lists(
    st.dictionaries(st.text(max_size=4), st.text(max_size=9) | st.integers() | st.none(), max_size=3), max_size=5
)


@settings(deadline=None, max_examples=40)
@given(records=RECORDS, cut=st.integers(0, 40))
def test_a_trajectory_survives_a_cut_at_any_byte(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, object]], cut: int
) -> None:
    path = tmp_path_factory.mktemp("t") / "trajectory.jsonl"
    with TrajectoryWriter(path) as writer:
        for record in records:
            writer.write(record)
    assert read_trajectory(path) == records
    content = path.read_bytes()[:cut]
    path.write_bytes(content)
    whole = content.count(b"\n")
    assert read_trajectory(path) == records[:whole]
    with TrajectoryWriter(path) as writer:
        writer.write({"after": 1})
    assert read_trajectory(path) == [*records[:whole], {"after": 1}]


def test_a_line_is_there_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    writer = TrajectoryWriter(path)
    writer.write({"text": "\ud800 ☃"})
    assert read_trajectory(path) == [{"text": "\ud800 ☃"}]
    writer.close()
    writer.close()


def test_a_trajectory_that_is_wrong_says_where(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"t\.jsonl"):
        read_trajectory(tmp_path / "t.jsonl")
    (tmp_path / "t.jsonl").write_text("{}\nx\n{}\n")
    with pytest.raises(InvalidFile, match=r"t\.jsonl: line 2: got no JSON"):
        read_trajectory(tmp_path / "t.jsonl")
    (tmp_path / "t.jsonl").write_text("[]\n")
    with pytest.raises(InvalidFile, match="line 1: got list"):
        read_trajectory(tmp_path / "t.jsonl")

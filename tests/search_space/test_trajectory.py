"""Trajectories: records a line, whatever cuts them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.errors import InvalidFile, MissingFile
from search_space.trajectory import TrajectoryWriter, read_trajectory

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

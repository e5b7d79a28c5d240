"""When two assignments are near-copies of each other."""

from __future__ import annotations

import pytest

from optimizer.likeness import likeness


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"a": 1, "b": "x"}, {"b": "x", "a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": None}, {}, False),
        ({"a": 0.1234}, {"a": 0.1229}, True),
        ({"a": 12000}, {"a": 12100}, True),
        ({"a": 98}, {"a": 99}, False),
        ({"a": 0.12}, {"a": -0.12}, False),
        ({"a": "1"}, {"a": 1}, False),
    ],
)
def test_near_copies(one: dict[str, object], other: dict[str, object], alike: bool) -> None:
    assert (likeness(one) == likeness(other)) is alike  # type: ignore[arg-type]

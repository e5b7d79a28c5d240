from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.errors import InvalidEdit, InvalidFile
from search_space.keyed.json_text import Json
from search_space.toml_text import equal, split_key

TEXT = """\
{
\t"permissions": {
\t\t"allow": [
\t\t\t"Bash(ls:*)",
\t\t\t"Read"
\t\t],
\t\t"deny": [ ]
\t},
\t"model":"opus",  "limit" : 1e3,
\t"es\\u0063aped": {"a": null}
}
"""
CASES = [
    ("model", "so\u00fc", '"opus"', '"so\u00fc"'),
    ("limit", 2, "1e3", "2"),
    ("permissions.allow", ["Read"], '"Bash(ls:*)",\n\t\t\t', ""),
    ("permissions.allow", ["Bash(ls:*)", "Read", "x"], '"Read"', '"Read",\n\t\t\t"x"'),
    ("permissions.deny", ["x"], "[ ]", '["x"]'),
    ("permissions.more", True, "[ ]", '[ ],\n\t\t"more": true'),
    ("escaped.a", 1, "null", "1"),
    ("new.deep", 1, '{"a": null}', '{"a": null},\n\t"new": {"deep": 1}'),
    ("model", None, '"model":"opus",  ', ""),
    ("escaped", None, ',\n\t"es\\u0063aped": {"a": null}', ""),
    ("permissions.deny", None, ',\n\t\t"deny": [ ]', ""),
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
KEYS = ["permissions.allow", "permissions.x", "model", "limit", "new", "new.x", "escaped"]


@pytest.mark.parametrize(("key", "value", "old", "new"), CASES)
def test_only_the_value_changes(key: str, value: object, old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    assert Json().set_value(TEXT, key, value, "a.json") == TEXT.replace(old, new)


@settings(deadline=None)
@given(
    st.sampled_from(KEYS),
    SCALARS.filter(lambda value: value is not None) | st.lists(SCALARS, max_size=3),
    st.dictionaries(st.text(), JSON, max_size=3),
    st.sampled_from([None, 0, 3]),
)
def test_what_is_set_reads_back_and_the_rest_reads_the_same(
    key: str, value: object, more: dict[str, object], indent: int | None
) -> None:
    before = {**json.loads(TEXT), "more": more}
    after = json.loads(Json().set_value(json.dumps(before, indent=indent), key, value, "a.json"))
    read, parts = after, split_key(key)
    for part in parts:
        read = read[part]
    assert equal(read, value)
    assert equal(after["more"], more)
    assert {name for name in before if name != parts[0]} <= after.keys()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": 1,}', "invalid JSON"),
        ('{"a": 1} // no', "invalid JSON .*Extra data"),
        ("[1]", "JSON with a list at the top, expected an object"),
        ("", "invalid JSON"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
    ],
)
def test_what_is_no_usable_json_is_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidFile, match=why):
        Json().values(text, "a.json")


def test_of_a_name_that_stands_twice_the_last_one_counts() -> None:
    assert Json().set_value('{"a": 1, "a": 2}', "a", 3, "a") == '{"a": 1, "a": 3}'


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidEdit, match="finite"):
        Json().set_value('{"a": 1}', "a", float("nan"), "a")

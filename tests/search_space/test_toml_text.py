from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.errors import InvalidEdit, InvalidFile
from search_space.toml_text import equal, join_key, parse_toml, set_value, split_key

TEXT = """\
# top
name = "x"  # the name

[limits]
# steps
max_steps = 10  # few
"quotedkey" = 'a'
list = [
  1, # one
  2,
]

[tools]
default = "offered"

[tools.visibility]
grep = "off"
"""
SCALARS = (
    st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
KEYS = st.sampled_from(
    [
        "name",
        "new",
        "limits.max_steps",
        "limits.new",
        "limits.list",
        'limits."quotedkey"',
        "other.deep.key",
        "tools.visibility.grep",
        "tools.parallel.grep",
    ]
)


@settings(deadline=None)
@given(KEYS, SCALARS | st.lists(SCALARS, max_size=3))
def test_a_set_key_reads_back_and_nothing_else_changes(key: str, value: object) -> None:
    after = set_value(TEXT, key, value, "h.toml")
    data = tomllib.loads(after)
    table = data
    for part in split_key(key)[:-1]:
        table = table[part]
    assert equal(table[split_key(key)[-1]], value)
    for comment in ("# top", "# steps"):
        assert comment in after
    restored = set_value(after, key, None, "h.toml")
    assert split_key(key)[-1] not in _table(tomllib.loads(restored), split_key(key)[:-1])


def _table(data: dict[str, object], parts: tuple[str, ...]) -> object:
    value: object = data
    for part in parts:
        assert isinstance(value, dict)
        value = value[part]
    return value


def test_only_the_value_changes_on_its_line() -> None:
    assert set_value(TEXT, "limits.max_steps", 12, "h") == TEXT.replace(
        "max_steps = 10  # few", "max_steps = 12  # few"
    )
    assert set_value(TEXT, "limits.max_steps", 10, "h") == TEXT


def test_a_new_table_stands_after_its_parent() -> None:
    after = set_value("[tools]\ndefault = 'off'\n\n[z]\n", "tools.visibility.grep", "off", "h")
    assert after == "[tools]\ndefault = 'off'\n\n[tools.visibility]\ngrep = \"off\"\n\n[z]\n"


@pytest.mark.parametrize(
    "text",
    [
        "a = {b = 1}\n",
        "a.b = 1\n",
        'x = """\n[a]\nb = 2\n"""\n[a]\nb = 1\n',
        "[[t]]\nb = 1\n[a]\nb = 1",
        "[a] # c\nb=1#c\r\n",
    ],
)
def test_every_way_to_write_a_table_can_be_edited(text: str) -> None:
    after = set_value(text, "a.b", "new", "h")
    assert equal(tomllib.loads(after), {**tomllib.loads(text), "a": {"b": "new"}})


def test_errors_say_what_was_got() -> None:
    with pytest.raises(InvalidEdit, match=r"h: name: got 'x' there, expected a table"):
        set_value(TEXT, "name.deep", 1, "h")
    with pytest.raises(InvalidEdit, match=r"limits\.no: got a removal"):
        set_value(TEXT, "limits.no", None, "h")
    for key in ("", ".a", "a..b", "a b", 'a."b'):
        with pytest.raises(InvalidEdit, match="expected a dotted key"):
            split_key(key)
    with pytest.raises(InvalidFile, match=r"h\.toml: the file: got invalid TOML .*line 1"):
        parse_toml("= 1", "h.toml")


def test_keys_are_quoted_where_needed() -> None:
    assert join_key(("a", "b c")) == 'a."b c"'
    assert split_key('a."b c".d') == ("a", "b c", "d")


def test_equality_tells_kinds_of_number_apart() -> None:
    assert not equal(True, 1)
    assert not equal({"a": [1]}, {"a": [1.0]})
    assert equal({"a": 1, "b": 2}, {"b": 2, "a": 1})

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.errors import InvalidEdit, InvalidFile
from search_space.keyed.yaml_text import Yaml
from search_space.toml_text import equal, split_key

TEXT = """\
# an agent
agent:
  system: |
    You help.

    - Be short.
  # how long
  steps: 0   # no limit
  cost: 3.
  'quoted': 'it''s'
  tools:
    - grep  # search
    - read

  stop: "x"

model: {name: big, rate: 1e-3}
extra:
# end
"""
CASES = [
    ("agent.steps", 12, "steps: 0 ", "steps: 12 "),
    ("agent.cost", 1e-7, "cost: 3.", "cost: 1.0e-07"),
    ("agent.quoted", "that's", "'it''s'", "'that''s'"),
    ("agent.stop", "yes", '"x"', '"yes"'),
    ("agent.system", "A\n b\n", "You help.\n\n    - Be short.", "A\n     b"),
    ("agent.tools", ["read"], "    - grep  # search\n", ""),
    ("agent.tools", ["grep", "read", "run"], "    - read\n", "    - read\n    - run\n"),
    ("agent.new", True, '  stop: "x"\n', '  stop: "x"\n  new: true\n'),
    ("model.rate", 0.5, "1e-3", "0.5"),
    ("model.top", 1, "1e-3}", "1e-3, top: 1}"),
    ("extra", 5, "extra:", "extra: 5"),
    ("more.deep", "a b", "# end\n", "# end\n"),
    ("agent.steps", None, "  steps: 0   # no limit\n", ""),
    ("model.name", None, "name: big, ", ""),
]
SCALARS = (
    st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.text("ab \n'\"#:-|>", max_size=12)
)
KEYS = [
    "agent.system",
    "agent.steps",
    "agent.new",
    "agent.quoted",
    "agent.stop",
    "model.name",
    "model.x",
    "extra",
    "x.y",
]


@pytest.mark.parametrize(("key", "value", "old", "new"), CASES)
def test_only_the_value_changes(key: str, value: object, old: str, new: str) -> None:
    after = Yaml().set_value(TEXT, key, value, "a.yaml")
    if key == "more.deep":
        assert after == TEXT.replace("extra:\n", "extra:\nmore:\n  deep: a b\n")
    else:
        assert TEXT.count(old) == 1
        assert after == TEXT.replace(old, new)
    yaml.safe_load(after)


@settings(deadline=None)
@given(st.sampled_from(KEYS), SCALARS | st.lists(SCALARS, max_size=3), st.booleans())
def test_what_is_set_reads_back_and_every_other_line_stays(key: str, value: object, windows: bool) -> None:
    text = TEXT.replace("\n", "\r\n") if windows else TEXT
    after = Yaml().set_value(text, key, value, "a.yaml")
    read = Yaml().values(after, "a.yaml")
    for part in split_key(key):
        read = read[part]
    assert equal(read, value)
    for comment in ("# an agent", "  # how long", "# no limit", "- grep  # search", "# end"):
        assert comment in after


@settings(deadline=None)
@given(st.lists(st.sampled_from(["grep", "read", "a: b", "- c", ""]), unique=True, max_size=4))
def test_a_list_in_any_order_reads_back(tools: list[str]) -> None:
    after = Yaml().set_value(TEXT, "agent.tools", tools, "a.yaml")
    assert Yaml().values(after, "a.yaml")["agent"]["tools"] == tools


def test_a_merged_mapping_reads_as_what_it_merges_and_is_overridden_in_its_place() -> None:
    text = "base: &b\n  x: 1\nuse:\n  <<: *b\n  y: 2\n"
    assert Yaml().values(text, "a")["use"] == {"x": 1, "y": 2}
    assert Yaml().set_value(text, "use.x", 3, "a") == text + "  x: 3\n"


def test_values_with_tags_of_their_own_stay() -> None:
    text = "a: !include other.yaml\nb: 1\n"
    assert Yaml().set_value(text, "b", 2, "a") == text.replace("1", "2")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [1", "invalid YAML .*line 1"),
        ("a: 1\n---\nb: 2\n", "invalid YAML .*single document"),
        ("- 1\n", "YAML with a list at the top"),
        ("a: \x00", "invalid YAML"),
        ("a: 2026-99-99\n", "a value that cannot be read"),
        ("a: &a [*a]\n", "a value that holds itself"),
        (
            "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
            + "".join(
                f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcde", "bcdef", strict=True)
            ),
            "more than 100000 values",
        ),
        ("a: " + "[" * 3000 + "]" * 3000, "cannot be read|invalid"),
    ],
)
def test_what_is_no_usable_yaml_is_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidFile, match=why):
        Yaml().values(text, "a.yaml")


@pytest.mark.parametrize(
    ("text", "key", "value", "why"),
    [
        ("a: &x 1\nb: *x\n", "a", 2, "cannot be written without changing the rest"),
        ("a: &x 1\nb: *x\n", "b", 2, "cannot be written without changing the rest"),
        ("a: 1\n", "a.b", 2, "expected a table"),
        ("a: 1\n", "b", None, "the key is not there"),
        ("a: 1\n", "a", float("inf"), "expected a finite number"),
    ],
)
def test_an_edit_that_cannot_be_made_alone_is_refused(text: str, key: str, value: object, why: str) -> None:
    with pytest.raises(InvalidEdit, match=why):
        Yaml().set_value(text, key, value, "a.yaml")


def test_an_empty_document_gets_its_first_key() -> None:
    assert Yaml().set_value("# nothing yet", "a.b", 1, "a.yaml") == "# nothing yet\na:\n  b: 1\n"

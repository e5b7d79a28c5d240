from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.errors import InvalidEdit, InvalidFile
from search_space.keyed.python_text import Python
from search_space.toml_text import equal, split_key

TEXT = '''\
"""A script."""
TOTAL = 2**19  # tokens in a step
RATE: float = 1e-3
NAME = 'x'
BETAS = (0.8, 0.95)
CONFIG = {"rate": 0.1, "device": pick(), "deep": {"n": [1, 2]}}
AREA = 3 * (4 + 1)
é = "ü"; LAST = -3


class Model:
    depth: int = 4
    text = """a
b"""

    def forward(self):
        depth = 7
        return depth


if TOTAL:
    TWICE = 1
TWICE = 2
CALLED = pick()
HUGE = 2**(2**40)
BYTES = b"x"
LAST_BUT_ONE, OTHER = 1, 2
'''
VALUES = {
    "TOTAL": 524288,
    "RATE": 0.001,
    "NAME": "x",
    "BETAS": {"0": 0.8, "1": 0.95},
    "CONFIG": {"rate": 0.1, "deep": {"n": [1, 2]}},
    "AREA": 15,
    "é": "ü",
    "LAST": -3,
    "Model": {"depth": 4, "text": "a\nb"},
}
CASES = [
    ("TOTAL", 2**20, "2**19", "2**20"),
    ("TOTAL", 1000, "2**19", "1000"),
    ("RATE", 0.5, "1e-3", "0.5"),
    ("NAME", "it's", "'x'", '"it\'s"'),
    ("BETAS.1", 0.99, "0.95", "0.99"),
    ("CONFIG.rate", 1.5, "0.1", "1.5"),
    ("CONFIG.deep.n", [3], "[1, 2]", "[3]"),
    ("AREA", 7, "3 * (4 + 1)", "7"),
    ("LAST", 4, "= -3", "= 4"),
    ("Model.depth", 8, "int = 4", "int = 8"),
    ("Model.text", "x\n\ny", '"""a\nb"""', '"""x\n\ny"""'),
]
SCALARS = (
    st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.text("\"'\\\n{}a", max_size=9)
)
KEYS = ["TOTAL", "RATE", "NAME", "BETAS.0", "CONFIG.rate", "LAST", "Model.depth", "Model.text"]


def test_constants_are_literals_assigned_once() -> None:
    assert Python().values(TEXT, "a.py") == VALUES


@pytest.mark.parametrize(("key", "value", "old", "new"), CASES)
def test_only_the_value_changes(key: str, value: object, old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    assert Python().set_value(TEXT, key, value, "a.py") == TEXT.replace(old, new)


@settings(deadline=None)
@given(st.sampled_from(KEYS), SCALARS | st.lists(SCALARS, max_size=3), st.booleans())
def test_what_is_set_reads_back_and_all_else_stays(key: str, value: object, windows: bool) -> None:
    text = TEXT.replace("\n", "\r\n") if windows else TEXT
    after = Python().set_value(text, key, value, "a.py")
    read = Python().values(after, "a.py")
    for part in split_key(key):
        read = read[part]
    assert equal(read, value)
    assert ast.dump(_without(after, key)) == ast.dump(_without(text, key))


def _without(text: str, key: str) -> ast.Module:
    """The module without the statement that the key stands in."""
    module = ast.parse(text)
    name = key.split(".")[0]
    module.body = [
        each for each in module.body if not ast.unparse(each).startswith((f"{name} ", f"{name}:", f"class {name}"))
    ]
    return module


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("TWICE", r"TWICE: got it assigned 2 times \(lines 22, 23\), expected one assignment of a literal"),
        ("CALLED", "CALLED: got no literal in line 24"),
        ("HUGE", "HUGE: got no literal in line 25"),
        ("BYTES", "BYTES: got no literal"),
        ("OTHER", "OTHER: got no such constant"),
        ("CONFIG.device", r"CONFIG.device: got no literal in line 6"),
        ("Model.forward", "got no such constant"),
        ("TOTALS", r"TOTALS: got no such constant, .*did you mean 'TOTAL'"),
    ],
)
def test_what_is_no_constant_is_refused_with_its_reason(key: str, why: str) -> None:
    with pytest.raises(InvalidFile, match=why):
        Python().set_value(TEXT, key, 1, "a.py")


@pytest.mark.parametrize(("value", "why"), [(None, "a constant of Python code stays"), (float("nan"), "finite")])
def test_a_constant_is_not_removed_or_made_endless(value: object, why: str) -> None:
    with pytest.raises(InvalidEdit, match=why):
        Python().set_value(TEXT, "RATE", value, "a.py")


@pytest.mark.parametrize("text", ["A = (", "A = 1\x00", "A = " + "(" * 5000 + "1" + ")" * 5000])
def test_what_is_no_python_is_refused(text: str) -> None:
    with pytest.raises(InvalidFile, match=r"a\.py: the file: got .*, expected a Python module"):
        Python().values(text, "a.py")

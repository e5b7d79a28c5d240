"""Space files that are wrong: the error names file, dimension, key, got, expected and the nearest key."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_space.errors import InvalidFile, MissingFile
from search_space.space import Choice, load_space

INT = '[[dimension]]\nkind = "int"\nkey = "limits.max_steps"\nlow = 1\nhigh = 9\n'
SLOT = '[[dimension]]\nkind = "sentence"\nname = "{0}"\ntext = "{1}"\n'
COMPACTION = '[[dimension]]\nkind = "compaction"\nstrategies = ["none", "summary"]\n'

WRONG = [
    ("", "dimension: got nothing, expected a value"),
    (
        "dimensions = []",
        "dimensions: got an unknown key, expected one of description, dimension (did you mean 'dimension'?)",
    ),
    (INT.replace('"int"', '"integer"'), "dimension[0].kind: got 'integer', expected one of choice, int, "),
    (INT.replace("low", "lo"), "dimension[0].lo: got an unknown key, expected one of default, file, high, key,"),
    (INT.replace("low", "lo"), "(did you mean 'low'?)"),
    (INT.replace("low = 1", "low = '1'"), "dimension[0].low: got '1', expected a valid integer"),
    (INT.replace("low = 1", "low = 10"), "dimension[0] (limits.max_steps): got low = 10 above high = 9"),
    (INT + "step = 3", "got step = 3, expected a positive divisor of high - low"),
    (
        INT.replace("max_steps", "max_step"),
        "dimension[0] (limits.max_step).key: got 'limits.max_step', expected one of",
    ),
    (INT.replace("max_steps", "max_step"), "(did you mean 'limits.max_steps'?)"),
    (
        INT.replace("limits.max_steps", "subagents.reader.max_step"),
        "got 'subagents.reader.max_step', expected one of subagents.reader.description,",
    ),
    (INT.replace("limits.max_steps", "subagents.reader.max_step"), "(did you mean 'subagents.reader.max_steps'?)"),
    (INT.replace("limits.max_steps", "limits.max_steps.x"), "expected no key below limits.max_steps"),
    (INT.replace("limits.max_steps", "compaction.block"), "expected a dimension of kind 'compaction'"),
    (INT.replace("limits.max_steps", "a..b"), "expected a dotted key"),
    (INT + INT, "got the dimension 'limits.max_steps' twice, expected different names"),
    (INT + "file = '../x.toml'", "expected a relative path inside the harness"),
    (INT + "when = { b = [true] }\ndefault = 3", "which needs 'b' declared before it"),
    (INT + "when = { b = [true], c = [1] }", "expected one dimension in 'when', got 2"),
    (INT + "when = { b = [true] }\ndefault = 30", ".default: got 30, expected a whole number from 1 to 9"),
    ('[[dimension]]\nkind = "choice"\nkey = "name"\nvalues = ["a", "a"]', "got the value 'a' twice"),
    (
        SLOT.format("a", "x\\n\\ny"),
        "dimension[0] (a).texts.in: got 'x\\n\\ny', expected one bullet, paragraph or fenced",
    ),
    (SLOT.format("a", "x") + SLOT.format("b", "- x"), "got the same text as a (in) in b (in)"),
    (SLOT.format("a", "x") + "texts = { b = 'y' }", "expected either 'text' (one wording) or 'texts'"),
    ('[[dimension]]\nkind = "lead"\nname = "l"\nsection = "A"', "expected a section with two or more declared slots"),
    (
        '[[dimension]]\nkind = "lead"\nname = "l"\n' + SLOT.format("a", "x") + SLOT.format("b", "y"),
        "got 'l', which needs 'a' declared before it",
    ),
    (COMPACTION + "parameters = { sumary = {} }", "got 'sumary', expected one of the strategies none, summary"),
    (
        COMPACTION + "[dimension.parameters.summary.max_token]\nlow = 1\nhigh = 2",
        "(compaction).parameters.summary.max_token: got 'max_token', expected one of keep_messages, block, max_tokens",
    ),
    (
        COMPACTION + "[dimension.parameters.summary.block]\nlow = 1\nhigh = 2",
        "block.default: got 8, expected a whole number",
    ),
    (COMPACTION + "[dimension.parameters.summary.block]\nlow = 1", "expected either 'values' or both 'low' and 'high'"),
    (COMPACTION.replace('"none"', '"plugin"'), "parameters.plugin: got no 'file', expected file ="),
    (
        COMPACTION.replace("none", "nine"),
        "dimension[0].strategies[0]: got 'nine', expected one of none, sliding_window,",
    ),
    ('[[dimension]]\nkind = "demonstrations"\nmax = 1\nfolder = "no"', "got 'no', expected a folder with *.md files"),
    ("[[dimension]", "space.toml: the file: got invalid TOML"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_wrong_space_file_says_what_and_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "space.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidFile) as caught:
        load_space(path)
    assert str(caught.value).startswith("space.toml: ")
    assert message in str(caught.value)


def test_a_missing_space_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"none\.toml"):
        load_space(tmp_path / "none.toml")


def test_demonstrations_may_lie_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "b.md").write_text("Q: b\nA: 2\n", encoding="utf-8")
    (tmp_path / "pool" / "a.md").write_text("Q: a\nA: 1\n", encoding="utf-8")
    path = tmp_path / "space.toml"
    path.write_text('[[dimension]]\nkind = "demonstrations"\nmax = 1\nfolder = "pool"\n', encoding="utf-8")
    assert load_space(path).names == ("demonstrations.a", "demonstrations.b")


def test_the_plugin_of_a_strategy_is_a_choice_of_files(tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    plugin = '[dimension.parameters.plugin]\nfile = { values = ["strategies/a.py", "strategies/b.py"] }\n'
    path.write_text(COMPACTION.replace('"none"', '"plugin"') + plugin, encoding="utf-8")
    space = load_space(path)
    assert space.domain("compaction.plugin.file") == Choice(("strategies/a.py", "strategies/b.py"))
    files = {"harness.toml": b'name = "x"\n', "prompts/system.md": b"x\n", "strategies/a.py": b""}
    after = space.edit(files, {"compaction": "plugin"}).apply(files)
    space.check(files, after)
    assert space.read(after)["compaction.plugin.file"] == "strategies/a.py"

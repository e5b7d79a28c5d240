"""The judge: what a free edit may and may not do."""

from __future__ import annotations

import pytest

from search_space.errors import InvalidEdit
from search_space.space import Space

Tree = dict[str, bytes]

COUNT = "Q: How many calls?\nA: 4"
BASE = "Q: Where is the base?\nA: json.decoder"
FENCED = "```\nQ: Which is longer?\n\nA: loads\n```"


def replaced(files: Tree, file: str, old: str, new: str) -> Tree:
    text = files[file].decode()
    assert old in text
    return {**files, file: text.replace(old, new, 1).encode()}


INSIDE = [
    ("harness.toml", "max_steps = 10  # model calls", "# more\nmax_steps=20"),
    ("harness.toml", "careful = false", "careful = true"),
    ("harness.toml", 'strategy = "sliding_window"\nkeep_messages = 12', 'strategy = "none"'),
    ("harness.toml", "keep_messages = 12", "keep_messages = 20"),
    ("harness.toml", 'grep = "deferred"', 'grep = "off"\nread_file = "deferred"'),
    ("harness.toml", '["tools"]', '["system", "tools"]'),
    ("prompts/system.md", "- Look before you answer.\n", ""),
    ("prompts/system.md", "- Look before you answer.", "- Look before you answer.\n\n* Verify what\n  you found.\n"),
    ("prompts/system.md", "Give the bare value.", "- End with a line 'Answer: value'."),
    ("prompts/system.md", "# Answer", "# Notes\n\nAnything goes.\n\n# Answer"),
    ("prompts/system.md", "# Answer", "# Style\nBe short.\n\n# Answer"),
    (
        "prompts/system.md",
        "- Look before you answer.\n- Something that nobody opened.\n- Name the file that you looked at.\n",
        "- Name the file that you looked at.\n- Something that nobody opened.\n- Look before you answer.\n",
    ),
    ("extra.toml", "0.5", "1"),
]

OUTSIDE = [
    ("harness.toml", 'name = "sample"', 'name = "other"', "harness.toml: name: got 'other', but the space opens only"),
    ("harness.toml", "[flags]", "[flags]\nother = true", r"flags\.other: got true, but the space opens only"),
    ("harness.toml", "max_steps = 10", "max_steps = 11", r"limits\.max_steps: got 11 .* in steps of 2"),
    (
        "harness.toml",
        "max_steps = 10",
        "max_steps = '10'",
        "no valid harness: harness.toml: limits.max_steps: got '10'",
    ),
    ("harness.toml", "max_steps = 10", "max_step = 10", "no valid harness.*did you mean 'max_steps'"),
    ("harness.toml", "[limits]", "[limits", "no valid harness: harness.toml: the file: got invalid TOML"),
    ("harness.toml", '["tools"]', '["messages"]', "got a change of messages, tools"),
    ("harness.toml", '"sliding_window"', '"fact_ledger"', "compaction: got 'fact_ledger', expected one of"),
    (
        "harness.toml",
        "keep_messages = 12",
        "keep_messages = 12\nblock = 2",
        r"compaction\.block: got 2 .*does not open",
    ),
    (
        "harness.toml",
        "index = true",
        "index = false\nindex_chars = 300",
        r"but memory\.index_chars needs memory\.index",
    ),
    ("harness.toml", 'grep = "deferred"', 'glob = "off"', r"tools\.visibility\.glob: got 'off', but"),
    ("prompts/system.md", "- Something that nobody opened.\n", "", "section 'Method': got a removal of 'Something"),
    ("prompts/system.md", "Look before", "Look well before", "section 'Method': got the new text 'Look well before"),
    ("prompts/system.md", "You answer", "I answer", "before the first heading: got the new text"),
    ("prompts/system.md", "# Method", "# Methods", "section 'Methods': got a new section"),
    ("prompts/system.md", "Give the bare value.", "", r"answer\.form: got None"),
    (
        "prompts/system.md",
        "Give the bare value.",
        "Give the bare value.\n\nEnd with a line 'Answer: value'.",
        r"got answer\.form twice",
    ),
    ("prompts/system.md", "# Answer", "# Notes\n\n" + "x" * 300 + "\n\n# Answer", "expected 200 at most"),
    ("README.md", "a harness", "b harness", r"README\.md: got this file changed, expected changes only in"),
]


@pytest.mark.parametrize(("file", "old", "new"), INSIDE)
def test_what_the_space_opens_may_change(space: Space, files: Tree, file: str, old: str, new: str) -> None:
    space.check(files, replaced(files, file, old, new))


@pytest.mark.parametrize(("file", "old", "new", "why"), OUTSIDE)
def test_what_it_does_not_open_may_not(space: Space, files: Tree, file: str, old: str, new: str, why: str) -> None:
    with pytest.raises(InvalidEdit, match=why):
        space.check(files, replaced(files, file, old, new))


def test_files_may_come_and_go_only_where_they_are_open(space: Space, files: Tree) -> None:
    plugin = {**files, "strategies/mine.py": b"x = 1\n"}
    space.check(files, plugin)
    space.check(plugin, files)
    space.check(files, {**files, "prompts/demonstrations.md": b"# Examples\n\nQ: How many calls?\nA: 4\n"})
    for path in ("other.md", "strategies/deeper/x.py", "prompts/extra.md"):
        with pytest.raises(InvalidEdit, match="got this file added"):
            space.check(files, {**files, path: b"x"})
    with pytest.raises(InvalidEdit, match=r"README\.md: got this file removed"):
        space.check(files, {path: content for path, content in files.items() if path != "README.md"})
    with pytest.raises(InvalidEdit, match="expected 4000 at most"):
        space.check(files, {**files, "strategies/mine.py": b"#" * 5000})


def test_demonstrations_outside_the_pool_are_refused(space: Space, files: Tree) -> None:
    for text, why in [
        ("# Examples\n\nQ: mine\nA: 4\n", "got a new section|got the new text"),
        (f"# Other\n\n{COUNT}\n", "got a new section"),
        (f"# Examples\n\n{COUNT}\n\n{BASE}\n\n{FENCED}\n", "got 3 demonstrations"),
    ]:
        with pytest.raises(InvalidEdit, match=why):
            space.check(files, {**files, "prompts/demonstrations.md": text.encode()})


def test_an_unchanged_tree_is_inside(space: Space, files: Tree) -> None:
    space.check(files, dict(files))


def test_an_order_that_nothing_opens_may_not_change(files: Tree, space: Space) -> None:
    both = space.edit(files, {"demo.count": True, "demo.base": True}).apply(files)
    assert both["prompts/demonstrations.md"].decode() == f"# Examples\n\n{COUNT}\n\n{BASE}\n"
    swapped = {**both, "prompts/demonstrations.md": f"# Examples\n\n{BASE}\n\n{COUNT}\n".encode()}
    with pytest.raises(InvalidEdit, match="got another order"):
        space.check(both, swapped)

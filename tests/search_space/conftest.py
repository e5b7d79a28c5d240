"""A small harness and a space over it, shared by the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_space.space import Space, load_space

HARNESS = """\
# what this harness is
name = "sample"
description = "for tests"

[limits]
max_steps = 10  # model calls
context_tokens = 8000

[compaction]
# the window
strategy = "sliding_window"
keep_messages = 12  # not too few

[tools]
default = "offered"

[tools.visibility]
grep = "deferred"

[memory]
index = true
notes = true

[cache]
breakpoints = ["tools"]

[flags]
careful = false
"""

SYSTEM = """\
You answer questions about a source tree with tools.

# Method

- Look before you answer.
- Something that nobody opened.
- Name the file that you looked at.

# Answer

Give the bare value.
"""

SPACE = """\
description = "for tests"

[[dimension]]
kind = "int"
key = "limits.max_steps"
low = 4
high = 40
step = 2

[[dimension]]
kind = "float"
name = "lr"
file = "extra.toml"
key = "train.lr"
low = 0.001
high = 1.0
log = true
default = 0.1

[[dimension]]
kind = "choice"
key = "limits.context_tokens"
values = [4000, 8000, 16000]

[[dimension]]
kind = "flag"
key = "flags.careful"

[[dimension]]
kind = "flag"
key = "memory.index"

[[dimension]]
kind = "int"
key = "memory.index_chars"
low = 200
high = 2000
step = 100
default = 600
when = { "memory.index" = [true] }

[[dimension]]
kind = "member"
key = "cache.breakpoints"
member = "system"

[[dimension]]
kind = "compaction"
strategies = ["none", "sliding_window", "summary"]

[dimension.parameters.sliding_window.keep_messages]
low = 4
high = 40

[dimension.parameters.summary]
keep_messages = { low = 2, high = 20, default = 6 }
max_tokens = { values = [200, 500, 900] }

[[dimension]]
kind = "tool"
tools = ["grep", "read_file"]

[[dimension]]
kind = "parallel"
tools = ["grep", "write_note"]
effects = { write_note = { writes = ["notes"] } }

[[dimension]]
kind = "alternatives"
name = "answer.form"
section = "Answer"
[dimension.texts]
bare = "Give the bare value."
marked = "End with a line 'Answer: value'."

[[dimension]]
kind = "sentence"
name = "method.look"
section = "Method"
text = "Look before you answer."

[[dimension]]
kind = "sentence"
name = "method.verify"
section = "Method"
[dimension.texts]
short = "Verify what you found."
long = "Before you answer, look a second time at the place where you found it."

[[dimension]]
kind = "sentence"
name = "method.file"
section = "Method"
text = "Name the file that you looked at."

[[dimension]]
kind = "lead"
name = "method.first"
section = "Method"

[[dimension]]
kind = "sentence"
name = "style.short"
section = "Style"
text = "Be short."

[[dimension]]
kind = "demonstrations"
name = "demo"
max = 2
[dimension.texts]
count = "Q: How many calls?\\nA: 4"
base = "Q: Where is the base?\\nA: json.decoder"
fenced = "```\\nQ: Which is longer?\\n\\nA: loads\\n```"

[[dimension]]
kind = "text"
name = "notes"
file = "prompts/system.md"
section = "Notes"
max_chars = 200

[[dimension]]
kind = "text"
name = "strategies"
file = "strategies/*.py"
max_chars = 4000
"""


@pytest.fixture
def files() -> dict[str, bytes]:
    return sample_files()


@pytest.fixture
def space(tmp_path: Path) -> Space:
    return space_from(tmp_path)


def sample_files() -> dict[str, bytes]:
    return {
        "README.md": b"a harness\n",
        "extra.toml": b"[train]\nlr = 0.5\n",
        "harness.toml": HARNESS.encode(),
        "prompts/system.md": SYSTEM.encode(),
    }


def space_from(folder: Path, text: str = SPACE) -> Space:
    path = folder / "space.toml"
    path.write_text(text, encoding="utf-8")
    return load_space(path)

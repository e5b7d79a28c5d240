"""A small harness, a space over it, and a history to propose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from optimizer.proposers.base import Past, Situation
from search_space.space import Space, load_space

HARNESS = """\
name = "sample"
description = "for tests"

[limits]
max_steps = 10
context_tokens = 8000

[compaction]
strategy = "sliding_window"
keep_messages = 12

[tools]
default = "offered"

[flags]
careful = false
temper = 0.5
"""

SYSTEM = """\
You answer questions.

# Method

- Look before you answer.
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
kind = "choice"
key = "limits.context_tokens"
values = [4000, 8000, 16000]

[[dimension]]
kind = "flag"
key = "flags.careful"

[[dimension]]
kind = "float"
name = "extra.lr"
file = "extra.toml"
key = "lr"
low = 0.001
high = 1.0
log = true
default = 0.1

[[dimension]]
kind = "compaction"
strategies = ["none", "sliding_window", "summary"]

[dimension.parameters.sliding_window.keep_messages]
low = 4
high = 40

[dimension.parameters.summary]
keep_messages = { low = 2, high = 20, default = 6 }

[[dimension]]
kind = "tool"
tools = ["grep", "read_file", "glob", "outline", "list", "notes"]

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
kind = "text"
name = "free"
file = "prompts/system.md"
section = "Notes"
max_chars = 200
"""

SituationOf = Callable[..., Situation]


@pytest.fixture
def files() -> dict[str, bytes]:
    return {
        "extra.toml": b"lr = 0.5\n",
        "harness.toml": HARNESS.encode().replace(b"temper = 0.5\n", b""),
        "prompts/system.md": SYSTEM.encode(),
    }


@pytest.fixture
def space(tmp_path: Path) -> Space:
    path = tmp_path / "space.toml"
    path.write_text(SPACE, encoding="utf-8")
    return load_space(path)


@pytest.fixture
def situation(space: Space, files: dict[str, bytes]) -> SituationOf:
    def make(number: int = 0, seed: int = 7, history: Sequence[Past] = ()) -> Situation:
        return Situation(number, seed + number, space, files, space.read(files), tuple(history))

    return make

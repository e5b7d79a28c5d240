"""A campaign that takes a few seconds: a made-up source tree, questions with known answers, a small space."""

from __future__ import annotations

import json
from pathlib import Path

EXPERIMENT = """\
name = "small"
harness = "baseline:minimal"

[suite]
tasks = "tasks.jsonl"
environment = "experiments.navigator.environment:build"
environment_args = { root = "./lib" }

[budget]
rollouts = %(rollouts)d

[proposers]
tpe = 2.0
random = 1.0

[checks]
commands = ["! grep -q 'as few tool calls' prompts/system.md"]

[gate]
exam_share = 0.15
holdout_repeats = 1
"""

OBJECTIVE = """
[objective]
constraints = [{ metric = "billed_tokens", at_most_rise = 0.02 }, { metric = "rounds", at_most = 9.0 }]
tie_breaks = ["prompt_tokens", "tools_offered", "lines"]
"""

SPACE = """\
description = "A few dimensions that make a difference at once."

[[dimension]]
kind = "sentence"
name = "method.plan"
section = "Method"
text = "First work out which steps the question needs, then carry them out one by one."

[[dimension]]
kind = "sentence"
name = "method.verify"
section = "Method"
text = "When you think you have the answer, confirm the deciding fact with one more look before you reply."

[[dimension]]
kind = "sentence"
name = "method.hurry"
section = "Method"
text = "Be quick: use as few tool calls as you can."

[[dimension]]
kind = "sentence"
name = "answer.form"
section = "Answer"
text = "Reply with nothing but the value, in exactly the form that was asked for."

[[dimension]]
kind = "choice"
key = "limits.max_steps"
values = [4, 6, 10]

[[dimension]]
kind = "compaction"
strategies = ["none", "sliding_window", "clear_results"]
[dimension.parameters.sliding_window]
keep_messages = { values = [8, 12, 20] }
[dimension.parameters.clear_results]
keep_results = { values = [2, 4, 8] }

[[dimension]]
kind = "tool"
tools = ["search_text", "find_symbol"]
"""

SIZES = {"search": 10, "certify": 6, "holdout": 6}


def write_experiment(folder: Path, *, rollouts: int, dimensions: int = 7, objective: bool = False) -> Path:
    """An experiment in ``folder`` with a budget of ``rollouts``; returns the folder. With few ``dimensions`` the
    proposers have nothing more to offer before the budget is spent; with ``objective`` constraints and tie-breaks
    decide as well."""
    lib = folder / "lib"
    for number in range(sum(SIZES.values())):
        write_package(lib / f"pack{number:02}", number)
    rows = [
        {"id": f"{split}-{place:02}", "split": split, **question(number)}
        for number, (split, place) in enumerate(
            (split, place) for split, size in SIZES.items() for place in range(size)
        )
    ]
    (folder / "tasks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    head, *tables = SPACE.split("[[dimension]]")
    (folder / "space.toml").write_text("[[dimension]]".join([head, *tables[:dimensions]]))
    (folder / "experiment.toml").write_text(EXPERIMENT % {"rollouts": rollouts} + (OBJECTIVE if objective else ""))
    return folder


def write_package(folder: Path, number: int) -> None:
    """One package: a class with a base in another module, a name that is imported twice over, some calls."""
    folder.mkdir(parents=True)
    name, n = folder.name, f"{number:02}"
    calls = "\n".join(f"    total += measure{n}({step})" for step in range(2 + number % 5))
    (folder / "__init__.py").write_text(f"from {name}.outer import helper{n}\n")
    (folder / "root.py").write_text(
        f"class Root{n}:\n    def settle{n}(self):\n        return {number}\n\n\n"
        f"def measure{n}(value):\n    return value\n"
    )
    (folder / "middle.py").write_text(
        f"from {name}.root import Root{n}\n\n\nclass Middle{n}(Root{n}):\n    def turn(self):\n        return 1\n\n\n"
        f"def helper{n}(size={number}):\n    return size\n"
    )
    (folder / "outer.py").write_text(
        f"from {name}.middle import Middle{n}, helper{n}\nfrom {name}.root import measure{n}\n\n\n"
        f"class Outer{n}(Middle{n}):\n    def turn(self):\n        return 2\n\n\n"
        f"def total{n}():\n    total = 0\n{calls}\n    return total\n"
    )


def question(number: int) -> dict[str, str]:
    """A question about package ``number`` with its answer, in the navigator's words; four kinds take turns."""
    name, n = f"pack{number:02}", f"{number:02}"
    cls, outer = f"`Outer{n}`", f"`{name}.outer`"
    modules = f"the module {outer}, the module `{name}.middle` and the module `{name}.root`"
    match number % 4:
        case 0:
            kind, answer, form = "base_module", f"{name}.middle", "the dotted module name"
            asked = f"In which module is the base class of the class {cls} (defined in the module {outer}) defined?"
        case 1:
            kind, answer, form = "method_owner", f"Root{n}", "the class name"
            asked = f"The class {cls} in the module {outer} inherits the method `settle{n}`."
            asked += " Which ancestor class defines it?"
        case 2:
            kind, answer, form = "follow_import", f"{name}.middle", "the dotted module name"
            asked = f"The module `{name}` imports the name `helper{n}`. In which module is `helper{n}` really defined?"
        case _:
            kind, answer, form = "count_calls", str(2 + number % 5), "a number"
            asked = f"How many call sites of the function `measure{n}` are there in {modules}, taken together?"
    return {"kind": kind, "prompt": f"{asked} Answer with {form}.", "answer": answer}

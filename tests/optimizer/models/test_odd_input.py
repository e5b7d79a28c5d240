"""Whatever the questions, tools and results look like, the embedded model answers and raises nothing."""

from __future__ import annotations

import random
from typing import Any

import pytest

from experiments.navigator.questions import CANDIDATE, TASKS, WORDINGS, join_phrases, module_phrase
from experiments.navigator.tools import DEFINITIONS
from optimizer.models.embedded import EmbeddedModel
from optimizer.models.embedded.questions import Unknown, read_question

MODULES = join_phrases(
    [
        module_phrase("named", module="m.n"),
        module_phrase("class", cls="Kc"),
        module_phrase("base", cls="Bc", module="b.m"),
        module_phrase("import", name="In", module="i.m"),
    ],
    "and",
)
NAMES = {
    "cls": "Xc",
    "module": "a.b",
    "method": "me",
    "name": "Nn",
    "second": "Sec",
    "function": "fu",
    "other": "Oc",
    "other_module": "c.d",
    "modules": MODULES,
    "candidates": join_phrases(
        [CANDIDATE.format(parameter=f"p{i}", function=f"f{i}", module=f"m{i}") for i in range(3)], "or"
    ),
    "task": TASKS["calls"][0].format(function="g", modules=MODULES),
    "combine": "What is a + b?",
}
QUESTIONS = [wording.format(**NAMES) for wordings in WORDINGS.values() for wording in wordings]
SPECS = [definition.bind(None).spec() for definition in DEFINITIONS]  # type: ignore[arg-type]
LINES = [
    "a/b.py:3: class Xc(Base):",
    "a/b.py:9: def fu(p0=1, *, q=NAME)",
    "  12: from x import (",
    "   3: class Xc(a.b.C, metaclass=M):",
    "class Xc (lines 3-9)",
    "  def me (lines 4-8)",
    "me (line 4)",
    "total 5",
    "... 3 more",
    "[cut here: 5 more characters]",
    "no such file: a/b.py",
    "Xc has no base classes",
    'grep({"pattern": "x"})',
    "base class of Xc in a/b.py = Base",
    "\x00\ud800",
    "i/m.py:4: from . import In as Q, Z",
    "i/m.py:5: from .. import *",
    "",
]
PROMPTS = ["", "Summarise it.", "Plan first. Keep notes. Verify the answer. Call independent tools in parallel."]
ODD_TOOLS: list[Any] = [
    {"name": "x", "input_schema": {"properties": [1], "required": [[2]]}},
    {"name": "y", "input_schema": {"properties": {"a": True}, "required": "a"}},
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_wording_of_the_navigator_is_understood(question: str) -> None:
    assert read_question(question) != Unknown()


@pytest.mark.parametrize("chunk", range(10))
def test_nothing_in_a_request_makes_it_fail(chunk: int) -> None:
    dice, model = random.Random(chunk), EmbeddedModel()
    for seed in range(60):
        messages: list[Any] = [{"role": "user", "content": dice.choice([*QUESTIONS, "hello `a.b`"])}]
        for turn in range(dice.randint(0, 6)):
            tool: Any = dice.choice(SPECS)
            inputs = {
                key: dice.choice(["Xc", "fu", "a/b.py", 3, None, [1]]) for key in tool["input_schema"]["properties"]
            }
            call = {"type": "tool_use", "id": f"c{turn}", "name": tool["name"], "input": inputs}
            said = {"type": "text", "text": dice.choice(LINES) or "x"}
            text = "\n".join(dice.choices(LINES, k=dice.randint(1, 6)))
            result = {
                "type": "tool_result",
                "tool_use_id": f"c{turn}",
                "content": text,
                "is_error": dice.random() < 0.2,
            }
            messages += [{"role": "assistant", "content": [said, call]}, {"role": "user", "content": [result]}]
        request: Any = {"model": "agent", "max_tokens": dice.choice([1, 30, 500]), "messages": messages}
        request["system"] = dice.choice(PROMPTS)
        if dice.random() < 0.8:
            request["tools"] = ODD_TOOLS if dice.random() < 0.1 else dice.sample(SPECS, dice.randint(0, len(SPECS)))
        response = model.create(request, seed=seed, session="s", deadline=0.0).response
        assert response["content"]

"""The question language: how each kind of question is worded. No truth is computed here.

A question is one paragraph: one wording of its kind, filled in, and then the sentence that states the answer's form
(:data:`ANSWER_FORMS`). Names stand in backticks. A module that a question asks about is either named (``the module
`m```) or described (:data:`MODULE_PHRASES`), so that it must be found first.

Terms, as the truth uses them:

* *module*: dotted name of a source file relative to the root, ``json/__init__.py`` is ``json``;
* *base class*: the class named in the parentheses of a ``class`` line (only classes with one base are asked for);
* *call site*: one call expression ``f(...)`` or ``anything.f(...)`` of that name;
* *line on which X is defined*: the line of its ``class`` or ``def`` keyword (not of a decorator);
* *methods of a class*: the functions written in its body, inherited ones not counted;
* *longest in lines*: last line minus ``def`` line plus one; nested functions belong to the one around them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

KINDS: Final = (
    "base_module",
    "method_owner",
    "follow_import",
    "count_calls",
    "compare_defaults",
    "longest_function",
    "line_sum",
    "early_late",
)
"""Every kind of question, in the order in which they are generated."""

ANSWER_FORMS: Final[Mapping[str, str]] = {
    "module": "Answer with the dotted module name.",
    "class": "Answer with the class name.",
    "function": "Answer with the function name, without its class.",
    "written": "Answer with the function name as it is written in this question.",
    "number": "Answer with a number.",
}
"""The last sentence of a question, by the form of its answer."""

MODULE_PHRASES: Final[Mapping[str, str]] = {
    "named": "the module `{module}`",
    "class": "the module that defines the class `{cls}`",
    "base": "the module that defines the base class of the class `{cls}` (defined in the module `{module}`)",
    "import": "the module in which the name `{name}`, imported by the module `{module}`, is really defined",
}
"""How a module is given. ``class``: the class name occurs once in the whole tree."""

WORDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    # cls, module: the class names its base; the base comes from another module, perhaps through re-exports.
    "base_module": (
        "In which module is the base class of the class `{cls}` (defined in the module `{module}`) defined?",
        "The class `{cls}` (defined in the module `{module}`) has one base class. Which module defines that base "
        "class?",
        "Look at the class `{cls}` (defined in the module `{module}`). Where is its base class defined, in which "
        "module?",
        "Find the module in which the base class of the class `{cls}` (defined in the module `{module}`) is defined.",
    ),
    # cls: occurs once in the whole tree; its module is not told. Two steps up.
    "base_module.grand": (
        "In which module is the base class of the base class of the class `{cls}` defined?",
        "Take the class `{cls}` and go up two steps: which module defines the base class of the base class of the "
        "class "
        "`{cls}`?",
        "Find the module in which the base class of the base class of the class `{cls}` is defined.",
    ),
    # cls, module, method: an ancestor one to three steps up defines the method.
    "method_owner": (
        "The class `{cls}` in the module `{module}` inherits the method `{method}`. Which ancestor class defines it?",
        "The method `{method}` is not written in the class `{cls}` of the module `{module}` but inherited. Which "
        "ancestor "
        "class defines it?",
        "From which ancestor class does the class `{cls}` (defined in the module `{module}`) inherit the method "
        "`{method}`?",
        "Follow the base classes of the class `{cls}` in the module `{module}` upwards. Which is the first ancestor "
        "class "
        "that defines the method `{method}`?",
    ),
    # name, module: re-exports followed, at least two hops.
    "follow_import": (
        "The module `{module}` imports the name `{name}`. In which module is `{name}` really defined?",
        "The name `{name}` is imported by the module `{module}`. Follow the imports: in which module is it really "
        "defined?",
        "Where does the name `{name}` that the module `{module}` imports really come from? Name the module that "
        "defines it.",
    ),
    # name, module, second: the module found first imports `second` in turn.
    "follow_import.twice": (
        "The module `{module}` imports the name `{name}`. The module in which `{name}` is really defined imports in "
        "turn "
        "the name `{second}`. In which module is `{second}` really defined?",
        "First find the module in which the name `{name}`, imported by the module `{module}`, is really defined. That "
        "module imports the name `{second}`. In which module is `{second}` really defined?",
        "Follow two imports: the name `{name}` imported by the module `{module}`, and then the name `{second}` "
        "imported by "
        "the module where you arrive. In which module is `{second}` really defined?",
    ),
    # function, modules: three to five module phrases, joined by commas and "and" (see `join_phrases`).
    "count_calls": (
        "How many call sites of the function `{function}` are there in {modules}, taken together?",
        "Count the call sites of the function `{function}` in {modules}. How many are there in total?",
        "What is the total number of call sites of the function `{function}` in {modules}?",
    ),
    # candidates: four of "`p` of `f` in the module `m`", joined by commas and "or".
    "compare_defaults": (
        "Which has the largest default value for its parameter: {candidates}?",
        "Compare the default values of these parameters: {candidates}. Which function has the largest one?",
        "Several functions give a parameter a default value: {candidates}. Which function has the largest default "
        "value?",
    ),
    # modules: four or five module phrases.
    "longest_function": (
        "Which function or method is the longest (in lines) in {modules}, taken together?",
        "Look at {modules}. Which function or method in them is the longest (in lines)?",
        "Find the longest function or method (in lines) in {modules}, taken together. What is it called?",
    ),
    # cls, module; other, other_module.
    "line_sum": (
        "Take the line on which the class `{cls}` of the module `{module}` is defined. Then find the number of "
        "methods of "
        "the base class of the class `{other}` (defined in the module `{other_module}`). What is the sum of the two "
        "numbers?",
        "On which line is the class `{cls}` of the module `{module}` defined? Remember it. How many methods has the "
        "base "
        "class of the class `{other}` (defined in the module `{other_module}`)? What is the sum of the two numbers?",
        "Add two numbers: the line on which the class `{cls}` of the module `{module}` is defined, and the number of "
        "methods "
        "of the base class of the class `{other}` (defined in the module `{other_module}`). What is the sum?",
    ),
    # function, module: the early fact; task: one of TASKS; combine: one of COMBINE.
    "early_late": (
        "First find the line on which the function `{function}` of the module `{module}` is defined; call it a. Then "
        "{task}; "
        "call it b. {combine}",
        "Let a be the line on which the function `{function}` of the module `{module}` is defined. Now {task}; let b "
        "be that "
        "number. {combine}",
        "Note the line on which the function `{function}` of the module `{module}` is defined (a). Next {task} (b). "
        "{combine}",
    ),
}
"""The wordings, by kind; ``kind.variant`` is a variant of a kind. Each is filled in with ``str.format``."""

TASKS: Final[Mapping[str, tuple[str, ...]]] = {
    "calls": (
        "count the call sites of the function `{function}` in {modules}, taken together",
        "find the total number of call sites of the function `{function}` in {modules}",
    ),
    "longest": (
        "find the number of lines of the longest function or method in {modules}",
        "find how many lines long the longest function or method in {modules} is",
    ),
    "owner": (
        "find the line on which the method `{method}` that the class `{cls}` (defined in the module `{module}`) "
        "inherits is "
        "defined",
        "find the line on which the ancestor class of the class `{cls}` (defined in the module `{module}`) defines the "
        "inherited method `{method}`",
    ),
}
"""The second half of an ``early_late`` question: a search with bulky results that yields a number."""

COMBINE: Final[Mapping[str, tuple[str, ...]]] = {
    "sum": ("What is a + b?", "What is the sum of a and b?"),
    "larger": ("What is the larger of a and b?", "Which number is larger, a or b?"),
}
"""What an ``early_late`` question asks for at last."""

CALL_NOTE: Final = "Every call of that name counts, plain or as a method."
"""A sentence that goes with each question about call sites, before the answer's form."""

CANDIDATE: Final = "`{parameter}` of `{function}` in the module `{module}`"
"""One candidate of a ``compare_defaults`` question; ``function`` may be ``Class.method``."""


def pick(options: tuple[str, ...], seed: str) -> str:
    """One of ``options``, chosen by the digest of ``seed``: the same for the same seed everywhere."""
    return options[int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big") % len(options)]


def module_phrase(how: str, **facts: str) -> str:
    """A module as a question names it, ``how`` being a key of :data:`MODULE_PHRASES`."""
    return MODULE_PHRASES[how].format(**facts)


def join_phrases(phrases: list[str], word: str) -> str:
    """``a, b and c`` with ``word`` (``and`` or ``or``) before the last one."""
    return f"{', '.join(phrases[:-1])} {word} {phrases[-1]}" if len(phrases) > 1 else phrases[0]


def word_question(variant: str, form: str, seed: str, **facts: str) -> str:
    """The question as the agent reads it: a wording of ``variant`` chosen by ``seed``, then the answer's form."""
    question = pick(WORDINGS[variant], seed).format(**facts)
    note = f" {CALL_NOTE}" if "call sites" in question else ""
    return f"{question}{note} {ANSWER_FORMS[form]}"


def word_early_late(
    task: str, combine: str, seed: str, *, early: Mapping[str, str], task_facts: Mapping[str, str]
) -> str:
    """An ``early_late`` question: ``early`` has ``function`` and ``module``, ``task_facts`` fill the wording of "
    "``task``."""
    second = pick(TASKS[task], seed + "/task").format(**task_facts)
    last = pick(COMBINE[combine], seed + "/combine")
    return word_question("early_late", "number", seed, **early, task=second, combine=last)

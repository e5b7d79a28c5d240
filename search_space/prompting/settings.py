"""``prompt.toml``: which stored cases a question is shown, how they look, and what else the request says."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from search_space.validation import Strict

SETTINGS_FILE = "prompt.toml"

Count = Annotated[int, Field(ge=0, le=100_000)]
Format = Literal["qa", "xml", "arrow", "turns", "grouped"]
Order = Literal["chosen", "nearest_last", "by_answer"]
Output = Literal["plain", "json"]

PER_QUESTION = ("similar", "similar_per_answer")
"""The choices that depend on the question; every other one but ``none`` names a ranking, the same for all questions."""


class ExampleSettings(Strict):
    """``[examples]``: which stored cases are shown.

    ``choice`` is ``none``, ``similar`` (the nearest to the question), ``similar_per_answer`` (the nearest of each
    answer, by turns), or the name of a ranking in ``rankings.json``. At most ``count`` are shown, and of one answer at
    most ``per_answer`` (0: no such bound). ``order``: as ``chosen`` (the best first), ``nearest_last`` (the best last),
    or ``by_answer`` (those of one answer together, the answers sorted).
    """

    choice: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")] = "none"
    count: Count = 8
    per_answer: Count = 0
    order: Order = "chosen"
    format: Format = "qa"


class AnswerSettings(Strict):
    """``[answers]``: whether the request says which answers there are.

    ``list`` names those of the stored cases. ``descriptions`` adds to each what ``descriptions.toml`` says of it and,
    where that says nothing, ``words`` words (0: none) that set its stored cases apart from the others.
    """

    list: bool = False
    descriptions: bool = False
    words: Annotated[int, Field(ge=0, le=1000)] = 12


class OutputSettings(Strict):
    """``[output]``: the form of the answer: as it is (``plain``), or ``{"answer": ...}`` (``json``)."""

    format: Output = "plain"


class PromptSettings(Strict):
    """All of ``prompt.toml``. ``prompt`` is the file with the instructions; ``context_tokens`` bounds the whole request
    (estimated: characters of compact JSON by 4), ``max_output_tokens`` the answer."""

    prompt: Annotated[str, Field(min_length=1)] = "PROMPT.md"
    context_tokens: Annotated[int, Field(ge=1, le=10_000_000)] = 8000
    max_output_tokens: Annotated[int, Field(ge=1, le=100_000)] = 256
    examples: ExampleSettings = ExampleSettings()
    answers: AnswerSettings = AnswerSettings()
    output: OutputSettings = OutputSettings()

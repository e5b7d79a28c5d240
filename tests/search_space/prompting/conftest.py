from __future__ import annotations

import pytest

from search_space.prompting import Case

TEXTS = {
    "card": ["Where is my card?", "My card has not arrived", "When will the new card come?", "The card is late"],
    "fee": ["Why was I charged a fee?", "There is a fee on my statement", "What is this extra fee for?"],
    "pin": ["I forgot my PIN", "How do I change my PIN?", "My PIN does not work"],
}


@pytest.fixture
def cases() -> list[Case]:
    return [
        Case(f"{answer}-{number}", text, answer, f"{answer}-{number}")
        for answer, texts in TEXTS.items()
        for number, text in enumerate(texts)
    ]

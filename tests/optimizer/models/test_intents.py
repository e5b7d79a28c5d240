from __future__ import annotations

import pytest

from optimizer.models.embedded.intents import REFERENCES, Intent, match
from optimizer.models.embedded.policy import LOSS_PER_SENTENCE, read_policy
from optimizer.models.embedded.rates import Rates, rates_for

REWORDED = {
    Intent.plan: [
        "Before the first call, lay out a plan of the steps.",
        "Decide which facts you need, and in which order, before you start.",
    ],
    Intent.verify: [
        "Take a second look at the source before you answer.",
        "Validate the final answer with another lookup.",
    ],
    Intent.grounded: ["Never invent names or numbers.", "Only rely on names and numbers that appear in tool results."],
    Intent.answer_form: [
        "Your final line must contain the answer and nothing more.",
        "Respond with the bare value only.",
    ],
    Intent.notes: ["Jot down the facts you will need later.", "Record each key finding in your notes."],
    Intent.narrow: ["When searching, always pass a path.", "Search in the narrowest folder possible."],
    Intent.dedicated: ["Prefer the specialised tools to grep.", "Choose the most specific tool available."],
    Intent.parallel: ["Run independent tool calls together in one turn.", "Make independent calls at the same time."],
    Intent.persist: [
        "If a tool returns nothing, try a different approach.",
        "When something fails, try an alternative.",
    ],
    Intent.few_lines: ["Read small line ranges rather than entire files.", "Only read the lines that you need."],
    Intent.code_only: [
        "Do not count occurrences in comments and docstrings.",
        "Watch out for matches in comments or strings.",
    ],
    Intent.recheck: [
        "Review earlier results before you combine them.",
        "Before adding numbers, look at each of them again.",
    ],
    Intent.hurry: ["Be quick and use few tool calls.", "Answer as fast as possible with as few calls as you can."],
    Intent.exhaustive: [
        "Be thorough and read all relevant files in full.",
        "Explore exhaustively and read complete files.",
    ],
    Intent.explain: ["Give a detailed explanation of your answer.", "In the final answer, explain how you found it."],
}
UNRELATED = [
    "You are a careful assistant for questions about source code.",
    "Be polite and friendly.",
    "The source tree is read-only.",
    "Use British spelling.",
    "This is very important to my career.",
    "Module names are dotted, such as json.decoder.",
    "Paths are relative to the root of the tree.",
    "Line numbers start at 1.",
    "Python was created by Guido van Rossum.",
    "A class may inherit from several bases.",
]  # fmt: skip
NEGATED = {
    "Do not verify the answer.": Intent.verify,
    "Never call tools in parallel.": Intent.parallel,
    "Do not keep notes.": Intent.notes,
    "Do not plan before you begin.": Intent.plan,
    "Guess a name or a number if you have to.": Intent.grounded,
}


@pytest.mark.parametrize(("intent", "sentence"), [(i, s) for i, texts in REWORDED.items() for s in texts])
def test_a_reworded_sentence_keeps_its_intent(intent: Intent, sentence: str) -> None:
    assert sentence not in REFERENCES[intent]
    asked = match(sentence)
    assert asked is not None and asked.intent is intent and not asked.negated


@pytest.mark.parametrize("sentence", UNRELATED)
def test_an_unrelated_sentence_asks_for_nothing(sentence: str) -> None:
    assert match(sentence) is None


@pytest.mark.parametrize(("sentence", "intent"), NEGATED.items())
def test_negation_turns_a_sentence_round(sentence: str, intent: Intent) -> None:
    asked = match(sentence)
    assert asked is not None and asked.intent is intent and asked.negated
    assert read_policy(sentence).strength(intent) == 0.0


@pytest.mark.parametrize("intent", Intent)
def test_each_phrasing_has_its_own_intent(intent: Intent) -> None:
    for reference in REFERENCES[intent]:
        asked = match(reference)
        assert asked is not None and asked.intent is intent and not asked.negated, reference


@pytest.mark.parametrize("intent", REWORDED)
def test_a_rewording_has_the_same_effect_and_an_unrelated_sentence_none(intent: Intent) -> None:
    plain = rates_for(read_policy("You answer questions."), 4000)
    for sentence in REWORDED[intent]:
        reworded = rates_for(read_policy(f"You answer questions.\n- {sentence}"), 4000)
        assert reworded == rates_for(read_policy(f"You answer questions.\n- {REFERENCES[intent][0]}"), 4000) != plain
    for sentence in UNRELATED:
        assert rates_for(read_policy(f"You answer questions.\n- {sentence}"), 4000) == plain


def test_no_rate_is_off_without_being_asked() -> None:
    assert rates_for(read_policy(""), 0) == Rates()


def test_a_long_prompt_weakens_each_instruction() -> None:
    short = "Unrelated words here. Plan the steps first."
    long = short + " The sky is blue." * 12
    ratio = read_policy(long).strength(Intent.plan) / read_policy(short).strength(Intent.plan)
    assert ratio == pytest.approx((1 - LOSS_PER_SENTENCE) ** 6)


def test_saying_it_twice_is_no_stronger() -> None:
    once = read_policy("Be nice. Plan the steps first.")
    twice = read_policy("Be nice. Plan the steps first. Plan the steps before you begin.")
    assert twice.strengths == once.strengths


def test_negated_harm_asks_for_the_good() -> None:
    assert read_policy("Avoid reading whole files.").strength(Intent.few_lines) > 0
    assert read_policy("Do not explain your answer at length.").strength(Intent.answer_form) > 0
    assert read_policy("Do not explain your answer at length.").strength(Intent.explain) == 0


def test_headings_and_code_are_no_instructions() -> None:
    assert read_policy("# Plan the steps first\n\n```\nPlan the steps first.\n```\n").sentences == 0


def test_demonstrations_are_counted_and_are_no_instructions() -> None:
    example = "Question: In which module is `A` defined?\nVerify the answer before you give it.\nAnswer: {}\n\n"
    policy = read_policy("Be brief in tone.\n\n" + example.format("shop.base") + example.format("It is in shop.base."))
    assert (policy.demonstrations, policy.bare_demonstrations, policy.sentences) == (2, 1, 1)
    assert policy.strength(Intent.verify) == 0.0
    assert rates_for(read_policy(example.format("shop.base")), 0).form < Rates().form
    assert rates_for(read_policy(example.format("It is in shop.base.")), 0).form > Rates().form

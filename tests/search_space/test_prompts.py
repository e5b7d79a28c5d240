from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from search_space import prompts

LINE_LIST = """
# Head|## Sub #|#nohead|- bullet|  - nested|* star|12) twelfth|words here|  indented|```|```python|~~~|    code|\t- tab
trailing  |cr\r|form\x0cfeed|- |-|\ufeff# bom|é ☃|
"""
LINES = st.sampled_from(["", *LINE_LIST.strip("\n").replace("\n", "|").split("|")])
TEXTS = st.lists(LINES, max_size=14).map("\n".join) | st.text()


@settings(deadline=None)
@given(TEXTS)
def test_every_text_is_rendered_as_it_was_parsed(text: str) -> None:
    assert prompts.parse(text).render() == text


@settings(deadline=None)
@given(TEXTS)
def test_items_are_not_empty_and_gaps_are_blank(text: str) -> None:
    for section in prompts.parse(text).sections:
        assert not section.lead.strip()
        for item in section.items:
            assert item.raw.strip()
            assert not item.gap.strip()


def test_sections_and_items_of_a_usual_prompt() -> None:
    text = (
        "Hello\nthere.\n\n# Rules\n\n- one\n  goes on\n- two\n\nPara.\n\n```sh\n# no heading\n\nls\n```\n## Sub\n1. x\n"
    )
    parsed = prompts.parse(text)
    assert [section.heading for section in parsed.sections] == ["", "Rules", "Sub"]
    assert parsed.sections[0].texts == ("Hello there.",)
    assert parsed.sections[1].texts == ("one goes on", "two", "Para.", "```sh\n# no heading\n\nls\n```")
    assert parsed.sections[2].texts == ("x",)


def test_a_fence_inside_a_bullet_belongs_to_it() -> None:
    section = prompts.parse("- run this:\n  ```\n  a\n\n  # b\n  ```\n- next\n").sections[0]
    assert len(section.items) == 2


@pytest.mark.parametrize("text", ["", "  ", "a\n\nb", "# head", "x\n# head", "```\nopen\n```\nmore"])
def test_what_is_not_one_item_is_refused(text: str) -> None:
    for bullet in (True, False):
        with pytest.raises(prompts.NotOneItem, match="expected one bullet"):
            prompts.make_item(text, bullet=bullet)


@settings(deadline=None)
@given(st.text(alphabet="ab #-*.1\n`~", min_size=1), st.booleans())
def test_an_item_that_is_made_reads_back_as_what_it_says(text: str, bullet: bool) -> None:
    try:
        item = prompts.make_item(text, bullet=bullet)
    except prompts.NotOneItem:
        return
    (section,) = prompts.parse(item.raw).sections
    assert section.texts == (prompts.normalise(text),)


def test_a_new_item_takes_its_neighbours_style() -> None:
    bullets = prompts.parse("# A\n\n- one\n- two\n\n# B\n").sections[1]
    assert prompts.insert_item(bullets, 2, "three").render() == "# A\n\n- one\n- two\n- three\n\n"
    assert prompts.insert_item(bullets, 0, "zero").render() == "# A\n\n- zero\n- one\n- two\n\n"
    loose = prompts.parse("- one\n\n- two\n").sections[0]
    assert prompts.insert_item(loose, 1, "between").render() == "- one\n\n- between\n\n- two\n"
    paragraphs = prompts.parse("One.\n\nTwo.\n").sections[0]
    assert prompts.insert_item(paragraphs, 2, "Three.").render() == "One.\n\nTwo.\n\nThree.\n"


def test_a_replaced_item_keeps_its_bullet() -> None:
    section = prompts.parse("3. old\n4. next\n").sections[0]
    assert prompts.replace_item(section, 0, "new\nlines").render() == "3. new\n   lines\n4. next\n"


def test_a_new_section_stands_where_it_is_asked_for() -> None:
    prompt = prompts.parse("Hi.\n\n# A\n\n- a\n\n# C\n\n- c")
    assert prompts.add_section(prompt, "B", "b", "A").render() == "Hi.\n\n# A\n\n- a\n\n# B\n\n- b\n\n# C\n\n- c"
    assert prompts.add_section(prompts.parse("Hi.\n"), "A", "a").render() == "Hi.\n\n# A\n\n- a\n"
    with pytest.raises(prompts.NotOneItem, match="heading"):
        prompts.add_section(prompt, "two\nlines", "x")


@settings(deadline=None)
@given(TEXTS.map(lambda text: text + "\n"), st.integers(0, 20), st.integers(0, 20))
def test_what_goes_or_comes_leaves_every_other_item_as_it_is(text: str, which: int, place: int) -> None:
    assume(prompts.parse(f"{text}\nend\n").sections[-1].texts[-1:] == ("end",))  # no block is left open
    prompt = prompts.parse(text)
    at = which % len(prompt.sections)
    section = prompt.sections[at]
    texts = list(section.texts)
    if texts:
        gone = prompt.with_section(at, prompts.remove_item(section, place % len(texts)))
        left = [*texts[: place % len(texts)], *texts[place % len(texts) + 1 :]]
        assert list(prompts.parse(gone.render()).sections[at].texts) == left
    where, followed = place % (len(texts) + 1), at + 1 < len(prompt.sections)
    come = prompt.with_section(at, prompts.insert_item(section, where, "A new one - here.", followed=followed))
    more = [*texts[:where], "A new one - here.", *texts[where:]]
    assert list(prompts.parse(come.render()).sections[at].texts) == more


def test_a_hyphen_within_a_text_is_no_bullet() -> None:
    assert prompts.normalise("- a - b") == "a - b"
    assert prompts.make_item("a - b", bullet=False).raw == "a - b\n"

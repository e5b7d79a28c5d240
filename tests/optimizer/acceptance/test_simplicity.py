"""What makes one harness simpler than another, and what only takes away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.simplicity import SIMPLICITY, removes, simpler

SHORT = {"harness.toml": b'name = "x"\n', "prompts/system.md": b"Be brief.\n"}
LONG = {**SHORT, "prompts/system.md": b"Be brief.\nThink first, then answer, and then look again.\n"}


def tools(text: str) -> dict[str, bytes]:
    return {**SHORT, "harness.toml": f'name = "x"\n[tools]\n{text}\n'.encode()}


def test_fewer_prompt_tokens_and_fewer_lines_are_simpler() -> None:
    for name in ("prompt_tokens", "lines"):
        assert (simpler(LONG, SHORT, [name]), simpler(SHORT, LONG, [name]), simpler(LONG, LONG, [name])) == (1, -1, 0)
    assert simpler(LONG, SHORT, []) == 0, "without tie-breaks nothing is simpler"
    described = tools('descriptions = { grep = "Finds a pattern in every file of the workspace." }')
    assert simpler(SHORT, described, ["prompt_tokens"]) == -1


def test_fewer_tools_offered_are_simpler() -> None:
    offered, off = tools('visibility = { grep = "offered" }'), tools('visibility = { grep = "off" }')
    assert simpler(offered, off, ["tools_offered"]) == 1
    assert simpler(SHORT, off, ["tools_offered"]) == 1, "a tool that is not named is offered by default"
    assert simpler(SHORT, offered, ["tools_offered"]) == 0
    assert simpler(SHORT, tools('default = "off"'), ["tools_offered"]) == 1
    assert simpler(off, tools('visibility = { grep = "agent:scout" }'), ["tools_offered"]) == -1
    assert simpler(SHORT, {"harness.toml": b"= broken"}, ["tools_offered"]) == 0


def test_the_first_tie_break_in_which_they_differ_decides() -> None:
    fewer_tools_more_words = {**LONG, "harness.toml": tools('visibility = { grep = "off" }')["harness.toml"]}
    assert simpler(SHORT, fewer_tools_more_words, ["tools_offered", "prompt_tokens"]) == 1
    assert simpler(SHORT, fewer_tools_more_words, ["prompt_tokens", "tools_offered"]) == -1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (LONG, SHORT),
        ({**SHORT, "strategies/mine.py": b"pass\n"}, SHORT),
        (LONG, {**LONG, "prompts/system.md": b"Be brief.\nThink, then answer, then look again.\n"}),
        (tools('visibility = { grep = "offered" }'), tools('visibility = { grep = "off" }')),
        (tools('visibility = { grep = "agent:scout" }'), tools('visibility = { grep = "deferred" }')),
        (tools('visibility = { grep = "off" }\ndescriptions = { ls = "Lists." }'), tools('visibility.grep = "off"')),
        (SHORT, tools('default = "off"\n')),
    ],
)
def test_what_only_takes_away(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    if after["harness.toml"] != SHORT["harness.toml"] and before == SHORT:
        assert not removes(before, after), "a new key in harness.toml is more lines"
        after = {**after, "harness.toml": b'name = "x"\ntools.default = "off"\n'}
        before = {**before, "harness.toml": b'name = "x"\ntools.default = "offered"\n'}
    assert removes(before, after)
    assert not removes(after, before)
    assert not removes(before, before), "an edit that changes nothing takes nothing away"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (LONG, {**LONG, "prompts/system.md": b"Be quick.\n"}),
        (LONG, {**LONG, "prompts/system.md": b"brief. Be\n"}),
        ({**LONG, "prompts/a.md": b"one"}, {**SHORT, "prompts/b.md": b"o"}),
        (
            tools('visibility = { grep = "off", ls = "offered" }'),
            tools('visibility = { grep = "offered", ls = "off" }'),
        ),
        (tools('visibility = { grep = "off" }'), SHORT),
        (tools("max_parallel = 4\ndescriptions = { ls = 'Lists.' }"), tools("max_parallel = 2")),
        (LONG, {**SHORT, "harness.toml": b"= broken"}),
    ],
)
def test_what_does_more_than_take_away(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    assert not removes(before, after)


FILES = st.dictionaries(
    st.sampled_from(["harness.toml", "prompts/system.md", "prompts/more.md"]), st.binary(max_size=30), max_size=3
)


@given(FILES, FILES, st.lists(st.sampled_from(sorted(SIMPLICITY)), max_size=3))
def test_simpler_turns_round_with_its_arguments(
    one: dict[str, bytes], other: dict[str, bytes], names: list[str]
) -> None:
    assert simpler(one, other, names) == -simpler(other, one, names)
    assert simpler(one, one, names) == 0


@given(st.lists(st.sampled_from(["a", "b", "c."]), max_size=8), st.data())
def test_leaving_out_words_takes_away(words: list[str], data: st.DataObject) -> None:
    kept = [word for word in words if data.draw(st.booleans())]
    before, after = ({"prompts/system.md": " ".join(some).encode()} for some in (words, kept))
    fewer = -(-len(" ".join(kept)) // 4) < -(-len(" ".join(words)) // 4)
    assert removes(before, after) or not fewer or not kept
    assert not removes(after, before)

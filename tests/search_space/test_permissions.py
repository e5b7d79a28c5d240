"""Permissions: which rule holds for a call, what evasions are seen, and that an edit judged narrower is."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.harness import harness_from_files
from search_space.harness_file import HARNESS_FILE
from search_space.narrowing import wider
from search_space.permissions import STRICTNESS, Permissions, Rule, covers, matches, ruling


def permissions(default: str = "allow", *rules: tuple[Any, ...], **tools: str) -> Permissions:
    """``rules`` are (tool, argument, pattern, action) or (tool, action)."""
    keys = ("tool", "argument", "pattern", "action")
    tables = [
        dict(zip(keys, each, strict=True)) if len(each) == 4 else {"tool": each[0], "action": each[1]} for each in rules
    ]
    return Permissions.model_validate({"default": default, "tools": tools, "rules": tables})


def test_the_strictest_matching_rule_holds_and_the_default_where_none_matches() -> None:
    rules = permissions(
        "ask", ("read_*", "allow"), ("*", "path", "secrets/*", "deny"), ("read_log", "path", "old/*", "ask")
    )
    said = {
        "read_file": ruling(rules, "read_file", {"path": "src/a.py"}).action,
        "write_file": ruling(rules, "write_file", {"path": "src/a.py"}).action,
        "secret": ruling(rules, "read_file", {"path": "secrets/key"}).action,
        "old": ruling(rules, "read_log", {"path": "old/1"}).action,
    }
    assert said == {"read_file": "allow", "write_file": "ask", "secret": "deny", "old": "ask"}
    assert (
        ruling(rules, "read_file", {"path": "secrets/key"}).rule == "permissions.rules[1] (*, path 'secrets/*': deny)"
    )
    assert ruling(permissions(grep="deny"), "grep", {}).rule == "permissions.tools.grep (grep: deny)"
    assert ruling(permissions("deny"), "grep", {}).rule == "permissions.default (deny)"


EVASIONS = [
    "secrets/key",
    "./secrets/key",
    ".//secrets//key",
    "src/../secrets/key",
    "secrets/./key",
    "secrets/../secrets/key",
    "SECRETS/Key",
    "ｓecrets/key",
    " secrets/key ",
    "secrets\\key",
    "/srv/tree/secrets/key",
    "../tree/secrets/key",
    "~/tree/secrets/key",
    ["a.txt", "secrets/key"],
    {"from": {"path": "./secrets/key"}},
]


@pytest.mark.parametrize("value", EVASIONS, ids=str)
@pytest.mark.parametrize("pattern", ["secrets/*", "./secrets/*", "src/../secrets/*"])
def test_a_rule_that_denies_sees_other_ways_of_writing_a_path(value: Any, pattern: str) -> None:
    assert ruling(permissions("allow", ("*", "path", pattern, "deny")), "read_file", {"path": value}).action == "deny"


@pytest.mark.parametrize("value", ["src/secrets.py", "mysecrets/key", "notes", "", ["a", "b"], 3, None, {}], ids=str)
def test_and_nothing_else(value: Any) -> None:
    assert (
        ruling(permissions("allow", ("*", "path", "secrets/*", "deny")), "read_file", {"path": value}).action == "allow"
    )


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("src/a.py", True),
        ("./src/./a.py", True),
        ("src/../src/a.py", True),
        ("src/../secrets/key", False),
        ("rm -rf x/../src/a", False),
        ("SRC/a.py", False),
        ("/src/a.py", False),
        (["src/a.py", "src/b.py"], True),
        (["src/a.py", "secrets/key"], False),
        ([], False),
        ({"path": "src/a.py"}, False),
    ],
    ids=str,
)
def test_a_rule_that_allows_is_read_narrowly(value: Any, allowed: bool) -> None:
    rules = permissions("deny", ("read_file", "path", "src/*", "allow"))
    assert (ruling(rules, "read_file", {"path": value}).action == "allow") is allowed


@pytest.mark.parametrize(
    ("pattern", "args", "action"),
    [
        ("rm *", ["rm", "-rf", "."], "deny"),
        ("rm", ["sudo", "rm", "x"], "deny"),
        ("*-rf*", ["rm", "-rf"], "deny"),
        ('["rm",*', ["rm", "x"], "deny"),
        ("rm *", ["grep", "rm"], "allow"),
    ],
)
def test_a_list_is_matched_by_its_elements_joined_and_as_json(pattern: str, args: list[str], action: str) -> None:
    rules = permissions("allow", ("run_process", "args", pattern, "deny"))
    assert ruling(rules, "run_process", {"args": args}).action == action


def test_a_command_line_is_allowed_by_a_pattern_that_looks_like_one() -> None:
    rules = permissions(
        "deny", ("run_process", "args", "git log*", "allow"), ("run_process", "args", '["ls",*', "allow")
    )
    given_args = [["git", "log", "-3"], ["ls", "."], ["git", "push"], ["sh", "-c", "git log"], ["cat", "ls"]]
    said = [ruling(rules, "run_process", {"args": args}).action for args in given_args]
    assert said == ["allow", "allow", "deny", "deny", "deny"]


def test_without_an_argument_the_pattern_is_for_the_whole_input_and_without_a_pattern_the_argument_must_be_given() -> (
    None
):
    anywhere = permissions("allow", ("*", None, "*password*", "deny"))
    assert ruling(anywhere, "write", {"a": 1, "b": [{"c": "the PASSWORD"}]}).action == "deny"
    assert ruling(anywhere, "write", {"password_file": "x"}).action == "deny"
    given_at_all = permissions("allow", ("fetch", "headers", None, "deny"))
    assert [ruling(given_at_all, "fetch", given).action for given in ({"headers": {}}, {"url": "x"}, "odd", None)] == [
        "deny",
        "allow",
        "allow",
        "allow",
    ]


def test_bad_permissions_name_the_key() -> None:
    system = b"Answer.\n"

    def load(text: str) -> None:
        harness_from_files({HARNESS_FILE: f"name = 'x'\n{text}".encode(), "prompts/system.md": system})

    for text, said in [
        ("[permissions]\ndefault = 'never'", r"permissions\.default: got 'never', expected one of allow, ask, deny"),
        ("[[permissions.rules]]\ntool = 'x'", r"permissions\.rules\[0\]\.action: got nothing"),
        (
            "[[permissions.rules]]\ntol = 'x'\naction = 'deny'",
            r"permissions\.rules\[0\]\.tol: got an unknown key.*'tool'",
        ),
        ("[permissions.tools]\n'a*' = 'deny'", r"permissions\.tools"),
    ]:
        with pytest.raises(Exception, match=said):
            load(text)


SAME = permissions("ask", ("read_*", "allow"), ("*", "path", "secrets/*", "deny"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SAME, SAME),
        (permissions(), permissions("ask")),
        (permissions(), permissions("allow", ("*", "path", "x*", "deny"))),
        (permissions("ask", ("read_*", "allow")), permissions("ask", ("read_file", "allow"))),
        (permissions("ask", ("read_*", "allow")), permissions("deny", ("read_*", "ask"))),
        (permissions("allow", ("*", "path", "a/*", "deny")), permissions("allow", ("*", "path", "a*", "deny"))),
        (permissions("allow", ("*", "path", "a/*", "ask")), permissions("allow", ("*", "path", "a/*", "deny"))),
        (permissions("allow", ("*", "path", "a/*", "deny")), permissions("deny")),
        (permissions("allow", ("rm", "deny")), permissions("deny", ("read_*", "allow"))),
        (permissions("allow", grep="ask"), permissions("allow", grep="deny")),
        (permissions("allow", ("gr*", "deny")), permissions("allow", ("*", "deny"))),
    ],
)
def test_what_is_narrower_or_equal_is_seen(before: Permissions, after: Permissions) -> None:
    assert wider(before, after) is None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (permissions("deny"), permissions("ask"), r"permissions\.default: got 'ask', expected 'deny' or stricter"),
        (permissions("ask", grep="deny"), permissions("ask"), r"permissions\.tools\.grep: got 'grep: deny' gone"),
        (
            permissions("allow", ("*", "path", "a*", "deny")),
            permissions("allow", ("*", "path", "a/*", "deny")),
            r"permissions\.rules\[0\]: got '\*, path 'a\*': deny' gone or narrowed, and nothing else shown to deny",
        ),
        (
            permissions("deny", ("read_file", "allow")),
            permissions("deny", ("read_*", "allow")),
            r"permissions\.rules\[0\]: got 'read_\*: allow', which allows what permissions\.default = 'deny' held back",
        ),
        (permissions("allow", ("x", "deny")), permissions("allow", ("x", "ask")), r"rules\[0\].*shown to deny"),
        (permissions("allow", ("x", "ask")), permissions("allow"), r"rules\[0\].*shown to ask before all of it"),
    ],
)
def test_what_is_wider_is_refused_with_a_sentence_that_names_the_rule(
    before: Permissions, after: Permissions, said: str
) -> None:
    why = wider(before, after)
    assert why is not None and re.search(said, why), why


ACTIONS = st.sampled_from(sorted(STRICTNESS))
TOOLS = st.sampled_from(["*", "a", "b", "a*", "?", "[ab]"])
PATTERNS = st.sampled_from([None, "*", "x", "x/*", "./x/*", "*x", "X*", "x?y", "[xy]*", "x y", "/x", "[[]*"])
RULES = st.builds(Rule, tool=TOOLS, argument=st.sampled_from([None, "p", "q"]), pattern=PATTERNS, action=ACTIONS)
PERMISSIONS = st.builds(
    Permissions,
    default=ACTIONS,
    tools=st.dictionaries(st.sampled_from(["a", "b"]), ACTIONS, max_size=1),
    rules=st.lists(RULES, max_size=3),
)
VALUES = st.recursive(
    st.one_of(st.text("xXyＸ/. ", max_size=5), st.sampled_from(["x/y", "./x/y", "y/../x/y", "/z/x/y", 1, None, True])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("xy", max_size=2), inner, max_size=2)),
    max_leaves=3,
)
CALLS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "ab", "c"]), st.dictionaries(st.sampled_from(["p", "q"]), VALUES, max_size=2)),
    min_size=1,
    max_size=12,
)


# The same for many thousand pairs, with the calls that tell rules apart looked at once.

POOL = [
    Rule(tool=tool, argument=argument, pattern=pattern, action=action)
    for tool in ("*", "a", "a*")
    for argument, pattern in (
        (None, None),
        ("p", None),
        (None, "x"),
        *(("p", each) for each in ("*", "x", "X", "x*", "x/*", "./x/*", "x y", "[[]*", "*/../x", "?")),
        ("q", "x"),
    )
    for action in ("allow", "ask", "deny")
]
TELLING: list[tuple[str, dict[str, Any]]] = [
    (tool, given_input)
    for tool in ("a", "b", "ab")
    for given_input in (
        {},
        {"q": "x"},
        *(
            {"p": each}
            for each in (
                "",
                "x",
                "X",
                "y",
                "x/y",
                "./x/y",
                "y/../x/y",
                "y/../x",
                "z/y/../x",
                "X/Y",
                "/z/x",
                "x y",
                "xy",
            )
        ),
        *({"p": each} for each in (["x"], ["x", "y"], ["x/y", "x/z"], ["x", "x"], [], {"k": "x"}, {"x": 1}, 7)),
    )
]


def reach(rule: Rule) -> int:
    """The calls of ``TELLING`` that the rule matches, as bits."""
    return sum(1 << place for place, call in enumerate(TELLING) if matches(rule, *call))


REACH = [reach(rule) for rule in POOL]
ALL = (1 << len(TELLING)) - 1


def held(default: str, rules: list[int], level: int) -> int:
    """The calls that are held to at least ``level``, for rules by their place in the pool."""
    strong = weak = 0
    for place in rules:
        if STRICTNESS[POOL[place].action] >= level:
            strong |= REACH[place]
        else:
            weak |= REACH[place]
    return strong | (ALL & ~weak if STRICTNESS[default] >= level else 0)


def test_every_rule_of_a_pool_that_covers_another_reaches_all_that_it_does() -> None:
    covering = 0
    for outer, wide in zip(POOL, REACH, strict=True):
        for inner, narrow in zip(POOL, REACH, strict=True):
            if covers(outer, inner):
                covering += 1
                assert not narrow & ~wide, (outer, inner)
    assert covering > len(POOL) * 5


def test_no_edit_of_many_that_is_judged_not_wider_allows_a_call_more() -> None:
    draw = random.Random(7)
    judged = 0
    for _ in range(6000):
        old = [draw.randrange(len(POOL)) for _ in range(draw.randrange(4))]
        new, default, changed = list(old), draw.choice(sorted(STRICTNESS)), None
        for _ in range(draw.randrange(1, 3)):
            kind = draw.randrange(4)
            if kind == 0:
                changed = draw.choice(sorted(STRICTNESS))
            elif kind == 1 and new:
                new.pop(draw.randrange(len(new)))
            else:
                new.insert(draw.randrange(len(new) + 1), draw.randrange(len(POOL)))
        before = Permissions.model_construct(default=default, tools={}, rules=[POOL[place] for place in old])
        after = Permissions.model_construct(default=changed or default, tools={}, rules=[POOL[place] for place in new])
        if wider(before, after) is None:
            judged += old != new or changed not in (None, default)
            for level in (1, 2):
                assert not held(default, old, level) & ~held(changed or default, new, level), (before, after)
    assert judged > 1000


@given(PERMISSIONS, PERMISSIONS, st.data(), CALLS)
def test_no_call_is_allowed_more_after_an_edit_that_was_judged_not_wider(
    before: Permissions, other: Permissions, data: st.DataObject, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    for after in (other, data.draw(edited(before))):
        if wider(before, after) is not None:
            continue
        for tool, given_input in calls:
            was, now = ruling(before, tool, given_input), ruling(after, tool, given_input)
            assert STRICTNESS[now.action] >= STRICTNESS[was.action], (tool, given_input, was, now)


@given(RULES, RULES, CALLS)
def test_a_rule_that_covers_another_matches_all_that_it_does(
    outer: Rule, inner: Rule, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    if covers(outer, inner):
        assert all(matches(outer, *call) for call in calls if matches(inner, *call))


@st.composite
def edited(draw: st.DrawFn, before: Permissions) -> Permissions:
    """``before`` with one thing different: random pairs are hardly ever narrower in an interesting way."""
    rules = list(before.rules)
    kind = draw(st.sampled_from(["add", "drop", "action", "pattern", "tool", "default", "whole"]))
    if kind == "add":
        rules.insert(draw(st.integers(0, len(rules))), draw(RULES))
    elif kind == "default":
        return before.model_copy(update={"default": draw(ACTIONS)})
    elif kind == "whole":
        return before.model_copy(update={"tools": {**before.tools, draw(st.sampled_from(["a", "b"])): draw(ACTIONS)}})
    elif rules:
        at = draw(st.integers(0, len(rules) - 1))
        if kind == "drop":
            del rules[at]
        else:
            new = {"action": draw(ACTIONS), "pattern": draw(PATTERNS), "tool": draw(TOOLS)}[kind]
            rules[at] = rules[at].model_copy(update={kind: new})
    return before.model_copy(update={"rules": rules})

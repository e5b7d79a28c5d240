"""Who sees which tools, in which order and words, and what the harness says of their effects."""

from __future__ import annotations

from typing import Any

import pytest

from search_space.errors import InvalidFile
from search_space.harness_file import ToolsConfig
from search_space.partition import Partition, check_permissions
from search_space.permissions import Permissions
from search_space.tools import Effects, Tool


def tool(name: str, description: str = "", reads: str = "", writes: str = "", *, assumed: bool = False) -> Tool:
    effects = Effects(frozenset(reads.split()), frozenset(writes.split()))
    return Tool(name, description, {"type": "object"}, lambda given: name, effects, assumed)


TOOLS = [
    tool("grep", "Search lines by a regular expression.", reads="files"),
    tool("read_file", "Read lines of a file.", reads="files:{path}"),
    tool("write_file", "Write a file.", writes="files:{path}"),
    tool("find_class", "Find where a class is defined, with its bases.", reads="files"),
    tool("write_note", "Write a note.", writes="notes"),
    tool("remote", "Somebody's tool.", writes="remote", assumed=True),
]


def config(**settings: Any) -> ToolsConfig:
    return ToolsConfig.model_validate(settings)


def names(tools: list[Tool]) -> list[str]:
    return [each.name for each in tools]


def test_tools_are_split_in_order() -> None:
    visibility = {"read_file": "offered", "write_note": "off", "grep": "offered", "remote": "agent:helper"}
    partition = Partition(config(default="deferred", visibility=visibility), TOOLS)
    assert names(partition.offered) == ["grep", "read_file"]
    assert names(partition.deferred) == ["write_file", "find_class"]


def test_a_harness_own_tools_are_offered_unless_it_names_them() -> None:
    own = [*TOOLS, tool("delegate", "Hand tasks to sub-agents.")]
    assert names(Partition(config(default="deferred"), own).offered) == ["write_note", "delegate"]
    named = config(default="off", visibility={"write_note": "deferred", "delegate": "off"})
    assert names(Partition(named, own).offered) == [] and names(Partition(named, own).deferred) == ["write_note"]


def test_a_sub_agent_sees_what_is_its_own_and_what_it_lists() -> None:
    visibility = {"grep": "agent:scout", "read_file": "deferred", "write_note": "off", "write_file": "agent:editor"}
    settings = config(visibility=visibility, order=["read_file"])
    scout = Partition(settings, TOOLS, "scout", also=["read_file", "find_class", "write_note"])
    assert names(scout.offered) == ["read_file", "grep", "find_class"]
    assert scout.deferred == []
    assert names(Partition(settings, TOOLS, "editor").offered) == ["write_file"]
    assert names(Partition(settings, TOOLS).offered) == ["find_class", "remote"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"visibility": {"gerp": "off"}}, r"tools\.visibility\.gerp: got an unknown tool.*did you mean 'grep'"),
        ({"order": ["grep", "raed_file"]}, r"tools\.order: got an unknown tool, 'raed_file'.*did you mean 'read_file'"),
        ({"descriptions": {"gerp": "x"}}, r"tools\.descriptions\.gerp: got an unknown tool"),
        ({"effects": {"gerp": {}}}, r"tools\.effects\.gerp: got an unknown tool"),
        (
            {"parallel": {"write_note": True}},
            r"parallel\.write_note: got true.*two calls of write_note always conflict over 'notes'",
        ),
        (
            {"parallel": {"grep": True, "write_file": True}},
            r"calls of grep and of write_file always conflict over 'files:\{path\}'",
        ),
    ],
)
def test_a_harness_that_does_not_fit_the_tools_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        Partition(config(**settings), TOOLS)


def test_what_a_sub_agent_lists_must_be_there() -> None:
    with pytest.raises(InvalidFile, match=r"subagents\.scout\.tools: got an unknown tool, 'gerp'.*'grep'"):
        Partition(config(), TOOLS, "scout", also=["gerp"])


def test_tools_that_may_be_off_may_be_named() -> None:
    Partition(config(visibility={"search_archive": "off"}, parallel={"search_tools": True}), TOOLS)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ({"visibility": {"grep": "ofered"}}, "offered, deferred, off, agent:NAME .did you mean 'offered'"),
        ({"visibility": {"grep": "agent:"}}, "expected one of|offered, deferred, off, agent:NAME"),
        ({"order": ["a", "a"]}, "each tool once, got a twice"),
        ({"effects": {"grep": {"writes": ["a b"]}}}, "pattern"),
    ],
)
def test_values_that_make_no_sense_are_refused(toml: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**toml)


def test_order_and_words_are_the_harness_s() -> None:
    partition = Partition(config(order=["write_note", "find_class"], descriptions={"grep": "Look."}), TOOLS)
    assert names(partition.offered) == ["write_note", "find_class", "grep", "read_file", "write_file", "remote"]
    assert partition.offered[2].spec()["description"] == "Look."
    assert partition.offered[3] is TOOLS[1]


def test_declared_effects_replace_assumed_ones_and_add_to_others() -> None:
    said = {"remote": {"reads": ["weather"]}, "grep": {"writes": ["cache:{pattern}"]}}
    partition = Partition(config(schedule="effects", effects=said), TOOLS)
    tools = {each.name: each for each in partition.offered}
    assert partition.effects_of(tools["remote"], {}) == Effects(reads=frozenset({"weather"}))
    bound = Effects(frozenset({"files"}), frozenset({"cache:x"}))
    assert partition.effects_of(tools["grep"], {"pattern": "x"}) == bound


def test_the_schedule_says_which_calls_stand_alone() -> None:
    tools = {each.name: each for each in TOOLS}
    marked = Partition(config(parallel={"read_file": True}), TOOLS)
    assert marked.effects_of(tools["grep"], {}) is None
    assert marked.effects_of(tools["read_file"], {"path": "a"}) == Effects(frozenset({"files:a"}))
    free = Partition(config(schedule="effects", parallel={"grep": False}, max_parallel=7), TOOLS)
    assert free.effects_of(tools["grep"], {}) is None
    assert free.effects_of(tools["write_file"], {"path": "a"}) == Effects(writes=frozenset({"files:a"}))
    assert (marked.max_parallel, free.max_parallel) == (4, 7)
    assert Partition(config(schedule="serial", max_parallel=7), TOOLS).max_parallel == 1


def test_deferred_tools_are_found_by_words() -> None:
    partition = Partition(config(default="deferred"), TOOLS)
    assert names(partition.search("the bases of a class")) == ["find_class"]
    assert partition.search("read a file")[0].name == "read_file"
    assert partition.search("weather") == []
    assert len(partition.search("file lines note class write read", at_most=2)) == 2


def test_a_permission_for_a_tool_that_is_not_there_is_an_error() -> None:
    known = names(TOOLS)
    fine = {
        "tools": {"grep": "deny", "write_note": "ask", "server__tool": "deny"},
        "rules": [{"tool": "w*", "action": "ask"}],
    }
    check_permissions(Permissions.model_validate(fine), known)
    with pytest.raises(InvalidFile, match=r"permissions\.tools\.gerp: .*did you mean 'grep'"):
        check_permissions(Permissions.model_validate({"tools": {"gerp": "deny"}}), known)
    with pytest.raises(InvalidFile, match=r"permissions\.rules\[0\]\.tool: .*'red_file'.*did you mean 'read_file'"):
        rules = [{"tool": "red_file", "argument": "path", "pattern": "*.env", "action": "deny"}]
        check_permissions(Permissions.model_validate({"rules": rules}), known)

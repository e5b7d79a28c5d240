from __future__ import annotations

from pathlib import Path

import pytest

from search_space.errors import InvalidFile, MissingFile
from search_space.harness import harness_from_files, load_harness, read_folder

MINIMAL = Path(__file__).parents[2] / "baselines" / "minimal"


def files(toml: str, **others: str) -> dict[str, bytes]:
    return {"harness.toml": toml.encode(), "prompts/system.md": b"Hello.\n"} | {
        k: v.encode() for k, v in others.items()
    }


def test_the_shipped_minimal_harness_is_plain() -> None:
    harness = load_harness(MINIMAL)
    assert harness.name == "minimal"
    assert harness.limits.max_steps == 10
    assert harness.limits.context_tokens == 8000
    assert harness.compaction.strategy == "sliding_window"
    assert harness.tools.default == "offered"
    assert not harness.tools.visibility
    assert not harness.tools.parallel
    assert not (harness.memory.index or harness.memory.notes or harness.memory.archive)
    assert harness.system_prompt() == "You answer questions about a source tree with tools."


def test_the_system_prompt_is_system_then_the_others_by_name() -> None:
    tree = files('name = "x"', **{"prompts/b.md": "B\n\n", "prompts/a.md": "\nA", "prompts/empty.md": " \n"})
    tree["prompts/deeper/c.md"] = b"not sent"
    assert harness_from_files(tree).system_prompt() == "Hello.\n\nA\n\nB"


def test_compaction_is_the_config_of_its_strategy() -> None:
    harness = harness_from_files(files('name = "x"\n[compaction]\nstrategy = "summary"\nmax_tokens = 9\n'))
    assert harness.compaction.model_dump() == {"strategy": "summary", "keep_messages": 8, "block": 8, "max_tokens": 9}


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("name = 1", "harness.toml: name: got 1 (int), expected a valid string"),
        (
            "name = 'x'\n[mcp.a__b]\ncommand = ['a']",
            "harness.toml: mcp.a__b: got 'a__b', expected a text that matches '^[A-Za-z0-9]",
        ),
        ("", "harness.toml: name: got nothing, expected a value (this key is required)"),
        ("nam = 'x'", "harness.toml: nam: got an unknown key"),
        ("nam = 'x'", "(did you mean 'name'?)"),
        ("name = 'x'\n[limits]\nmax_step = 3", "harness.toml: limits.max_step: got an unknown key, expected one of"),
        ("name = 'x'\n[limits]\nmax_step = 3", "(did you mean 'max_steps'?)"),
        ("name = 'x'\n[limits]\nmax_steps = '3'", "harness.toml: limits.max_steps: got '3', expected a valid integer"),
        ("name = 'x'\n[limits]\nmax_steps = 0", "limits.max_steps: got 0 (int), expected greater than or equal to 1"),
        ("name = 'x'\n[limits]\nmax_steps = true", "limits.max_steps: got true, expected a valid integer"),
        ("name = 'x'\n[compaction]\nstrategy = 'sumary'", "compaction.strategy: got 'sumary', expected one of none, "),
        ("name = 'x'\n[compaction]\nstrategy = 'sumary'", "(did you mean 'summary'?)"),
        ("name = 'x'\n[compaction]\nkeep = 3", "compaction.strategy: got nothing, expected a value"),
        (
            "name = 'x'\n[compaction]\nstrategy = 'summary'\nkeep_message = 3",
            "compaction.keep_message: got an unknown key, expected one of block, keep_messages, max_tokens, strategy "
            "(did you mean 'keep_messages'?)",
        ),
        (
            "name = 'x'\n[tools.visibility]\ngrep = 'of'",
            "tools.visibility.grep: got 'of', expected one of offered, deferred, off, agent:NAME (did you mean 'off'?)",
        ),
        (
            "name = 'x'\n[tools.visibility]\ngrep = 'agent:x'",
            "tools.visibility.grep: got 'agent:x', expected a sub-agent of [subagents], of which there is none",
        ),
        ("name = 'x'\n[cache]\nbreakpoints = ['tool']", "cache.breakpoints[0]: got 'tool', expected one of tools,"),
        ("name = 'x'\n[flags]\na = 1", "flags.a: got 1 (int), expected a valid boolean"),
        ("name = 'x'\nlimits = 3", "limits: got 3 (int), expected"),
        (
            "name = 'x'\n[compaction]\nstrategy = 'plugin'\nfile = 'x.py'",
            "file: got 'x.py', expected a file in",
        ),
        ("name = 'x'\n[compaction]\nstrategy = 'plugin'\nfile = 'strategies/x.py'", "which the harness does not have"),
        ("name = ", "harness.toml: the file: got invalid TOML"),
    ],
)
def test_a_wrong_file_names_file_key_got_expected_and_the_nearest_key(toml: str, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        harness_from_files(files(toml))
    assert message in str(caught.value)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"harness\.toml"):
        harness_from_files({})
    with pytest.raises(MissingFile, match=r"prompts/system\.md"):
        harness_from_files({"harness.toml": b'name = "x"'})
    with pytest.raises(MissingFile, match="no such folder"):
        load_harness(tmp_path / "none")


def test_bytes_that_are_no_text_are_named() -> None:
    with pytest.raises(InvalidFile, match=r"prompts/system\.md: .*UTF-8"):
        harness_from_files({**files('name = "x"'), "prompts/system.md": b"\xff"})


def test_a_folder_is_read_whole_in_order_without_caches(tmp_path: Path) -> None:
    (tmp_path / "b" / "__pycache__").mkdir(parents=True)
    (tmp_path / "b" / "__pycache__" / "x.pyc").write_bytes(b"")
    (tmp_path / "b" / "x").write_bytes(b"\r\n\xff")
    (tmp_path / "a").write_bytes(b"")
    assert list(read_folder(tmp_path).items()) == [("a", b""), ("b/x", b"\r\n\xff")]
    (tmp_path / "link").symlink_to("/")
    with pytest.raises(InvalidFile, match="link: the file: got a symbolic link"):
        read_folder(tmp_path)

"""MCP servers as real processes, on stdin and stdout and over HTTP on loopback: good ones and bad ones."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from baselines.agent.mcp import mcp_tools
from baselines.agent.mcp.connection import McpFailed
from search_space.errors import InvalidFile
from search_space.harness import harness_from_files
from search_space.messages import estimate_tokens
from search_space.partition import Partition
from search_space.tools import ToolError
from tests.servers.over_http import over_http

SERVERS = Path(__file__).parents[2] / "servers"
GOOD, ROGUE = str(SERVERS / "mcp_server.py"), str(SERVERS / "mcp_rogue.py")


def harness_of(text):
    return harness_from_files({"harness.toml": f'name = "h"\n{text}'.encode(), "prompts/system.md": b"Do it.\n"})


def command(*parts):
    return f"command = {json.dumps(['{python}', *parts])}\n"


@pytest.fixture
def run(tmp_path):
    """Opens the servers of a harness: the context gives (tools by name, records, the rest)."""

    class Opened:
        def __init__(self, text):
            self.harness = harness_of(text)
            self.records = []
            self.context = mcp_tools(self.harness, tmp_path, tmp_path, None, self.records.append)

        def __enter__(self):
            self.mcp = self.context.__enter__()
            self.tools = {tool.name: tool for tool in self.mcp.tools}
            return self

        def __exit__(self, *error):
            return self.context.__exit__(*error)

    return Opened


@pytest.fixture
def address(tmp_path):
    """A server over HTTP: its address and its process."""
    with over_http(tmp_path) as served:
        yield served


def living(folder):
    """Processes that run in ``folder``, as every server does; those that ended and were not collected yet aside."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink() == folder:
                    found.append((entry / "cmdline").read_text())
    return found


def nothing_lives(folder):
    """Whether nothing is left running there, or only what is just being killed."""
    deadline = time.monotonic() + 3.0
    while living(folder) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not living(folder)


def check_good_tools(tools):
    assert sorted(tools) == ["shelf__add", "shelf__env", "shelf__fail", "shelf__note", "shelf__notes", "shelf__picture"]
    assert tools["shelf__add"].description == "Add two whole numbers."
    assert tools["shelf__add"].input_schema["required"] == ["a", "b"]
    assert tools["shelf__add"].run({"a": 2, "b": 40}) == "42"
    assert tools["shelf__note"].run({"text": "half \ud83d a pair, \u00e9\u4e2d"}) == "noted as 1"
    assert tools["shelf__notes"].run({}) == "half ? a pair, \u00e9\u4e2d"
    assert tools["shelf__picture"].run({}) == "[image image/png, 12 characters of base64, not shown]"
    with pytest.raises(ToolError, match="Error executing tool fail"):
        tools["shelf__fail"].run({})


def test_a_server_on_stdin_and_stdout(run, tmp_path, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    text = f"[mcp.shelf]\n{command(GOOD)}environment = {{ PLACE = '{{folder}}/x' }}\n"
    with run(text) as opened:
        check_good_tools(opened.tools)
        seen = opened.tools["shelf__env"].run({}).split()
        assert set(seen) <= {"PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "PLACE", str(tmp_path)}
        assert str(tmp_path) in seen
    (record,) = opened.records
    assert (record["kind"], record["server"], record["outcome"], record["left_out"]) == ("mcp", "shelf", "started", {})
    assert record["tools"] == ["add", "env", "fail", "note", "notes", "picture"]
    assert nothing_lives(tmp_path)


def test_a_server_over_http_and_what_is_said_when_it_goes_away(run, address):
    url, process = address
    with run(f'[mcp.shelf]\nurl = "{url}"\ntimeout_s = 5.0\n') as opened:
        check_good_tools(opened.tools)
        process.kill()
        process.wait()
        for _ in range(2):
            with pytest.raises(ToolError, match="the MCP server shelf"):
                opened.tools["shelf__add"].run({"a": 1, "b": 1})
    with pytest.raises(McpFailed, match=r"mcp\.shelf: the server did not start: ConnectError"):
        run(f'[mcp.shelf]\nurl = "{url}"\n').__enter__()


def test_two_servers_side_by_side_and_only_the_tools_that_are_wanted(run):
    wanted = "tools = ['see', 'good', 'nonsense']\n"
    text = f"[mcp.one]\n{command(ROGUE, 'annotates')}{wanted}[mcp.two]\n{command(ROGUE, 'echo')}"
    with run(text) as opened:
        assert list(opened.tools) == ["one__good", "one__see", "two__good"]
        assert opened.tools["two__good"].run({"x": "1"}) == '{"x": "1"}'
    assert opened.records[0]["left_out"] == {"nonsense": "the server has no such tool"}


def test_effects_are_assumed_to_write_or_taken_from_annotations_or_from_the_harness(run):
    def conflicts(harness, opened, *names):
        tools = {tool.name: tool for tool in Partition(harness.tools, opened.mcp.tools).offered}
        one, other = (tools[f"s__{name}"].effects.of({}) for name in names)
        return one.conflicts(other)

    assumed = f"[mcp.s]\n{command(ROGUE, 'annotates')}"
    with run(assumed) as opened:
        assert conflicts(opened.harness, opened, "look", "see")
        declared = harness_of(
            assumed
            + "[tools.effects]\ns__look = {}\ns__see = { reads = ['notes'] }\ns__good = { writes = ['notes'] }\n"
        )
        assert not conflicts(declared, opened, "look", "good")
        assert conflicts(declared, opened, "see", "good")
    with run(assumed + "assume = 'annotations'\n") as opened:
        assert not conflicts(opened.harness, opened, "look", "see")
        assert conflicts(opened.harness, opened, "look", "good")


DO_NOT_START = {
    "dies at once": "it ended with exit code 3; it said: cannot find my database",
    "says nothing": "no list of tools within mcp.s.start_timeout_s",
    "prints only garbage": "more than 1,048,576 bytes that are no messages; it printed .*la la",
    "one endless line": "a message of more than 16,777,216 bytes",
    "lists nothing": "no list of tools within",
    "dies on list": "it ended with exit code 4",
    "lists no list": "it answered what the protocol does not know: tools: ",
}


@pytest.mark.parametrize("sin", DO_NOT_START)
def test_a_server_that_does_not_start_is_told_in_time_and_leaves_nothing(run, tmp_path, sin):
    begun = time.monotonic()
    opened = run(f"[mcp.s]\n{command(ROGUE, sin)}start_timeout_s = 0.8\n")
    with pytest.raises(McpFailed, match=rf"mcp\.s: the server did not start: .*{DO_NOT_START[sin]}"):
        opened.__enter__()
    assert time.monotonic() - begun < 8.0
    assert [record["outcome"] for record in opened.records] == ["failed"]
    assert nothing_lives(tmp_path)


def test_a_program_that_is_not_there_is_told(run):
    with pytest.raises(McpFailed, match=r"mcp\.s: the server did not start: FileNotFoundError: .*no-such-program"):
        run('[mcp.s]\ncommand = ["no-such-program"]\n').__enter__()


def test_a_server_that_is_not_required_may_be_missing_and_its_names_still_stand_in_the_harness(run):
    text = (
        f"[mcp.gone]\n{command(ROGUE, 'dies at once')}required = false\n[mcp.s]\n{command(ROGUE, 'echo')}"
        "[tools]\norder = ['gone__good', 's__good']\n[tools.visibility]\ngone__good = 'deferred'\n"
    )
    with run(text) as opened:
        assert list(opened.tools) == ["s__good"]
        fitting = opened.mcp.fitting(opened.harness)
        assert [tool.name for tool in Partition(fitting.tools, opened.mcp.tools).offered] == ["s__good"]
    assert [record["outcome"] for record in opened.records] == ["failed", "started"]
    with run(f"[mcp.s]\n{command(ROGUE, 'echo')}[tools.visibility]\ns__god = 'off'\n") as opened:
        fitting = opened.mcp.fitting(opened.harness)
        with pytest.raises(InvalidFile, match="did you mean 's__good'"):
            Partition(fitting.tools, opened.mcp.tools)


def test_tools_that_the_api_would_refuse_are_left_out_and_the_others_work(run):
    with run(f"[mcp.s]\n{command(ROGUE, 'lies about schemas')}") as opened:
        assert sorted(opened.tools) == ["s__good", "s__odd_rest", "s__wordless"]
        assert opened.tools["s__wordless"].description == "wordless, a tool of s without a description"
        assert {tool.run({}) for tool in opened.tools.values()} == {"fine"}
    left_out = opened.records[0]["left_out"]
    assert {"text", "no_schema", "none", "a.dot", "any", "huge"} <= set(left_out)
    assert left_out["text"] == "tool 's__text': input_schema.type: got 'string', expected 'object'"
    assert left_out["huge"].startswith("its schema has 30,")
    assert sorted(left_out.values()).count("it has no name") == 2
    assert json.dumps(opened.records)


BAD_CALLS = {
    "dies in a call": ["ended during the call: it ended with exit code 5; it said: out of memory", "is gone: it ended"],
    "hangs in a call": [
        "did not answer good in 0.5 s",
        "did not answer good",
        "2 calls in a row and is not asked again",
    ],
    "another shape": ["it answered what the protocol does not know: content: Field required"] * 2,
    "no object": ["did not answer good in 0.5 s"],
    "changes its tools": ["says: Unknown tool: good"] * 2,
    "odd content": ["^\\[image image/png, 4 characters of base64, not shown]\n\\[link to a: file:///a.txt]\n"] * 2,
}


@pytest.mark.parametrize("sin", BAD_CALLS)
def test_a_call_that_goes_wrong_is_an_error_in_time(run, tmp_path, sin):
    with run(f"[mcp.s]\n{command(ROGUE, sin)}timeout_s = 0.5\n") as opened:
        for words in BAD_CALLS[sin]:
            begun = time.monotonic()
            with pytest.raises(ToolError, match=words):
                opened.tools["s__good"].run({})
            assert time.monotonic() - begun < 3.0
    assert nothing_lives(tmp_path)


def test_a_huge_result_is_cut_and_structured_content_is_shown(run):
    text = f"[mcp.big]\n{command(ROGUE, 'huge result')}[mcp.form]\n{command(ROGUE, 'structured')}"
    with run(text) as opened:
        big = opened.tools["big__good"].run({})
        assert big.endswith("\n[cut here: 2,000,000 more characters]")
        assert estimate_tokens(big) < 260_000
        assert opened.tools["form__good"].run({}) == '{"sum": 3}'


@pytest.mark.parametrize("sin", ["prints garbage", "leaves a child", "stays", "lists without end"])
def test_lesser_sins_are_put_up_with_and_cleaned_up(run, tmp_path, sin):
    begun = time.monotonic()
    with run(f"[mcp.s]\n{command(ROGUE, sin)}") as opened:
        assert next(iter(opened.tools.values())).run({}) == "fine"
        assert len(living(tmp_path)) == 1 + (sin == "leaves a child")
    assert time.monotonic() - begun < 10.0
    assert nothing_lives(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[mcp.a__b]\nurl = 'http://x/'\n", r"mcp\.a__b"),
        ("[mcp.a]\n", r"mcp\.a: got a table, expected either 'command'.* or 'url'"),
        ("[mcp.a]\nurl = 'ftp://x'\n", r"mcp\.a\.url: got 'ftp://x'"),
        ("[mcp.a]\nurl = 'http://x'\ncomand = ['x']\n", r"mcp\.a\.comand: got an unknown key.*'command'"),
        ("[mcp.a]\nurl = 'http://x'\ntimeout_s = 0\n", r"mcp\.a\.timeout_s: got 0"),
        ("[mcp.a]\ncommand = []\n", r"mcp\.a\.command"),
    ],
)
def test_bad_settings_name_the_key(text, said):
    with pytest.raises(InvalidFile, match=said):
        harness_of(text)


def test_a_harness_without_servers_imports_nothing_and_starts_nothing(tmp_path):
    code = (
        "import sys, threading\nfrom pathlib import Path\nfrom baselines.agent.mcp import mcp_tools\n"
        "from search_space.harness import harness_from_files\n"
        "harness = harness_from_files({'harness.toml': b'name = \"h\"', 'prompts/system.md': b'x'})\n"
        "with mcp_tools(harness, Path(), Path(), None, print) as mcp:\n"
        "    assert not mcp.tools and threading.active_count() == 1\n"
        "assert 'mcp' not in sys.modules and 'asyncio' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(SERVERS.parents[1])})
    assert done.returncode == 0

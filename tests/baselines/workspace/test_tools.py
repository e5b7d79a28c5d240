"""Every tool: a result, an error, what it leaves behind, and that it touches no more than it declares."""

from __future__ import annotations

import io
import re
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from baselines.workspace.tools import DEFINITIONS, FAMILIES, LOOK_ALIKES
from search_space.calls import Call, running
from search_space.tool_specs import check_tool_spec
from search_space.tools import Tool, ToolError, overlap
from tests.baselines.workspace.conftest import Unchanged
from tests.baselines.workspace.examples import FAILS, FILES, WORKS, Works, snapshot

NAMES = [definition.name for definition in DEFINITIONS]


WRITES = {definition.name: bool(definition.effects.writes) for definition in DEFINITIONS}


def undeclared(tool: Tool, given: dict[str, Any], call: Call) -> list[str]:
    """What the call read or wrote that lies in nothing its tool declares."""
    declared = tool.effects.of(given)
    sides = ((call.reads, declared.reads), (call.writes, declared.writes))
    return sorted(each for touched, known in sides for each in touched if not any(_within(each, one) for one in known))


def _within(part: str, whole: str) -> bool:
    return overlap(part, whole) and len(whole) <= len(part)


def test_there_are_enough_and_each_is_tried() -> None:
    assert len(NAMES) >= 66 and len(set(NAMES)) == len(NAMES)
    assert {example.tool for example in WORKS} == set(NAMES)
    assert {name for name, _, _ in FAILS} == set(NAMES)
    assert tuple(NAMES[-len(LOOK_ALIKES) :]) == tuple(sorted(LOOK_ALIKES, key=NAMES.index))
    assert sum(map(len, FAMILIES.values())) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_model_sees_is_what_the_api_takes(shared: dict[str, Tool], name: str) -> None:
    spec = shared[name].spec()
    check_tool_spec(spec)
    schema = spec["input_schema"]
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) <= set(schema["properties"])
    assert spec["description"].strip().endswith(".")
    assert all(each["description"].strip() for each in schema["properties"].values())
    placeholders = re.findall(r"\{(\w+)\}", " ".join(shared[name].effects.reads | shared[name].effects.writes))
    assert set(placeholders) <= set(schema["properties"])


@pytest.mark.parametrize("example", [example for example in WORKS if not WRITES[example.tool]], ids=str)
def test_what_a_reading_tool_says_and_touches(shared: dict[str, Tool], unchanged: Unchanged, example: Works) -> None:
    call = runs(shared[example.tool], example)
    assert not call.writes
    call.commit()
    unchanged()


@pytest.mark.parametrize("example", [example for example in WORKS if WRITES[example.tool]], ids=str)
def test_what_a_writing_tool_says_touches_and_leaves(tools: dict[str, Tool], root: Path, example: Works) -> None:
    before = snapshot(root)
    call = runs(tools[example.tool], example)
    assert call.writes
    if not example.tool.startswith("run_"):
        assert snapshot(root) == before, "written before the call was committed"
    call.commit()
    after = snapshot(root)
    for path, content in example.leaves.items():
        if content is None:
            assert not (root / path).exists()
        else:
            assert after[path] == (content if isinstance(content, bytes) else content.encode())


def runs(tool: Tool, example: Works) -> Call:
    """The ended call of an example that said what it should, and touched nothing but what the tool declares."""
    with running(Call()) as call:
        said = tool.run(example.given)
    for words in example.says:
        assert words in said
    assert undeclared(tool, example.given, call) == []
    return call


@pytest.mark.parametrize(("name", "given", "words"), FAILS, ids=[name for name, _, _ in FAILS])
def test_an_error(shared: dict[str, Tool], unchanged: Unchanged, name: str, given: dict[str, Any], words: str) -> None:
    with running(Call()) as call, pytest.raises(ToolError) as raised:
        shared[name].run(given)
    assert words in str(raised.value)
    assert len(str(raised.value)) < 1200
    assert undeclared(shared[name], given, call) == []
    unchanged()


OUT = ["../secret", "pkg/../../secret", "/etc/passwd", "~/secret", "link", "folder/x", "in\0side", "\ud800"]


@pytest.mark.parametrize("path", OUT)
def test_no_path_leads_outside(tools: dict[str, Tool], root: Path, path: str) -> None:
    (root.parent / "secret").write_text("TOP SECRET")
    (root / "link").symlink_to("../secret")
    (root / "folder").symlink_to("..")
    for tool in tools.values():
        kinds = {name: each.get("type") for name, each in tool.input_schema["properties"].items()}
        places = [name for name in ("path", "paths", "other", "target") if name in kinds]
        for place in places:
            given: dict[str, Any] = {name: _some(each) for name, each in tool.input_schema["properties"].items()}
            given |= {"path": "notes.txt"} if "path" in kinds else {}
            given[place] = [path] if kinds[place] == "array" else path
            with running(Call()) as call, pytest.raises(ToolError):
                tool.run(given)
            call.commit()
    assert (root.parent / "secret").read_text() == "TOP SECRET"
    assert sorted(each.name for each in root.parent.iterdir()) == ["secret", "work"]


def _some(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    some = {"string": "a", "integer": schema.get("minimum", 1), "number": 1.5, "boolean": False, "array": ["a"]}
    return some[schema["type"]]


def test_links_are_not_seen_by_what_walks(tools: dict[str, Tool], root: Path) -> None:
    (root.parent / "secret").write_text("TOP SECRET")
    (root / "link").symlink_to("../secret")
    (root / "loop").symlink_to(".")
    assert "SECRET" not in tools["search_files"].run({"pattern": "SECRET"}).replace("matches SECRET", "")
    assert "loop" not in tools["list_folder"].run({}) and "link" not in tools["show_tree"].run({})


def test_the_repository_is_not_written(tools: dict[str, Tool]) -> None:
    for given in ({"path": ".git/config", "text": "x"}, {"path": "pkg/.git/x", "text": "x"}):
        with pytest.raises(ToolError, match="for reading only"):
            tools["write_file"].run(given)
    with pytest.raises(ToolError, match="for reading only"):
        tools["delete_folder"].run({"path": ".git"})


def test_a_program_is_stopped_with_all_that_it_started(tools: dict[str, Tool], root: Path) -> None:
    code = "import subprocess, time; subprocess.Popen(['sleep', '60']); print('begun', flush=True); time.sleep(60)"
    began = time.monotonic()
    said = tools["run_code"].run({"code": code, "seconds": 1})
    assert said == "killed: still running after 1 s\nbegun"
    said = tools["run_code"].run({"code": "import subprocess; subprocess.Popen(['sleep', '60'])", "seconds": 30})
    assert said == "exit status 0"
    assert time.monotonic() - began < 15


def test_what_a_program_prints_is_cut_in_the_middle(tools: dict[str, Tool]) -> None:
    said = tools["run_code"].run({"code": "print('a' * 100_000 + 'end')"})
    assert said.endswith("aaaend") and "[cut: 76,004 bytes]" in said and len(said) < 25_000


def test_a_program_gets_no_secret(tools: dict[str, Tool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_TOKEN", "hidden-token")
    assert "hidden-token" not in tools["run_code"].run({"code": "import os; print(os.environ)"})


def test_files_of_every_size_end_in_an_answer(tools: dict[str, Tool], root: Path) -> None:
    (root / "huge.txt").write_bytes(b"x" * 9_000_000)
    (root / "long.txt").write_text("word " * 100_000)
    with pytest.raises(ToolError, match="too large to read: 9,000,000 bytes"):
        tools["read_file"].run({"path": "huge.txt"})
    assert "cut: 460,000 more characters" in tools["read_file"].run({"path": "long.txt"})
    assert len(tools["search_files"].run({"pattern": "word"})) < 2_000
    assert "9,000,000" in tools["largest_files"].run({"count": 1})
    tools["move_file"].run({"path": "huge.txt", "target": "moved.txt"})
    assert (root / "moved.txt").stat().st_size == 9_000_000


def test_the_files_of_the_examples_are_read_and_nothing_else(tools: dict[str, Tool]) -> None:
    found = tools["find_files"].run({"pattern": "**"}).splitlines()
    assert sorted(found) == sorted([*FILES, "pack.zip"])


def test_an_archive_is_not_trusted(tools: dict[str, Tool], root: Path) -> None:
    def tar(name: str, **header: Any) -> None:
        info = tarfile.TarInfo(name)
        for key, value in header.items():
            setattr(info, key, value)
        with tarfile.open(root / "bad.tar", "w") as archive:
            archive.addfile(info, io.BytesIO(b"x" * info.size))

    for header, words in [
        ({"name": "../out", "size": 1}, "would land outside"),
        ({"name": "/out", "size": 1}, "would land outside"),
        ({"name": "link", "type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "a link or a device"),
    ]:
        tar(**header)
        with pytest.raises(ToolError, match=words):
            tools["extract_archive"].run({"path": "bad.tar", "target": "out"})
    with zipfile.ZipFile(root / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 40_000_000)
    with pytest.raises(ToolError, match="holds too much"):
        tools["extract_archive"].run({"path": "bomb.zip", "target": "out"})
    (root / "cut.zip").write_bytes((root / "pack.zip").read_bytes()[:-30])
    with pytest.raises(ToolError, match="no zip or tar archive"):
        tools["list_archive"].run({"path": "cut.zip"})
    assert not (root / "out").exists()


def test_the_same_files_make_the_same_archive(tools: dict[str, Tool], root: Path) -> None:
    for name in ("a.zip", "b.zip", "a.tgz", "b.tgz"):
        tools["create_archive"].run({"paths": ["pkg", "notes.txt"], "target": name})
    assert (root / "a.zip").read_bytes() == (root / "b.zip").read_bytes()
    assert (root / "a.tgz").read_bytes() == (root / "b.tgz").read_bytes()
    tools["extract_archive"].run({"path": "a.tgz", "target": "out"})
    assert (root / "out/pkg/shapes.py").read_text() == FILES["pkg/shapes.py"]


def test_lines_around_matches_are_shown_once(tools: dict[str, Tool]) -> None:
    said = tools["search_files"].run({"pattern": "alpha", "path": "notes.txt", "context": 2})
    assert said.splitlines() == [
        "notes.txt-1- beta 2",
        "notes.txt:2: alpha 10",
        "notes.txt-3- beta 2",
        "notes.txt-4- beta 2",
        "notes.txt:5: alpha 9",
    ]

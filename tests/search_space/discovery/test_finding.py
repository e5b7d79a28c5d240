"""What is proposed for files that people have: every proposal loads, can be made and undone, and says what it opens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from search_space.discovery.finding import Found, find_dimensions, secret
from search_space.discovery.opened import Opened, named, space_text
from search_space.domains import Choice
from search_space.space import Space, load_space

CLAUDE = """\
# Project

Use the standard library.

## Style

- Be short.
- Never commit to main.
- Prefer small functions
  over large ones.
- Write tests first.
- See {{link}}.

## Commands

```
make test
```

## Steps

1. Look.
2. Change.
3. Check.

And then say so.

## Style two

- Twice.
- Twice.
"""
MINI = """\
agent:
  system_template: |
    You are an assistant with a shell.
  instance_template: |
    Solve: {{task}}

    ## Workflow

    - Read the code first.
    - Run the tests.
  step_limit: 0   # none
  cost_limit: 3.
model:
  model_kwargs: {temperature: 0.2}
environment:
  timeout: 30
"""
FILES = {
    "CLAUDE.md": CLAUDE.encode(),
    ".claude/agents/reviewer.md": b"---\nname: reviewer\ntools: [Read, Bash]\n---\nYou review.\n",
    ".claude/settings.json": b'{"model": "opus", "permissions": {"allow": ["Bash"]}, "env": {"X": 1}}\n',
    ".claude/settings.local.json": b'{"model": "opus"}',
    ".env": b"KEY=1\n",
    "secrets.toml": b"a = 1\n",
    "mini.yaml": MINI.encode(),
    "config.toml": b"[train]\nwidth = 100\nrate = 0.5\nwarm = false\nseed = 1\napi_key = 3\nmaxTokens = 5\nzero = 0\n",
    "train.py": b"DEPTH = 4\nBATCH = 2**14\nBETAS = (0.9, 0.99)\nTIME_BUDGET = 300\nlower = 3\nNAME = 'x'\n\n"
    b"class TrainConfig:\n    width: int = 10\n\n\n# ratchet: begin act\ny = x\n# ratchet: end act\n",
    "tests/test_x.py": b"DEPTH = 4\n",
    "evaluate.py": b"CASES = 100\n",
    "notes.md": b"# Idea\n\nA thought.\n",
    "README.md": b"# Ours\n\nText.\n",
    "broken.json": b"{",
    "latin.yaml": b"a: \xff\n",
}


@pytest.fixture(scope="module")
def found() -> Found:
    return find_dimensions(FILES, pinned=["evaluate.py"])


@pytest.fixture(scope="module")
def space(found: Found, tmp_path_factory: pytest.TempPathFactory) -> Space:
    path = tmp_path_factory.mktemp("space") / "space.toml"
    path.write_text(space_text(found.opened, ("A head.",)), encoding="utf-8")
    return load_space(path)


def tables(found: Found) -> Mapping[str, Opened]:
    return {each.name: each for each in found.opened}


def test_each_proposal_can_be_made_and_undone_by_its_values(space: Space) -> None:
    present = space.read(FILES)
    for name, value in present.items():
        domain = space.allowed(name, present)
        assert domain.contains(value), name
        ends = domain.values if isinstance(domain, Choice) else (domain.low, domain.high)
        for other in ends:
            if other == value:
                continue
            after = space.edit(FILES, {name: other}).apply(FILES)
            space.check(FILES, after)
            assert space.read(after)[name] == other
            back = space.edit(after, {name: value}).apply(after)
            space.check(after, back)
            assert space.read(back) == present


def test_instructions_are_opened_item_by_item_but_for_guards_and_templates(found: Found) -> None:
    texts = [each.table["text"] for each in found.opened if each.file == "CLAUDE.md" and "text" in each.table]
    assert texts == [
        "Use the standard library.",
        "Be short.",
        "Prefer small functions\nover large ones.",
        "Write tests first.",
        "Look.",
        "Change.",
        "Check.",
        "And then say so.",
    ]
    assert [each.name for each in found.opened if each.table["kind"] == "lead"] == ["claude.style.first"]
    assert "CLAUDE.md: stays as it is, for it forbids or protects: Never commit to main." in found.notes
    assert tables(found)["claude.style.be-short"].sentence == 'CLAUDE.md, "Style": may leave out: "Be short."'


def test_settings_that_are_known_and_numbers_that_are_not(found: Found) -> None:
    opened = tables(found)
    assert opened["settings.model"].table["values"] == ["opus", "sonnet", "haiku"]
    assert opened["reviewer.model"].table["values"] == ["inherit", "opus", "sonnet", "haiku"]
    assert opened["reviewer.tools.Bash"].table["kind"] == "member"
    assert opened["mini.step_limit"].table["values"] == [0, 25, 50, 100, 250]
    assert opened["mini.instance-template.workflow.run-the-tests"].table["key"] == "agent.instance_template"
    assert opened["mini.agent.cost_limit"].table["high"] == 6.0
    assert opened["config.train.width"].sentence == "config.toml: train.width, 50 to 200 (now 100)"
    assert {name for name in opened if name.startswith("config.")} == {
        "config.train.width",
        "config.train.rate",
        "config.train.warm",
        "config.train.maxTokens",
    }


def test_code_is_opened_by_its_constants_and_regions(found: Found) -> None:
    opened = {name: each for name, each in tables(found).items() if name.startswith("train.")}
    assert set(opened) == {
        "train.DEPTH",
        "train.BATCH",
        "train.BETAS.0",
        "train.BETAS.1",
        "train.TrainConfig.width",
        "train.act",
    }
    assert opened["train.BATCH"].table["values"] == [4096, 8192, 16384, 32768]
    assert (opened["train.BETAS.0"].table["low"], opened["train.BETAS.0"].table["high"]) == (0.8, 0.95)
    assert opened["train.act"].table["region"] == "act"


def test_what_is_secret_pinned_or_judges_is_not_opened_and_what_is_broken_is_told(found: Found) -> None:
    files = {each.file for each in found.opened}
    assert files == {
        "CLAUDE.md",
        ".claude/agents/reviewer.md",
        ".claude/settings.json",
        "mini.yaml",
        "config.toml",
        "train.py",
        "notes.md",
    }
    assert any(note.startswith("broken.json: the file: got invalid JSON") for note in found.notes)
    assert "latin.yaml: no UTF-8 text; left closed" in found.notes
    assert not any(secret(path) for path in files)


@pytest.mark.parametrize(
    ("path", "is_secret"),
    [(".env.local", True), ("a/credentials.json", True), ("deploy.pem", True), ("environment.py", False)],
)
def test_files_with_secrets_are_known_by_name(path: str, is_secret: bool) -> None:
    assert secret(path) is is_secret


def test_a_long_file_is_cut_and_said_so() -> None:
    text = "# Rules\n\n" + "".join(f"- Rule number {at}.\n" for at in range(100))
    found = find_dimensions({"AGENTS.md": text.encode()})
    assert len(found.opened) == 80
    assert "AGENTS.md: the first 80 of 101 possible dimensions" in found.notes


def test_names_that_are_the_same_get_a_number() -> None:
    same = [Opened("x", {"kind": "flag", "name": "a", "file": "f"})] * 2
    assert [each.name for each in named(same)] == ["a", "a-2"]


def test_a_space_file_reads_as_what_was_proposed(found: Found, tmp_path: Path) -> None:
    text = space_text(found.opened, ("A head.",))
    assert text.startswith("# A head.\n\n# CLAUDE.md")
    for each in found.opened:
        assert f'# {each.sentence}\n[[dimension]]\nkind = "{each.table["kind"]}"\n' in text

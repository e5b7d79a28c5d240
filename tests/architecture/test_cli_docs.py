"""Every command and every option of the command line is documented in ``docs/cli.md``."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CLI_DOCS = Path(__file__).parents[2] / "docs" / "cli.md"
EVERYWHERE = {"--help", "--install-completion", "--show-completion", "--version"}


def commands() -> list[tuple[str, set[str]]]:
    """(full name, long options) of every visible command in typer's registry."""
    if importlib.util.find_spec("optimizer.cli.main") is None:
        pytest.skip("not written yet: optimizer.cli.main")
    import typer
    from typer.main import get_command

    module = importlib.import_module("optimizer.cli.main")
    apps = [value for value in vars(module).values() if isinstance(value, typer.Typer)]
    assert len(apps) == 1, "optimizer.cli.main should hold the one typer application"
    return sorted(walk("ratchet", get_command(apps[0])))


def walk(name: str, command: Any) -> Iterator[tuple[str, set[str]]]:
    children = getattr(command, "commands", {})
    if not children:
        options = {option for param in command.params for option in param.opts if option.startswith("--")}
        yield name, options - EVERYWHERE
    for child, inner in children.items():
        if not inner.hidden:
            yield from walk(f"{name} {child}", inner)


def sections(text: str) -> dict[str, str]:
    """``## ratchet run`` (backticks and arguments allowed) -> the text below it, up to the next such heading."""
    parts = re.split(r"^##+ +`?(ratchet[ \w-]*?)`?(?: +[\[<A-Z].*)?$", text, flags=re.MULTILINE)
    return {heading.strip(): body for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def test_every_command_is_documented() -> None:
    known = commands()
    assert CLI_DOCS.exists(), "docs/cli.md is missing"
    documented = sections(CLI_DOCS.read_text(encoding="utf-8"))
    assert not {name for name, _ in known} - set(documented), "docs/cli.md: a command without '## ratchet NAME'"
    assert not set(documented) - {name for name, _ in known}, "docs/cli.md: a heading for a command that does not exist"


def test_every_option_is_documented() -> None:
    known = commands()
    documented = sections(CLI_DOCS.read_text(encoding="utf-8"))
    missing = [f"{name} {option}" for name, options in known for option in options if option not in documented[name]]
    assert not missing, "docs/cli.md does not name: " + ", ".join(sorted(missing))


def test_the_headings_are_read() -> None:
    text = "# x\n## `ratchet run [EXPERIMENT]`\nstarts\n## ratchet show NUMBER\n--json\n### ratchet lessons add\nz\n"
    assert list(sections(text)) == ["ratchet run", "ratchet show", "ratchet lessons add"]
    assert sections(text)["ratchet show"] == "\n--json\n"

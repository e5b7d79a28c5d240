"""Which files of a folder say how an agent or a program works, and what of them a space could open."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import PurePosixPath

from search_space.discovery.code import constant_dimensions, region_dimensions
from search_space.discovery.instructions import guards, instruction_dimensions, section_dimensions
from search_space.discovery.opened import Opened, named
from search_space.discovery.settings import claude_agent_dimensions, settings_dimensions
from search_space.errors import InvalidFile
from search_space.regions import MARKER

MOST_BYTES = 200_000
MOST_OF_A_FILE = 80
MOST = 200
INSTRUCTIONS = (
    "CLAUDE.md", "AGENTS.md", "GEMINI.md", "*/CLAUDE.md", "*/AGENTS.md", ".github/copilot-instructions.md",
    ".claude/commands/*.md", ".claude/skills/*/SKILL.md", "PROMPT.md", "prompts/*.md", "prompt.md", "program.md",
)  # fmt: skip
AGENTS = ("*.claude/agents/*.md",)
UNTOUCHED = (
    ".git/*", "experiments/*", "node_modules/*", ".venv/*", "venv/*", "tests/*", "test/*", ".github/workflows/*",
    "*.lock", "package*.json", "tsconfig*.json", "pyproject.toml", "Cargo.toml", ".pre-commit-config.yaml",
    "*mkdocs.yml", "docker-compose*", "setup.py", "conftest.py", "*test_*.py", "*_test.py", "__init__.py",
)  # fmt: skip
"""What is no part of how an agent works, or judges it."""
DOCUMENTATION = ("README*", "CHANGELOG*", "LICENSE*", "CONTRIBUTING*", "SECURITY*", "CODE_OF_CONDUCT*")
SECRET = re.compile(r"(^|/)(\.env[^/]*|[^/]*(secret|credential|password)[^/]*|id_[a-z0-9]+|\.netrc|\.npmrc|\.pypirc|"
                    r"settings\.local\.json|[^/]*\.(pem|key|p12|pfx|kdbx))$", re.IGNORECASE)  # fmt: skip
"""Files that are not even read."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: proposals, and in plain words what stays closed and why."""

    opened: tuple[Opened, ...]
    notes: tuple[str, ...]


def secret(path: str) -> bool:
    """Whether a file may hold secrets by its name: it is not to be read."""
    return SECRET.search(path) is not None


def find_dimensions(files: Mapping[str, bytes], *, pinned: Collection[str] = ()) -> Found:
    """What could be opened in ``files``, in their order. ``pinned`` are patterns of files that stay as they are."""
    opened: list[Opened] = []
    notes: list[str] = []
    for path in sorted(files, key=_rank):
        finders = _finders(path, files[path], pinned)
        if not finders:
            continue
        try:
            text = files[path].decode()
            found = [each for find in finders for each in find(text, path)]
        except UnicodeDecodeError:
            notes.append(f"{path}: no UTF-8 text; left closed")
        except InvalidFile as error:
            notes.append(f"{error}; left closed")
        else:
            if len(found) > MOST_OF_A_FILE:
                notes.append(f"{path}: the first {MOST_OF_A_FILE} of {len(found)} possible dimensions")
            opened += islice(found, MOST_OF_A_FILE)
            if instruction_dimensions in finders or claude_agent_dimensions in finders:
                notes += [f"{path}: stays as it is, for it forbids or protects: {each}" for each in guards(text)]
    if len(opened) > MOST:
        notes.append(f"the first {MOST} of {len(opened)} possible dimensions")
    return Found(tuple(named(opened[:MOST])), tuple(notes))


Finder = Callable[[str, str], Iterator[Opened]]


def _finders(path: str, content: bytes, pinned: Collection[str]) -> tuple[Finder, ...]:
    """What looks at a file; nothing for one that stays closed."""
    if secret(path) or len(content) > MOST_BYTES or _is(path, UNTOUCHED) or _is(path, pinned) or path == "harness.toml":
        return ()
    suffix = PurePosixPath(path).suffix
    marked = MARKER.search(content.decode(errors="replace")) is not None
    if suffix == ".py":
        return (constant_dimensions, *((region_dimensions,) if marked else ()))
    if marked:
        return (region_dimensions,)
    if _is(path, AGENTS):
        return (claude_agent_dimensions,)
    if _is(path, INSTRUCTIONS):
        return (instruction_dimensions,)
    if suffix == ".md" and not _is(path.rsplit("/", 1)[-1], DOCUMENTATION) and not path.startswith("docs/"):
        return (section_dimensions,)
    return (settings_dimensions,) if suffix in (".toml", ".yaml", ".yml", ".json") else ()


def _is(path: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _rank(path: str) -> tuple[int, int, str]:
    """Instructions first, then agents, then settings and code; what stands higher in the tree before what is below."""
    order = 0 if _is(path, INSTRUCTIONS) else 1 if _is(path, AGENTS) else 2 if path.endswith((".yaml", ".yml")) else 3
    return order, path.count("/"), path

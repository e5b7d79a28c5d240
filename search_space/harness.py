"""A harness folder: ``harness.toml``, ``prompts/*.md`` and optional ``strategies/*.py``, loaded and validated."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from search_space.errors import InvalidFile, MissingFile
from search_space.harness_file import AGENT, HARNESS_FILE, HarnessFile, Plugin
from search_space.validation import load_toml, nearest

SYSTEM_FILE = "prompts/system.md"
IGNORED = {".git", "__pycache__", ".DS_Store"}
"""Names that are never part of a harness."""


class Harness(HarnessFile):
    """A whole harness: ``harness.toml``'s content and the prompts by path."""

    prompts: dict[str, str]

    def system_prompt(self) -> str:
        """The system prompt as sent: ``prompts/system.md``, then the other ``prompts/*.md`` by name, a blank line
        between; empty files and those of sub-agents are left out."""
        others = sorted(path for path in self.prompts if path != SYSTEM_FILE and path.count("/") == 1)
        texts = [self.prompts[path].strip() for path in (SYSTEM_FILE, *others)]
        return "\n\n".join(text for text in texts if text)


def load_harness(folder: Path) -> Harness:
    """The harness in ``folder``. Raises :class:`MissingFile` or :class:`InvalidFile`."""
    return harness_from_files(read_folder(folder))


def harness_from_files(files: Mapping[str, bytes]) -> Harness:
    """The harness that a tree of files is. Raises :class:`MissingFile` or :class:`InvalidFile`."""
    for needed in (HARNESS_FILE, SYSTEM_FILE):
        if needed not in files:
            raise MissingFile(f"{needed}: got nothing, expected this file in every harness")
    config = _config(files[HARNESS_FILE])
    _check_seen_by(config)
    agents = _agents_prompts(config, files)
    prompts = {path: _text(path, files[path]) for path in sorted(files) if path in agents or _is_prompt(path)}
    if isinstance(config.compaction, Plugin) and config.compaction.file not in files:
        got = f"{config.compaction.file!r}, which the harness does not have"
        present = sorted(path for path in files if path.startswith("strategies/") and path.endswith(".py"))
        raise InvalidFile(HARNESS_FILE, "compaction.file", got, f"one of {', '.join(present) or 'none there'}")
    fields = {name: getattr(config, name) for name in HarnessFile.model_fields}
    return Harness.model_construct(**fields, prompts=prompts)


def agent_of(files: Mapping[str, bytes]) -> Harness | None:
    """The reference agent's harness that a tree of files is; None for somebody's own files, which have no
    ``harness.toml``. Raises as :func:`harness_from_files` does."""
    return harness_from_files(files) if HARNESS_FILE in files else None


def read_folder(folder: Path) -> dict[str, bytes]:
    """The folder's files by relative posix path, in sorted order; ``.git`` and ``__pycache__`` are left out.

    Raises :class:`MissingFile` when there is no such folder and :class:`InvalidFile` for anything in it that is
    neither a file nor a folder (a symbolic link, a socket).
    """
    if not folder.is_dir():
        raise MissingFile(f"{folder}: got no such folder, expected a harness folder with {HARNESS_FILE}")
    return dict(sorted(_walk(folder, "").items()))


def _check_seen_by(config: HarnessFile) -> None:
    """Raises :class:`InvalidFile` for a tool that is given to a sub-agent which is not there."""
    for tool, seen_by in config.tools.visibility.items():
        name = seen_by.removeprefix(AGENT)
        if name != seen_by and name not in config.subagents:
            known = ", ".join(f"{AGENT}{each}" for each in config.subagents)
            expected = f"a sub-agent of [subagents], {known or 'of which there is none'}"
            near = nearest(name, config.subagents)
            raise InvalidFile(
                HARNESS_FILE, f"tools.visibility.{tool}", repr(seen_by), expected, near and f"{AGENT}{near}"
            )


def _agents_prompts(config: HarnessFile, files: Mapping[str, bytes]) -> set[str]:
    """The prompt files of the sub-agents that are enabled. Raises :class:`InvalidFile` for one that is not there."""
    wanted = {name: each.prompt_file(name) for name, each in config.subagents.items() if each.enabled}
    for name, path in wanted.items():
        if path is not None and path not in files:
            got = f"{path!r}, which the harness does not have"
            raise InvalidFile(
                HARNESS_FILE, f"subagents.{name}.prompt", got, f"a file, or subagents.{name}.mode = 'fork'"
            )
    return {path for path in wanted.values() if path is not None}


@lru_cache(maxsize=256)
def _config(content: bytes) -> HarnessFile:
    return load_toml(_text(HARNESS_FILE, content), HarnessFile, file=HARNESS_FILE)


def _walk(folder: Path, prefix: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            path = prefix + entry.name
            if entry.name in IGNORED:
                continue
            if entry.is_dir(follow_symlinks=False):
                found |= _walk(Path(entry.path), path + "/")
            elif entry.is_file(follow_symlinks=False):
                found[path] = Path(entry.path).read_bytes()
            else:
                raise InvalidFile(path, "", "a symbolic link or special file", "a plain file or folder")
    return found


def _is_prompt(path: str) -> bool:
    return path.startswith("prompts/") and path.endswith(".md") and path.count("/") == 1


def _text(path: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidFile(path, "", f"bytes that are not UTF-8 (at {error.start})", "UTF-8 text") from None

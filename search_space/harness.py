"""A harness folder: ``harness.toml``, ``prompts/*.md`` and optional ``strategies/*.py``, loaded and validated."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, field_validator

from search_space.errors import InvalidFile, MissingFile
from search_space.mcp_servers import McpServer, ServerName
from search_space.permissions import Permissions
from search_space.subagents import SubagentConfig, check_names
from search_space.tools import Effects
from search_space.validation import Strict, load_toml, nearest

HARNESS_FILE = "harness.toml"
SYSTEM_FILE = "prompts/system.md"
IGNORED = {".git", "__pycache__", ".DS_Store"}
"""Names that are never part of a harness."""

Count = Annotated[int, Field(ge=1)]
Amount = Annotated[int, Field(ge=0)]
AGENT = "agent:"
Default = Literal["offered", "deferred", "off"]


def _visibility(value: str) -> str:
    known = get_args(Default)
    if value in known or (value.startswith(AGENT) and len(value) > len(AGENT)):
        return value
    near = nearest(value, known)
    hint = f" (did you mean '{near}'?)" if near else ""
    raise ValueError(f"expected one of {', '.join(known)}, {AGENT}NAME{hint}")


Visibility = Annotated[str, AfterValidator(_visibility)]
"""Who sees a tool: ``offered`` and ``deferred`` the main agent, ``agent:NAME`` only that sub-agent, ``off`` nobody."""
Resource = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+(:.+)?$")]
"""As in :class:`search_space.tools.Effects`."""


class Limits(Strict):
    """Hard bounds of one rollout."""

    max_steps: Count = 10
    """Model calls in the loop (calls that a compaction makes are extra)."""
    max_output_tokens: Count = 1024
    """Tokens of one answer."""
    context_tokens: Annotated[int, Field(ge=256)] = 8000
    """What a rendered request should fit in, by ``messages.estimate_tokens``."""
    max_result_chars: Annotated[int, Field(ge=100)] = 6000
    """Characters of one tool result; what is longer is cut with a mark."""
    total_tokens: Count | None = None
    """Tokens of the whole rollout, input and output; None for no bound."""


class NoCompaction(Strict):
    """Send everything."""

    strategy: Literal["none"] = "none"


class SlidingWindow(Strict):
    """Keep the task and the newest messages."""

    strategy: Literal["sliding_window"] = "sliding_window"
    keep_messages: Count = 20
    block: Count = 8


class ClearResults(Strict):
    """Clear old tool results, keep the calls."""

    strategy: Literal["clear_results"] = "clear_results"
    keep_results: Amount = 4
    block: Count = 4
    min_chars: Amount = 200


class TruncateResults(Strict):
    """Keep head and tail of old tool results."""

    strategy: Literal["truncate_results"] = "truncate_results"
    head_chars: Amount = 1200
    tail_chars: Amount = 400
    keep_recent: Amount = 2
    block: Count = 4


class Summary(Strict):
    """A structured summary, written by the model, in place of old messages."""

    strategy: Literal["summary"] = "summary"
    keep_messages: Count = 8
    block: Count = 8
    max_tokens: Count = 500


class FactLedger(Strict):
    """Pin identifiers and decisions of old messages, drop the rest."""

    strategy: Literal["fact_ledger"] = "fact_ledger"
    keep_messages: Count = 8
    block: Count = 8
    max_facts: Count = 60


class Plugin(Strict):
    """The harness's own code; loaded inside the sandbox only."""

    strategy: Literal["plugin"] = "plugin"
    file: str

    @field_validator("file")
    @classmethod
    def _in_strategies(cls, value: str) -> str:
        path = PurePosixPath(value)
        if path.parts[:1] != ("strategies",) or len(path.parts) != 2 or path.suffix != ".py":
            raise ValueError("expected a file in strategies/ such as 'strategies/mine.py'")
        return value


CompactionConfig = Annotated[
    NoCompaction | SlidingWindow | ClearResults | TruncateResults | Summary | FactLedger | Plugin,
    Field(discriminator="strategy"),
]
"""``[compaction]``: a strategy's name and its own parameters beside it."""


class EffectsConfig(Strict):
    """What a tool reads and writes."""

    reads: list[Resource] = Field(default_factory=list)
    writes: list[Resource] = Field(default_factory=list)

    def effects(self) -> Effects:
        return Effects(frozenset(self.reads), frozenset(self.writes))


class ToolsConfig(Strict):
    """Who sees which tools, in which order and words, and which calls may run side by side."""

    default: Default = "offered"
    schedule: Literal["serial", "marked", "effects"] = "marked"
    """Which calls of one answer may run side by side: none, those of tools marked in ``parallel``, or all whose
    effects do not conflict."""
    max_parallel: Annotated[int, Field(ge=1, le=64)] = 4
    order: list[str] = Field(default_factory=list)
    """Tools that stand first, in this order."""
    visibility: dict[str, Visibility] = Field(default_factory=dict)
    descriptions: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    """What is said of a tool in place of its own description."""
    parallel: dict[str, bool] = Field(default_factory=dict)
    effects: dict[str, EffectsConfig] = Field(default_factory=dict)
    """For tools whose effects are only assumed; what other tools declare is added to."""

    @field_validator("order")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        if double := next((name for name in value if value.count(name) > 1), None):
            raise ValueError(f"expected each tool once, got {double} twice")
        return value


class MemoryConfig(Strict):
    """Which of the three layers of memory there are, and how each works (see docs/harness-format.md)."""

    index: bool = False
    index_shows: Literal["topics", "first_lines", "notes"] = "first_lines"
    """What stands in the index for each topic."""
    index_order: Literal["newest", "most_read"] = "newest"
    """Which topics stay when not all fit."""
    index_chars: Annotated[int, Field(ge=50)] = 1000
    notes: bool = False
    notes_written: Literal["asked", "dropped", "results"] = "asked"
    """By the model alone, or also by the harness: on results that leave the conversation, or on every result."""
    notes_read: Literal["asked", "start"] = "asked"
    """By the model alone, or also shown with a new task of a sequence where they fit it."""
    start_chars: Annotated[int, Field(ge=100)] = 1500
    """Characters of the notes shown with a task."""
    archive: bool = False
    archive_search: Literal["words", "phrase", "recent"] = "words"
    archive_entries: Annotated[int, Field(ge=1, le=20)] = 3
    archive_chars: Annotated[int, Field(ge=100)] = 1200
    """Characters of one entry that a search gives back."""
    consolidation: Literal["none", "merge", "trim_oldest", "trim_least_read"] = "none"
    """What happens to the notes between two tasks of a sequence."""
    notes_chars: Annotated[int, Field(ge=100)] = 4000
    """What trimming leaves of the notes, in characters of topics and texts."""


class CacheConfig(Strict):
    """Where prompt-cache breakpoints stand, and how long what they write is kept."""

    breakpoints: list[Literal["tools", "system", "index", "messages"]] = Field(default_factory=list)
    ttl: Literal["5m", "1h"] = "5m"
    every: Count = 1
    """The messages' breakpoint moves in blocks of so many messages."""


class HarnessFile(Strict):
    """``harness.toml``."""

    name: Annotated[str, Field(min_length=1)]
    description: str = ""
    model: Annotated[str, Field(min_length=1)] = "agent"
    limits: Limits = Field(default_factory=Limits)
    compaction: CompactionConfig = Field(default_factory=NoCompaction)
    tools: ToolsConfig = Field(default_factory=ToolsConfig)
    memory: MemoryConfig = Field(default_factory=MemoryConfig)
    cache: CacheConfig = Field(default_factory=CacheConfig)
    permissions: Permissions = Field(default_factory=Permissions)
    mcp: dict[ServerName, McpServer] = Field(default_factory=dict)
    flags: dict[str, bool] = Field(default_factory=dict)
    subagents: Annotated[dict[str, SubagentConfig], AfterValidator(check_names)] = Field(default_factory=dict)


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


def read_folder(folder: Path) -> dict[str, bytes]:
    """The folder's files by relative posix path, in sorted order; ``.git`` and ``__pycache__`` are left out.

    Raises :class:`MissingFile` when there is no such folder and :class:`InvalidFile` for anything in it that is
    neither a file nor a folder (a symbolic link, a socket).
    """
    if not folder.is_dir():
        raise MissingFile(f"{folder}: got no such folder, expected a harness folder with {HARNESS_FILE}")
    return dict(sorted(_walk(folder, "").items()))


def content_hash(files: Mapping[str, bytes]) -> str:
    """``sha256:...`` over every path and content; equal exactly when the trees are equal."""
    digest = hashlib.sha256()
    for path in sorted(files):
        name, content = path.encode(), files[path]
        digest.update(len(name).to_bytes(8, "big") + name + len(content).to_bytes(8, "big") + content)
    return f"sha256:{digest.hexdigest()}"


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

"""``harness.toml``: its keys, their types, ranges and defaults."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, field_validator

from search_space.mcp_servers import McpServer, ServerName
from search_space.permissions import Permissions
from search_space.subagents import SubagentConfig, check_names
from search_space.tools import Effects
from search_space.validation import Strict, nearest

HARNESS_FILE = "harness.toml"
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

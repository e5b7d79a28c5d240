"""How a rollout ended, and the file that says so."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a rollout ended. ``answer`` is the text of the last answer without tool calls, None when there was none.
    Only a sub-agent can have ``failed``: by what would have ended the rollout, had it happened to the main agent."""

    answer: str | None
    outcome: Literal["answered", "step_limit", "token_limit", "model_error", "failed"]
    reason: str
    steps: int


def write_result(path: Path, outcome: Outcome) -> None:
    """Write ``result.json`` so that a reader sees all of it or nothing."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(outcome), ensure_ascii=False) + "\n", encoding="utf-8", errors="replace")
    part.replace(path)

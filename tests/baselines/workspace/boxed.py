"""What a rollout runs in the test's sandbox: the workspace's tools, one call after the other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from baselines.workspace import build
from search_space.tools import ToolError


def run_calls(payload: dict[str, Any]) -> None:
    tools = {tool.name: tool for tool in build(payload["environment_args"])}
    said = []
    for name, given in payload["calls"]:
        try:
            said.append(tools[name].run(given))
        except ToolError as error:
            said.append(f"error: {error}")
    Path("said.json").write_text(json.dumps(said))

"""``python -m baselines.agent``: run a harness folder on one task, by hand."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from baselines.agent.main import run_rollout
from search_space.errors import SearchSpaceError

TASK_HELP = "the task: a text file, or JSON with prompt (or prompts) and optionally id, environment, environment_args"


def main(arguments: list[str] | None = None) -> int:
    """Run one rollout and print its result; 0 when the model answered, 1 when not, 2 for a mistake in the arguments."""
    options = _parser().parse_args(arguments)
    try:
        payload = _payload(options)
        run_rollout(payload)
    except (SearchSpaceError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    result = json.loads((Path(options.folder) / "result.json").read_text(encoding="utf-8"))
    print(json.dumps(result, ensure_ascii=False, indent=2))
    return 0 if result["outcome"] == "answered" else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m baselines.agent", description=__doc__)
    parser.add_argument("--harness", required=True, metavar="DIR", help="the harness folder")
    parser.add_argument("--task", required=True, metavar="FILE", help=TASK_HELP)
    parser.add_argument("--door", required=True, metavar="SOCKET", help="unix socket of the model door")
    parser.add_argument("--folder", default=".", metavar="DIR", help="where trajectory and result go (default: here)")
    parser.add_argument("--environment", default="", metavar="MODULE:BUILD", help="what builds the tools")
    parser.add_argument("--environment-args", default="", metavar="JSON", help="what the builder is called with")
    parser.add_argument(
        "--token", default="", help="the rollout's token at the door (default: environment variable DOOR_TOKEN)"
    )
    return parser


def _payload(options: argparse.Namespace) -> dict[str, Any]:
    text = Path(options.task).read_text(encoding="utf-8")
    task: dict[str, Any] = json.loads(text) if options.task.endswith(".json") else {"prompt": text.strip()}
    if not isinstance(task, dict):
        raise ValueError(f"{options.task}: got {type(task).__name__}, expected an object with prompt or prompts")
    Path(options.folder).mkdir(parents=True, exist_ok=True)
    return {
        "task": task.get("id", Path(options.task).stem),
        **{key: task[key] for key in ("prompt", "prompts") if key in task},
        "environment": options.environment or task.get("environment", ""),
        "environment_args": json.loads(options.environment_args or "null") or task.get("environment_args", {}),
        "harness": options.harness,
        "folder": options.folder,
        "door": options.door,
        "token": options.token or os.environ.get("DOOR_TOKEN", ""),
    }


if __name__ == "__main__":
    sys.exit(main())

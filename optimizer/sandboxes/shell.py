"""An entry that runs one shell command: for checks that an experiment asks for."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any

from optimizer.sandboxes.worker import EntryFailed


def run_command(payload: Mapping[str, Any]) -> None:
    """Run ``payload["command"]`` by ``/bin/sh`` in the current folder; any exit code but 0 is a failure."""
    ended = subprocess.run(["/bin/sh", "-c", payload["command"]], stdin=subprocess.DEVNULL, check=False)
    if ended.returncode != 0:
        raise EntryFailed(f"exit code {ended.returncode}")

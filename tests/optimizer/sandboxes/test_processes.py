"""Descendants are found and ended without any gate: what a supervisor falls back on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, subprocess, sys, time
from optimizer.sandboxes import processes
if not processes.adopt_orphans():
    print("no orphans here")
    sys.exit()
for _ in range(10):
    subprocess.run(["/bin/sh", "-c", "trap '' TERM; (setsid sleep 60 & setsid sleep 60 &) & sleep 0.05"])
seen = processes.Descendants().refresh()
killed = processes.kill_descendants()
print(len(seen) >= 20, killed >= 20, processes.Descendants().refresh() == set(), processes.kill_descendants())
"""


def test_orphans_in_their_own_sessions_are_found_and_ended() -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() in ("True True True 0", "no orphans here"), done.stderr

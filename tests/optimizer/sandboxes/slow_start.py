"""A module to preload: remembers what it was warmed with, and reports what a rollout sees."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

from search_space.errors import MissingFile

WARMED: list[Any] = []


def warm(arguments: dict[str, Any]) -> None:
    WARMED.append(arguments)
    print("warming up")


def report(payload: dict[str, Any]) -> None:
    seen = {
        "payload": payload,
        "warmed": WARMED,
        "environment": dict(os.environ),
        "cwd": str(Path.cwd()),
        "random": random.random(),
        "session": os.getsid(0) == os.getpid() == os.getpgrp(),
        "umask": os.umask(0),
        "stdin": sys.stdin.read(),
        "pid": os.getpid(),
    }
    Path("report.json").write_text(json.dumps(seen))


def nap(payload: dict[str, Any]) -> None:
    time.sleep(payload["seconds"])


def read(payload: dict[str, Any]) -> None:
    Path("copy").write_bytes(Path(payload["path"]).read_bytes())


def kill_supervisor(payload: dict[str, Any]) -> None:
    os.kill(os.getppid(), 9)
    time.sleep(60)


def fail(payload: dict[str, Any]) -> None:
    raise MissingFile("x.toml: got nothing") if payload["told"] else RuntimeError("a bug")

"""The data, the clock and the interface: what every variant has in common. Pinned: no variant may change it."""

from __future__ import annotations

import hashlib
import os
import sysconfig
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = int(os.environ.get("RATCHET_SEED", "1"))
SECONDS = float(os.environ.get("RATCHET_SECONDS", "2"))
"""Processor time that a model may be trained for: what else the machine does hardly matters then."""
PAST = 64
"""Bytes before a position that a model may look at."""
BYTES = 256
HELD_OUT = 8
"""One file in so many is held out."""

Ids = NDArray[np.uint8]


def read_text(held_out: bool) -> Ids:
    """The sources of the standard library's top-level modules and the help topics of pydoc, one after the other, as
    bytes; the files that are held out, or the others. Which these are depends on a hash of their names."""
    folder = Path(sysconfig.get_path("stdlib"))
    files = sorted([*folder.glob("*.py"), *folder.glob("json/*.py"), *folder.glob("pydoc_data/topics.py")])
    texts = [path.read_bytes() for path in files if is_held_out(path.name) == held_out]
    return np.frombuffer(b"\n".join(texts), dtype=np.uint8)


def is_held_out(name: str) -> bool:
    """Whether a file of this name is held out."""
    return hashlib.sha256(name.encode()).digest()[0] % HELD_OUT == 0


def clock() -> float:
    """Seconds of processor time that this process has used."""
    return time.process_time()

"""A few trajectories of failed rollouts, compressed and bounded: what a proposer learns most from."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from optimizer.evaluation.result import TRAJECTORY_FILE
from optimizer.records import RolloutKey
from optimizer.sandboxes.base import read_bounded

TRAJECTORY_BYTES = 8 * 1024 * 1024
SUFFIX = ".jsonl.zlib"


class TrajectoryKeeper:
    """Keeps up to ``per_label`` trajectories for each label in ``folder`` (None keeps nothing), the oldest going first
    when all together exceed ``total_bytes``."""

    def __init__(self, folder: Path | None, per_label: int, total_bytes: int) -> None:
        self._folder, self._per_label, self._total_bytes = folder, per_label, total_bytes

    @property
    def wanted(self) -> bool:
        """Whether anything is kept at all."""
        return self._folder is not None and self._per_label > 0

    def keep(self, label: str, key: RolloutKey, trajectory: bytes) -> Path | None:
        """Keep a trajectory and say where; None when enough were kept under ``label``."""
        if self._folder is None:
            return None
        prefix = _safe(label) + "--"
        if len(list(self._folder.glob(f"{prefix}*{SUFFIX}"))) >= self._per_label:
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{prefix}{_safe(key.task)}--{key.seed}{SUFFIX}"
        target.write_bytes(zlib.compress(trajectory))
        self._trim(target)
        return target

    def _trim(self, newest: Path) -> None:
        assert self._folder is not None
        sizes = {path: path.stat() for path in self._folder.glob(f"*{SUFFIX}")}
        total = sum(found.st_size for found in sizes.values())
        for path in sorted(sizes, key=lambda path: (sizes[path].st_mtime_ns, path.name)):
            if total <= self._total_bytes or path == newest:
                break
            total -= sizes[path].st_size
            path.unlink(missing_ok=True)


def read_trajectory(folder: Path) -> bytes:
    """What a rollout wrote into its folder's trajectory file, up to a bound; empty when there is none."""
    try:
        return read_bounded(folder / TRAJECTORY_FILE, TRAJECTORY_BYTES)
    except OSError:
        return b""


def read_kept(path: Path) -> str:
    """The JSONL text of a kept trajectory."""
    return zlib.decompress(path.read_bytes()).decode("utf-8", errors="replace")


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80] or "unnamed"

"""A few trajectories of failed rollouts, compressed and bounded: what a proposer learns most from."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from optimizer.evaluation.result import TRAJECTORY_FILE, read_bounded
from optimizer.records import RolloutKey

TRAJECTORY_BYTES = 8 * 1024 * 1024
SUFFIX = ".jsonl.zlib"


class TrajectoryKeeper:
    """Keeps up to ``per_label`` trajectories for each label in ``folder`` (None keeps nothing), the oldest going first
    when all together exceed ``total_bytes``."""

    def __init__(self, folder: Path | None, per_label: int, total_bytes: int) -> None:
        self._folder, self._per_label, self._total_bytes = folder, per_label, total_bytes

    def keep(self, label: str, key: RolloutKey, rollout_folder: Path) -> Path | None:
        """Keep the trajectory in ``rollout_folder``; None when there is none, or enough were kept under ``label``."""
        if self._folder is None:
            return None
        prefix = _safe(label) + "--"
        if len(list(self._folder.glob(f"{prefix}*{SUFFIX}"))) >= self._per_label:
            return None
        try:
            data = read_bounded(rollout_folder / TRAJECTORY_FILE, TRAJECTORY_BYTES)
        except OSError:
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{prefix}{_safe(key.task)}--{key.seed}{SUFFIX}"
        target.write_bytes(zlib.compress(data))
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


def read_kept(path: Path) -> str:
    """The JSONL text of a kept trajectory."""
    return zlib.decompress(path.read_bytes()).decode("utf-8", errors="replace")


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80] or "unnamed"

"""Bits per byte on held-out text, of a model that `train.py` left behind. Pinned: no variant may change it.

The model is asked, not believed: `train.py predict` gets the bytes before each position, and answers with 256 numbers
for the byte that follows. They are turned into probabilities here, so that they add up to one whatever they are; and
what it prints stays in a pipe, so that only this file can print the metric.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from prepare import BYTES, PAST, SEED, read_text

POSITIONS = 16_384
BLOCK = 2048


def main(folder: Path) -> None:
    text = read_text(held_out=True)
    at = np.random.default_rng(SEED).integers(PAST, len(text), size=POSITIONS)
    past = np.lib.stride_tricks.sliding_window_view(text, PAST)[at - PAST]
    ended = subprocess.run(
        [sys.executable, "train.py", "predict"], cwd=folder, input=past.tobytes(), stdout=subprocess.PIPE, check=False
    )
    if ended.returncode != 0:
        sys.exit(f"train.py predict ended with exit code {ended.returncode}")
    if len(ended.stdout) != POSITIONS * BYTES * 4:
        sys.exit(f"train.py predict gave {len(ended.stdout)} bytes, expected {BYTES} float32 for each position")
    scores = np.frombuffer(ended.stdout, dtype=np.float32).reshape(POSITIONS, BYTES)
    print(f"val_bpb: {bits(scores, text[at]):.6f}")


def bits(scores: np.ndarray, truth: np.ndarray) -> float:
    """The mean of -log2 of the probability of what was there; `scores` are logits."""
    total = 0.0
    for start in range(0, len(scores), BLOCK):
        block = scores[start : start + BLOCK].astype(np.float64)
        block -= block.max(axis=1, keepdims=True)
        chosen = block[np.arange(len(block)), truth[start : start + BLOCK]]
        total += float((np.log(np.exp(block).sum(axis=1)) - chosen).sum())
    return total / len(scores) / float(np.log(2.0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

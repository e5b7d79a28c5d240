"""A sandbox that can load the misbehaving entries of ``naughty.py``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from optimizer.evaluation.scratch import Scratch, remove_tree
from optimizer.sandboxes.limits import Limits
from optimizer.sandboxes.process import ProcessSandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ProcessSandbox]:
    sys.path.insert(0, str(Path(__file__).parent))
    limits = Limits(memory_mb=256, folder_mb=24, files=500, file_mb=8, output_mb=4, processes=24)
    try:
        with ProcessSandbox(preload={"naughty": None}, limits=limits) as sandbox:
            yield sandbox
    finally:
        sys.path.remove(str(Path(__file__).parent))


@pytest.fixture
def folder() -> Iterator[Path]:
    with Scratch() as scratch:
        folder = scratch.folder()
        yield folder
        remove_tree(folder)
        assert not folder.exists()

"""The workspace's tools side by side: the outcome of one after the other, also where some of them lie."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from baselines.agent.toolbox import Toolbox
from search_space.harness_file import ToolsConfig
from search_space.partition import Partition
from tests.baselines.workspace.batches import (
    lay_out,
    lying,
    one_after_the_other,
    random_batch,
    said,
    snapshot,
    tools_of,
)


@pytest.mark.parametrize("lies", [0.0, 0.3])
def test_random_batches_end_as_one_after_the_other(tmp_path: Path, lies: float) -> None:
    caught = 0
    for seed in range(40):
        rng = Random(f"{lies} {seed}")
        batch = random_batch(rng)
        for name in ("scheduled", "serial"):
            lay_out(tmp_path / name)
        tools = lying(tools_of(tmp_path / "scheduled", latency_s=0.0002), rng, lies)
        config = ToolsConfig(schedule="effects", max_parallel=rng.randint(2, 6))
        box = Toolbox(Partition(config, tools), max_result_chars=1_000_000)
        assert said(box.run(batch)) == one_after_the_other(tools_of(tmp_path / "serial"), batch), seed
        assert snapshot(tmp_path / "scheduled") == snapshot(tmp_path / "serial"), seed
        caught += len(box.catches)
    assert (caught > 0) == (lies > 0)

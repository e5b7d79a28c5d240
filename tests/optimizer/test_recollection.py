"""A campaign that is taken up again knows what it knew, to the last digit."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.assemble.callable import open_callable
from optimizer.experiment import run_experiment
from optimizer.recollection import recollect, recollected
from optimizer.settings import ProposerSettings
from optimizer.standing import Standing
from tests.optimizer.assemble.calls import request

PROPOSERS = ProposerSettings(random=1.0)


def same(one: Standing, other: Standing) -> bool:
    """The pool that stands behind the certified champion is met again only with what is known by then."""
    return one.to_json() == other.to_json() and one.pool == other.pool


@pytest.mark.parametrize("deterministic", [False, True])
def test_after_every_decision_the_ledger_says_the_same(tmp_path: Path, deterministic: bool) -> None:
    def score(assignment: dict[str, str], task: str, seed: int) -> float:
        return float(int.from_bytes(f"{sorted(assignment.items())}{task}".encode()) % 97 < 50)

    function = {"function": score} if deterministic else {}
    asked = request(2_000, folder=tmp_path / "run", proposers=PROPOSERS, **function)
    with open_callable(asked) as campaign:
        parts, memory = campaign.parts, recollect(campaign.parts)
        if deterministic:
            working = replace(parts.gate.working, deterministic=True, min_champion=1, max_champion=1, max_passes=1)
            parts = replace(parts, gate=replace(parts.gate, working=working))
        assert recollected(parts.ledger) is None
        standing = Standing.at_baseline(campaign.baseline, campaign.baseline_commit)
        kept = 0
        for number in range(1, 25):
            after = run_experiment(number, standing, memory, parts, deadline=math.inf)
            assert after is not None
            kept += after.tree != standing.tree
            standing = after
            if number == 12:
                standing = standing.failed_exam()
                parts.ledger.remember(standing.to_json())
            again = recollected(parts.ledger)
            assert again is not None and same(again, standing)
            assert again.pool.learnt == ()
        assert kept, "or nothing would be told of keeps"
        assert recollect(parts).past == memory.past
    with open_callable(asked) as campaign:
        again = recollected(campaign.parts.ledger)
        assert again is not None and same(again, standing)


def test_what_an_experiment_learnt_is_written_once(tmp_path: Path) -> None:
    with open_callable(request(500, folder=tmp_path / "run", proposers=PROPOSERS)) as campaign:
        campaign.run()
        gates = list(campaign.parts.ledger.gates())
        rows = [row for row in campaign.parts.ledger.experiments() if row.spend.rollouts]
    updates = [json.dumps(update) for gate in gates for update in gate["pool"]["learnt"]]
    assert len(updates) > len(rows), "each experiment, the calibration before them, and what pruning learnt after them"
    assert len(updates) == len({*updates})
    assert not any(gate["certified_pool"]["learnt"] for gate in gates)

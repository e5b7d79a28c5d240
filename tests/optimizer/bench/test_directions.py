"""What the bench is for, in small: who claims what is not there, and who does not."""

from __future__ import annotations

from dataclasses import replace

from optimizer.bench.measuring import figures, run_one
from optimizer.bench.problems.scarce import NULL, Scarce
from optimizer.bench.roster import rival_of

NOTHING = replace(NULL, edits=60)
SEEDS = (1, 2, 3)


def test_where_nothing_helps_greedy_claims_a_gain_and_ratchet_certifies_none() -> None:
    found = {
        name: figures([run_one(Scarce(seed, NOTHING), rival_of(name), 1_200) for seed in SEEDS])
        for name in ("greedy", "ratchet")
    }
    greedy, ratchet = found["greedy"], found["ratchet"]
    assert greedy["true_gain"].mean == ratchet["true_gain"].mean == 0.0
    assert greedy["claimed_minus_true"].mean is not None and greedy["claimed_minus_true"].mean > 0.03
    assert greedy["wrong_share"].mean == greedy["false_share"].mean == 1.0
    assert ratchet["certified_share"].mean == 0.0 and ratchet["claimed_minus_true"].mean is None

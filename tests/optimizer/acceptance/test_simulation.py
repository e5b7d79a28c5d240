"""The gate's direction against known truth, on small worlds with fixed seeds."""

from __future__ import annotations

import json
import statistics

import pytest

from optimizer.acceptance.presets import FAST
from optimizer.acceptance.simulation import World, main, run_gate, run_greedy

SCARCE = World(tasks=40, certify=16, population=400, candidates=150)


def test_the_gate_gains_more_than_the_greedy_rule_and_claims_less() -> None:
    gate = [run_gate(SCARCE, FAST, rollouts=5_000, seed=seed) for seed in range(8)]
    greedy = [run_greedy(SCARCE, rollouts=5_000, seed=seed) for seed in range(8)]
    assert statistics.mean(r.true_gain for r in gate) > 1.3 * statistics.mean(r.true_gain for r in greedy)
    assert all(result.rollouts <= 5_000 for result in gate + greedy)


def test_what_is_certified_in_a_world_without_gains_is_nothing() -> None:
    null = World(tasks=40, certify=16, population=400, candidates=150, helpful=0.0, harmful=0.25, tiny_sd=0.0)
    results = [run_gate(null, FAST, rollouts=3_000, seed=seed) for seed in range(10)]
    assert sum(result.certificates for result in results) <= 1
    assert statistics.mean(result.true_gain for result in results) > -0.03
    assert all(result.claimed > 0 for result in results if result.keeps), "why no search score is ever claimed"


def test_the_same_seed_gives_the_same_campaign() -> None:
    assert run_gate(SCARCE, FAST, rollouts=1_000, seed=4) == run_gate(SCARCE, FAST, rollouts=1_000, seed=4)


def test_the_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--runs", "1", "--rollouts", "600", "--candidates", "20", "--population", "200", "--tasks", "20"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["rule"] for line in lines] == ["greedy", "fast", "fast with exams", "careful", "careful with exams"]

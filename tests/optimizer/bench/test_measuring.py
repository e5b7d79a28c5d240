"""A finding held against the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from optimizer.bench.measuring import figures, measured, run_one
from optimizer.bench.rivals.base import Finding, Metered
from tests.optimizer.bench.plain import Plain

BASE, ONE, BOTH = {"a": "0", "b": "0"}, {"a": "1", "b": "0"}, {"a": "1", "b": "2"}
OTHER = {"a": "1", "b": "1"}
"""As good as ``BOTH``: the truth counts what is not the baseline's."""
FOUND = Finding(
    chain=(BASE, ONE, BOTH, OTHER, ONE),
    champion=ONE,
    claimed=0.6,
    certified=True,
    working=BOTH,
    offered=((BASE, ONE), (ONE, BOTH), (BOTH, OTHER), (BASE, {"a": "0", "b": "1"}), (OTHER, ONE)),
    candidates=5,
    own_s=0.5,
)


@dataclass(frozen=True)
class Scripted:
    """Spends eight rollouts on ``BOTH`` and then says what it was told to say."""

    found: Finding
    name: str = "scripted"
    settings: Mapping[str, object] = field(default_factory=dict)

    def run(self, metered: Metered, *, seed: int) -> Finding:
        for number in range(8):
            metered.score(BOTH, metered.problem.search[number % 3], seed)
        return self.found


def test_steps_claims_and_candidates_are_held_against_the_truth() -> None:
    one = run_one(Plain(seed=7), Scripted(FOUND))
    assert (one.seed, one.true_gain, one.working_gain) == (7, 0.5, 1.0)
    assert one.over_claimed == pytest.approx(0.1)
    # Up, up, nothing, down.
    assert (one.keeps, one.false, one.harmful) == (4, 2, 1)
    # Worth a point: ONE, BOTH and b = 1 on the baseline; all of them stand in some champion.
    assert (one.worthy, one.worthy_kept) == (3, 3)
    assert one.certified and not one.wrong
    assert (one.rollouts, one.repeats, one.candidates) == (8, 5, 5)


def test_an_edit_that_no_champion_holds_was_missed() -> None:
    one = run_one(Plain(), Scripted(replace(FOUND, chain=(BASE, ONE))))
    assert (one.worthy, one.worthy_kept) == (3, 1)


def test_a_certificate_for_nothing_is_wrong() -> None:
    found = replace(FOUND, chain=(BASE,), champion=BASE)
    one = run_one(Plain(), Scripted(found))
    assert one.wrong and one.keeps == 0


def test_a_chain_begins_with_the_baseline() -> None:
    with pytest.raises(ValueError, match="begin with the baseline"):
        measured(Plain(), Metered(Plain(), 1), replace(FOUND, chain=(ONE, BOTH)))


def test_figures_pool_keeps_over_campaigns_and_leave_out_what_was_not_claimed() -> None:
    problem = Plain()
    campaigns = [
        run_one(problem, Scripted(FOUND)),
        run_one(problem, Scripted(replace(FOUND, chain=(BASE, BOTH), champion=BOTH, claimed=None, certified=False))),
        run_one(problem, Scripted(replace(FOUND, chain=(BASE,), champion=BASE, claimed=None, certified=False))),
    ]
    found = {name: figure.mean for name, figure in figures(campaigns).items()}
    assert found["true_gain"] == pytest.approx(0.5)
    assert found["claimed_minus_true"] == pytest.approx(0.1) and found["claimed_share"] == pytest.approx(1 / 3)
    assert found["keeps"] == pytest.approx(5 / 3)
    assert found["false_share"] == pytest.approx(2 / 5) and found["harmful_share"] == pytest.approx(1 / 5)
    assert found["certified_share"] == pytest.approx(1 / 3) and found["wrong_share"] == 0.0
    assert found["power"] == pytest.approx(5 / 9)
    assert found["gain_kept"] == pytest.approx(1.5 / 3)
    assert found["rollouts_per_candidate"] == pytest.approx(8 / 5)
    assert found["own_ms_per_candidate"] == pytest.approx(100.0)


def test_no_keeps_no_share_of_them() -> None:
    none = replace(FOUND, chain=(BASE,), champion=BASE, working=None, offered=(), candidates=0)
    found = figures([run_one(Plain(), Scripted(none))])
    for name in ("false_share", "harmful_share", "power", "gain_kept", "rollouts_per_candidate"):
        assert found[name].mean is None

"""Names on the command line become problems and optimizers, or a sentence that says what there is."""

from __future__ import annotations

import pytest

from optimizer.bench import roster
from optimizer.errors import SettingsError


def test_lists_are_taken_in_their_order_and_each_name_once() -> None:
    assert roster.problem_names("null, rich,null") == ["null", "rich"]
    assert roster.rival_names("random") == ["random"]


def test_all_means_all_that_are_quick() -> None:
    everything = roster.problem_names("all")
    assert set(everything) == set(roster.PROBLEMS) - set(roster.SLOW)
    assert roster.problem_names("rich,all") == everything
    assert roster.rival_names("all") == list(roster.RIVALS)


@pytest.mark.parametrize("text", ["", ",", "rich,poor"])
def test_what_is_unknown_is_told_with_what_there_is(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--problem: got .*, expected all, or some of: rich, scarce"):
        roster.problem_names(text)


def test_a_missing_package_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(roster.NEEDS, "random", ("no_such_package",))
    with pytest.raises(SettingsError, match="random needs the package no_such_package") as raised:
        roster.rival_of("random")
    assert "ratchet-harness[bench]" in raised.value.hint


@pytest.mark.parametrize("name", roster.RIVALS)
def test_every_optimizer_says_its_name(name: str) -> None:
    assert roster.rival_of(name).name == name

"""Prices: found by name, dated, overridden by a file, and bounds that hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import SettingsError
from optimizer.models.bounds import worst_case
from optimizer.models.prices import Price, load_prices, spend_of

USAGE = {"input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
OWN = 'source = "our contract"\ndate = 2026-11-01\n[anthropic.%s]\ninput = 0.5\noutput = 2.0\n'
REST = "cache_write_5m = 0.6\ncache_write_1h = 1.0\ncache_read = 0.05\n"


def price(model: str = "claude-haiku-5-5") -> Price:
    found = load_prices().find("anthropic", model)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "name", ["claude-haiku-4-5", "claude-haiku-4-5-20251001", "claude-haiku-4-5-latest", "claude-mythos-5-1"]
)
def test_a_model_is_found_by_its_id_a_snapshot_or_an_alias(name: str) -> None:
    assert load_prices().find("anthropic", name) is not None


def test_what_is_not_listed_has_no_price() -> None:
    prices = load_prices()
    assert prices.find("anthropic", "claude-tomorrow", "claude-haiku-4") is None
    assert prices.find("openai", "claude-haiku-4-5") is None
    assert "2026-" in prices.dated


def test_a_long_prompt_costs_more_as_a_whole() -> None:
    short = price().cost_usd({**USAGE, "input_tokens": 60_000, "cache_read_input_tokens": 40_000})
    long = price().cost_usd({**USAGE, "input_tokens": 60_001, "cache_read_input_tokens": 40_000, "output_tokens": 10})
    assert short == pytest.approx((60_000 * 0.1 + 40_000 * 0.01) / 1e6)
    assert long == pytest.approx((60_001 * 0.5 + 40_000 * 0.05 + 10 * 2.5) / 1e6)


def test_writes_are_priced_by_time_to_live_and_dearer_where_it_is_not_told() -> None:
    written = {**USAGE, "cache_creation_input_tokens": 1_000_000}
    split = {"ephemeral_5m_input_tokens": 400_000, "ephemeral_1h_input_tokens": 500_000}
    one = price("claude-opus-5-5")
    assert one.cost_usd({**written, "cache_creation": split}) == pytest.approx(0.4 * 5 + 0.5 * 8 + 0.1 * 8)
    assert one.cost_usd({**written, "inference_geo": "us"}) == pytest.approx(8 * 1.1)
    assert spend_of({**written, "cache_creation": split}, None).usd == 0.0
    assert one.uncached_usd(written) == pytest.approx(4.0)


def test_dollars_by_kind_add_up_to_the_price() -> None:
    price = load_prices().find("anthropic", "claude-haiku-4-5")
    usage = {
        "input_tokens": 1000,
        "output_tokens": 200,
        "cache_creation_input_tokens": 3000,
        "cache_read_input_tokens": 5000,
        "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 2000},
    }
    assert price is not None
    spend = spend_of(usage, price)
    output = 200 * price.output / 1_000_000
    assert spend.usd == pytest.approx(spend.usd_input + spend.usd_cache_write + spend.usd_cache_read + output)
    assert spend.usd_cache_write == pytest.approx((1000 * price.cache_write_5m + 2000 * price.cache_write_1h) / 1e6)
    assert (spend_of(usage, None).usd_input, spend_of(usage, None).unpriced_calls) == (0.0, 1)


def test_a_file_of_ones_own_goes_first(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(OWN % "claude-haiku-4-5" + REST)
    prices = load_prices(file)
    mine, shipped = prices.find("anthropic", "claude-haiku-4-5-20251001"), prices.find("anthropic", "claude-opus-5")
    assert mine is not None and mine.input == 0.5
    assert shipped is not None and shipped.input == 5.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OWN % "x" + "cache_read = 0.1\n", "anthropic.x.cache_write_5m: got nothing"),
        (OWN % "x" + REST + "outptu = 1.0\n", "did you mean 'output'"),
        (OWN % "x" + REST.replace("0.6", "-1.0"), "greater than or equal to 0"),
        (OWN % "x" + REST.replace("0.6", "nan"), "finite"),
        (OWN % "x" + REST.replace("0.6", '"0.6"'), "valid number"),
        (OWN % "x" + REST + 'aliases = ["x"]\n', "each name once"),
        ("[anthropc.x]\n", "did you mean 'anthropic'"),
        ("input = \n", "mine.toml"),
    ],
)
def test_a_file_of_prices_that_is_wrong_says_where(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=words):
        load_prices(file)


def test_a_missing_file_of_prices_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml' \(no such file\)"):
        load_prices(tmp_path / "none.toml")


@given(
    st.sampled_from(["claude-haiku-5-5", "claude-opus-5-5", "claude-sonnet-4-5"]),
    st.integers(1, 400_000),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
    st.sampled_from([None, "5m", "1h"]),
    st.sampled_from(["us", "global"]),
)
def test_no_usage_within_the_bound_costs_more_than_the_bound(
    model: str, size: int, shares: tuple[float, float, float], ttl: str | None, geo: str
) -> None:
    """Whatever part of the prompt is written, read or plain, and for however long it is written."""
    mark: Any = (
        {} if ttl is None else {"cache_control": {"type": "ephemeral", **({"ttl": "1h"} if ttl == "1h" else {})}}
    )
    block = {"type": "text", "text": "x" * size, **mark}
    request: Any = {"model": "agent", "max_tokens": 300, "messages": [{"role": "user", "content": [block]}]}
    worst = worst_case(request, price(model))
    tokens = worst.input_tokens
    written = int(tokens * shares[0]) if ttl else 0
    hour = int(written * shares[1]) if ttl == "1h" else 0
    read = int((tokens - written) * shares[2])
    usage: dict[str, Any] = {
        "input_tokens": tokens - written - read,
        "output_tokens": 300,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written - hour, "ephemeral_1h_input_tokens": hour},
        "inference_geo": geo,
    }
    assert price(model).cost_usd(usage) <= worst.usd * (1 + 1e-9)


@given(st.text(max_size=300))
def test_there_are_never_more_tokens_than_the_bound(words: str) -> None:
    """A tokenizer of bytes makes at most one token a byte, of the text as it is or as JSON writes it."""
    request: Any = {"model": "agent", "max_tokens": 1, "messages": [{"role": "user", "content": words}]}
    bound = worst_case(request, None).input_tokens
    assert bound >= len(words.encode("utf-8", "surrogatepass")) and bound >= len(json.dumps(words))

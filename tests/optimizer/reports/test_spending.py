"""What the prompt cache did, told."""

from __future__ import annotations

from optimizer.records import Spend
from optimizer.reports.spending import cache_sentence, spend_json

CACHED = Spend(1, 2, 300, 40, 5_000, 600, 0.25, 1.5, 200, 100)


def test_nothing_is_said_of_a_cache_that_was_not_used() -> None:
    assert cache_sentence(Spend(1, 2, 300, 40)) == ""
    assert spend_json(Spend(1, 2, 300, 40))["cache_read_tokens"] == 0


def test_tokens_without_a_price() -> None:
    assert cache_sentence(CACHED) == (
        "prompt cache: 5,000 tokens read, 600 written (200 for an hour), 100 missed (sent again)"
    )
    told = spend_json(CACHED)
    assert (told["cache_missed_tokens"], told["billed_tokens"]) == (100, 1_900.0)
    assert told["usd_cache_missed"] is None and told["usd_uncached"] is None and told["usd_saved"] is None


def test_dollars_where_a_price_is_known() -> None:
    priced = CACHED + Spend(
        usd_uncached=1.0, usd_input=0.02, usd_cache_write=0.05, usd_cache_read=0.06, usd_cache_missed=0.01
    )
    assert cache_sentence(priced) == (
        "prompt cache: 5,000 tokens read for $0.06, 600 written (200 for an hour) for $0.05, 100 missed (sent "
        "again for $0.01); without it $1.00: $0.75 saved"
    )
    told = spend_json(priced)
    assert (told["usd_saved"], told["usd_cache_read"], told["usd_cache_missed"]) == (0.75, 0.06, 0.01)
    assert cache_sentence(CACHED + Spend(usd=1.0, usd_uncached=1.0)).endswith("$0.25 lost")

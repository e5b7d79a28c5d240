"""What something cost, with what the prompt cache did: as JSON, and in a sentence."""

from __future__ import annotations

from typing import Any

from optimizer.records import Spend
from optimizer.reports.words import count


def spend_json(spend: Spend) -> dict[str, Any]:
    """A cost as JSON. ``usd`` is null where the price of some calls is not known. ``billed_tokens`` are in units of one
    uncached input token; the last ones are null where no price is known: dollars by kind, what the missed tokens cost,
    what the same tokens would have cost without a prompt cache, and how much less was paid."""
    priced = spend.usd_uncached > 0
    return {
        "rollouts": spend.rollouts,
        "calls": spend.calls,
        "tokens": spend.tokens,
        "input_tokens": spend.input_tokens,
        "output_tokens": spend.output_tokens,
        "cache_read_tokens": spend.cache_read_tokens,
        "cache_write_tokens": spend.cache_write_tokens,
        "cache_write_1h_tokens": spend.cache_write_1h_tokens,
        "cache_missed_tokens": spend.cache_missed_tokens,
        "billed_tokens": spend.billed_tokens,
        "usd": spend.known_usd,
        "rollout_seconds": spend.seconds,
        "usd_input": spend.usd_input if priced else None,
        "usd_cache_write": spend.usd_cache_write if priced else None,
        "usd_cache_read": spend.usd_cache_read if priced else None,
        "usd_cache_missed": spend.usd_cache_missed if priced else None,
        "usd_uncached": spend.usd_uncached if priced else None,
        "usd_saved": spend.usd_uncached - spend.usd if priced else None,
    }


def dollars(spend: Spend) -> str:
    """``$1.25``; ``unknown cost`` where no price is known, ``$1.25 and more`` where one is for some of the calls."""
    if spend.unpriced_calls:
        return f"${spend.usd:.2f} and more" if spend.usd else "unknown cost"
    return f"${spend.usd:.2f}"


def cache_sentence(spend: Spend) -> str:
    """``prompt cache: 1.20 M tokens read, 300,000 written, 5,000 missed (sent again)``, with dollars where a price is
    known; empty when no cache was used."""
    if not (spend.cache_read_tokens or spend.cache_write_tokens):
        return ""
    priced = spend.usd_uncached > 0
    written = f"{count(spend.cache_write_tokens)} written"
    if spend.cache_write_1h_tokens:
        written += f" ({count(spend.cache_write_1h_tokens)} for an hour)"
    told = (
        f"prompt cache: {count(spend.cache_read_tokens)} tokens read{_for(spend.usd_cache_read, priced)}, "
        f"{written}{_for(spend.usd_cache_write, priced)}, "
        f"{count(spend.cache_missed_tokens)} missed (sent again{_for(spend.usd_cache_missed, priced)})"
    )
    if priced:
        saved = spend.usd_uncached - spend.usd
        told += f"; without it ${spend.usd_uncached:.2f}: ${abs(saved):.2f} {'saved' if saved >= 0 else 'lost'}"
    return told


def _for(usd: float, priced: bool) -> str:
    return f" for ${usd:.2f}" if priced else ""

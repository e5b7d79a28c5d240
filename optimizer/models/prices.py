"""What a token costs: ``prices.toml``, dated, and a file of the user's over it.

A price that is not known is None, never zero: whoever asks has to say what that means.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from optimizer.errors import SettingsError
from optimizer.records import Spend
from search_space.errors import InvalidFile
from search_space.validation import Strict, load_toml

SHIPPED = Path(__file__).with_name("prices.toml")
PROVIDERS = ("anthropic", "openai")
MILLION = 1_000_000
_SNAPSHOT = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2}|latest)$")
"""What stands behind a model's id to name one snapshot of it."""

Dollars = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=1)]


class Rates(Strict):
    """Dollars per million tokens. A provider that has no such thing as cache writes bills them as input."""

    input: Dollars
    output: Dollars
    cache_write_5m: Dollars
    cache_write_1h: Dollars
    cache_read: Dollars


class LongRates(Rates):
    """The rates of a request whose whole prompt (cache reads and writes included) is longer than ``above`` tokens."""

    above: Tokens


class Price(Rates):
    """What a model costs, and its limits where they are known.

    ``us_factor`` multiplies all rates where inference is held to one country. It may be a default of the account that
    no request shows, so it is part of every worst case.
    """

    aliases: Annotated[tuple[str, ...], Field(strict=False)] = ()
    long: LongRates | None = None
    us_factor: Annotated[float, Field(ge=1.0, le=10.0)] = 1.0
    context_tokens: Tokens | None = None
    max_output_tokens: Tokens | None = None

    def cost_usd(self, usage: Mapping[str, Any]) -> float:
        """Dollars for an answer's ``usage`` (the Messages API's figures, cache writes by time to live if given)."""
        return sum(self.parts_usd(usage).values())

    def parts_usd(self, usage: Mapping[str, Any]) -> dict[str, float]:
        """The same by kind: ``input``, ``cache_write``, ``cache_read``, ``output``."""
        written, read = usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]
        rates = self._rates(usage["input_tokens"] + written + read)
        by_ttl = usage.get("cache_creation") or {}
        short, hour = by_ttl.get("ephemeral_5m_input_tokens", 0), by_ttl.get("ephemeral_1h_input_tokens", 0)
        untold = max(0, written - short - hour)  # for how long is not said: at the dearer rate
        by_kind = {
            "input": usage["input_tokens"] * rates.input,
            "cache_write": short * rates.cache_write_5m + (hour + untold) * rates.cache_write_1h,
            "cache_read": read * rates.cache_read,
            "output": usage["output_tokens"] * rates.output,
        }
        return {kind: float(total) * self._factor(usage) / MILLION for kind, total in by_kind.items()}

    def uncached_usd(self, usage: Mapping[str, Any]) -> float:
        """Dollars that the same tokens would have cost without a prompt cache."""
        prompt = sum(usage[key] for key in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"))
        rates = self._rates(prompt)
        return float(prompt * rates.input + usage["output_tokens"] * rates.output) * self._factor(usage) / MILLION

    def worst_usd(self, input_tokens: int, output_tokens: int, *, caches: bool, hours: bool) -> float:
        """The most that so many tokens can cost. ``caches``: the prompt may be written to the cache; ``hours``: for an
        hour. A shorter prompt than ``input_tokens`` may be dearer only if long ones are cheaper, so both are looked at.
        """
        tiers = [self] if self.long is None or input_tokens <= self.long.above else [self, self.long]
        dearest = 0.0
        for rates in tiers:
            inputs = [rates.input, rates.cache_read]
            inputs += [rates.cache_write_5m] * caches + [rates.cache_write_1h] * hours
            dearest = max(dearest, input_tokens * max(inputs) + output_tokens * rates.output)
        return dearest * self.us_factor / MILLION

    def _factor(self, usage: Mapping[str, Any]) -> float:
        return self.us_factor if usage.get("inference_geo") == "us" else 1.0

    def _rates(self, prompt_tokens: int) -> Rates:
        return self.long if self.long is not None and prompt_tokens > self.long.above else self


class PriceFile(Strict):
    """One file of prices. ``source`` and ``date`` say where they were read, and when."""

    source: str = "a file of your own"
    date: datetime.date | None = None
    anthropic: dict[str, Price] = {}
    openai: dict[str, Price] = {}

    @model_validator(mode="after")
    def _names_once(self) -> PriceFile:
        for table in (self.anthropic, self.openai):
            names = [*table, *(alias for price in table.values() for alias in price.aliases)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"expected each name once, got more of: {', '.join(twice)}")
        return self

    def find(self, provider: str, model: str) -> Price | None:
        """The price of ``model`` by its id or an alias."""
        table: Mapping[str, Price] = getattr(self, provider)
        found = table.get(model)
        return found or next((price for price in table.values() if model in price.aliases), None)


@dataclass(frozen=True, slots=True)
class Prices:
    """The shipped prices, under those of the user's file."""

    files: tuple[PriceFile, ...]

    def find(self, provider: str, *models: str) -> Price | None:
        """The price of the first of ``models`` (names of the same model) that has one; None when it is not known."""
        for name in models:
            for model in dict.fromkeys((name, _SNAPSHOT.sub("", name))):
                for file in self.files:
                    if (price := file.find(provider, model)) is not None:
                        return price
        return None

    @property
    def dated(self) -> str:
        """Where the shipped prices come from, and as of when."""
        shipped = self.files[-1]
        return f"as of {shipped.date} ({shipped.source})"


def load_prices(own: Path | None = None) -> Prices:
    """The shipped prices with the file ``own`` laid over them.

    Raises :class:`SettingsError` when that file is missing or is not in order.
    """
    shipped = load_toml(SHIPPED.read_text(encoding="utf-8"), PriceFile, file=SHIPPED.name)
    if own is None:
        return Prices((shipped,))
    try:
        mine = load_toml(own.read_text(encoding="utf-8"), PriceFile, file=str(own))
    except (OSError, UnicodeDecodeError) as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise SettingsError(
            f"model.prices: got '{own}' ({why}), expected a file of prices", hint="docs/models.md shows one"
        ) from None
    except InvalidFile as error:
        raise SettingsError(str(error), hint="docs/models.md shows a file of prices") from None
    return Prices((mine, shipped))


def spend_of(usage: Mapping[str, Any], price: Price | None) -> Spend:
    """What one billed call cost by its ``usage``; where the price is not known, it counts as an unpriced call."""
    if price is None:
        return replace(tokens_of(usage), unpriced_calls=1)
    parts = price.parts_usd(usage)
    return replace(
        tokens_of(usage),
        usd=sum(parts.values()),
        usd_uncached=price.uncached_usd(usage),
        usd_input=parts["input"],
        usd_cache_write=parts["cache_write"],
        usd_cache_read=parts["cache_read"],
    )


def tokens_of(usage: Mapping[str, Any]) -> Spend:
    """One call by its ``usage``, money aside."""
    return Spend(
        calls=1,
        input_tokens=usage["input_tokens"],
        output_tokens=usage["output_tokens"],
        cache_read_tokens=usage["cache_read_input_tokens"],
        cache_write_tokens=usage["cache_creation_input_tokens"],
        cache_write_1h_tokens=(usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens", 0),
    )

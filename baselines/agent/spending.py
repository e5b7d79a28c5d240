"""Counts the tokens of an agent, and with them those of the rollout that it works for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

_COUNTED = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class Spending:
    """Tokens spent, at most about ``limit`` (None: no bound): one call that began below it may go past it.

    What is spent here is spent in ``above`` too. Safe for several threads.
    """

    def __init__(self, limit: int | None, name: str = "limits.total_tokens", above: Spending | None = None) -> None:
        """``name`` is how an outcome calls the limit."""
        self._limit, self._name, self._above = limit, name, above
        self._tokens = 0
        self._lock = threading.Lock()

    @property
    def tokens(self) -> int:
        """All four kinds of usage together."""
        return self._tokens

    @property
    def left(self) -> int | None:
        """Tokens that may still be spent, None for no bound."""
        return None if self._limit is None else max(0, self._limit - self._tokens)

    def over(self) -> str:
        """What limit is reached, in words; nothing while there is something left."""
        return f"{self._name} = {self._limit} are spent" if self.left == 0 else ""

    def add(self, usage: Mapping[str, Any]) -> None:
        """Count one call."""
        with self._lock:
            self._tokens += sum(tokens_of(usage, kind) for kind in _COUNTED)
        if self._above is not None:
            self._above.add(usage)


def tokens_of(usage: Mapping[str, Any], kind: str) -> int:
    """One kind of tokens of a usage; 0 when a server leaves it out or says something that is no number."""
    value = usage.get(kind)
    return value if isinstance(value, int) else 0

"""What evaluation needs of the model door."""

from __future__ import annotations

import threading
from typing import Protocol

from optimizer.models.base import Account, Trouble, UpstreamError


class Door(Protocol):
    """The part of the model door that a rollout needs."""

    def open(self, session: str, seed: int, deadline: float, token_limit: int | None = None) -> str:
        """Admit a rollout and return its token; calls after ``deadline`` (monotonic) are refused."""
        ...

    def close(self, token: str) -> Account:
        """Admit it no more, and say what it cost and how its upstreams did."""
        ...

    def hold(self, until: float, stop: threading.Event) -> None:
        """Wait while the upstream fails, before a rollout begins; not past ``until`` (monotonic), nor past ``stop``."""
        ...

    def trouble(self) -> Trouble:
        """How the upstreams do."""
        ...

    def probe(self, error: UpstreamError) -> Account:
        """Whether what failed with ``error`` is well by itself (then without ``failure``), and what asking cost."""
        ...

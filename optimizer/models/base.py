"""What stands behind the door: an upstream answers Messages requests and says beforehand what one may cost."""

from __future__ import annotations

from typing import Protocol

from optimizer.records import Spend
from search_space.messages import Request, Response


class Upstream(Protocol):
    """A model provider, or a stand-in for one."""

    @property
    def name(self) -> str:
        """How reports call it; the embedded model's says that it is no language model."""
        ...

    def worst_case(self, request: Request) -> Spend:
        """An upper bound on what ``request`` can cost: reserved before the call."""
        ...

    def create(self, request: Request, *, seed: int, session: str, deadline: float) -> Response:
        """Answer ``request``, raising :class:`search_space.messages.ModelError`.

        ``seed`` fixes the randomness where the upstream has a say in it; ``session`` names the rollout (prompt-cache
        scope of the embedded model); ``deadline`` is a ``time.monotonic()`` instant after which no answer is wanted.
        """
        ...

    def price(self, response: Response) -> Spend:
        """What ``response`` really cost."""
        ...


class Meter(Protocol):
    """The budget as the door sees it."""

    def reserve(self, worst: Spend) -> int:
        """Set ``worst`` aside and return a ticket; raises :class:`optimizer.errors.BudgetExceeded`."""
        ...

    def settle(self, ticket: int, actual: Spend) -> None:
        """Replace the reservation by what was really spent."""
        ...

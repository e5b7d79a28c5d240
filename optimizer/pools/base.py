"""The pool protocol: run jobs side by side and hand back each result as it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Pool(Protocol):
    """Runs jobs, at most :attr:`workers` at a time."""

    @property
    def workers(self) -> int:
        """How many jobs run side by side."""
        ...

    def each(self, jobs: Sequence[Callable[[], T]], *, stop: threading.Event) -> Generator[tuple[int, T], None, None]:
        """Yield ``(index of the job, its result)`` as jobs end; they start in the order given.

        When a job raises, or the caller closes the iterator early, ``stop`` is set (jobs look at it and end soon), jobs
        not yet started are dropped, and running ones are waited for; then the job's exception is raised. When somebody
        else sets ``stop``, jobs not yet started are dropped, and the iterator ends without them.
        """
        ...

    def close(self) -> None:
        """Stop the workers; nothing may be running."""
        ...

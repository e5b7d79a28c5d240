"""Jobs on threads: right for rollouts, which spend their time in processes of their own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")


class ThreadPool:
    """At most ``workers`` jobs at a time; 0 means one for each processor this process may use."""

    def __init__(self, workers: int = 0) -> None:
        if workers < 0:
            raise ValueError(f"workers: got {workers}, expected 0 (one for each processor) or more")
        self._workers = workers or usable_processors()
        self._executor = ThreadPoolExecutor(self._workers, thread_name_prefix="rollout")

    @property
    def workers(self) -> int:
        return self._workers

    def each(self, jobs: Sequence[Callable[[], T]], *, stop: threading.Event) -> Generator[tuple[int, T], None, None]:
        """See :meth:`optimizer.pools.base.Pool.each`."""
        waiting = iter(enumerate(jobs))
        running: dict[Future[T], int] = {}
        try:
            while True:
                while len(running) < self._workers and not stop.is_set():
                    upcoming = next(waiting, None)
                    if upcoming is None:
                        break
                    running[self._executor.submit(upcoming[1])] = upcoming[0]
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=running.__getitem__):
                    yield running.pop(future), future.result()
        finally:
            if running:
                stop.set()
                wait(running)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)


def usable_processors() -> int:
    """Processors that this process may run on (affinity respected where the system tells it)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1

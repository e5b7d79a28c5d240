"""Jobs side by side, in order of their end, and an orderly stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from optimizer.pools.threads import ThreadPool


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    pool = ThreadPool(2)
    yield pool
    pool.close()


def test_every_job_gives_its_result_once(pool: ThreadPool) -> None:
    jobs: list[Callable[[], int]] = [lambda n=n: n * n for n in range(20)]  # type: ignore[misc]
    assert sorted(pool.each(jobs, stop=threading.Event())) == [(n, n * n) for n in range(20)]


def test_no_jobs_no_results(pool: ThreadPool) -> None:
    assert list(pool.each([], stop=threading.Event())) == []


def test_never_more_at_a_time_than_workers(pool: ThreadPool) -> None:
    lock, running, most = threading.Lock(), [0], [0]

    def job() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.002)
        with lock:
            running[0] -= 1

    list(pool.each([job] * 20, stop=threading.Event()))
    assert most[0] == 2


def test_results_come_as_jobs_end(pool: ThreadPool) -> None:
    later = threading.Event()
    results = pool.each([lambda: later.wait(5), lambda: True], stop=threading.Event())
    assert next(results) == (1, True)
    later.set()
    assert next(results) == (0, True)


def test_a_job_that_raises_stops_the_others_and_is_raised(pool: ThreadPool) -> None:
    stop, started = threading.Event(), []

    def fail() -> None:
        raise ValueError("broken")

    def patient() -> None:
        started.append(1)
        assert stop.wait(5)

    with pytest.raises(ValueError, match="broken"):
        list(pool.each([patient, fail, patient, patient], stop=stop))
    assert stop.is_set()
    assert len(started) <= 2


def test_closing_early_stops_and_waits(pool: ThreadPool) -> None:
    stop, ended = threading.Event(), []

    def patient() -> None:
        stop.wait(5)
        ended.append(1)

    with closing(pool.each([lambda: None, patient, patient, patient], stop=stop)) as results:
        next(results)
    assert stop.is_set()
    assert len(ended) <= 2
    assert list(pool.each([lambda: 1], stop=threading.Event())) == [(0, 1)]


def test_a_stop_from_outside_drops_what_has_not_started(pool: ThreadPool) -> None:
    stop = threading.Event()
    done = [index for index, _ in pool.each([stop.set, *[lambda: None] * 50], stop=stop)]
    assert 0 in done
    assert len(done) < 51


def test_workers_default_to_the_processors() -> None:
    pool = ThreadPool()
    assert pool.workers >= 1
    pool.close()
    with pytest.raises(ValueError, match="got -1"):
        ThreadPool(-1)

from __future__ import annotations

import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from pyrate_limiter import RateItem

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.stores.limits import SharedLimiter, shared_limiter, unlimited

_ACQUIRE = """
import sys, time
from pathlib import Path
from odoo_pipelines.stores.limits import shared_limiter
limiter = shared_limiter(Path(sys.argv[1]), "pms", 50.0, 5)
began = time.time()
for _ in range(10):
    limiter.acquire()
print(began, time.time())
"""
_HOLD_THE_LOCK = """
import sys
from pathlib import Path
from odoo_pipelines.stores.limits import shared_limiter
limiter = shared_limiter(Path(sys.argv[1]), "pms", 1000, 1000)
limiter._bucket.lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""
_DAY_MS = 24 * 3600 * 1000
_CLOCK_TICK = 0.002


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., SharedLimiter]]:
    """Makes limiters below one directory."""
    with ExitStack() as limiters:

        def make(name: str = "pms", rate: float = 1000.0, burst: int = 1000, **options: Any) -> SharedLimiter:
            limiter = shared_limiter(tmp_path, name, rate, burst, **options)
            return limiters.enter_context(closing(limiter))

        yield make


def _times(limiter: SharedLimiter) -> list[int]:
    items = (limiter._bucket.peek(index) for index in range(limiter._bucket.count()))
    return sorted(item.timestamp for item in items if item is not None)


def test_processes_share_one_rate(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _ACQUIRE, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]  # noqa: S603
    spans = [[float(moment) for moment in process.communicate()[0].split()] for process in processes]
    took = max(end for _, end in spans) - min(began for began, _ in spans)
    assert took > (30 / 5 - 1) * 5 / 50 - _CLOCK_TICK


def test_threads_share_one_rate(make: Callable[..., SharedLimiter]) -> None:
    limiter = make(rate=50.0, burst=2)
    began = time.time()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: limiter.acquire(), range(12)))
    assert time.time() - began > (12 / 2 - 1) * 2 / 50 - _CLOCK_TICK


def test_limiters_of_one_name_share_a_rate_and_those_of_another_do_not(make: Callable[..., SharedLimiter]) -> None:
    first, second, other = (make(name, rate=0.001, burst=2) for name in ("pms", "pms", "odoo"))
    for limiter in (first, second, other):
        limiter.acquire()
    assert [len(_times(limiter)) for limiter in (first, second, other)] == [2, 2, 1]


def test_a_process_killed_while_it_holds_the_lock_stops_nobody(
    make: Callable[..., SharedLimiter], tmp_path: Path
) -> None:
    limiter = make()
    command = [sys.executable, "-c", _HOLD_THE_LOCK, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:  # noqa: S603
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(TimeoutError):
            limiter._bucket.lock.acquire(timeout=0)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        limiter.acquire()


def test_after_the_clock_was_set_back_nobody_waits_until_it_is_there_again(
    make: Callable[..., SharedLimiter], caplog: pytest.LogCaptureFixture
) -> None:
    limiter = make(rate=0.001, burst=1, patience=0.0)
    limiter._bucket.put(RateItem("pms", time.time_ns() // 1_000_000 + _DAY_MS))
    limiter.acquire()
    assert caplog.messages == ["limiter pms: waiting for more than 0 s for its turn"]
    assert _times(limiter)[-1] <= time.time() * 1000


@pytest.mark.parametrize(
    ("rate", "burst", "interval"),
    [(1.0, 1, 1000), (20.0, 20, 1000), (0.5, 1, 2000), (3.0, 1, 334), (0.001, 1, 1_000_000), (5000.0, 1, 1)],
)
def test_the_interval_is_rounded_to_the_slower_side(
    make: Callable[..., SharedLimiter], rate: float, burst: int, interval: int
) -> None:
    assert [(rule.limit, rule.interval) for rule in make(rate=rate, burst=burst)._bucket.rates] == [(burst, interval)]


@pytest.mark.parametrize("name", ["grand-hotel.external", "a/b", "..", "\u00e9'\""])
def test_any_name_is_one_file_below_the_directory(
    make: Callable[..., SharedLimiter], tmp_path: Path, name: str
) -> None:
    make(name).acquire()
    assert {path.parent for path in tmp_path.rglob("*.sqlite")} == {tmp_path}


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1), (-1.0, 1), (math.nan, 1), (math.inf, 1), (1.0, 0)])
def test_a_rate_that_allows_nothing_or_everything_is_refused(tmp_path: Path, rate: float, burst: int) -> None:
    with pytest.raises(ConfigurationError, match="positive"):
        shared_limiter(tmp_path, "pms", rate, burst)


def test_the_directory_is_made(tmp_path: Path) -> None:
    with closing(shared_limiter(tmp_path / "a" / "b", "pms", 1.0)) as limiter:
        limiter.acquire()


def test_no_limit_never_waits() -> None:
    with closing(unlimited()) as limiter:
        for _ in range(10_000):
            limiter.acquire()

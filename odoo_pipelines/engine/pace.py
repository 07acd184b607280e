"""How many rows go into one call: fewer while calls take long, for a server kills those that pass its time limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

SLOW_SECONDS = 10.0
"""A call that takes longer, the wait for a free connection included, is too large."""
QUICK_SECONDS = SLOW_SECONDS / 4
"""A call that takes less may well be twice as large."""
SMALLEST = 10
"""Rows, below which a call is mostly overhead."""


class Pace:
    """The size of chunks; safe to use from several threads.

    Args:
        largest: rows in one call, as long as all goes well.
        clock: gives seconds.
    """

    def __init__(self, largest: int, clock: Callable[[], float]) -> None:
        self._largest = self._size = largest
        self._clock = clock
        self._changed = clock()
        self._lock = Lock()

    def size(self) -> int:
        """Rows for the next chunk."""
        return self._size

    @contextmanager
    def timed(self, items: int) -> Iterator[None]:
        """Learns from a call with so many records, also from one whose answer was lost."""
        started = self._clock()
        try:
            yield
        finally:
            self._learn(items, started, self._clock())

    def _learn(self, items: int, started: float, ended: float) -> None:
        with self._lock:
            if started < self._changed:
                return  # it was sized before, as those that went out beside it
            if ended - started > SLOW_SECONDS:
                self._resize(max(self._size // 2, min(SMALLEST, self._size)), ended)
            elif ended - started < QUICK_SECONDS and items >= self._size:
                self._resize(min(self._size * 2, self._largest), ended)

    def _resize(self, size: int, now: float) -> None:
        if size != self._size:
            self._size, self._changed = size, now

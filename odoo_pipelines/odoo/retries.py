"""How calls to Odoo are repeated, and how many rows go into one: retries, size of chunks, back-off after refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from math import isqrt
from threading import BoundedSemaphore, Lock
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from odoo_pipelines.errors import OdooConflictError, OdooTransientError

ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0

T = TypeVar("T")


class Retries:
    """How often, with which pauses and in which pieces the engine repeats itself.

    Args:
        sleep: takes seconds; a test hands in its own.
        pace: learns how long calls take.
    """

    def __init__(self, sleep: Callable[[float], None], pace: ChunkSize | None = None) -> None:
        self._sleep = sleep
        self._pace = pace

    def send(
        self,
        items: Sequence[T],
        send: Callable[[Sequence[T]], None],
        left: Callable[[Sequence[T]], Sequence[T]],
    ) -> None:
        """Sends items in one call, and as long as the answer is lost what is left of them, in ever smaller pieces.

        A call that is too long for the server's time limit is lost each time; half of it, or a quarter, is not. Each
        attempt begins with a look at what got through, so a server that does not answer at all is sent no pieces.

        Args:
            items: not sent yet.
            send: makes one call.
            left: tells which of the items still have to be sent.

        Raises:
            OdooTransientError, OdooConflictError: the last one, after all attempts.
        """

        def attempt(number: int) -> None:
            remaining = items if number == 1 else left(items)
            size = max(1, -(-len(items) // 2 ** (number - 1)))
            for first in range(0, len(remaining), size):
                piece = remaining[first : first + size]
                with self._pace.timed(len(piece)) if self._pace else nullcontext():
                    send(piece)

        self._repeat(attempt)

    def _repeat(self, attempt: Callable[[int], None]) -> None:
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(initial=FIRST_PAUSE_SECONDS, max=LONGEST_PAUSE_SECONDS),
            retry=retry_if_exception_type((OdooTransientError, OdooConflictError)),
            sleep=self._sleep,
            reraise=True,
        )
        for each in retrying:
            with each:
                attempt(each.retry_state.attempt_number)


SLOW_SECONDS = 10.0
"""A call that takes longer, the wait for a free connection included, is too large."""
QUICK_SECONDS = SLOW_SECONDS / 4
"""A call that takes less may well be twice as large."""
SMALLEST_CHUNK = 10
"""Rows, below which a call is mostly overhead."""


class ChunkSize:
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
                self._resize(max(self._size // 2, min(SMALLEST_CHUNK, self._size)), ended)
            elif ended - started < QUICK_SECONDS and items >= self._size:
                self._resize(min(self._size * 2, self._largest), ended)

    def _resize(self, size: int, now: float) -> None:
        if size != self._size:
            self._size, self._changed = size, now


PRICE_OF_A_CALL = 4
"""Rows that Odoo tries alone in the time that one more call takes (measured on 19.0: 4 ms a row, 15 ms a call)."""
SMALLEST_CALL = 10
"""Rows, below which a call is mostly its price."""


class RefusalBackoff:
    """Learns how often calls are refused; safe to use from several threads.

    Args:
        connections: calls that are made at a time.
    """

    def __init__(self, connections: int) -> None:
        self._turns = BoundedSemaphore(connections)
        self._rows = 0
        self._refused = 0
        self._lock = Lock()

    @contextmanager
    def turn(self, waiting: int) -> Iterator[int]:
        """Waits for a connection, and says only then, with all that was learnt meanwhile, how many rows to send."""
        with self._turns:
            yield self._size(waiting)

    def learn(self, rows: int, *, refused: bool) -> None:
        """Takes in what became of a call."""
        with self._lock:
            self._rows += rows
            self._refused += refused

    def _size(self, waiting: int) -> int:
        """All that wait, unless calls were refused.

        With one refused call among r rows, calls of s rows cost r / s times the price of a call, and s rows that are
        tried in vain: least where s is the square root of the price times r.
        """
        with self._lock:
            if not self._refused:
                return waiting
            return min(waiting, max(SMALLEST_CALL, isqrt(PRICE_OF_A_CALL * self._rows // self._refused)))

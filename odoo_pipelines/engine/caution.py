"""How many rows go into one call of `load` while Odoo refuses some of them.

After a call that its database has refused, Odoo tries every row of it alone before it answers, which takes four times
as long as the call. In smaller calls less is tried in vain, but every call has its price.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import isqrt
from threading import BoundedSemaphore, Lock

PRICE_OF_A_CALL = 4
"""Rows that Odoo tries alone in the time that one more call takes (measured on 19.0: 4 ms a row, 15 ms a call)."""
SMALLEST = 10
"""Rows, below which a call is mostly its price."""


class Caution:
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
            return min(waiting, max(SMALLEST, isqrt(PRICE_OF_A_CALL * self._rows // self._refused)))

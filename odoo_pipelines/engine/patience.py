"""Repeats a call whose answer was lost, or that met a concurrent one, with growing pauses and in smaller pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from odoo_pipelines.engine.pace import Pace
from odoo_pipelines.errors import OdooConflictError, OdooTransientError

ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0

T = TypeVar("T")


class Patience:
    """How often, with which pauses and in which pieces the engine repeats itself.

    Args:
        sleep: takes seconds; a test hands in its own.
        pace: learns how long calls take.
    """

    def __init__(self, sleep: Callable[[float], None], pace: Pace | None = None) -> None:
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

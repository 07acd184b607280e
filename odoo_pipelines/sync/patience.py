"""Repeats a call whose answer was lost, or that met a concurrent one, with growing pauses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from odoo_pipelines.errors import OdooConflictError, OdooTransientError

ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0

T = TypeVar("T")


class Patience:
    """How often, and with which pauses, the engine repeats itself.

    Args:
        sleep: takes seconds; a test hands in its own.
    """

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep

    def repeat(self, first: Callable[[], T], again: Callable[[], T]) -> T:
        """Calls `first`, then `again` as long as the answer is lost; that one looks what got through before it acts.

        Raises:
            OdooTransientError, OdooConflictError: the last one, after all attempts.
        """
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(initial=FIRST_PAUSE_SECONDS, max=LONGEST_PAUSE_SECONDS),
            retry=retry_if_exception_type((OdooTransientError, OdooConflictError)),
            sleep=self._sleep,
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                return again() if attempt.retry_state.attempt_number > 1 else first()
        message = "tenacity ends by returning or raising"
        raise AssertionError(message)

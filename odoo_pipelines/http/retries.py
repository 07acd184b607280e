"""Which faults are tried again, how often, and how long to wait in between."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from random import SystemRandom
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt

from odoo_pipelines.http.bounds import parse_http_date

ATTEMPTS = 6
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0
LONGEST_RETRY_AFTER_SECONDS = 300.0
"""A server may ask for more; then the run fails after all tries, and the next one starts where it stopped."""

_TRANSIENT = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_WAIT_FIX = (
    "Look whether the external system is up and can be reached from here; the next run goes on where this one stopped."
)
_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)
_random = SystemRandom()
_logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt failed in a way that may pass.

    Attributes:
        reason: a verb phrase without secrets, such as "answered 503".
        status: HTTP status, None when there was no answer.
        retry_after: seconds that the server asks to wait, None when it does not say.
        in_doubt: the request may have been carried out all the same.
        fix: a sentence for a person, for when no try succeeds.
    """

    reason: str
    status: int | None = None
    retry_after: float | None = None
    in_doubt: bool = True
    fix: str = _WAIT_FIX


def is_transient(status: int) -> bool:
    """Whether the same request may succeed later: 408, 429 and all 5xx."""
    return status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Reads a Retry-After header.

    Args:
        value: seconds or an HTTP date; anything else counts as absent.
        now: time by the clock that the date was made with.

    Returns:
        Seconds from 0 to LONGEST_RETRY_AFTER_SECONDS.
    """
    if value is None:
        return None
    if _SECONDS.fullmatch(value.strip()):
        return min(float(value), LONGEST_RETRY_AFTER_SECONDS)
    moment = parse_http_date(value)
    if moment is None:
        return None
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER_SECONDS)


def half_to_full(seconds: float) -> float:
    """The jitter: somewhere between half and all of a wait, so that clients which failed together part."""
    return _random.uniform(seconds / 2, seconds)


@dataclass(frozen=True, slots=True)
class Retries:
    """Repeats attempts that end in a Fault.

    Attributes:
        sleep: waits for seconds.
        jitter: makes a wait from the longest wait.
        on_retry: called before every repetition.
    """

    sleep: Callable[[float], None]
    jitter: Callable[[float], float]
    on_retry: Callable[[], None]

    def run(self, attempt: Callable[[], T | Fault], place: str, *, once: bool = False) -> T | Fault:
        """Calls `attempt` until it ends in something else than a Fault, or ATTEMPTS are used up.

        Args:
            attempt: one try.
            place: method and URL, for the log.
            once: a Fault that is in doubt is not tried again.

        Returns:
            What the last attempt ended in.
        """

        def announce(state: RetryCallState) -> None:
            self.on_retry()
            _logger.warning(
                "%s %s; next try in %.1f s (%d of %d)",
                place,
                _fault(state).reason,
                state.upcoming_sleep,
                state.attempt_number + 1,
                ATTEMPTS,
            )

        retrying = Retrying(
            sleep=self.sleep,
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._wait,
            retry=retry_if_result(lambda outcome: isinstance(outcome, Fault) and not (once and outcome.in_doubt)),
            before_sleep=announce,
            retry_error_callback=_fault,
        )
        return retrying(attempt)

    def _wait(self, state: RetryCallState) -> float:
        longest = min(FIRST_WAIT_SECONDS * 2.0 ** (state.attempt_number - 1), LONGEST_WAIT_SECONDS)
        return max(self.jitter(longest), _fault(state).retry_after or 0.0)


def _fault(state: RetryCallState) -> Fault:
    assert state.outcome is not None  # noqa: S101 (tenacity sets it before it asks)
    fault = state.outcome.result()
    assert isinstance(fault, Fault)  # noqa: S101
    return fault

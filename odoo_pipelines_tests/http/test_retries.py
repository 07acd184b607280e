from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from odoo_pipelines.http.retries import (
    ATTEMPTS,
    LONGEST_RETRY_AFTER_SECONDS,
    Fault,
    Retries,
    half_to_full,
    is_transient,
    parse_retry_after,
)
from odoo_pipelines_tests.http.conftest import Clock

_NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [408, 429, 500, 501, 502, 503, 504, 507, 520, 599])
def test_these_statuses_are_tried_again(status: int) -> None:
    assert is_transient(status)


@pytest.mark.parametrize("status", [200, 204, 301, 304, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 425, 451])
def test_these_statuses_are_not_tried_again(status: int) -> None:
    assert not is_transient(status)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("300", 300.0),
        ("301", 300.0),  # capped
        ("99999999999999999999", 300.0),
        ("9" * 5000, 300.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30.0),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 30.0),  # RFC 850
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),  # over
        ("Fri, 31 Dec 9999 23:59:59 GMT", 300.0),
        ("-5", None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("\u0663", None),  # an Arabic three
        ("7 seconds", None),
        ("2026-03-01T12:00:30Z", None),  # no HTTP date
        ("Sun, 99 Mar 2026 12:00:30 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),  # beyond what a date can be
    ],
)
def test_retry_after_is_read_as_seconds_or_date_and_capped(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, _NOW) == seconds


@given(st.one_of(st.text(), st.from_regex(r"\A[0-9]+(\.[0-9]+)?\Z"), st.floats().map(str), st.integers().map(str)))
@example("Mon, 01 Jan 0001 00:00:00 +0100")
def test_whatever_retry_after_says_the_wait_is_bounded(header: str) -> None:
    seconds = parse_retry_after(header, _NOW)
    assert seconds is None or 0.0 <= seconds <= LONGEST_RETRY_AFTER_SECONDS


@given(st.integers(min_value=0, max_value=int(LONGEST_RETRY_AFTER_SECONDS)))
def test_seconds_and_the_same_moment_as_a_date_mean_the_same(seconds: int) -> None:
    date = format_datetime(_NOW + timedelta(seconds=seconds), usegmt=True)
    assert parse_retry_after(date, _NOW) == parse_retry_after(str(seconds), _NOW) == seconds


@given(st.floats(min_value=0, max_value=1e6))
def test_jitter_takes_between_half_and_all_of_a_wait(longest: float) -> None:
    assert longest / 2 <= half_to_full(longest) <= longest


class Attempts:
    """Ends in each of its outcomes in turn."""

    def __init__(self, *outcomes: str | Fault) -> None:
        self.made = 0
        self._outcomes = outcomes

    def __call__(self) -> str | Fault:
        self.made += 1
        return self._outcomes[min(self.made, len(self._outcomes)) - 1]


def _retries(clock: Clock, retried: list[int] | None = None) -> Retries:
    seen = retried if retried is not None else []
    return Retries(sleep=clock.sleep, jitter=lambda seconds: seconds, on_retry=lambda: seen.append(1))


def test_an_answer_is_not_repeated(clock: Clock) -> None:
    attempts = Attempts("answer")
    assert _retries(clock).run(attempts, "GET x") == "answer"
    assert (attempts.made, clock.slept) == (1, [])


def test_waits_double_until_the_tries_are_used_up(clock: Clock) -> None:
    retried: list[int] = []
    attempts = Attempts(Fault("answered 503", 503))
    assert _retries(clock, retried).run(attempts, "GET x") == Fault("answered 503", 503)
    assert attempts.made == ATTEMPTS
    assert clock.slept == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert len(retried) == ATTEMPTS - 1


@pytest.mark.parametrize(
    ("retry_after", "waited"),
    [
        (30.0, [30.0, 2.0]),  # longer than the back-off
        (0.5, [1.0, 2.0]),  # the back-off is kept
        (None, [1.0, 2.0]),
    ],
)
def test_no_wait_is_shorter_than_the_server_asks_for(
    clock: Clock, retry_after: float | None, waited: list[float]
) -> None:
    attempts = Attempts(Fault("answered 429", 429, retry_after), Fault("answered 503", 503), "answer")
    assert _retries(clock).run(attempts, "GET x") == "answer"
    assert clock.slept == waited


def test_every_repetition_is_logged_with_its_reason(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    _retries(clock).run(Attempts(Fault("answered 503", 503), "answer"), "GET https://a.example/orders")
    assert caplog.messages == ["GET https://a.example/orders answered 503; next try in 1.0 s (2 of 6)"]


def test_an_error_is_not_repeated(clock: Clock) -> None:
    def attempt() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        _retries(clock).run(attempt, "GET x")
    assert clock.slept == []

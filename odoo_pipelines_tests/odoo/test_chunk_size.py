from __future__ import annotations

from contextlib import suppress

import pytest

from odoo_pipelines.odoo.retries import QUICK_SECONDS, SLOW_SECONDS, SMALLEST_CHUNK, ChunkSize

SLOW, QUICK, FAIR = SLOW_SECONDS + 1, QUICK_SECONDS - 1, SLOW_SECONDS - 1


class Calls:
    """Calls that take as long as they are told to."""

    def __init__(self, largest: int) -> None:
        self.now = 0.0
        self.pace = ChunkSize(largest, lambda: self.now)

    def take(self, *seconds: float, items: int | None = None) -> int:
        for each in seconds:
            with self.pace.timed(self.pace.size() if items is None else items):
                self.now += each
        return self.pace.size()


@pytest.fixture
def calls() -> Calls:
    return Calls(400)


def test_it_starts_with_the_largest_size_and_never_passes_it(calls: Calls) -> None:
    assert calls.pace.size() == 400
    assert calls.take(QUICK, QUICK) == 400


def test_slow_calls_halve_it_each_time_but_not_below_the_smallest(calls: Calls) -> None:
    assert calls.take(SLOW) == 200
    assert calls.take(SLOW) == 100
    assert calls.take(*[SLOW] * 20) == SMALLEST_CHUNK


def test_a_size_below_the_smallest_stays() -> None:
    assert Calls(3).take(SLOW) == 3


def test_quick_calls_of_full_size_double_it_again(calls: Calls) -> None:
    calls.take(SLOW, SLOW, SLOW)

    assert calls.take(QUICK) == 100
    assert calls.take(QUICK, QUICK, QUICK) == 400


def test_calls_that_are_neither_slow_nor_quick_leave_it(calls: Calls) -> None:
    calls.take(SLOW)
    assert calls.take(FAIR, FAIR) == 200


def test_a_quick_call_with_few_records_tells_nothing(calls: Calls) -> None:
    calls.take(SLOW)
    assert calls.take(QUICK, items=5) == 200


def test_a_call_that_failed_counts_too(calls: Calls) -> None:
    with suppress(ConnectionError), calls.pace.timed(400):
        calls.now += SLOW
        raise ConnectionError
    assert calls.pace.size() == 200


def test_of_several_slow_calls_at_a_time_the_first_counts(calls: Calls) -> None:
    with calls.pace.timed(400), calls.pace.timed(400), calls.pace.timed(400):
        calls.now += SLOW
    assert calls.pace.size() == 200

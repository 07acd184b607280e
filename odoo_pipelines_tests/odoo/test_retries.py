from __future__ import annotations

from collections.abc import Sequence

import pytest

from odoo_pipelines.errors import OdooConflictError, OdooError, OdooTransientError, OdooValidationError
from odoo_pipelines.odoo.retries import ATTEMPTS, LONGEST_PAUSE_SECONDS, SLOW_SECONDS, ChunkSize, Retries

REPEATED: list[OdooError] = [OdooTransientError("no answer"), OdooConflictError("rolled back")]


class Server:
    """Takes numbers, no more than its limit in one call."""

    def __init__(self, error: OdooError, limit: int = 0, *, stores_before_it_fails: bool = False) -> None:
        self.error = error
        self.limit = limit
        self.stores_before_it_fails = stores_before_it_fails
        self.sent: list[list[int]] = []
        self.stored: list[int] = []
        self.looks = 0
        self.slept: list[float] = []
        self.now = 0.0
        self.pace = ChunkSize(1_000, lambda: self.now)

    def send(self, count: int) -> None:
        Retries(self.slept.append, self.pace).send(range(count), self._take, self._left)

    def _take(self, numbers: Sequence[int]) -> None:
        self.sent.append(list(numbers))
        fails = len(numbers) > self.limit
        if not fails or self.stores_before_it_fails:
            self.stored += numbers
        if fails:
            self.now += SLOW_SECONDS + 1
            raise self.error

    def _left(self, numbers: Sequence[int]) -> list[int]:
        self.looks += 1
        return [number for number in numbers if number not in self.stored]


def test_a_call_that_is_answered_is_made_once() -> None:
    server = Server(REPEATED[0], limit=3)
    server.send(3)
    assert (server.sent, server.looks, server.slept) == ([[0, 1, 2]], 0, [])


@pytest.mark.parametrize("error", REPEATED)
def test_after_a_lost_answer_only_what_is_left_is_sent(error: OdooError) -> None:
    server = Server(error, stores_before_it_fails=True)
    server.send(4)
    assert (server.sent, server.looks) == ([[0, 1, 2, 3]], 1)


@pytest.mark.parametrize("error", REPEATED)
def test_a_call_that_is_always_lost_gets_through_in_halves_or_quarters(error: OdooError) -> None:
    server = Server(error, limit=2)
    server.send(8)
    assert [len(numbers) for numbers in server.sent] == [8, 4, 2, 2, 2, 2]
    assert server.stored == list(range(8))
    assert len(server.slept) == 2


def test_a_piece_that_was_lost_after_it_was_stored_is_not_sent_again() -> None:
    server = Server(REPEATED[0], limit=2, stores_before_it_fails=True)
    server.send(8)
    assert server.stored == list(range(8))


@pytest.mark.parametrize("error", REPEATED)
def test_it_gives_up_after_all_attempts_with_growing_pauses_in_between(error: OdooError) -> None:
    server = Server(error)

    with pytest.raises(type(error)):
        server.send(64)

    assert [len(numbers) for numbers in server.sent] == [64, 32, 16, 8, 4, 2]
    assert len(server.slept) == ATTEMPTS - 1
    assert all(1 <= pause <= LONGEST_PAUSE_SECONDS for pause in server.slept)
    assert server.slept[-1] > server.slept[0]


def test_a_refusal_is_not_repeated() -> None:
    server = Server(OdooValidationError("no"))

    with pytest.raises(OdooValidationError):
        server.send(3)

    assert (len(server.sent), server.looks) == (1, 0)


def test_the_pace_learns_from_every_call() -> None:
    server = Server(REPEATED[0], limit=250)
    server.send(500)
    assert server.pace.size() == 500

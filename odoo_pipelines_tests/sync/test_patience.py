from __future__ import annotations

from collections.abc import Callable

import pytest

from odoo_pipelines.errors import OdooConflictError, OdooError, OdooTransientError, OdooValidationError
from odoo_pipelines.sync.patience import ATTEMPTS, LONGEST_PAUSE_SECONDS, Patience

REPEATED: list[OdooError] = [OdooTransientError("no answer"), OdooConflictError("rolled back")]


def failing(times: int, error: OdooError, calls: list[str], name: str) -> Callable[[], str]:
    left = [error] * times

    def call() -> str:
        calls.append(name)
        if left:
            raise left.pop()
        return name

    return call


def test_a_call_that_is_answered_is_made_once() -> None:
    calls: list[str] = []
    slept: list[float] = []
    first, again = failing(0, REPEATED[0], calls, "first"), failing(0, REPEATED[0], calls, "again")

    assert Patience(slept.append).repeat(first, again) == "first"
    assert (calls, slept) == (["first"], [])


@pytest.mark.parametrize("error", REPEATED)
def test_after_a_lost_answer_only_the_second_way_is_taken(error: OdooError) -> None:
    calls: list[str] = []
    first, again = failing(1, error, calls, "first"), failing(2, error, calls, "again")

    assert Patience(lambda _: None).repeat(first, again) == "again"
    assert calls == ["first", "again", "again", "again"]


@pytest.mark.parametrize("error", REPEATED)
def test_it_gives_up_after_all_attempts_with_growing_pauses_in_between(error: OdooError) -> None:
    calls: list[str] = []
    slept: list[float] = []
    first, again = failing(99, error, calls, "first"), failing(99, error, calls, "again")

    with pytest.raises(type(error)):
        Patience(slept.append).repeat(first, again)

    assert calls == ["first", *["again"] * (ATTEMPTS - 1)]
    assert len(slept) == ATTEMPTS - 1
    assert all(1 <= pause <= LONGEST_PAUSE_SECONDS for pause in slept)
    assert slept[-1] > slept[0]


def test_a_refusal_is_not_repeated() -> None:
    calls: list[str] = []

    with pytest.raises(OdooValidationError):
        Patience(lambda _: None).repeat(failing(1, OdooValidationError("no"), calls, "first"), lambda: "again")

    assert calls == ["first"]

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from odoo_pipelines.engine.base import Agreement, Base, Kept
from odoo_pipelines.engine.diff import is_newer, latest, local_outcome, says_the_same
from odoo_pipelines.engine.rows import ResolvedLine, ResolvedRow
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.records import Binding, Outcome
from odoo_pipelines_tests.engine.sales import booking, guest, moment


def binding(row: MappedRow) -> Binding:
    return Binding(7, row.hash, row.updated_at)


def resolved(row: MappedRow, values: dict[str, Any], lines: tuple[ResolvedLine, ...] | None = None) -> ResolvedRow:
    return ResolvedRow(row, "key", values, lines, (), {})


def test_an_unknown_record_is_looked_at_in_odoo() -> None:
    assert local_outcome(guest("1"), None, verify=False) is None


@pytest.mark.parametrize("at", [0, 1, 2, None])
def test_a_row_that_says_the_same_is_unchanged_whenever_it_was_written(at: float | None) -> None:
    assert local_outcome(guest("1", at), binding(guest("1", 1)), verify=False) is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("at", "known", "expected"),
    [
        (1, 2, Outcome.SUPERSEDED),
        (2, 2, None),
        (3, 2, None),
        (None, 2, None),
        (1, None, None),
    ],
)
def test_a_row_that_says_something_else_counts_unless_it_is_older(
    at: float | None, known: float | None, expected: Outcome | None
) -> None:
    row, before = guest("1", at, city="Wien"), binding(guest("1", known))

    assert local_outcome(row, before, verify=False) is expected
    assert local_outcome(row, before, verify=True) is expected


def test_a_second_hand_row_changes_nothing_about_a_known_record() -> None:
    row = guest("1", 9, only_create=True, city="Wien")

    assert local_outcome(row, binding(guest("1", 1)), verify=False) is Outcome.UNCHANGED


@pytest.mark.parametrize("only_create", [True, False])
def test_verifying_looks_at_odoo_even_if_nothing_has_changed(*, only_create: bool) -> None:
    row = guest("1", only_create=only_create)

    assert local_outcome(row, binding(row), verify=True) is None


def test_an_unknown_time_is_neither_earlier_nor_later() -> None:
    early, late = moment(1), moment(2)

    assert is_newer(late, early)
    assert not any(is_newer(*pair) for pair in ((early, late), (early, early), (None, early), (early, None)))
    assert (latest(early, late), latest(late, early), latest(None, early), latest(late, None)) == (
        late,
        late,
        early,
        late,
    )


BASE = Base(Agreement({"note": "a", "x_adults": 2}, {"l": {"price_unit": 1.0}}, "sale"))


def test_a_row_says_the_same_as_its_base_if_nothing_that_it_carries_differs() -> None:
    same = (ResolvedLine("l", {"price_unit": 1.0}),)

    assert says_the_same(resolved(booking("1", state="sale"), {"note": "a"}, same), BASE)
    assert says_the_same(resolved(booking("1", state=None, lines=None), {}), BASE)
    assert not says_the_same(resolved(booking("1", state="cancel", lines=None), {"note": "a"}), BASE)
    assert not says_the_same(resolved(booking("1", state="sale", lines=None), {"note": "b"}), BASE)
    assert not says_the_same(resolved(booking("1", state="sale"), {}, (ResolvedLine("l", {}),)), BASE)
    assert not says_the_same(resolved(booking("1", state="sale"), {}, ()), BASE)
    assert not says_the_same(resolved(booking("1"), {}), Base())


def test_a_row_is_held_against_what_the_external_system_said_last_and_not_against_what_odoo_kept() -> None:
    kept = replace(BASE, kept={"note": Kept("b", "o"), "state": Kept("cancel", "sale")})

    assert says_the_same(resolved(booking("1", state="cancel", lines=None), {"note": "b"}), kept)
    assert not says_the_same(resolved(booking("1", state="cancel", lines=None), {"note": "a"}), kept)
    assert not says_the_same(resolved(booking("1", state="sale", lines=None), {"note": "b"}), kept)


def test_a_record_that_odoo_may_hold_half_written_is_always_looked_at() -> None:
    half = BASE.with_half_written(Agreement({"note": "b"}))

    assert not says_the_same(resolved(booking("1", state="sale", lines=None), {"note": "a"}), half)

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines.sync.diff import agreed_base, is_newer, latest, local_outcome, says_the_same
from odoo_pipelines.sync.resolve import ResolvedLine, ResolvedRow
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.records import Binding, Outcome
from odoo_pipelines_tests.sync.sales import booking, guest, moment


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


def test_fields_and_lines_that_a_row_does_not_carry_keep_their_base() -> None:
    line = ResolvedLine("l", {"price_unit": 1.0})
    base = agreed_base(resolved(booking("1", state="sale"), {"note": "a", "x_adults": 2}, (line,)), None)

    partial = agreed_base(resolved(booking("1", state=None, lines=None), {"note": "b"}), base)

    assert partial == {"values": {"note": "b", "x_adults": 2}, "lines": {"l": {"price_unit": 1.0}}, "state": "sale"}


def test_a_row_says_the_same_as_its_base_if_nothing_that_it_carries_differs() -> None:
    base = agreed_base(resolved(booking("1", state="sale"), {"note": "a", "x_adults": 2}, ()), None)

    assert says_the_same(resolved(booking("1", state="sale", lines=None), {"note": "a"}), base)
    assert not says_the_same(resolved(booking("1", state="cancel", lines=None), {"note": "a"}), base)
    assert not says_the_same(resolved(booking("1", state="sale", lines=None), {"note": "b"}), base)
    assert not says_the_same(resolved(booking("1", state="sale"), {}, (ResolvedLine("l", {}),)), base)
    assert not says_the_same(resolved(booking("1"), {}), {})

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.odoo.fields import FieldSchema
from odoo_pipelines.odoo.values import canonical, cast, written


def field(type_: str, **attributes: Any) -> FieldSchema:
    return FieldSchema("f", type_, **attributes)


LANG = field("selection", selection=frozenset({"en_US", "fr_FR"}))
QUANTITY = field("float", decimals=2)


@pytest.mark.parametrize(
    ("target", "value", "stored"),
    [
        (field("char"), " Ann\t", " Ann\t"),
        (field("char"), "", False),
        (field("char"), None, False),
        (field("char", size=3), "Ann", "Ann"),
        (field("text"), "a\r\nb", "a\r\nb"),
        (field("html"), "a & b\nc", "<p>a &amp; b<br>c</p>"),
        (field("html"), "", False),
        (field("integer"), 2**31 - 1, 2**31 - 1),
        (field("integer"), None, 0),
        (field("float"), 0.1 + 0.2, 0.30000000000000004),
        (field("float"), 5, 5.0),
        (field("float"), None, 0.0),
        (QUANTITY, 1.23456, 1.23),
        (QUANTITY, 2.675, 2.68),  # half away from zero, as written, not as the binary fraction is
        (QUANTITY, -2.675, -2.68),
        (QUANTITY, 1e300, 1e300),
        (field("monetary"), 120.505, 120.505),
        (field("boolean"), True, True),
        (field("boolean"), None, False),
        (field("date"), "2024-02-29", "2024-02-29"),
        (field("date"), None, False),
        (field("datetime"), "2024-02-29 23:59:59", "2024-02-29 23:59:59"),
        (LANG, "fr_FR", "fr_FR"),
        (LANG, None, False),
        (field("many2one"), 75, 75),
        (field("many2one"), None, False),
        (field("many2many"), [3, 1, 3], [1, 3]),
        (field("many2many"), [], []),
        (field("many2many"), None, []),
    ],
)
def test_a_value_is_cast_to_what_odoo_will_print(target: FieldSchema, value: Any, stored: Any) -> None:
    found = cast(value, target)

    assert found == stored
    assert type(found) is type(stored)


def test_amounts_are_rounded_to_the_decimals_of_their_currency() -> None:
    assert cast(120.505, field("monetary"), currency_decimals=2) == 120.51
    assert canonical(120.5, field("monetary"), currency_decimals=0) == 121.0


@pytest.mark.parametrize(
    ("target", "value", "code"),
    [
        (field("char"), 7, "wrong_type"),
        (field("char"), {"a": 1}, "wrong_type"),
        (field("char"), True, "wrong_type"),
        (field("char"), "a\0b", "null_character"),
        (field("html"), "a\0b", "null_character"),
        (field("char"), "half \ud83d", "invalid_text"),
        (field("char", size=3), "Anna", "too_long"),
        (field("char", required=True), "", "required"),
        (field("many2one", required=True), None, "required"),
        (field("integer"), 1.0, "wrong_type"),
        (field("integer"), True, "wrong_type"),
        (field("integer"), "7", "wrong_type"),
        (field("integer"), 2**31, "out_of_range"),
        (field("integer"), -(2**31), "out_of_range"),
        (field("float"), "1.5", "wrong_type"),
        (field("float"), True, "wrong_type"),
        (field("float"), math.nan, "not_finite"),
        (field("float"), math.inf, "not_finite"),
        (field("float"), 10**400, "out_of_range"),
        (field("float"), 2**53 + 1, "out_of_range"),
        (field("boolean"), 1, "wrong_type"),
        (field("boolean"), "true", "wrong_type"),
        (field("date"), "2025-02-29", "invalid_date"),
        (field("date"), "31/12/2025", "invalid_date"),
        (field("date"), "20251231", "invalid_date"),
        (field("date"), "2025-12-31 10:00:00", "invalid_date"),
        (field("date"), "0999-12-31", "invalid_date"),
        (field("date"), 20251231, "invalid_date"),
        (field("datetime"), "2025-12-31", "invalid_datetime"),
        (field("datetime"), "2025-12-31T10:00:00", "invalid_datetime"),
        (field("datetime"), "2025-12-31 10:00:00Z", "invalid_datetime"),
        (field("datetime"), "2025-12-31 25:00:00", "invalid_datetime"),
        (LANG, "de_DE", "not_selectable"),
        (LANG, ["fr_FR"], "not_selectable"),
        # All of these would empty a many2one of Odoo 19 without a word.
        (field("many2one"), "France", "wrong_type"),
        (field("many2one"), "75", "wrong_type"),
        (field("many2one"), [75, "France"], "wrong_type"),
        (field("many2one"), {"id": 75}, "wrong_type"),
        (field("many2one"), 75.0, "wrong_type"),
        (field("many2one"), True, "wrong_type"),
        (field("many2one"), 0, "out_of_range"),
        (field("many2many"), 3, "wrong_type"),
        (field("many2many"), ["3"], "wrong_type"),
        (field("one2many"), [3], "unsupported_type"),
        (field("binary"), "AAAA", "unsupported_type"),
    ],
)
def test_a_value_that_odoo_would_refuse_or_change_rejects_the_row(target: FieldSchema, value: Any, code: str) -> None:
    with pytest.raises(RowRejectedError) as caught:
        cast(value, target)

    assert (caught.value.field, caught.value.code) == ("f", code)
    assert caught.value.reason.startswith("f: the value ")


def test_a_number_may_be_zero_where_it_is_required() -> None:
    assert cast(None, field("integer", required=True)) == 0
    assert cast(False, field("boolean", required=True)) is False


@pytest.mark.parametrize(
    ("target", "printed", "compared"),
    [
        (field("char"), "", False),
        (field("char"), False, False),
        (field("many2one"), [75, "France"], 75),
        (field("many2one"), 75, 75),
        (field("many2one"), False, False),
        (field("many2many"), [2, 3, 1], [1, 2, 3]),
        (field("one2many"), [9, 4], [4, 9]),
        (field("integer"), False, 0),
        (field("float"), False, 0.0),
        (QUANTITY, 1.2300000000000002, 1.23),
        (field("boolean"), False, False),
        (field("date"), False, False),
        (field("html"), False, False),
        (field("html"), "<p>-- <br>Ann</p>", "<p>-- <br>Ann</p>"),
        (field("html"), '<p data-o-mail-quote="1">-- <br data-o-mail-quote="1">Ann</p>', "<p>-- <br>Ann</p>"),
    ],
)
def test_what_odoo_prints_is_compared_in_one_form(target: FieldSchema, printed: Any, compared: Any) -> None:
    assert canonical(printed, target) == compared


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 6))
def test_rounding_twice_is_rounding_once(value: float, decimals: int) -> None:
    target = field("float", decimals=decimals)
    once = cast(value, target)

    assert canonical(once, target) == once


@given(st.text())
def test_an_accepted_text_compares_equal_to_itself(value: str) -> None:
    if "\0" in value:
        return
    for type_ in ("char", "text", "html"):
        stored = cast(value, field(type_))
        assert canonical(stored, field(type_)) == stored


def test_a_many2many_is_written_as_a_whole_the_empty_one_too() -> None:
    assert written([1, 3], field("many2many")) == [[6, 0, [1, 3]]]
    assert written([], field("many2many")) == [[6, 0, []]]
    assert written(75, field("many2one")) == 75


def test_the_value_is_in_the_reason_and_not_in_the_text_of_the_error() -> None:
    with pytest.raises(RowRejectedError) as caught:
        cast("Ann Miller", field("date"))

    assert "'Ann Miller'" in caught.value.reason
    assert "Ann Miller" not in str(caught.value)

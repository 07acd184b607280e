from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.systems import values
from odoo_pipelines.systems.values import UnreadableValueError

NOT_TEXT: list[Any] = [True, None, [], {}, ["2026-05-01"]]


def code_of(read: Callable[[Any], Any], value: Any) -> str:
    with pytest.raises(UnreadableValueError) as caught:
        read(value)
    return caught.value.code


# Ids


@pytest.mark.parametrize(
    ("given_id", "expected"), [(7, "7"), ("7", "7"), (0, "0"), (-1, "-1"), (" G-7 ", "G-7"), ("007", "007"), ("é", "é")]
)
def test_an_id_is_a_text_whatever_type_it_came_in(given_id: Any, expected: str) -> None:
    assert values.external_id(given_id) == expected


@pytest.mark.parametrize("value", [True, False, 7.0, "", "  ", None, [], {}, "x" * 256, 10**300, "a\0b", "\ud800"])
def test_what_cannot_be_an_id_is_refused(value: Any) -> None:
    assert code_of(values.external_id, value) in {"invalid_id", "invalid_text"}


@given(st.integers(min_value=-(2**63), max_value=2**64))
def test_an_integer_and_its_text_are_the_same_id(number: int) -> None:
    assert values.external_id(number) == values.external_id(str(number))


# Text


@pytest.mark.parametrize(
    ("written", "expected"), [(" a b ", "a b"), (101, "101"), (10.5, "10.5"), ("\xa0x\n", "x"), ("😀", "😀")]
)
def test_text_is_trimmed_and_numbers_are_taken_as_written(written: Any, expected: str) -> None:
    assert values.text(written) == expected


@pytest.mark.parametrize("value", [True, [], {}, "a\0", "\udcff", math.nan, math.inf])
def test_what_no_database_stores_is_no_text(value: Any) -> None:
    assert code_of(values.text, value) in {"invalid_text", "invalid_number"}


@pytest.mark.parametrize("blank", [None, "", "  ", "\t\n"])
def test_null_and_blank_are_none_for_a_nullable_reader(blank: str | None) -> None:
    assert values.nullable(values.number)(blank) is None


def test_a_nullable_reader_reads_everything_else() -> None:
    assert values.nullable(values.integer)("7") == 7
    assert values.nullable(values.integer)(0) == 0


# Numbers


@pytest.mark.parametrize(
    ("written", "expected"),
    [("12.50", "12.50"), (12.5, "12.5"), (7, "7"), ("-3", "-3"), (".5", "0.5"), ("1e3", "1000"), (0.1, "0.1")],
)
def test_numbers_are_read_exactly(written: Any, expected: str) -> None:
    assert values.number(written) == Decimal(expected)


@pytest.mark.parametrize(
    "value",
    ["12,50", "1,234.50", "1_000", "NaN", "Infinity", math.nan, math.inf, "abc", "\u0663", True, None, [], "1e9999"],
)
def test_what_is_no_number_is_refused(value: Any) -> None:
    assert code_of(values.number, value) == "invalid_number"


@pytest.mark.parametrize("value", [10**12, "1e12", -(10**12), 1e300, "1e400"])
def test_numbers_too_large_for_cents_in_a_double_are_refused(value: Any) -> None:
    assert code_of(values.number, value) == "out_of_range"


def test_prices_and_counts_are_not_negative() -> None:
    assert code_of(values.price, "-0.01") == "negative"
    assert code_of(values.count, -1) == "negative"
    assert values.price("-0") == 0


@pytest.mark.parametrize(("written", "expected"), [(3, 3), ("3", 3), (3.0, 3), ("3.00", 3), (-(2**31) + 1, 1 - 2**31)])
def test_whole_numbers_are_read_from_all_that_is_whole(written: Any, expected: int) -> None:
    assert values.integer(written) == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [(1.5, "invalid_number"), (True, "invalid_number"), (2**31, "out_of_range"), ("x", "invalid_number")],
)
def test_what_odoo_cannot_store_as_an_integer_is_refused(value: Any, code: str) -> None:
    assert code_of(values.integer, value) == code


@given(st.decimals(min_value=0, max_value=10**11, places=3))
def test_a_price_survives_as_text_number_and_double(price: Decimal) -> None:
    assert values.price(str(price)) == price
    assert Decimal(str(values.odoo_float(values.price(float(price))))) == price
    assert Decimal(values.decimal_text(price)) == price


def test_zero_has_no_sign_and_large_amounts_have_no_exponent() -> None:
    assert math.copysign(1, values.odoo_float(Decimal("-0.0"))) == 1
    assert values.decimal_text(Decimal("1E+3")) == "1000"


@pytest.mark.parametrize(
    ("written", "expected"), [(True, True), (False, False), ("yes", True), ("No", False), (1, True), ("0", False)]
)
def test_flags_are_read_in_their_usual_spellings(written: Any, expected: bool) -> None:
    assert values.flag(written) is expected


@pytest.mark.parametrize("value", ["maybe", 2, 1.0, [], {}])
def test_what_is_neither_true_nor_false_is_refused(value: Any) -> None:
    assert code_of(values.flag, value) == "invalid_flag"


# Dates and times


@pytest.mark.parametrize("template", ["{0:%Y-%m-%d}", "{0:%Y/%m/%d}", "{0:%d/%m/%Y}", "{0:%d-%m-%Y}"])
@pytest.mark.parametrize(
    "clock", ["", " 23:59", "T23:59:59", "T23:59:59.123456789Z", "T00:00:00+14:00", " 10:00:00 +0200"]
)
@given(day=st.dates(date(1000, 1, 1), date(9998, 12, 31)))
def test_every_date_is_read_in_every_format_as_the_day_that_is_written(template: str, clock: str, day: date) -> None:
    assert values.calendar_date(template.format(day) + clock) == day


@pytest.mark.parametrize(
    "value",
    [*NOT_TEXT, 20260501, "", "2026-13-01", "2026-02-30", "31/04/2026", "01/02/26", "2026-05/01", "May 1, 2026",
     "2026-05-01 foo", "2026-05-01T25:00", "\u0662\u0660\u0662\u0666-05-01", "1746057600", "2026-W18-5", "tomorrow"],
)  # fmt: skip
def test_what_is_no_date_is_refused(value: Any) -> None:
    assert code_of(values.calendar_date, value) == "invalid_date"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-05-01T10:11:12Z", datetime(2026, 5, 1, 10, 11, 12, tzinfo=UTC)),
        ("2026-05-01t10:11:12z", datetime(2026, 5, 1, 10, 11, 12, tzinfo=UTC)),
        ("2026-05-01T01:00:00+02:00", datetime(2026, 4, 30, 23, tzinfo=UTC)),
        ("2026-05-01 10:11", datetime(2026, 5, 1, 10, 11, tzinfo=UTC)),
        ("01/05/2026 10:11:12", datetime(2026, 5, 1, 10, 11, 12, tzinfo=UTC)),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01T10:11:12.5Z", datetime(2026, 5, 1, 10, 11, 12, 500_000, tzinfo=UTC)),
    ],
)
def test_times_are_utc_with_or_without_a_zone(written: str, expected: datetime) -> None:
    assert values.utc_datetime(written) == expected


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_every_time_survives_with_any_offset(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    try:
        expected = aware.astimezone(UTC)
    except OverflowError:
        assert code_of(values.utc_datetime, aware.isoformat()) == "invalid_datetime"
    else:
        if values.FIRST_YEAR <= expected.year <= values.LAST_YEAR:
            assert values.utc_datetime(aware.isoformat()) == expected
        else:
            assert code_of(values.utc_datetime, aware.isoformat()) == "invalid_datetime"


@pytest.mark.parametrize("value", [*NOT_TEXT, 1746057600, "2026-05-01T24:30Z", "0001-01-01T00:00:00+14:00", "soon"])
def test_what_is_no_point_in_time_is_refused(value: Any) -> None:
    assert code_of(values.utc_datetime, value) == "invalid_datetime"


def test_odoo_takes_times_in_utc_without_a_zone_and_without_fractions() -> None:
    moment = datetime(2026, 5, 1, 1, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert values.odoo_datetime(moment) == "2026-04-30 23:00:00"


# Reasons and HTML


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("é", '"é"'),
        (-5, "-5"),
        (None, "null"),
        ({"a": 1}, "an object"),
        ([1], "a list"),
        (10**999, "a huge number"),
        ("a\0\ud800", r'"a\u0000\ud800"'),
        ("x" * 500, '"' + "x" * 119 + "..."),
    ],
)
def test_a_reason_quotes_values_short_and_printable(value: object, expected: str) -> None:
    assert values.shown(value) == expected

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.stores.rows import row_hash
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.mapping.orders import STATES, orders_of_booking
from odoo_pipelines_tests.systems.pms.payloads import booking, guest, map_booking, room, without


def order(payload: Any) -> MappedRow:
    (row,) = map_booking(orders_of_booking, payload)
    return row


def rejection(payload: Any) -> RowRejectedError:
    with pytest.raises(RowRejectedError) as caught:
        order(payload)
    return caught.value


def test_a_booking_becomes_an_order() -> None:
    row = order(booking())
    assert (row.entity, row.external_id, row.state, row.total) == ("booking", "1001", "sale", "276.90")
    assert row.updated_at == datetime(2026, 4, 2, tzinfo=UTC)
    assert row.values == {
        "partner_id": "7",
        "client_order_ref": "BK-1001",
        "date_order": "2026-04-01 10:11:12",
        "note": "Late arrival",
        "pricelist_id": "EUR",
        "x_external_id": "1001",
        "x_external_reference": "BK-1001",
        "x_check_in_date": "2026-05-01",
        "x_check_out_date": "2026-05-03",
        "x_number_of_nights": 2,
        "x_number_of_guests": 3,
        "x_booking_channel": "booking.com",
        "x_external_status": "confirmed",
    }
    assert row.warnings == ()


def test_the_least_that_the_contract_asks_for_is_enough() -> None:
    row = order({"id": 1, "status": "pending", "guest": {"id": 7}, "check_in": "2026-05-01", "check_out": "2026-05-01"})
    assert row.values == {
        "partner_id": "7",
        "x_external_id": "1",
        "x_check_in_date": "2026-05-01",
        "x_check_out_date": "2026-05-01",
        "x_number_of_nights": 0,
        "x_booking_channel": "direct",
        "x_external_status": "pending",
    }
    assert (row.lines, row.total, row.updated_at) == (None, None, None)


@pytest.mark.parametrize(
    ("rooms", "extras", "count"), [([], [], 0), (None, None, 0), ([room()], None, 1), (None, [], 0)]
)
def test_lines_are_complete_as_soon_as_the_payload_carries_rooms_or_extras(rooms: Any, extras: Any, count: int) -> None:
    lines = order(booking(rooms=rooms, extras=extras)).lines
    assert lines is not None
    assert len(lines) == count


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("confirmed", "sale"),
        ("checked_in", "sale"),
        ("checked_out", "locked"),
        ("provisional", "draft"),
        ("pending", "draft"),
        ("cancelled", "cancel"),
        ("no_show", "cancel"),
        (" Confirmed ", "sale"),
    ],
)
def test_the_status_decides_the_state(status: str, state: str) -> None:
    row = order(booking(status=status))
    assert (row.state, row.values["x_external_status"]) == (state, status.strip())


def test_every_status_of_the_contract_has_a_state() -> None:
    assert set(STATES) == {
        "confirmed", "provisional", "pending", "cancelled", "checked_in", "checked_out", "no_show",
    }  # fmt: skip


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(9990, 1, 1)), st.integers(0, 3650))
def test_nights_are_counted_from_the_dates_whatever_the_payload_says(check_in: date, nights: int) -> None:
    check_out = check_in + timedelta(days=nights)
    row = order(booking(check_in=check_in.strftime("%d/%m/%Y"), check_out=check_out.isoformat(), nights=99))
    assert row.values["x_number_of_nights"] == nights
    assert row.values["x_check_in_date"] == check_in.isoformat()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"adults": 2, "children": 1}, 3),
        ({"adults": 2, "children": None}, 2),
        ({"adults": 0, "children": None}, 0),
        ({"adults": None, "children": None, "rooms": [room(), room(id=2)]}, 6),
        ({"adults": None, "children": None, "rooms": [room(adults=2, children=None)]}, 2),
    ],
)
def test_guests_are_those_of_the_booking_or_else_of_its_rooms(changes: dict[str, Any], expected: int) -> None:
    assert order(booking(**changes)).values["x_number_of_guests"] == expected


def test_the_number_of_guests_is_left_alone_when_nobody_tells() -> None:
    payload = booking(adults=None, children=None, rooms=[])
    assert "x_number_of_guests" not in order(payload).values


@pytest.mark.parametrize("channel", [None, {}, {"source": None}, {"source": " "}])
def test_without_a_channel_the_booking_is_direct(channel: Any) -> None:
    assert order(booking(channel=channel)).values["x_booking_channel"] == "direct"
    assert order(without(booking(), "channel")).values["x_booking_channel"] == "direct"


@pytest.mark.parametrize(("requests", "note"), [(" a\nb & c ", "a\nb & c"), (None, None), ("", None), ("  ", None)])
def test_special_requests_are_the_note(requests: Any, note: str | None) -> None:
    assert order(booking(special_requests=requests)).values["note"] == note


@pytest.mark.parametrize("key", ["booking_reference", "special_requests", "created_at", "currency"])
def test_what_the_payload_does_not_carry_is_left_alone(key: str) -> None:
    fields = {
        "booking_reference": {"client_order_ref", "x_external_reference"},
        "special_requests": {"note"},
        "created_at": {"date_order"},
        "currency": {"pricelist_id"},
    }
    assert set(order(booking()).values) - set(order(without(booking(), key)).values) == fields[key]


@pytest.mark.parametrize("key", ["created_at", "currency"])
def test_odoo_chooses_date_and_pricelist_when_they_are_null(key: str) -> None:
    assert {"created_at": "date_order", "currency": "pricelist_id"}[key] not in order(booking(**{key: None})).values


def test_the_currency_is_an_upper_case_code() -> None:
    assert order(booking(currency=" eur ")).values["pricelist_id"] == "EUR"


@pytest.mark.parametrize(
    ("written", "total"), [("276.90", "276.90"), (100, "100"), (1e3, "1000.0"), ("1E+2", "100"), (None, None)]
)
def test_the_total_is_an_exact_decimal_text(written: Any, total: str | None) -> None:
    assert order(booking(total_amount=written)).total == total


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"check_in": "soon"}, "check_in", "invalid_date"),
        ({"check_in": None}, "check_in", "missing"),
        ({"check_out": "2026-02-30"}, "check_out", "invalid_date"),
        ({"check_out": ""}, "check_out", "missing"),
        ({"check_out": "2026-04-30"}, "check_out", "check_out_before_check_in"),
        ({"status": "dreamt"}, "status", "unknown_status"),
        ({"status": None}, "status", "missing"),
        ({"status": 7.5}, "status", "unknown_status"),
        ({"guest": None}, "guest", "missing"),
        ({"guest": "Ann"}, "guest", "not_an_object"),
        ({"guest": {"first_name": "Ann"}}, "guest.id", "missing"),
        ({"guest": guest(id=1.5)}, "guest.id", "invalid_id"),
        ({"currency": "Euro"}, "currency", "invalid_currency"),
        ({"currency": {}}, "currency", "invalid_text"),
        ({"id": " "}, "id", "invalid_id"),
    ],
)
def test_a_booking_that_cannot_be_an_order_is_rejected_with_its_field(
    changes: dict[str, Any], field: str, code: str
) -> None:
    error = rejection(booking(**changes))
    assert (error.field, error.code) == (field, code)


@pytest.mark.parametrize("key", ["id", "status", "check_in", "check_out", "guest"])
def test_what_an_order_needs_is_named_when_it_is_absent(key: str) -> None:
    error = rejection(without(booking(), key))
    assert (error.field, error.code, error.reason) == (key, "missing", f"{key} is missing")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"check_in": "soon"}, 'check_in: "soon" is not a date'),
        ({"check_out": "2026-04-30"}, "check_out: 2026-04-30 lies before check_in: 2026-05-01"),
        ({"status": "dreamt"}, 'status: "dreamt" is not known'),
        ({"currency": "Euro"}, 'currency: "Euro" is not an ISO 4217 code'),
        ({"guest": {"id": True}}, "guest.id: true is neither a text nor a whole number"),
    ],
)
def test_the_reason_names_field_and_value_and_the_text_of_the_error_does_not(
    changes: dict[str, Any], reason: str
) -> None:
    error = rejection(booking(**changes))
    assert error.reason == reason
    assert str(error) == f"{error.field}: {error.code}"


@pytest.mark.parametrize("payload", [None, [], 7, "booking", [booking()]])
def test_a_payload_that_no_model_can_read_is_rejected(payload: Any) -> None:
    assert rejection(payload).code == "not_an_object"


@pytest.mark.parametrize(
    ("changes", "field", "warning"),
    [
        ({"created_at": "soon"}, "date_order", "created_at: invalid_datetime"),
        ({"special_requests": []}, "note", "special_requests: invalid_text"),
        ({"channel": "web"}, "x_booking_channel", "channel: not_an_object"),
        ({"channel": {"source": {}}}, "x_booking_channel", "channel.source: invalid_text"),
        ({"booking_reference": {}}, "client_order_ref", "booking_reference: invalid_text"),
    ],
)
def test_a_bad_optional_value_is_dropped_with_a_warning(changes: dict[str, Any], field: str, warning: str) -> None:
    row = order(booking(**changes))
    assert field not in row.values
    assert row.warnings == (warning,)


def test_a_bad_change_time_or_total_costs_only_itself() -> None:
    row = order(booking(updated_at="soon", total_amount="much"))
    assert (row.updated_at, row.total) == (None, None)
    assert row.warnings == ("updated_at: invalid_datetime", "total_amount: invalid_number")


def test_faults_of_the_guest_do_not_concern_the_order() -> None:
    assert order(booking(guest=guest(vip_status="maybe", email=[]))).warnings == ()


@pytest.mark.parametrize(("absent", "entity"), [("rooms", "booking_room"), ("extras", "booking_extra")])
def test_of_what_is_absent_beside_the_other_nothing_is_told(absent: str, entity: str) -> None:
    row = order(without(booking(), absent))
    assert row.untold == (entity,)
    assert row.lines
    assert entity not in {line.entity for line in row.lines}
    emptied = order(booking(**{absent: None}))
    assert (emptied.untold, emptied.lines) == ((), row.lines)
    assert row_hash(emptied) != row_hash(row)


def test_a_discount_is_a_line_of_its_own_with_a_negative_price() -> None:
    given = [room(price_per_night=100, quantity=1)], [{"name": "Early bird", "price_per_unit": "-12.50", "quantity": 2}]
    row = order(booking(rooms=given[0], extras=given[1], check_in="2026-05-01", check_out="2026-05-02"))
    assert [(line.values["price_unit"], line.values["product_uom_qty"]) for line in row.lines or ()] == [
        (100.0, 1.0),
        (-12.5, 2.0),
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"total_amount": "-0.01"}, "total_amount"),
        ({"total_amount": None, "rooms": [], "extras": [{"name": "Voucher", "price_per_unit": -5}]}, "extras"),
        ({"extras": [{"name": "Voucher", "price_per_unit": -100_000}]}, "extras"),
    ],
)
def test_nobody_books_for_less_than_nothing(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(RowRejectedError) as caught:
        order(booking(**changes))
    assert (caught.value.field, caught.value.code) == (field, "negative_total")


def test_where_rooms_are_left_alone_the_total_of_the_lines_is_not_known() -> None:
    assert order(without(booking(extras=[{"name": "Voucher", "price_per_unit": -5}]), "rooms")).lines

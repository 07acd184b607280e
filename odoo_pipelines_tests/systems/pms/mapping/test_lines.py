from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedLine, MappingOptions
from odoo_pipelines.systems.pms.mapping.orders import orders_of_booking
from odoo_pipelines_tests.systems.pms.payloads import DEFAULTS, booking, extra, map_booking, room, without


def lines(options: MappingOptions = DEFAULTS, **changes: Any) -> tuple[MappedLine, ...]:
    (order,) = map_booking(orders_of_booking, booking(**changes), options)
    assert order.lines is not None
    return order.lines


def rejection(**changes: Any) -> RowRejectedError:
    with pytest.raises(RowRejectedError) as caught:
        lines(**changes)
    return caught.value


def test_rooms_and_extras_become_lines() -> None:
    assert lines() == (
        MappedLine(
            "booking_room",
            "r1",
            {
                "product_id": "room_type/5",
                "name": "Deluxe - 2 night(s)",
                "product_uom_qty": 2.0,
                "price_unit": 123.45,
                "discount": 0.0,
                "technical_price_unit": -1.0,
                "tax_ids": [],
                "x_room_number": "101",
                "x_rate_plan": "BAR",
                "x_adults": 2,
                "x_children": 1,
            },
        ),
        MappedLine(
            "booking_extra",
            "x1",
            {
                "product_id": "extra/Breakfast",
                "name": "Breakfast",
                "product_uom_qty": 2.5,
                "price_unit": 12.0,
                "discount": 0.0,
                "technical_price_unit": -1.0,
                "tax_ids": [],
            },
        ),
    )


@pytest.mark.parametrize(
    ("check_out", "quantity", "expected"),
    [("2026-05-04", 2, 6.0), ("2026-05-02", 1, 1.0), ("2026-05-01", 3, 3.0), ("2026-05-03", 0, 0.0)],
)
def test_a_room_is_sold_by_the_night_and_for_day_use_once(check_out: str, quantity: int, expected: float) -> None:
    (line,) = lines(check_out=check_out, rooms=[room(quantity=quantity)], extras=[])
    assert line.values["product_uom_qty"] == expected


def test_day_use_has_no_nights_in_its_name() -> None:
    assert lines(check_out="2026-05-01")[0].values["name"] == "Deluxe - 0 night(s)"


@pytest.mark.parametrize("quantity", [{}, {"quantity": None}])
def test_without_a_quantity_there_is_one(quantity: dict[str, None]) -> None:
    rooms, extras = [without(room(), "quantity") | quantity], [without(extra(), "quantity") | quantity]
    assert [line.values["product_uom_qty"] for line in lines(rooms=rooms, extras=extras)] == [2.0, 1.0]


def test_details_that_are_not_carried_are_left_alone_and_null_empties_them() -> None:
    (line,) = lines(rooms=[{"room_type_id": 5, "price_per_night": 1, "room_number": None}], extras=[])
    assert {name: value for name, value in line.values.items() if name.startswith("x_")} == {"x_room_number": None}
    assert line.values["name"] == "Room type 5 - 2 night(s)"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (MappingOptions(taxes="none"), {"tax_ids": []}),
        (MappingOptions(taxes=("VAT 10%", "City tax")), {"tax_ids": ["VAT 10%", "City tax"]}),
        (MappingOptions(taxes="odoo"), {}),
    ],
)
def test_taxes_are_what_the_integration_chose(options: MappingOptions, expected: dict[str, list[str]]) -> None:
    for line in lines(options):
        assert {name: value for name, value in line.values.items() if name == "tax_ids"} == expected


@pytest.mark.parametrize(
    ("part", "field", "code"),
    [
        ({"price_per_night": -1}, "rooms[1].price_per_night", "negative"),
        ({"price_per_night": "NaN"}, "rooms[1].price_per_night", "invalid_number"),
        ({"price_per_night": None}, "rooms[1].price_per_night", "missing"),
        ({"quantity": -1}, "rooms[1].quantity", "negative"),
        ({"quantity": "two"}, "rooms[1].quantity", "invalid_number"),
        ({"quantity": 1.5}, "rooms[1].quantity", "invalid_number"),
        ({"id": True}, "rooms[1].id", "invalid_id"),
        ({"id": "r1"}, "rooms[1].id", "duplicate_id"),
        ({"room_type_id": None, "room_type_name": None}, "rooms[1].room_type_id", "missing"),
        ({"room_type_id": 1.5}, "rooms[1].room_type_id", "invalid_id"),
        ({"room_type_name": []}, "rooms[1].room_type_name", "invalid_text"),
    ],
)
def test_a_room_that_cannot_be_sold_rejects_the_order(part: dict[str, Any], field: str, code: str) -> None:
    error = rejection(rooms=[room(), room(id="r2") | part])
    assert (error.field, error.code) == (field, code)
    assert field in error.reason


@pytest.mark.parametrize(
    ("part", "field", "code"),
    [
        ({"price_per_unit": None}, "extras[0].price_per_unit", "missing"),
        ({"quantity": -1}, "extras[0].quantity", "negative"),
        ({"quantity": []}, "extras[0].quantity", "invalid_number"),
        ({"name": " "}, "extras[0].name", "missing"),
        ({"id": {}}, "extras[0].id", "invalid_id"),
    ],
)
def test_an_extra_that_cannot_be_sold_rejects_the_order(part: dict[str, Any], field: str, code: str) -> None:
    error = rejection(extras=[extra() | part])
    assert (error.field, error.code) == (field, code)


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"rooms": {}}, "rooms", "not_a_list"),
        ({"rooms": [room(), None]}, "rooms[1]", "not_an_object"),
        ({"extras": "none"}, "extras", "not_a_list"),
        ({"extras": [7]}, "extras[0]", "not_an_object"),
    ],
)
def test_rooms_and_extras_of_another_shape_reject_the_order(changes: dict[str, Any], field: str, code: str) -> None:
    error = rejection(**changes)
    assert (error.field, error.code) == (field, code)


def test_the_reason_names_field_and_value() -> None:
    assert rejection(rooms=[room(price_per_night="-5")]).reason == 'rooms[0].price_per_night: "-5" is negative'


def test_a_bad_detail_of_a_room_is_dropped_with_a_warning() -> None:
    (order,) = map_booking(orders_of_booking, booking(rooms=[room(adults="two")]))
    assert order.lines is not None
    assert "x_adults" not in order.lines[0].values
    assert order.warnings == ("rooms[0].adults: invalid_number",)


# Ids of lines


def test_lines_without_an_id_are_known_by_what_they_sell() -> None:
    rooms = [
        without(room(), "id"),
        without(room(), "id"),
        without(room(room_number="102"), "id"),
        without(room(), "id", "room_type_id", "room_number"),
    ]
    extras = [without(extra(), "id"), without(extra(), "id")]
    assert [line.external_id for line in lines(rooms=rooms, extras=extras)] == [
        "5/101#1",
        "5/101#2",
        "5/102#1",
        "name:Deluxe/#1",
        "Breakfast#1",
        "Breakfast#2",
    ]


@given(st.lists(st.integers(1, 30), unique=True, min_size=2), st.randoms())
def test_a_line_keeps_its_id_when_others_go_or_change_places(numbers: list[int], random: Any) -> None:
    before = {line.values["x_room_number"]: line.external_id for line in lines(rooms=_numbered(numbers), extras=[])}
    left = random.sample(numbers, len(numbers) // 2)
    after = {line.values["x_room_number"]: line.external_id for line in lines(rooms=_numbered(left), extras=[])}
    assert after.items() <= before.items()


def _numbered(numbers: list[int]) -> list[dict[str, Any]]:
    return [without(room(room_number=number), "id") for number in numbers]


def test_ids_of_one_booking_never_meet_even_if_one_looks_like_a_made_one() -> None:
    error = rejection(rooms=[without(room(), "id"), room(id="5/101#1")])
    assert (error.field, error.code) == ("rooms[1].id", "duplicate_id")


def test_a_room_and_an_extra_may_have_the_same_id() -> None:
    assert [line.entity for line in lines(rooms=[room(id=1)], extras=[extra(id=1)])] == [
        "booking_room",
        "booking_extra",
    ]

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.mapping.products import (
    is_named_only,
    own_id,
    products_of_booking,
    products_of_room_type,
)
from odoo_pipelines.systems.pms.models import RoomType
from odoo_pipelines_tests.systems.pms.payloads import DEFAULTS, booking, extra, map_booking, room, without

ROOM_TYPE = {"id": 5, "name": " Deluxe ", "price_per_night": "150.5", "max_occupancy": 4, "updated_at": "2026-04-01"}


def product(payload: Any) -> MappedRow:
    (row,) = products_of_room_type(RoomType.parse(payload), DEFAULTS)
    return row


def products_in(**changes: Any) -> list[MappedRow]:
    return map_booking(products_of_booking, booking(**changes))


def test_a_room_type_becomes_a_service() -> None:
    assert product(ROOM_TYPE) == MappedRow(
        entity="room_type",
        external_id="5",
        updated_at=datetime(2026, 4, 1, tzinfo=UTC),
        values={
            "name": "Deluxe",
            "type": "service",
            "list_price": 150.5,
            "categ_id": "Hotel Rooms",
            "x_is_room": True,
            "x_external_room_type_id": "5",
            "x_max_occupancy": 4,
        },
    )


def test_price_and_occupancy_that_are_not_carried_are_left_alone() -> None:
    row = product({"id": 5, "name": "Deluxe"})
    assert not {"list_price", "x_max_occupancy"} & set(row.values)
    assert product(ROOM_TYPE | {"price_per_night": None}).values["list_price"] is None


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"name": None}, "name", "missing"),
        ({"name": []}, "name", "invalid_text"),
        ({"price_per_night": -1}, "price_per_night", "negative"),
        ({"price_per_night": "12,50"}, "price_per_night", "invalid_number"),
    ],
)
def test_a_room_type_without_a_name_or_with_a_bad_price_is_rejected(
    changes: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(RowRejectedError) as caught:
        product(ROOM_TYPE | changes)
    assert (caught.value.field, caught.value.code) == (field, code)


def test_a_bad_occupancy_is_dropped_with_a_warning() -> None:
    row = product(ROOM_TYPE | {"max_occupancy": -1})
    assert "x_max_occupancy" not in row.values
    assert row.warnings == ("max_occupancy: negative",)


def test_rooms_and_extras_of_a_booking_bring_products_that_change_none() -> None:
    deluxe, breakfast = products_in()
    assert (deluxe.entity, deluxe.external_id, deluxe.only_create) == ("room_type", "5", True)
    assert deluxe.values == {
        "name": "Deluxe",
        "type": "service",
        "list_price": 0.0,
        "categ_id": "Hotel Rooms",
        "x_is_room": True,
        "x_external_room_type_id": "5",
        "x_max_occupancy": 4,
    }
    assert (breakfast.entity, breakfast.external_id, breakfast.only_create) == ("extra", "Breakfast", True)
    assert breakfast.values == {
        "name": "Breakfast",
        "type": "service",
        "list_price": 12.0,
        "categ_id": "Hotel Extras",
        "x_is_room": False,
    }


def test_the_same_room_type_at_another_rate_is_the_same_row() -> None:
    one, other = products_in(rooms=[room(id=1, price_per_night=100), room(id=2, price_per_night=90)], extras=[])
    assert one == other


def test_a_room_without_the_id_of_its_type_is_known_by_the_name_of_it() -> None:
    (row,) = products_in(rooms=[without(room(room_type_name=" Deluxe "), "room_type_id")], extras=[])
    assert (row.external_id, row.values["name"]) == ("name:Deluxe", "Deluxe")
    assert "x_external_room_type_id" not in row.values


def test_a_room_without_the_name_of_its_type_is_named_by_its_id() -> None:
    (row,) = products_in(rooms=[without(room(), "room_type_name")], extras=[])
    assert row.values["name"] == "Room type 5"


def test_extras_are_known_by_their_trimmed_name() -> None:
    rows = products_in(rooms=[], extras=[extra(name=" Spa "), extra(name="Spa", id=2)])
    assert [row.external_id for row in rows] == ["Spa", "Spa"]


def test_what_cannot_be_identified_brings_no_product() -> None:
    nameless = without(room(), "room_type_id", "room_type_name")
    assert products_in(rooms=[nameless, 5], extras=[without(extra(), "name"), None]) == []
    assert products_in(rooms=None, extras=None) == []


def test_an_extra_without_a_readable_price_brings_its_product_all_the_same() -> None:
    (row,) = products_in(rooms=[], extras=[extra(price_per_unit="free")])
    assert row.values["list_price"] == 0.0


@pytest.mark.parametrize("own", ["name:Deluxe", "id:name:Deluxe"])
def test_an_id_that_looks_like_a_name_is_no_rooms_that_is_known_by_name(own: str) -> None:
    named, with_id = products_in(rooms=[without(room(), "room_type_id"), room(id=2, room_type_id=own)], extras=[])
    assert (named.external_id, with_id.external_id) == ("name:Deluxe", f"id:{own}")
    [row] = products_of_room_type(RoomType.parse({"id": own, "name": "Deluxe"}), DEFAULTS)
    assert (row.external_id, row.values["x_external_room_type_id"]) == (f"id:{own}", own)
    assert (own_id(row.external_id), is_named_only(row.external_id)) == (own, False)

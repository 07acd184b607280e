"""Room types and extras become products: the services that order lines sell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from odoo_pipelines.systems.base import MappedRow, MappingOptions, Value
from odoo_pipelines.systems.payload import missing, require_readable
from odoo_pipelines.systems.pms.models import ROOM_TYPE_NEEDS, BookedRoom, Booking, Extra, RoomType
from odoo_pipelines.systems.values import odoo_float

ROOM_TYPE = "room_type"
EXTRA = "extra"
ROOM_CATEGORY = "Hotel Rooms"
EXTRA_CATEGORY = "Hotel Extras"

_BY_NAME = "name:"
_OWN = "id:"
_LOOKS_NAMED = re.compile(rf"(?:{_OWN})*{_BY_NAME}")


def products_of_room_type(room_type: RoomType, _options: MappingOptions) -> Sequence[MappedRow]:
    """Maps a room type.

    Raises:
        RowRejectedError: it has no name, or its price cannot be read or is negative.
    """
    require_readable(room_type.faults, ROOM_TYPE_NEEDS)
    if not room_type.name:
        raise missing("name")
    values = _room(room_type.name) | {"x_external_room_type_id": room_type.id}
    if room_type.carries("price_per_night"):
        price = room_type.price_per_night
        values["list_price"] = None if price is None else odoo_float(price)
    values |= room_type.carried({"x_max_occupancy": "max_occupancy"})
    warnings = tuple(fault.warning for fault in room_type.faults)
    return (MappedRow(ROOM_TYPE, own_key(room_type.id), room_type.updated_at, values, warnings=warnings),)


def products_of_booking(booking: Booking, _options: MappingOptions) -> Iterator[MappedRow]:
    """Maps the room types and extras that a booking names, so that its lines find a product; they change none.

    What cannot be identified brings no product: the order is rejected for it.
    """
    for room in booking.rooms or ():
        if external_id := room_type_key(room):
            yield MappedRow(ROOM_TYPE, external_id, booking.updated_at, _booked_room(room), only_create=True)
    for extra in booking.extras or ():
        if extra.name:
            yield MappedRow(EXTRA, extra.name, booking.updated_at, _extra(extra, extra.name), only_create=True)


def room_type_key(room: BookedRoom) -> str | None:
    """External id of a booked room's type: its id, else its name; None where it has neither."""
    if room.room_type_id:
        return own_key(room.room_type_id)
    return f"{_BY_NAME}{room.room_type_name}" if room.room_type_name else None


def own_key(room_type_id: str) -> str:
    """External id of a room type by its id; one that looks like a name's key is marked, and is no name's."""
    return f"{_OWN}{room_type_id}" if _LOOKS_NAMED.match(room_type_id) else room_type_id


def own_id(external_id: str) -> str:
    """The PMS's id of a room type that is not known by its name only."""
    return external_id.removeprefix(_OWN) if _LOOKS_NAMED.match(external_id) else external_id


def is_named_only(external_id: str) -> bool:
    """Whether the PMS has no id for the room type of this external id."""
    return external_id.startswith(_BY_NAME)


def room_type_label(room: BookedRoom) -> str:
    """What a booked room's type is called where people read it."""
    return room.room_type_name or f"Room type {room.room_type_id}"


def _booked_room(room: BookedRoom) -> dict[str, Value]:
    # What one guest paid for a night is no list price.
    values = _room(room_type_label(room)) | {"list_price": 0.0} | room.carried({"x_max_occupancy": "max_occupancy"})
    return values | {"x_external_room_type_id": room.room_type_id} if room.room_type_id else values


def _extra(extra: Extra, name: str) -> dict[str, Value]:
    return {
        "name": name,
        "type": "service",
        "list_price": max(odoo_float(extra.price_per_unit), 0.0) if extra.price_per_unit else 0.0,
        "x_is_room": False,
        "categ_id": EXTRA_CATEGORY,
    }


def _room(name: str) -> dict[str, Value]:
    return {"name": name, "type": "service", "x_is_room": True, "categ_id": ROOM_CATEGORY}

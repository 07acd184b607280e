"""Payloads of the PMS. Older installations omit most fields; only ids are asked for here, mappings ask for more."""

from __future__ import annotations

from odoo_pipelines.systems.payload import (
    CalendarDate,
    Count,
    Flag,
    Integer,
    Note,
    Number,
    OptionalId,
    Payload,
    Price,
    RecordPayload,
    SourceRecord,
    Text,
    UtcDatetime,
)


class Address(Payload):
    """Where a guest lives."""

    street: Text = None
    street2: Text = None
    city: Text = None
    postal_code: Text = None


class Guest(RecordPayload):
    """A person; a record of its own or a part of a booking."""

    first_name: Text = None
    last_name: Text = None
    email: Text = None
    phone: Text = None
    mobile: Text = None
    country: Text = None
    country_code: Text = None
    language: Text = None
    address: Address | None = None
    date_of_birth: CalendarDate = None
    document_type: Text = None
    document_number: Text = None
    nationality: Text = None
    vip_status: Flag = None
    loyalty_points: Integer = None


class RoomType(RecordPayload):
    """A type of room on sale."""

    name: Text = None
    price_per_night: Price = None
    max_occupancy: Count = None


class BookedRoom(Payload):
    """One or several rooms of a type, in a booking."""

    id: OptionalId = None
    room_type_id: OptionalId = None
    room_type_name: Text = None
    room_number: Text = None
    rate_plan_name: Text = None
    quantity: Count = None
    price_per_night: Price = None
    adults: Count = None
    children: Count = None
    max_occupancy: Count = None


class Extra(Payload):
    """A service that is booked with the rooms."""

    id: OptionalId = None
    name: Text = None
    quantity: Price = None
    price_per_unit: Number = None


class Channel(Payload):
    """Through which a booking came."""

    source: Text = None


class Booking(RecordPayload):
    """A stay, with its guest, rooms and extras."""

    booking_reference: Text = None
    status: Text = None
    check_in: CalendarDate = None
    check_out: CalendarDate = None
    adults: Count = None
    children: Count = None
    channel: Channel | None = None
    special_requests: Note = None
    currency: Text = None
    total_amount: Number = None
    guest: Guest | None = None
    rooms: list[BookedRoom] | None = None
    extras: list[Extra] | None = None
    created_at: UtcDatetime = None


class Payment(SourceRecord):
    """Money that was received for a booking, or given back; one without an id is known by transaction and booking."""

    id: OptionalId = None
    booking_id: OptionalId = None
    amount: Price = None
    refunded_amount: Price = None
    payment_method: Text = None
    transaction_id: OptionalId = None
    paid_at: CalendarDate = None
    gateway: Text = None
    currency: Text = None
    status: Text = None


# What a row cannot do without: unreadable, it rejects the row; anything else is left alone, with a warning.
ROOM_TYPE_NEEDS = frozenset({"id", "name", "price_per_night"})
ORDER_NEEDS = frozenset(
    {
        *("id", "status", "check_in", "check_out", "currency", "guest", "guest.id", "rooms", "extras"),
        *("rooms.id", "rooms.room_type_id", "rooms.room_type_name", "rooms.quantity", "rooms.price_per_night"),
        *("extras.id", "extras.name", "extras.quantity", "extras.price_per_unit"),
    }
)
PAYMENT_NEEDS = frozenset({"id", "status", "booking_id", "amount", "refunded_amount", "currency"})

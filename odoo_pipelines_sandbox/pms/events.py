"""What happens in the hotel when time passes: new bookings, changes, cancellations, guests who move house."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from odoo_pipelines_sandbox.pms.bookings import OPEN, new_extra, settled
from odoo_pipelines_sandbox.pms.catalogue import cents, money
from odoo_pipelines_sandbox.pms.draws import choose, number
from odoo_pipelines_sandbox.pms.ids import Stream
from odoo_pipelines_sandbox.pms.times import SECOND
from odoo_pipelines_sandbox.pms.world import PAYMENTS, World

Count = Annotated[int, Field(ge=0)]
Event: TypeAlias = Callable[[int], None]
"""Happens at a moment in milliseconds."""


class Advance(BaseModel):
    """How far the clock moves and what happens meanwhile.

    Attributes:
        changed_bookings: open bookings that are changed.
        new_bookings: bookings made, by new guests and known ones.
        cancelled: open bookings that are cancelled, and their payments refunded.
        changed_guests: guests whose data are changed; their bookings are not touched.
        ids: bookings that are changed besides, whatever their status.
        seconds: time that passes.
    """

    model_config = ConfigDict(extra="forbid")

    changed_bookings: Count = 0
    new_bookings: Count = 0
    cancelled: Count = 0
    changed_guests: Count = 0
    ids: list[str | int] = []
    seconds: int = Field(default=60, ge=1)


class Edit(BaseModel):
    """Fields of one record that are replaced as they are, sensible or not.

    Attributes:
        stream: that the record is in.
        id: of the record.
        fields: by name, in the contract's present form; nights and total follow unless given.
    """

    model_config = ConfigDict(extra="forbid")

    stream: Stream = "bookings"
    id: str | int
    fields: dict[str, Any]


class UnknownRecordError(LookupError):
    """No such record, or it was deleted."""


class TooFewError(ValueError):
    """There are not as many records to change as asked for."""


@dataclass(slots=True)
class Touched:
    """Ids of what an advance has touched."""

    changed_bookings: list[str | int] = field(default_factory=list)
    cancelled: list[str | int] = field(default_factory=list)
    new_bookings: list[str | int] = field(default_factory=list)
    new_guests: list[str | int] = field(default_factory=list)
    new_payments: list[str | int] = field(default_factory=list)
    changed_guests: list[str | int] = field(default_factory=list)
    changed_payments: list[str | int] = field(default_factory=list)


def advance(world: World, order: Advance) -> Touched:
    """Lets time pass; the same orders on the same world do the same.

    Raises:
        UnknownRecordError: one of the ids names no booking.
        TooFewError: not enough open bookings, or guests.
    """
    named = [require(world, "bookings", external_id) for external_id in dict.fromkeys(order.ids)]
    free = partial(_is_open, world, frozenset(named))
    chosen = _chosen(world, "bookings", order.changed_bookings + order.cancelled, free)
    guests = _chosen(world, "guests", order.changed_guests, world.feeds["guests"].__contains__)
    changed, cancelled = [*named, *chosen[order.cancelled :]], chosen[: order.cancelled]
    touched = Touched()
    happenings: list[Event] = [
        *(partial(_change_booking, world, touched, booking) for booking in changed),
        *(partial(_cancel, world, touched, booking) for booking in cancelled),
        *(partial(_book, world, touched) for _ in range(order.new_bookings)),
        *(partial(_change_guest, world, touched, guest) for guest in guests),
    ]
    _happen(world, happenings, order.seconds)
    return touched


def edit(world: World, order: Edit) -> None:
    """Replaces fields of one record; a second passes.

    Raises:
        UnknownRecordError: no such record.
    """
    index = require(world, order.stream, order.id)
    _happen(world, [partial(world.change, order.stream, index, order.fields)], 1)


def require(world: World, stream: Stream, external_id: str | int) -> int:
    """Gives the index of an id.

    Raises:
        UnknownRecordError: no such record.
    """
    index = world.find(stream, external_id)
    if index is None:
        raise UnknownRecordError(f"no such record in {stream}")
    return index


def _happen(world: World, events: Sequence[Event], seconds: int) -> None:
    # Whole seconds after everything served so far: some changes share one, and none is hidden behind a cursor.
    for place, event in enumerate(events):
        event(world.clock + (1 + place * seconds // len(events)) * SECOND)
    world.pass_time(seconds)


def _chosen(world: World, stream: Stream, wanted: int, fits: Callable[[int], bool]) -> list[int]:
    kind = f"event {world.events} {stream}"
    chosen = choose(world.options.seed, kind, world.feeds[stream].count, wanted, fits)
    if len(chosen) < wanted:
        raise TooFewError(f"only {len(chosen)} of {stream} can be changed, not {wanted}")
    return chosen


def _is_open(world: World, excluded: frozenset[int], booking: int) -> bool:
    sound = booking in world.feeds["bookings"] and not world.defect(booking)
    return sound and booking not in excluded and world.status(booking) in OPEN


def _change_booking(world: World, touched: Touched, index: int, moment: int) -> None:
    booking = world.record("bookings", index)
    drawn = number(world.options.seed, f"change {world.events}", index)
    sound = booking["rooms"] and settled(booking)
    changes = (_repriced, _with_extra, _with_request) if sound else (_with_request,)
    world.change("bookings", index, changes[drawn % len(changes)](booking, drawn, world.events), moment)
    touched.changed_bookings.append(world.ids.of("bookings", index))


def _repriced(booking: dict[str, Any], drawn: int, event: int) -> dict[str, Any]:
    first, *others = booking["rooms"]
    higher = money(cents(first["price_per_night"]) + 100 + drawn % 997)
    return {"rooms": [{**first, "price_per_night": higher}, *others]}


def _with_extra(booking: dict[str, Any], drawn: int, event: int) -> dict[str, Any]:
    extras = booking["extras"]
    return {"extras": [*extras, new_extra(booking["id"], len(extras) + 1, drawn >> 8)]}


def _with_request(booking: dict[str, Any], drawn: int, event: int) -> dict[str, Any]:
    return {"special_requests": f"Changed by telephone & confirmed, no. {event + 1}/{drawn % 10_000}"}


def _cancel(world: World, touched: Touched, index: int, moment: int) -> None:
    world.change("bookings", index, {"status": "cancelled"}, moment)
    touched.cancelled.append(world.ids.of("bookings", index))
    payment = PAYMENTS.brought_by(index)
    if payment is not None and world.record("payments", payment)["status"] == "received":
        world.change("payments", payment, {"status": "refunded"}, moment)
        touched.changed_payments.append(world.ids.of("payments", payment))


def _book(world: World, touched: Touched, moment: int) -> None:
    before = {stream: world.feeds[stream].count for stream in ("guests", "payments")}
    touched.new_bookings.append(world.ids.of("bookings", world.book(moment)))
    touched.new_guests += [world.ids.of("guests", i) for i in range(before["guests"], world.feeds["guests"].count)]
    touched.new_payments += [
        world.ids.of("payments", i) for i in range(before["payments"], world.feeds["payments"].count)
    ]


def _change_guest(world: World, touched: Touched, index: int, moment: int) -> None:
    points = world.record("guests", index)["loyalty_points"]
    moved = {"street": f"New Street {world.events + 1}", "street2": "", "city": "Springfield", "postal_code": "62704"}
    world.change("guests", index, {"loyalty_points": points + 100, "address": moved}, moment)
    touched.changed_guests.append(world.ids.of("guests", index))

"""Everything that is true in the sandbox at its present moment.

Of the generated records nothing is kept; `changes` holds what happened since, so memory grows with the changes alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from odoo_pipelines_sandbox.pms.bookings import Bookings, settled
from odoo_pipelines_sandbox.pms.catalogue import ROOM_TYPES, room_type_record
from odoo_pipelines_sandbox.pms.defects import DEFECTS, kind_of
from odoo_pipelines_sandbox.pms.draws import number
from odoo_pipelines_sandbox.pms.feed import Feed, Key
from odoo_pipelines_sandbox.pms.guests import Guests
from odoo_pipelines_sandbox.pms.ids import RECORDED_FROM, STREAMS, Ids, Stream
from odoo_pipelines_sandbox.pms.legacy import as_legacy
from odoo_pipelines_sandbox.pms.options import SandboxOptions
from odoo_pipelines_sandbox.pms.payments import Payments
from odoo_pipelines_sandbox.pms.times import DAY, SECOND, rfc3339

_MOMENTS_CACHED = 4096  # of the booking, of its guest, of its place in the order: asked for again within a page


@dataclass(frozen=True, slots=True)
class Share:
    """Records of which `of` come with every `every` bookings, always by the same bookings."""

    of: int
    every: int

    def count(self, bookings: int) -> int:
        """Tells how many the first bookings bring."""
        return -(-bookings * self.of // self.every)

    def brought_by(self, booking: int) -> int | None:
        """Gives the record that a booking brings."""
        count = self.count(booking)
        return count if self.count(booking + 1) > count else None

    def bringer(self, record: int) -> int:
        """Gives the booking that brings a record."""
        return record * self.every // self.of


GUESTS = Share(7, 10)
PAYMENTS = Share(6, 10)


class World:
    """The data of one sandbox.

    Attributes:
        options: it was made from these.
        ids: ids of the installation.
        clock: present moment in milliseconds; only events move it.
        feeds: order of each stream.
        events: how many times something has happened; seeds the next event.
    """

    def __init__(self, options: SandboxOptions, now: float) -> None:
        self.options = options
        self.ids = Ids(numeric=options.legacy)
        self.events = 0
        self._start = options.first_moment(now)
        self.clock = self._start + options.days * DAY
        self._bookings = Bookings(options.seed, self.ids, options.currencies)
        self._guests = Guests(options.seed, self.ids)
        self._payments = Payments(options.seed, self.ids)
        self._slot = options.days * DAY // max(options.bookings, 1)
        self._booked_at = lru_cache(maxsize=_MOMENTS_CACHED)(self._moment)
        self._recorded: list[dict[str, Any]] = []
        self._changes: dict[Stream, dict[int, dict[str, Any]]] = {stream: {} for stream in STREAMS}
        self.feeds: dict[Stream, Feed] = {
            "bookings": Feed(options.bookings, self._booked_at),
            "guests": Feed(GUESTS.count(options.bookings), lambda guest: self._booked_at(GUESTS.bringer(guest))),
            "payments": Feed(PAYMENTS.count(options.bookings), lambda paid: self._booked_at(PAYMENTS.bringer(paid))),
            "rooms": Feed(len(ROOM_TYPES), lambda kind: self._start + kind * (options.days * DAY // len(ROOM_TYPES))),
        }

    def served(self, stream: Stream, index: int) -> dict[str, Any]:
        """Gives a record as the API sends it."""
        record = self.record(stream, index)
        return as_legacy(stream, index, record) if self.options.legacy else record

    def record(self, stream: Stream, index: int) -> dict[str, Any]:
        """Gives a record in the contract's present form, with all changes."""
        record = self._generated(stream, index)
        change = self._changes[stream].get(index)
        return record if change is None else record | change

    def status(self, booking: int) -> Any:
        """Gives the status of a booking, without the rest of it where possible."""
        if booking in self._changes["bookings"] or self.defect(booking):
            return self.record("bookings", booking)["status"]
        return self._bookings.status(booking)

    def defect(self, booking: int) -> str | None:
        """Tells what is wrong with a booking."""
        return kind_of(booking, self.options.bad_bookings, self.options.bookings)

    def keys(self, stream: Stream, after: Key, before: int | None) -> Iterator[Key]:
        """Walks a stream from a place on, up to a moment (exclusive)."""
        for key in self.feeds[stream].after(after):
            if before is not None and key[0] >= before:
                return
            yield key

    def find(self, stream: Stream, external_id: str | int) -> int | None:
        """Gives the index of an id, None where there is no such record."""
        index = self.ids.index(stream, str(external_id))
        return index if index is not None and index in self.feeds[stream] else None

    def guest_of(self, booking: int) -> int:
        """Gives the guest of a booking: a new one, or one of those who have been here before."""
        new = GUESTS.brought_by(booking)
        return number(self.options.seed, "returning", booking) % GUESTS.count(booking) if new is None else new

    def change(self, stream: Stream, index: int, fields: dict[str, Any], moment: int) -> None:
        """Replaces fields of a record, and with those of a booking what follows from them."""
        change = {**self._changes[stream].get(index, {}), **fields}
        if "updated_at" not in fields:
            change.pop("updated_at", None)
        if stream == "bookings":
            change = {**change, **settled(self._generated(stream, index) | change), **fields}
        self._changes[stream][index] = change
        self.feeds[stream].touch(index, moment)

    def book(self, moment: int) -> int:
        """Adds a booking, with the guest and the payment that it brings; gives its index."""
        booking = self.feeds["bookings"].add(moment)
        if GUESTS.brought_by(booking) is not None:
            self.feeds["guests"].add(moment)
        if PAYMENTS.brought_by(booking) is not None:
            self.feeds["payments"].add(moment)
        return booking

    def record_payment(self, booking: int, fields: dict[str, Any]) -> dict[str, Any]:
        """Adds a payment that the ERP tells of, and gives it."""
        index = RECORDED_FROM + len(self._recorded)
        payment = {
            "id": self.ids.of("payments", index),
            "booking_id": self.ids.of("bookings", booking),
            **fields,
            "gateway": "erp",
            "currency": self.record("bookings", booking)["currency"],
            "status": "received",
            "updated_at": rfc3339(self.clock),
        }
        self._recorded.append(payment)
        self.feeds["payments"].take(index, self.clock)
        return payment

    def _moment(self, booking: int) -> int:
        jitter = number(self.options.seed, "moment", booking) % self._slot
        return self._start + booking * self._slot + jitter

    def _generated(self, stream: Stream, index: int) -> dict[str, Any]:
        if stream == "bookings":
            return self._booking(index)
        updated_at = self.feeds[stream].updated_at(index)
        if stream == "guests":
            return self._guests.record(index, updated_at)
        if stream == "rooms":
            return room_type_record(self.ids, index, updated_at)
        return self._payment(index, updated_at)

    def _booking(self, index: int) -> dict[str, Any]:
        feed = self.feeds["bookings"]
        booking = self._bookings.record(index, feed.born(index), feed.updated_at(index))
        booking["guest"] = self.record("guests", self.guest_of(index))
        defect = self.defect(index)
        if defect:
            booking |= DEFECTS[defect](booking)
        return booking

    def _payment(self, index: int, updated_at: int) -> dict[str, Any]:
        if index >= RECORDED_FROM:
            return self._recorded[index - RECORDED_FROM] | {"updated_at": rfc3339(updated_at)}
        bringer = PAYMENTS.bringer(index)
        born = self.feeds["bookings"].born(bringer)
        booking = self._bookings.record(bringer, born, born)
        payment = self._payments.record(index, booking, self.feeds["payments"].born(index))
        payment["updated_at"] = rfc3339(updated_at)
        return payment

    def pass_time(self, seconds: int) -> None:
        """Moves the clock on."""
        self.clock += seconds * SECOND
        self.events += 1

"""What a hotel does between two runs: a bit of everything."""

from __future__ import annotations

from typing import Any

from odoo_pipelines_tests.end_to_end.hotel import Hotel


def change_a_bit_of_everything(hotel: Hotel, turn: int = 0) -> None:
    """New bookings and lines, new prices, cancelled stays that come back, departed guests who are billed anew.

    Args:
        hotel: that changes.
        turn: makes the values of one turn differ from those of another.
    """
    for booking in hotel.bookings("checked_out")[:2]:
        hotel.edit(booking["id"], extras=_extras(booking, turn, "Breakfast"))
    for booking in hotel.bookings("confirmed")[:2]:
        first, *others = booking["rooms"]
        dearer = {**first, "price_per_night": 80 + turn + 0.25}
        hotel.edit(booking["id"], rooms=[dearer, *others], extras=_extras(booking, turn, "Parking"))
    confirmed, cancelled, departed = (hotel.bookings(each) for each in ("confirmed", "cancelled", "checked_out"))
    moving = [
        (cancelled[-1], "confirmed"),
        (departed[-1], "confirmed"),
        (confirmed[-1], "cancelled"),
        (confirmed[-2], "checked_out"),
    ]
    for booking, after in moving:
        hotel.edit(booking["id"], status=after)
    hotel.advance(new_bookings=2, changed_guests=2)


def _extras(booking: dict[str, Any], turn: int, name: str) -> list[dict[str, Any]]:
    """What the booking had at first, and one more; that of an earlier turn goes."""
    own = f"{booking['id']}-turn"
    kept = [each for each in booking["extras"] if not each["id"].startswith(own)]
    return [*kept, {"id": f"{own}-{turn}", "name": name, "quantity": 2 + turn, "price_per_unit": 12.5}]

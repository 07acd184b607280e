"""Lines of which a row tells nothing are left alone, in Odoo and in what is remembered of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from odoo_pipelines.systems.base import MappedLine, MappedRow
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_tests.engine.sales import World, booking, hashed, room

ROOM, EXTRA = "hotel.booking_room.b1.1.room_type%2Fdouble", "hotel.booking_extra.b1.1.room_type%2Fdouble"


def extra(line_id: str, quantity: float = 1.0) -> MappedLine:
    return replace(room(line_id, quantity, price=12.0), entity="booking_extra")


@pytest.fixture
def world() -> World:
    world = World().with_guest_and_room()
    world.orders(booking("b1", lines=[room("1"), extra("1")]))
    return world


def partial(*lines: MappedLine, at: float = 2, untold: str = "booking_room") -> MappedRow:
    return hashed(replace(booking("b1", at, lines=lines), untold=(untold,)))


def quantities(world: World) -> dict[str, Any]:
    return {key: line["product_uom_qty"] for key, line in world.lines().items()}


@pytest.mark.parametrize("verify", [False, True])
def test_rooms_that_are_absent_beside_extras_stay_what_they_are(world: World, *, verify: bool) -> None:
    world.orders(partial(extra("1", 3.0)), verify=verify)
    assert quantities(world) == {ROOM: 2.0, EXTRA: 3.0}
    world.orders(partial(extra("1", 3.0)), verify=True)
    assert (world.state.outcomes[-1].outcome, world.odoo.writes()) == (Outcome.UNCHANGED, [])


def test_they_are_known_still_when_they_are_told_of_again(world: World) -> None:
    world.orders(partial(extra("1", 3.0)))
    world.orders(booking("b1", 3, lines=[room("1"), extra("1", 3.0)]))
    assert (world.state.outcomes[-1].outcome, world.odoo.writes()) == (Outcome.UNCHANGED, [])
    world.orders(booking("b1", 4, lines=[extra("1", 3.0)]))
    assert quantities(world)[ROOM] == 0.0


def test_an_edit_in_odoo_of_what_is_left_alone_stays(world: World) -> None:
    line = next(each for each in world.odoo.rows("sale.order.line") if each["x_sync_key"] == ROOM)
    world.odoo.tables["sale.order.line"][line["id"]]["product_uom_qty"] = 5.0
    world.orders(partial(extra("1", 3.0)), verify=True)
    assert quantities(world) == {ROOM: 5.0, EXTRA: 3.0}


def test_extras_that_are_absent_beside_rooms_stay_and_an_empty_list_empties(world: World) -> None:
    world.orders(partial(room("1", 4.0), untold="booking_extra"))
    assert quantities(world) == {ROOM: 4.0, EXTRA: 1.0}
    world.orders(booking("b1", 3, lines=[room("1", 4.0)]))
    assert quantities(world) == {ROOM: 4.0, EXTRA: 0.0}

"""What reaches Odoo, from the row to the call: applying is tried through whole loads."""

from __future__ import annotations

import pytest

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.errors import OdooTransientError
from odoo_pipelines.systems.policies import UnlockPolicy
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_tests.engine.fakes import Fault, Row
from odoo_pipelines_tests.engine.sales import World, booking, guest, room


@pytest.fixture
def world() -> World:
    return World().with_guest_and_room()


def made(world: World) -> list[tuple[str, str]]:
    return [(call.model, call.method) for call in world.odoo.writes()]


def test_an_order_comes_with_its_lines_in_one_call_and_reaches_its_state(world: World) -> None:
    world.orders(booking("b", state="locked", lines=[room("1"), room("2", quantity=1)]))

    assert made(world) == [
        ("sale.order", "load"),
        ("sale.order", "action_confirm"),
        ("sale.order", "write"),
        ("sale.order", "action_lock"),
    ]
    order = world.order()
    assert (order["state"], order["locked"], order["amount_total"]) == ("sale", True, 240.0)
    assert order["date_order"] == "2026-02-03 04:05:06"
    assert world.state.kept["booking", "b"].odoo_id == order["id"]


def test_everything_carries_its_sync_key_and_its_xmlid(world: World) -> None:
    world.orders(booking("b", lines=[room("1")]))

    assert world.order()[SYNC_KEY_FIELD] == "hotel.booking.b"
    assert {name for name, (model, _) in world.odoo.xmlids.items() if model.startswith("sale.")} == {
        "__odoo_pipelines__.hotel.booking.b",
        "__odoo_pipelines__.hotel.booking_room.b.1.room_type%2Fdouble",
    }


def test_an_order_without_lines_is_an_order(world: World) -> None:
    world.orders(booking("b", lines=[]), booking("c", lines=None))

    assert len(world.odoo.rows("sale.order")) == 2


@pytest.mark.parametrize(("state", "left"), [("draft", {"1": 3.0, "3": 2.0}), ("sale", {"1": 3.0, "2": 0.0, "3": 2.0})])
def test_lines_are_changed_created_and_removed(world: World, state: str, left: dict[str, float]) -> None:
    world.orders(booking("b", 1, state=state, lines=[room("1"), room("2")]))
    world.odoo.seed("sale.order.line", order_id=1, name="Minibar", product_id=1, product_uom_qty=1.0, price_unit=5.0)

    world.orders(booking("b", 2, state=state, lines=[room("1", quantity=3), room("3")]))

    lines = world.lines()
    assert lines.pop("Minibar")["price_unit"] == 5.0
    assert {line["name"].removeprefix("Stay "): line["product_uom_qty"] for line in lines.values()} == left
    assert {line["price_unit"] for line in lines.values()} == {80.0}


def test_a_price_survives_a_change_of_quantity_also_on_a_line_whose_price_counts_as_computed(world: World) -> None:
    world.orders(booking("b", 1, lines=[room("1")]))
    world.odoo.tables["sale.order.line"][1]["technical_price_unit"] = 80.0

    world.orders(booking("b", 2, lines=[room("1", quantity=7)]))

    [line] = world.lines().values()
    assert (line["product_uom_qty"], line["price_unit"], line["technical_price_unit"]) == (7.0, 80.0, -1.0)


def test_a_locked_order_is_opened_written_and_locked_again(world: World) -> None:
    world.orders(booking("b", 1, state="locked", lines=[room("1")]))

    world.orders(booking("b", 2, state="locked", lines=[room("1", quantity=7)]))

    assert made(world) == [
        ("sale.order", "action_unlock"),
        ("sale.order.line", "write"),
        ("sale.order", "action_lock"),
    ]


def test_where_unlocking_is_not_allowed_a_locked_order_is_a_conflict_and_stays_as_it_is(world: World) -> None:
    world.orders(booking("b", 1, state="locked", lines=[room("1")]))

    report = world.orders(booking("b", 2, state="locked", lines=[room("1", quantity=7)]), unlock=UnlockPolicy.NEVER)

    assert report.counts.by_outcome[Outcome.CONFLICT] == 1
    assert made(world) == []


def test_one_line_that_odoo_refuses_rejects_its_order_only(world: World) -> None:
    def refuse(model: str, row: Row) -> str:
        return "too many" if model == "sale.order.line" and row["product_uom_qty"] == 99 else ""

    world.odoo.refuse = refuse
    rows = [booking(name, lines=[room("1"), room("2", quantity=99 if name == "b" else 1)]) for name in "abc"]

    report = world.orders(*rows)

    assert (report.counts.by_outcome[Outcome.CREATED], report.counts.by_outcome[Outcome.REJECTED]) == (2, 1)
    assert {row[SYNC_KEY_FIELD] for row in world.odoo.rows("sale.order")} == {"hotel.booking.a", "hotel.booking.c"}
    assert [each.reason for each in world.state.outcomes if each.external_id == "b"] == ["too many"]


@pytest.mark.parametrize("kind", ["created", "updated"])
def test_a_refused_line_of_a_known_order_rejects_it_and_the_next_version_heals_it(world: World, kind: str) -> None:
    world.orders(booking("b", 1, lines=[room("1")]))
    bad = [room("1"), room("2", quantity=99)] if kind == "created" else [room("1", quantity=99)]
    world.odoo.refuse = lambda _, row: "too many" if row.get("product_uom_qty") == 99 else ""

    report = world.orders(booking("b", 2, lines=bad, client_order_ref="R"))
    assert report.counts.by_outcome[Outcome.REJECTED] == 1

    world.orders(booking("b", 3, lines=[room("1")], client_order_ref=None))
    assert (world.order()["client_order_ref"], len(world.lines())) == (False, 1)


def test_a_failing_action_leaves_the_others_alone_and_is_tried_again(world: World) -> None:
    world.odoo.refuse = lambda _, row: "no" if row.get("state") == "sale" and row["client_order_ref"] == "bad" else ""
    rows = [booking(name, lines=[room("1")], client_order_ref="bad" if name == "b" else name) for name in "abcd"]

    world.orders(*rows)
    assert [row["state"] for row in world.odoo.rows("sale.order")] == ["sale", "draft", "sale", "sale"]
    assert [each.reason for each in world.state.outcomes if each.external_id == "b"] == ["action_confirm: no"]

    world.odoo.refuse = lambda *_: ""
    report = world.orders(*rows)
    assert (report.counts.by_outcome[Outcome.UPDATED], report.counts.by_outcome[Outcome.UNCHANGED]) == (1, 3)
    assert {row["state"] for row in world.odoo.rows("sale.order")} == {"sale"}


def test_a_row_that_odoo_refused_half_way_is_written_in_full_when_the_source_takes_it_back(world: World) -> None:
    first = booking("b", 1, state="draft", lines=[room("1")], client_order_ref="old")
    world.orders(first)
    world.odoo.refuse = lambda _, row: "no" if row.get("state") == "sale" else ""
    world.orders(booking("b", 2, state="sale", lines=[room("1")], client_order_ref="new"))

    world.orders(booking("b", 3, state="draft", lines=[room("1")], client_order_ref="old"))

    assert world.order()["client_order_ref"] == "old"


def test_a_lost_answer_to_a_load_of_new_lines_makes_no_second_line(world: World) -> None:
    world.orders(booking("b", 1, lines=[room("1")]))
    world.odoo.after.append(Fault("load", OdooTransientError("no answer"), model="sale.order.line"))

    world.orders(booking("b", 2, lines=[room("1"), room("2")]))

    assert len(world.lines()) == 2
    assert len(world.odoo.writes("load", "sale.order.line")) == 1


def test_totals_are_read_once_for_all(world: World) -> None:
    report = world.orders(*(booking(str(n), lines=[room("1")], total="160.00") for n in range(20)))

    reads = [call.sent for call in world.odoo.calls if call.model == "sale.order" and call.method == "read"]
    assert reads == [["amount_total", "currency_id"]]
    assert report.counts.by_outcome[Outcome.CREATED] == 20


def test_nothing_is_read_back_where_there_is_no_total(world: World) -> None:
    world.guests(guest("new"))

    calls = [call.method for call in world.odoo.calls]
    assert "read" not in calls[calls.index("load") :]


def test_adoption_writes_the_sync_key_and_never_loads(world: World) -> None:
    known = world.odoo.seed("res.partner", name="Guest g2", email="g2@example.com")

    report = world.guests(guest("g2", email="g2@example.com"))

    assert made(world) == [("res.partner", "write")]
    assert report.counts.by_outcome[Outcome.UPDATED] == 1
    assert world.odoo.tables["res.partner"][known][SYNC_KEY_FIELD] == "hotel.guest.g2"

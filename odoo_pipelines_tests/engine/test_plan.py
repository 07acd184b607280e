from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines.engine.chunks import Chunk, chunks
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.engine.plan import Planner
from odoo_pipelines.engine.planned import Plan, Planned, PlanOptions
from odoo_pipelines.engine.row_plan import RowPlanner
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.targets import PARTNER, SALE_ORDER
from odoo_pipelines.systems.policies import FlowPolicies, Policy, UnlockPolicy
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines.systems.targets import Target
from odoo_pipelines_tests.engine.sales import World, booking, guest, moment, room


def plan(
    world: World, target: Target, *rows: MappedRow, verify: bool = False, unlock: UnlockPolicy = UnlockPolicy.OWN
) -> Plan:
    """The plan of one chunk by a new run; the log of calls starts anew."""
    world.odoo.calls.clear()
    context = world.context(target, PlanOptions(verify, unlock, world.policies))
    planner = Planner(context, world.model(context, rows), RowPlanner(context))
    chunk: Chunk
    [chunk] = chunks(rows, lambda: 100)
    return planner.plan(chunk)


def only_planned(planned: Plan) -> Planned:
    assert planned.decided == []
    [row] = planned.planned
    return row


def only_decided(decided: Plan) -> tuple[Outcome, str]:
    assert decided.planned == []
    [row] = decided.decided
    return row.outcome, row.error.code if row.error else ""


@pytest.fixture
def world() -> World:
    return World().with_guest_and_room()


def ordered(world: World, state: str, **values: Any) -> World:
    world.orders(booking("b", 1, state=state, lines=[room("1"), room("2")], **values))
    return world


def test_planning_changes_neither_odoo_nor_the_state(world: World) -> None:
    before, known = world.odoo.content(), dict(world.state.kept)

    plan(world, SALE_ORDER, booking("b", lines=[room("1")]), booking("c"))

    assert (world.odoo.content(), world.state.kept) == (before, known)
    assert not world.odoo.writes()


def test_an_unknown_row_is_created_and_moved_to_its_state(world: World) -> None:
    planned = only_planned(plan(world, SALE_ORDER, booking("b", state="locked")))

    assert (planned.outcome, planned.odoo_id) == (Outcome.CREATED, None)
    assert [step.target for step in planned.path.after] == ["sale", "locked"]


def test_a_row_that_has_not_changed_needs_no_request(world: World) -> None:
    assert only_decided(plan(world, PARTNER, guest("g1"))) == (Outcome.UNCHANGED, "")
    assert world.odoo.calls == []


def test_a_row_whose_newer_half_says_nothing_new_needs_no_request_either(world: World) -> None:
    world.guests(guest("g2", 1, city="Wien", zip="1010"))

    decided = plan(world, PARTNER, guest("g2", 2, city="Wien"))

    assert only_decided(decided) == (Outcome.UNCHANGED, "")
    assert world.odoo.calls == []
    assert decided.decided[0].record
    assert decided.decided[0].record.updated_at == moment(2)
    assert decided.decided[0].record.base["values"]["zip"] == "1010"


def test_verifying_reads_odoo_even_if_nothing_has_changed(world: World) -> None:
    planned = only_planned(plan(world, PARTNER, guest("g1"), verify=True))

    assert planned.outcome is Outcome.UNCHANGED
    assert [call.method for call in world.odoo.calls] == ["read"]


def test_an_older_row_is_superseded(world: World) -> None:
    assert only_decided(plan(world, PARTNER, guest("g1", 0, city="Wien"))) == (Outcome.SUPERSEDED, "")


def test_only_what_differs_is_written(world: World) -> None:
    world.policies = FlowPolicies(Policy.EXTERNAL_WINS)
    world.odoo.tables["res.partner"][2]["name"] = "Changed by somebody"

    planned = only_planned(plan(world, PARTNER, guest("g1", 2, city="Wien")))

    assert planned.changes == {"name": "Guest g1", "city": "Wien"}


def test_a_record_that_is_gone_from_odoo_is_created_again(world: World) -> None:
    del world.odoo.tables["res.partner"][2]

    assert only_planned(plan(world, PARTNER, guest("g1", 2, city="Wien"))).outcome is Outcome.CREATED


def test_a_record_that_is_gone_but_was_made_again_is_found_by_its_sync_key(world: World) -> None:
    world.odoo.tables["res.partner"][99] = world.odoo.tables["res.partner"].pop(2)

    assert only_planned(plan(world, PARTNER, guest("g1", 2, city="Wien"))).odoo_id == 99


def test_two_records_with_the_sync_key_are_a_conflict(world: World) -> None:
    for _ in range(2):
        world.odoo.seed("res.partner", name="?", **{SYNC_KEY_FIELD: "hotel.guest.g2"})

    assert only_decided(plan(world, PARTNER, guest("g2"))) == (
        Outcome.CONFLICT,
        "ambiguous_match",
    )


def test_a_missing_reference_is_a_rejection(world: World) -> None:
    assert only_decided(plan(world, SALE_ORDER, booking("b", partner_id="nobody"))) == (
        Outcome.REJECTED,
        "missing_reference",
    )


@pytest.mark.parametrize("state", ["draft", "cancel"])
def test_vanished_lines_of_an_open_order_are_deleted(world: World, state: str) -> None:
    planned = only_planned(plan(ordered(world, state), SALE_ORDER, booking("b", 2, state=state, lines=[room("1")])))

    assert (len(planned.lines.deleted), planned.lines.updated) == (1, ())


@pytest.mark.parametrize("state", ["sale", "locked"])
def test_vanished_lines_of_a_confirmed_order_are_emptied(world: World, state: str) -> None:
    planned = only_planned(plan(ordered(world, state), SALE_ORDER, booking("b", 2, state=state, lines=[room("1")])))

    assert planned.lines.deleted == ()
    [(_, changes)] = planned.lines.updated
    assert changes == {"product_uom_qty": 0.0, "price_unit": 80.0, "technical_price_unit": -1.0, "discount": 0.0}


@pytest.mark.parametrize("state", ["draft", "sale"])
def test_lines_of_people_are_left_alone(world: World, state: str) -> None:
    ordered(world, state)
    world.odoo.seed("sale.order.line", order_id=1, name="Minibar", product_uom_qty=1.0, price_unit=5.0)

    row = booking("b", 2, state=state, lines=[room("1"), room("2")], client_order_ref="R")

    planned = only_planned(plan(world, SALE_ORDER, row))

    assert (planned.changes, bool(planned.lines)) == ({"client_order_ref": "R"}, False)


def test_an_order_that_is_reopened_on_its_way_is_written_while_it_is_open(world: World) -> None:
    ordered(world, "cancel")
    planned = only_planned(plan(world, SALE_ORDER, booking("b", 2, state="sale", lines=[], pricelist_id="USD")))

    assert [step.target for step in planned.path.before] == ["draft"]
    assert [step.target for step in planned.path.after] == ["sale"]
    assert len(planned.lines.deleted) == 2


@pytest.mark.parametrize("state", ["sale", "locked"])
def test_a_field_that_is_fixed_on_a_confirmed_order_is_a_conflict(world: World, state: str) -> None:
    ordered(world, state)

    assert only_decided(plan(world, SALE_ORDER, booking("b", 2, state=state, lines=None, pricelist_id="USD"))) == (
        Outcome.CONFLICT,
        "fixed_field",
    )


def test_another_pricelist_of_the_same_currency_is_as_good_also_on_a_confirmed_order(world: World) -> None:
    ordered(world, "sale", pricelist_id="USD")
    other = world.odoo.seed("product.pricelist", currency_id=2)
    world.odoo.tables["sale.order"][1]["pricelist_id"] = other

    row = booking("b", 1, lines=[room("1"), room("2")], pricelist_id="USD")
    assert only_planned(plan(world, SALE_ORDER, row, verify=True)).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("state", "unlock", "expected"),
    [
        ("locked", UnlockPolicy.NEVER, Outcome.CONFLICT),
        ("locked", UnlockPolicy.OWN, Outcome.UPDATED),
        ("locked", UnlockPolicy.ALWAYS, Outcome.UPDATED),
        ("cancel", UnlockPolicy.NEVER, Outcome.CONFLICT),
    ],
)
def test_a_locked_order_is_only_touched_if_that_is_allowed(
    world: World, state: str, expected: Outcome, unlock: UnlockPolicy
) -> None:
    ordered(world, "locked")
    row = booking("b", 2, state=state, lines=[room("1", quantity=3), room("2")])

    result = plan(world, SALE_ORDER, row, unlock=unlock)

    assert [each.outcome for each in result.decided] + [each.outcome for each in result.planned] == [expected]


@pytest.mark.parametrize("unlock", list(UnlockPolicy))
def test_a_locked_order_with_nothing_to_write_stays_locked(world: World, unlock: UnlockPolicy) -> None:
    ordered(world, "sale")
    world.orders(booking("b", 2, state="locked", lines=[room("1")]))
    row = booking("b", 2, state="locked", lines=[room("1")])  # the other line is there, with quantity 0

    assert only_planned(plan(world, SALE_ORDER, row, verify=True, unlock=unlock)).outcome is Outcome.UNCHANGED


def test_a_second_hand_row_adopts_a_record_and_changes_nothing_of_it(world: World) -> None:
    world.odoo.seed("res.partner", name="John", email="j@example.com")
    row = guest("g2", name="John", email="j@example.com", zip="1010", only_create=True)

    assert only_planned(plan(world, PARTNER, row)).changes == {SYNC_KEY_FIELD: "hotel.guest.g2"}


def test_a_chunk_takes_a_handful_of_requests_whatever_its_size(world: World) -> None:
    rows = [booking(str(number), lines=[room("1")]) for number in range(60)]
    world.orders(*rows)

    plan(world, SALE_ORDER, *rows, verify=True)

    assert [(call.model, call.method) for call in world.odoo.calls] == [
        ("res.partner", "search_read"),
        ("product.product", "search_read"),
        ("sale.order", "read"),
        ("sale.order.line", "search_read"),
    ]

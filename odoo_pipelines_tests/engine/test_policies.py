"""Edits on both sides, run after run: who wins, who is asked, and what is never touched."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.systems.policies import DeletedPolicy, FlowPolicies, Policy
from odoo_pipelines.systems.records import Outcome, Resolution
from odoo_pipelines_tests.engine.fakes import Row
from odoo_pipelines_tests.engine.sales import World, booking, guest, moment, room

HUMAN_AT = 40
"""Days into the year on which people edit in Odoo."""


def synced(policy: Policy = Policy.LATEST_WINS, deleted: DeletedPolicy = DeletedPolicy.RECREATE) -> World:
    world = World(policies=FlowPolicies(policy, deleted=deleted)).with_guest_and_room()
    world.guests(guest("g", 1, city="Wien", zip="1010"))
    world.orders(booking("b", 1, lines=[room("1"), room("2")], client_order_ref="R"))
    return world


def of(world: World, model: str, key: str) -> Row:
    [row] = [row for row in world.odoo.rows(model) if row["x_sync_key"] == key]
    return row


def the_guest(world: World) -> Row:
    return of(world, "res.partner", "hotel.guest.g")


def edit(world: World, model: str, row: Row, **values: Any) -> None:
    """Somebody edits a record in Odoo."""
    at = moment(HUMAN_AT)
    assert at
    world.odoo.clock = at.replace(tzinfo=None)
    world.odoo.write(model, [row["id"]], values)


def only(report: FlowReport) -> Outcome:
    assert report.counts.balanced
    [outcome] = [word for word, count in report.counts.by_outcome.items() if count]
    return outcome


@pytest.mark.parametrize(
    ("policy", "city"),
    [
        (Policy.LATEST_WINS, "Graz"),
        (Policy.ODOO_WINS, "Graz"),
        (Policy.MANUAL, "Graz"),
        (Policy.EXTERNAL_WINS, "Wien"),
    ],
)
def test_an_edit_in_odoo_is_met_by_the_next_full_sync(policy: Policy, city: str) -> None:
    world = synced(policy)
    edit(world, "res.partner", the_guest(world), city="Graz")

    outcome = only(world.guests(guest("g", 1, city="Wien", zip="1010"), verify=True))

    assert the_guest(world)["city"] == city
    assert outcome is (Outcome.UPDATED if city == "Wien" else Outcome.UNCHANGED)


def test_an_edit_in_odoo_survives_changes_of_other_fields_for_ever() -> None:
    world = synced()
    edit(world, "res.partner", the_guest(world), city="Graz")

    for day in range(2, 6):
        world.guests(guest("g", 40 + day, city="Wien", zip=str(day)))
        world.guests(guest("g", 40 + day, city="Wien", zip=str(day)), verify=True)

    assert (the_guest(world)["city"], the_guest(world)["zip"]) == ("Graz", "5")


@pytest.mark.parametrize(("day", "city"), [(HUMAN_AT - 1, "Graz"), (HUMAN_AT + 1, "Linz")])
@pytest.mark.parametrize("met_before", [True, False])
def test_of_two_edits_of_a_field_the_later_one_stays_also_when_we_wrote_other_fields_meanwhile(
    day: int, city: str, *, met_before: bool
) -> None:
    world = synced()
    edit(world, "res.partner", the_guest(world), city="Graz")
    if met_before:
        world.odoo.clock = (moment(HUMAN_AT + 20) or world.odoo.clock).replace(tzinfo=None)
        world.guests(guest("g", 2, city="Wien", zip="9999"))

    world.guests(guest("g", day, city="Linz", zip="9999"))
    assert the_guest(world)["city"] == city
    world.guests(guest("g", day, city="Linz", zip="9999"), verify=True)
    assert the_guest(world)["city"] == city


def test_a_conflict_is_queued_with_all_three_values_and_the_other_fields_go_through() -> None:
    world = synced(Policy.MANUAL)
    edit(world, "res.partner", the_guest(world), city="Graz")

    edited_at = the_guest(world)["write_date"]

    report = world.guests(guest("g", 50, city="Linz", zip="4020"))

    assert only(report) is Outcome.CONFLICT
    assert (the_guest(world)["city"], the_guest(world)["zip"]) == ("Graz", "4020")
    [conflict] = world.state.outcomes[-1].conflicts
    assert (conflict.field, conflict.base, conflict.external, conflict.odoo) == ("city", "Wien", "Linz", "Graz")
    assert (conflict.external_at, conflict.odoo_at) == (moment(50), edited_at)
    assert [change.field for change in world.state.outcomes[-1].changes] == ["zip"]


@pytest.mark.parametrize(("choice", "city"), [("external", "Linz"), ("odoo", "Graz"), ("value", "Ried")])
def test_an_answer_is_applied_by_a_delta_over_the_same_row_and_asked_no_more(choice: Any, city: str) -> None:
    world = synced(Policy.MANUAL)
    edit(world, "res.partner", the_guest(world), city="Graz")
    row = guest("g", 50, city="Linz", zip="1010")
    world.guests(row)
    world.state.answers = {("guest", "g"): [Resolution("city", choice, "Ried", "Linz", "Graz")]}

    world.guests(row)
    last = world.state.outcomes[-1]
    assert (the_guest(world)["city"], last.conflicts, last.compared) == (city, (), True)

    world.state.answers = {}
    assert only(world.guests(row, verify=True)) is Outcome.UNCHANGED
    assert the_guest(world)["city"] == city


def test_an_answer_is_stale_when_odoo_has_moved_since() -> None:
    world = synced(Policy.MANUAL)
    edit(world, "res.partner", the_guest(world), city="Bregenz")
    world.state.answers = {("guest", "g"): [Resolution("city", "external", None, "Linz", "Graz")]}

    assert only(world.guests(guest("g", 50, city="Linz", zip="1010"))) is Outcome.CONFLICT
    assert the_guest(world)["city"] == "Bregenz"


def test_a_policy_can_be_set_for_one_field() -> None:
    world = synced()
    world.policies = FlowPolicies(Policy.LATEST_WINS, {"city": Policy.EXTERNAL_WINS, "zip": Policy.ODOO_WINS})
    edit(world, "res.partner", the_guest(world), city="Graz", zip="8010")

    world.guests(guest("g", 50, city="Linz", zip="4020"))

    assert (the_guest(world)["city"], the_guest(world)["zip"]) == ("Linz", "8010")


def test_an_order_cancelled_in_odoo_is_not_confirmed_again_by_a_change_of_another_field() -> None:
    world = synced()
    world.odoo.call("sale.order", "action_cancel", [world.order()["id"]])

    world.orders(booking("b", 1.5, lines=[room("1"), room("2")], client_order_ref="S"))

    assert (world.order()["state"], world.order()["client_order_ref"]) == ("cancel", "S")


def test_a_state_that_both_sides_changed_can_be_for_a_human() -> None:
    world = synced(Policy.MANUAL)
    world.odoo.call("sale.order", "action_lock", [world.order()["id"]])

    report = world.orders(booking("b", 2, state="cancel", lines=[room("1"), room("2")], client_order_ref="R"))

    assert only(report) is Outcome.CONFLICT
    assert world.order()["state"] == "sale"
    assert [each.field for each in world.state.outcomes[-1].conflicts] == ["state"]


def test_a_line_edited_in_odoo_keeps_its_edit_when_the_source_changes_another_line() -> None:
    world = synced()
    line = world.lines()["hotel.booking_room.b.1.room_type%2Fdouble"]
    edit(world, "sale.order.line", line, price_unit=99.0, technical_price_unit=-1)

    world.orders(booking("b", 60, lines=[room("1"), room("2", quantity=5)], client_order_ref="R"))

    assert [row["price_unit"] for row in world.lines().values()] == [99.0, 80.0]
    assert [row["product_uom_qty"] for row in world.lines().values()] == [2.0, 5.0]


@pytest.mark.parametrize(("policy", "quantity"), [(Policy.LATEST_WINS, 7.0), (Policy.EXTERNAL_WINS, 0.0)])
def test_an_emptied_line_to_which_somebody_gives_a_quantity_again_is_an_edit_in_odoo(
    policy: Policy, quantity: float
) -> None:
    world = synced(policy)
    row = booking("b", 2, lines=[room("1")], client_order_ref="R")
    world.orders(row)
    edit(world, "sale.order.line", emptied(world), product_uom_qty=7.0, price_unit=80.0, technical_price_unit=-1)

    world.orders(row, verify=True)
    assert emptied(world)["product_uom_qty"] == quantity
    assert only(world.orders(row, verify=True)) is Outcome.UNCHANGED
    assert emptied(world)["product_uom_qty"] == quantity


@pytest.mark.parametrize("policy", list(Policy))
def test_an_emptied_line_that_the_source_has_again_gets_its_quantity_back(policy: Policy) -> None:
    world = synced(policy)
    for day, lines in ((2, [room("1")]), (3, [room("1"), room("2", quantity=3)])):
        assert only(world.orders(booking("b", day, lines=lines, client_order_ref="R"))) is Outcome.UPDATED

    assert emptied(world)["product_uom_qty"] == 3.0
    assert world.state.kept["booking", "b"].base.get("kept", {}) == {}


def emptied(world: World) -> Row:
    return world.lines()["hotel.booking_room.b.2.room_type%2Fdouble"]


@pytest.mark.parametrize("change", ["header", "lines", "state"])
def test_an_invoiced_order_is_never_touched_and_the_conflict_says_why(change: str) -> None:
    world = synced()
    line = next(iter(world.lines().values()))
    edit(world, "sale.order.line", line, qty_invoiced=2.0)
    before = world.odoo.content()
    rows = {
        "header": booking("b", 60, lines=[room("1"), room("2")], date_order="2026-02-04 00:00:00"),
        "lines": booking("b", 60, lines=[room("1"), room("2", quantity=3)], client_order_ref="R"),
        "state": booking("b", 60, state="cancel", lines=[room("1"), room("2")], client_order_ref="R"),
    }

    assert only(world.orders(rows[change])) is Outcome.CONFLICT
    assert world.odoo.content() == before
    outcome = world.state.outcomes[-1]
    assert (outcome.code, [each.field for each in outcome.conflicts]) == ("invoiced", ["*"])
    assert "was invoiced in Odoo" in outcome.reason


def test_an_invoiced_order_that_is_as_it_should_be_is_unchanged() -> None:
    world = synced()
    edit(world, "sale.order.line", next(iter(world.lines().values())), qty_invoiced=2.0)

    row = booking("b", 1, lines=[room("1"), room("2")], client_order_ref="R")
    assert only(world.orders(row, verify=True)) is Outcome.UNCHANGED


def test_the_address_that_a_contact_has_from_its_company_is_left_to_odoo() -> None:
    world = synced(Policy.EXTERNAL_WINS)
    company = world.odoo.seed("res.partner", name="Firm", city="Salzburg")
    edit(world, "res.partner", the_guest(world), parent_id=company, city="Salzburg")

    assert only(world.guests(guest("g", 1, city="Wien", zip="1010"), verify=True)) is Outcome.UNCHANGED
    world.guests(guest("g", 60, city="Linz", zip="4020", x_vip_status=True))
    assert (the_guest(world)["city"], the_guest(world)["x_vip_status"]) == ("Salzburg", True)

    edit(world, "res.partner", the_guest(world), type="other")
    world.guests(guest("g", 60, city="Linz", zip="4020", x_vip_status=True), verify=True)
    assert the_guest(world)["city"] == "Linz"


def delete(world: World) -> None:
    world.odoo.unlink("res.partner", [the_guest(world)["id"]])


def exists(world: World) -> bool:
    return any(row["x_sync_key"] == "hotel.guest.g" for row in world.odoo.rows("res.partner"))


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        (DeletedPolicy.RECREATE, Outcome.CREATED),
        (DeletedPolicy.IGNORE, Outcome.UNCHANGED),
        (DeletedPolicy.CONFLICT, Outcome.CONFLICT),
    ],
)
def test_a_record_deleted_in_odoo_follows_its_policy(policy: DeletedPolicy, outcome: Outcome, *, verify: bool) -> None:
    world = synced(deleted=policy)
    delete(world)

    changed = guest("g", 50, city="Linz", zip="1010")
    assert only(world.guests(changed, verify=verify)) is outcome
    assert exists(world) is (outcome is Outcome.CREATED)


@pytest.mark.parametrize(("choice", "there"), [("external", True), ("odoo", False)])
def test_a_human_decides_over_a_deleted_record_until_the_source_changes_it_again(choice: Any, *, there: bool) -> None:
    world = synced(deleted=DeletedPolicy.CONFLICT)
    delete(world)
    row = guest("g", 50, city="Linz")
    world.guests(row)
    [conflict] = world.state.outcomes[-1].conflicts
    world.state.answers = {("guest", "g"): [Resolution("*", choice, None, conflict.external, conflict.odoo)]}

    world.guests(row)
    assert (exists(world), world.state.outcomes[-1].compared) == (there, True)

    world.state.answers = {}
    assert only(world.guests(row, verify=True)) is Outcome.UNCHANGED
    changed = world.guests(guest("g", 51, city="Bregenz"), verify=True)
    assert only(changed) is (Outcome.UPDATED if there else Outcome.CONFLICT)


def test_totals_are_not_compared_where_odoo_kept_its_own_values() -> None:
    world = synced()
    edit(world, "sale.order.line", next(iter(world.lines().values())), price_unit=99.0, technical_price_unit=-1)

    report = world.orders(
        booking("b", 60, lines=[room("1"), room("2")], client_order_ref="S", total="320.00"), verify=True
    )

    assert only(report) is not Outcome.CONFLICT


def test_what_our_own_half_written_row_left_in_odoo_is_nobodys_edit() -> None:
    world = synced(Policy.MANUAL)
    world.odoo.refuse = lambda model, row: "no" if model == "sale.order.line" and row["product_uom_qty"] == 13 else ""
    assert only(world.orders(booking("b", 50, lines=[room("1", 13)], client_order_ref="S"))) is Outcome.REJECTED
    assert world.order()["client_order_ref"] == "S"

    assert only(world.orders(booking("b", 51, lines=[room("1", 4)], client_order_ref="T"))) is Outcome.UPDATED
    assert world.order()["client_order_ref"] == "T"

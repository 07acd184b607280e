"""What the state machine has found, each in its shortest form."""

from __future__ import annotations

from datetime import timedelta

import pytest

from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.systems.policies import FlowPolicies, Policy
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_tests.engine.fakes import Row
from odoo_pipelines_tests.engine.sales import DAY, World, booking, guest, room

LINE_MODEL = "sale.order.line"


def of_lines(policy: Policy, *, state: str) -> World:
    world = World(policies=FlowPolicies(policy)).with_guest_and_room()
    world.orders(booking("b", 1, lines=[room("1"), room("2")], state=state))
    return world


def second_line(world: World) -> Row | None:
    lines = [line for key, line in world.lines().items() if key.startswith("hotel.booking_room.b.2.")]
    return lines[0] if lines and lines[0]["product_uom_qty"] else None


def edit_second_line(world: World, day: int, quantity: float) -> None:
    line = second_line(world)
    assert line
    world.odoo.clock = DAY.replace(tzinfo=None) + timedelta(days=day)
    world.odoo.write(LINE_MODEL, [line["id"]], {"product_uom_qty": quantity})
    world.odoo.write("sale.order", [world.order()["id"]], {})


def only(report: FlowReport) -> Outcome:
    [outcome] = [outcome for outcome, count in report.counts.by_outcome.items() if count]
    return outcome


def test_a_question_stays_until_it_is_answered() -> None:
    world = World(policies=FlowPolicies(Policy.MANUAL))
    world.guests(guest("g", 1, city="a"))
    [row] = [row for row in world.odoo.rows("res.partner") if row["name"] == "Guest g"]
    world.odoo.write("res.partner", [row["id"]], {"city": "b"})
    world.guests(guest("g", 1, city="a"), verify=True)
    world.odoo.write("res.partner", [row["id"]], {"city": "a"})

    for _ in range(3):
        assert only(world.guests(guest("g", 3, city="c"), verify=True)) is Outcome.CONFLICT


def test_a_line_that_odoo_was_left_is_not_deleted_because_somebody_edits_it_back() -> None:
    world = of_lines(Policy.LATEST_WINS, state="draft")
    edit_second_line(world, 40, 5.0)
    row = booking("b", 2, lines=[room("1")], state="draft")
    world.orders(row)

    edit_second_line(world, 50, 2.0)
    world.orders(row, verify=True)

    assert second_line(world)


def test_a_decision_about_a_line_is_over_when_both_sides_agree_on_it_again() -> None:
    world = of_lines(Policy.LATEST_WINS, state="draft")
    edit_second_line(world, 40, 5.0)
    world.orders(booking("b", 2, lines=[room("1")], state="draft"))
    world.orders(booking("b", 50, lines=[room("1"), room("2", 5)], state="draft"))

    world.orders(booking("b", 60, lines=[room("1")], state="draft"))

    assert second_line(world) is None


@pytest.mark.parametrize("state", ["draft", "sale"])
def test_a_decision_about_a_quantity_ends_with_its_line(state: str) -> None:
    world = of_lines(Policy.LATEST_WINS, state=state)
    edit_second_line(world, 40, 5.0)
    world.orders(booking("b", 1, lines=[room("1"), room("2")], state=state), verify=True)
    world.orders(booking("b", 50, lines=[room("1")], state=state))
    row = booking("b", 51, lines=[room("1"), room("2", 3)], state=state)
    assert only(world.orders(row)) is Outcome.UPDATED

    edit_second_line(world, 60, 5.0)

    assert only(world.orders(row, verify=True)) is Outcome.UNCHANGED
    line = second_line(world)
    assert line
    assert line["product_uom_qty"] == 5


@pytest.mark.parametrize("policy", list(Policy))
def test_a_state_in_which_a_refused_row_left_an_order_is_nobodys_edit(policy: Policy) -> None:
    world = of_lines(policy, state="draft")
    world.odoo.refuse = lambda model, row: "no" if model == "sale.order" and row["locked"] else ""
    assert only(world.orders(booking("b", 2, lines=[room("1"), room("2")], state="locked"))) is Outcome.REJECTED

    assert only(world.orders(booking("b", 3, lines=[room("1"), room("2")], state="cancel"))) is Outcome.UPDATED
    assert world.order()["state"] == "cancel"


@pytest.mark.parametrize("state", ["draft", "sale"])
@pytest.mark.parametrize("policy", list(Policy))
def test_a_line_that_a_refused_row_removed_was_removed_by_nobody_in_odoo(policy: Policy, state: str) -> None:
    world = of_lines(policy, state=state)
    world.odoo.refuse = lambda model, row: "no" if model == LINE_MODEL and row["product_uom_qty"] == 13 else ""
    assert only(world.orders(booking("b", 2, lines=[room("1", 13)], state=state))) is Outcome.REJECTED

    again = booking("b", 3, lines=[room("1"), room("2", 3)], state=state)
    assert only(world.orders(again)) is Outcome.UPDATED
    assert second_line(world)


@pytest.mark.parametrize("policy", list(Policy))
def test_of_several_refused_rows_all_that_they_wrote_is_our_own(policy: Policy) -> None:
    world = of_lines(policy, state="draft")
    world.odoo.refuse = lambda model, _: "no" if model == LINE_MODEL else ""
    row = booking("b", 2, lines=[room("1", 3)], state="draft", client_order_ref="a")
    assert only(world.orders(row)) is Outcome.REJECTED
    world.odoo.refuse = lambda model, _: "no" if model == "sale.order" else ""
    row = booking("b", 3, lines=[room("1", 3)], state="draft", client_order_ref="b")
    assert only(world.orders(row)) is Outcome.REJECTED
    world.odoo.refuse = lambda *_: ""
    world.orders(booking("b", 4, lines=[room("1", 3)], state="draft", client_order_ref="c"))

    assert world.order()["client_order_ref"] == "c"


@pytest.mark.parametrize("policy", [Policy.MANUAL, Policy.ODOO_WINS])
@pytest.mark.parametrize("state", ["draft", "sale"])
def test_a_line_is_not_removed_over_a_quantity_on_which_both_sides_never_agreed(policy: Policy, state: str) -> None:
    world = of_lines(policy, state=state)
    world.state.kept.pop(("booking", "b"))  # as if the run had died before it was remembered
    edit_second_line(world, 40, 5.0)
    found = only(world.orders(booking("b", 2, lines=[room("1"), room("2")], state=state), verify=True))
    assert (found is Outcome.CONFLICT) is (policy is Policy.MANUAL)

    row = booking("b", 50, lines=[room("1")], state=state)
    for verify in (False, True, True):
        assert (only(world.orders(row, verify=verify)) is Outcome.CONFLICT) is (policy is Policy.MANUAL)
        line = second_line(world)
        assert line
        assert line["product_uom_qty"] == 5


def test_a_line_that_was_dropped_before_is_not_dropped_anew_after_a_question_about_its_quantity() -> None:
    world = of_lines(Policy.MANUAL, state="sale")
    world.orders(booking("b", 2, lines=[room("1")], state="sale"))
    [emptied] = [line for key, line in world.lines().items() if ".b.2." in key]
    world.odoo.clock = DAY.replace(tzinfo=None) + timedelta(days=40)
    world.odoo.write(LINE_MODEL, [emptied["id"]], {"product_uom_qty": 2.0})
    again = booking("b", 50, lines=[room("1"), room("2", 3)], state="sale")
    assert only(world.orders(again, verify=True)) is Outcome.CONFLICT

    row = booking("b", 60, lines=[room("1")], state="sale")
    for _ in range(2):
        assert only(world.orders(row, verify=True)) is Outcome.UNCHANGED
        line = second_line(world)
        assert line
        assert line["product_uom_qty"] == 2

"""The total that Odoo computes must be the external one; where it is not, a human decides."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from odoo_pipelines.engine.amounts import amount_text, differ
from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.targets import SALE_ORDER, untaxed_lines_total
from odoo_pipelines.systems.records import Conflict, Outcome, Resolution
from odoo_pipelines_tests.engine.sales import World, booking, room

KEY = ("booking", "b")


@pytest.fixture
def world() -> World:
    return World().with_guest_and_room()


def only(report: FlowReport) -> Outcome:
    assert report.counts.balanced
    [outcome] = [outcome for outcome, count in report.counts.by_outcome.items() if count]
    return outcome


def stay(at: float = 1, total: str | None = "170", **more: Any) -> MappedRow:
    """Two nights for 160."""
    return booking("b", at, **({"lines": [room("1")], "total": total} | more))


def asked(world: World) -> Conflict:
    [conflict] = world.state.outcomes[-1].conflicts
    return conflict


def answer(world: World, conflict: Conflict, choice: Any = "odoo") -> None:
    world.state.answers = {KEY: [Resolution(conflict.field, choice, None, conflict.external, conflict.odoo)]}


def test_a_new_order_of_another_total_is_written_bound_and_a_question_that_names_both(world: World) -> None:
    assert only(world.orders(stay())) is Outcome.CONFLICT
    conflict = asked(world)
    assert (conflict.field, conflict.code) == ("amount_total", "total_differs")
    assert (conflict.external, conflict.odoo) == ("170.00", "160.00")
    assert "170.00" in conflict.reason
    assert "160.00" in conflict.reason
    assert (world.order()["state"], world.state.kept[KEY].odoo_id) == ("sale", world.order()["id"])


def test_the_next_runs_go_on_merging_and_create_nothing_again(world: World) -> None:
    world.orders(stay())
    assert only(world.orders(stay())) is Outcome.UNCHANGED
    assert only(world.orders(stay(2, client_order_ref="new"))) is Outcome.CONFLICT
    assert world.order()["client_order_ref"] == "new"
    assert only(world.orders(stay(2, client_order_ref="new"), verify=True)) is Outcome.CONFLICT


def test_it_is_over_when_the_totals_agree_on_either_side(world: World) -> None:
    world.orders(stay())
    assert only(world.orders(stay(2, total="160"))) is Outcome.UNCHANGED
    assert world.state.outcomes[-1].compared
    world.orders(stay(3))
    line = next(iter(world.lines().values()))
    world.odoo.write("sale.order.line", [line["id"]], {"price_unit": 85.0, "technical_price_unit": -1.0})
    assert only(world.orders(stay(3), verify=True)) is Outcome.UNCHANGED


def test_a_total_that_alone_has_changed_is_seen_by_a_delta(world: World) -> None:
    assert only(world.orders(stay(total="160.00"))) is Outcome.CREATED
    assert only(world.orders(stay(2, total="170"))) is Outcome.CONFLICT


def test_odoos_total_that_alone_has_changed_is_seen_by_a_full_sync(world: World) -> None:
    world.orders(stay(total="160.00"))
    added = {"order_id": world.order()["id"], "name": "Minibar", "product_uom_qty": 1.0, "price_unit": 9.0}
    world.odoo.seed("sale.order.line", **added)
    assert only(world.orders(stay(total="160.00"))) is Outcome.UNCHANGED
    assert only(world.orders(stay(total="160.00"), verify=True)) is Outcome.CONFLICT


@pytest.mark.parametrize(("total", "outcome"), [("160.01", Outcome.CREATED), ("160.02", Outcome.CONFLICT)])
def test_a_cent_may_be_lost_by_rounding(world: World, total: str, outcome: Outcome) -> None:
    assert only(world.orders(stay(total=total))) is outcome


def test_the_answer_odoo_accepts_these_two_totals_only(world: World) -> None:
    world.orders(stay())
    answer(world, asked(world))
    assert only(world.orders(stay())) is Outcome.UNCHANGED
    world.state.answers = {}
    assert only(world.orders(stay(), verify=True)) is Outcome.UNCHANGED
    assert only(world.orders(stay(2, client_order_ref="new"))) is Outcome.UPDATED
    assert only(world.orders(stay(3, total="180", client_order_ref="new"))) is Outcome.CONFLICT
    assert only(world.orders(stay(4, client_order_ref="new"))) is Outcome.CONFLICT


def test_an_answer_to_other_totals_or_a_retry_that_changed_nothing_is_asked_again(world: World) -> None:
    world.orders(stay())
    answer(world, asked(world))
    assert only(world.orders(stay(2, total="190"))) is Outcome.CONFLICT
    answer(world, asked(world), "retry")
    assert only(world.orders(stay(2, total="190"))) is Outcome.CONFLICT


@pytest.mark.parametrize("state", ["cancel", "locked", "draft", "sale"])
def test_a_cancelled_order_is_owed_by_nobody(world: World, state: str) -> None:
    expected = Outcome.CREATED if state == "cancel" else Outcome.CONFLICT
    assert only(world.orders(stay(state=state))) is expected


def test_a_booking_without_a_total_is_not_compared(world: World) -> None:
    assert only(world.orders(stay(total=None))) is Outcome.CREATED


def test_an_order_whose_lines_the_source_does_not_carry_is_compared_all_the_same(world: World) -> None:
    assert only(world.orders(stay(lines=None))) is Outcome.CONFLICT
    assert (asked(world).external, asked(world).odoo) == ("170.00", "0.00")


def test_a_price_that_a_person_has_changed_and_that_stays_is_a_decision_about_the_total_too(world: World) -> None:
    world.orders(stay(total="160"))
    line = next(iter(world.lines().values()))
    world.odoo.write("sale.order.line", [line["id"]], {"price_unit": 70.0, "technical_price_unit": -1.0})
    assert only(world.orders(stay(total="160"), verify=True)) is Outcome.UNCHANGED


def test_a_discount_of_which_nothing_was_known_was_chosen_by_nobody(world: World) -> None:
    """An earlier version did not send it, and Odoo computed one."""
    world.orders(stay(total="160"))
    [line] = world.lines().values()
    del world.state.kept[KEY].base["lines"][line["x_sync_key"]]["discount"]
    world.odoo.write("sale.order.line", [line["id"]], {"discount": 25.0})
    for _ in range(2):
        assert only(world.orders(stay(2, total="160"), verify=True)) is Outcome.CONFLICT
        assert (asked(world).external, asked(world).odoo) == ("160.00", "120.00")


def test_totals_without_tax_or_none_are_compared_where_an_integration_says_so(world: World) -> None:
    assert SALE_ORDER.comparing("without_tax").total_fields == ["amount_untaxed", "currency_id"]
    assert only(world.load(SALE_ORDER.comparing("without_tax"), stay())) is Outcome.CONFLICT
    assert asked(world).field == "amount_untaxed"
    assert only(world.load(SALE_ORDER.comparing("never"), stay(), verify=True)) is Outcome.UNCHANGED


def test_amounts_have_one_form_whichever_way_they_were_written() -> None:
    assert [amount_text(each) for each in ("200", 200.0, "200.00", "0.125", 1e6)] == [
        "200.00",
        "200.00",
        "200.00",
        "0.125",
        "1000000.00",
    ]


@pytest.mark.parametrize(("unit", "differs"), [("1", False), ("0.01", True), ("0.001", True)])
def test_the_smallest_unit_of_the_currency_counts(unit: str, *, differs: bool) -> None:
    assert differ("10000", 10000.5, Decimal(unit)) is differs


@pytest.mark.parametrize(
    ("line", "total"),
    [
        ({"product_uom_qty": 3.0, "price_unit": 33.33, "discount": 0.0, "tax_ids": []}, Decimal("99.99")),
        ({"product_uom_qty": 2.0, "price_unit": 100.0, "discount": 25.0, "tax_ids": []}, Decimal(150)),
        ({"product_uom_qty": 2.0, "price_unit": 100.0, "discount": 0.0, "tax_ids": [1]}, None),
        ({"product_uom_qty": 2.0, "price_unit": 100.0, "discount": 0.0, "tax_ids": False}, None),
    ],
)
def test_lines_without_taxes_can_be_added_up_beforehand(line: dict[str, Any], total: Decimal | None) -> None:
    assert untaxed_lines_total([line]) == total

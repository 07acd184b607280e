from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from odoo_pipelines.engine.lifecycle import plan_path
from odoo_pipelines.errors import OdooTransientError, OdooValidationError
from odoo_pipelines.odoo.retries import Retries
from odoo_pipelines.odoo.transitions import Transitions
from odoo_pipelines.odoo.writing import Failures, Writing
from odoo_pipelines.systems.pms.targets import SALE_ORDER, order_state
from odoo_pipelines.systems.targets import Action, Transition
from odoo_pipelines_tests.engine.fakes import Fault
from odoo_pipelines_tests.engine.sales import ODOO_NOW, SalesOdoo

assert SALE_ORDER.lifecycle
LIFECYCLE = SALE_ORDER.lifecycle
BOOKED = "2026-02-03 04:05:06"
STATES = {
    "draft": {"state": "draft", "locked": False},
    "sale": {"state": "sale", "locked": False},
    "locked": {"state": "sale", "locked": True},
    "cancel": {"state": "cancel", "locked": False},
}


class Orders:
    """Orders in a fake Odoo, on their path."""

    def __init__(self, *states: str) -> None:
        self.odoo = SalesOdoo()
        self.ids = [self.odoo.seed("sale.order", date_order=BOOKED, **STATES[state]) for state in states]

    def take(self, target: str) -> Failures:
        writing = Writing(self.odoo, Retries(lambda _: None))
        rows = self.odoo.rows("sale.order")
        paths = {row["id"]: plan_path(LIFECYCLE, order_state(row), target, writes=False).after for row in rows}
        values = {row["id"]: {"date_order": BOOKED, "note": "x"} for row in rows}
        return Transitions(self.odoo, writing, "sale.order", LIFECYCLE).take(paths, values)

    @property
    def states(self) -> list[str]:
        return [order_state(row) for row in self.odoo.rows("sale.order")]

    @property
    def calls(self) -> list[tuple[str, int]]:
        return [(call.method, len(call.ids)) for call in self.odoo.writes()]


@pytest.mark.parametrize("target", STATES)
def test_orders_in_all_states_reach_any_other(target: str) -> None:
    orders = Orders(*STATES)

    assert orders.take(target) == {}
    assert orders.states == [target] * 4


@pytest.mark.parametrize("target", STATES)
def test_a_date_that_confirming_overwrites_is_written_again(target: str) -> None:
    orders = Orders(*STATES)
    orders.take(target)

    assert {row["date_order"] for row in orders.odoo.rows("sale.order")} == {BOOKED}
    assert all(call.sent == {"date_order": BOOKED} for call in orders.odoo.writes("write"))


def test_records_go_together() -> None:
    orders = Orders(*["draft"] * 50)
    orders.take("locked")

    assert orders.calls == [("action_confirm", 50), ("write", 50), ("action_lock", 50)]


def test_nothing_on_the_way_is_no_call() -> None:
    orders = Orders("sale", "sale")
    orders.take("sale")

    assert orders.calls == []


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("action", ["action_confirm", "action_lock"])
def test_after_a_lost_answer_only_those_that_have_not_moved_are_moved(action: str, *, committed: bool) -> None:
    orders = Orders("draft", "draft", "draft")
    (orders.odoo.after if committed else orders.odoo.before).append(Fault(action, OdooTransientError("no answer")))

    assert orders.take("locked") == {}
    assert orders.states == ["locked"] * 3
    assert len(orders.odoo.writes(action)) == (1 if committed else 1 + 2)


def test_a_record_that_refuses_to_move_stops_where_it_is_and_the_others_go_on() -> None:
    orders = Orders("draft", "draft", "draft", "draft")
    stuck = orders.ids[2]

    def refuse(model: str, row: dict[str, object]) -> str:
        return (
            "no payment" if row == orders.odoo.tables[model][stuck] | {"state": "sale", "date_order": ODOO_NOW} else ""
        )

    orders.odoo.tables["sale.order"][stuck]["note"] = "stuck"
    orders.odoo.refuse = refuse

    failures = orders.take("locked")

    assert {order: type(error) for order, error in failures.items()} == {stuck: OdooValidationError}
    assert orders.states == ["locked", "locked", "draft", "locked"]


def test_orders_that_somebody_has_confirmed_meanwhile_have_arrived_and_do_not_hold_up_the_others() -> None:
    orders = Orders("draft", "draft")
    orders.odoo.before.append(
        lambda call: orders.odoo.tables["sale.order"][1].update(state="sale") if call.number == 0 else None
    )

    assert orders.take("sale") == {}
    assert orders.states == ["sale", "sale"]


class Asking(SalesOdoo):
    """Asks about some orders before it confirms them, in a wizard, and then does nothing with the whole call."""

    asks_about: frozenset[int] = frozenset()
    does_it_anyway: bool = False

    def act(self, model: str, method: str, ids: Sequence[int]) -> Any:
        asks = not self.asks_about.isdisjoint(ids)
        if not asks or self.does_it_anyway:
            super().act(model, method, ids)
        return {"type": "ir.actions.act_window", "res_model": "sale.order.question"} if asks else True


def test_an_action_that_opens_a_wizard_has_done_nothing_and_only_its_record_is_refused() -> None:
    orders = Orders("draft", "draft", "draft")
    asking = orders.odoo = Asking(tables=orders.odoo.tables, xmlids=orders.odoo.xmlids)
    asking.asks_about = frozenset(orders.ids[1:2])

    failures = orders.take("sale")

    assert failures.keys() == {orders.ids[1]}
    assert "opens the wizard sale.order.question" in failures[orders.ids[1]].odoo_message
    assert orders.states == ["sale", "draft", "sale"]


def test_an_action_that_shows_another_window_when_it_is_done_is_done() -> None:
    orders = Orders("draft")
    asking = orders.odoo = Asking(tables=orders.odoo.tables, xmlids=orders.odoo.xmlids)
    asking.asks_about, asking.does_it_anyway = frozenset(orders.ids), True

    assert orders.take("sale") == {}
    assert orders.states == ["sale"]


def test_an_action_gets_its_arguments_and_its_context() -> None:
    orders = Orders("draft")
    told = Action("action_confirm", (("send", False),), (("quiet", True),))
    lifecycle = replace(LIFECYCLE, transitions=(Transition("draft", "sale", (told,)),))
    writing = Writing(orders.odoo, Retries(lambda _: None))

    assert (
        Transitions(orders.odoo, writing, "sale.order", lifecycle).take({orders.ids[0]: lifecycle.transitions}, {})
        == {}
    )

    [call] = [each for each in orders.odoo.calls if each.method == "action_confirm"]
    assert call.sent == {"send": False, "context": {"quiet": True}}
    assert orders.states == ["sale"]

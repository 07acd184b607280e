"""Corrections of orders that are locked: written where the lock is the pipelines' own, a question where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from odoo_pipelines.engine.lifecycle import always_writable_fields, with_auto_lock
from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.errors import OdooTransientError
from odoo_pipelines.systems.base import MappedLine, MappedRow
from odoo_pipelines.systems.pms.targets import SALE_ORDER, order_state
from odoo_pipelines.systems.policies import FlowPolicies, Policy, UnlockPolicy
from odoo_pipelines.systems.records import FieldChange, Outcome, Resolution
from odoo_pipelines_tests.engine.fakes import Fault, KilledError, Row
from odoo_pipelines_tests.engine.sales import World, booking, guest, moment, room

OWN, NEVER, ALWAYS = UnlockPolicy.OWN, UnlockPolicy.NEVER, UnlockPolicy.ALWAYS
ROOMS = (room("1"), room("2"))
DEARER = (room("1", price=99.0), room("2"))
PERSON_AT = 40
"""Days into the year on which people act in Odoo."""


def row(at: float = 2, *, state: str = "locked", lines: Sequence[MappedLine] = ROOMS, **values: Any) -> MappedRow:
    return booking("b", at, state=state, lines=list(lines), **{"client_order_ref": "R", **values})


def departed(policy: Policy = Policy.LATEST_WINS) -> World:
    """A booking that was confirmed and then checked out."""
    world = World(policies=FlowPolicies(policy)).with_guest_and_room()
    world.orders(row(1, state="sale"))
    world.orders(row(2))
    assert order_state(world.order()) == "locked"
    return world


def person(world: World, *actions: str, note: str = "", line: dict[str, Any] | None = None, **values: Any) -> None:
    """Somebody acts in Odoo: calls actions, and edits between the first and the others."""
    at = moment(PERSON_AT)
    assert at
    world.odoo.clock = at.replace(tzinfo=None)
    order = world.order()["id"]
    for number, action in enumerate(actions or ("",)):
        if action:
            world.odoo.call("sale.order", action, [order])
        if number == 0:
            edits = {**values, **({"note": note} if note else {})}
            if edits:
                world.odoo.write("sale.order", [order], edits)
            if line:
                world.odoo.write("sale.order.line", [first_line(world)["id"]], line)


def first_line(world: World) -> Row:
    return next(iter(world.lines().values()))


def only(report: FlowReport) -> Outcome:
    assert report.counts.balanced
    [outcome] = [word for word, count in report.counts.by_outcome.items() if count]
    return outcome


def actions(world: World) -> list[str]:
    return [call.method for call in world.odoo.writes() if call.method.startswith("action_")]


def assert_a_full_sync_writes_nothing(world: World, again: MappedRow, **options: Any) -> None:
    assert only(world.orders(again, verify=True, **options)) is Outcome.UNCHANGED
    assert world.odoo.writes() == []


class TestFreeFields:
    @pytest.mark.parametrize("unlock", list(UnlockPolicy))
    @pytest.mark.parametrize("locked_by_a_person", [False, True])
    def test_they_are_written_without_unlocking_whoever_has_locked_the_order(
        self, unlock: UnlockPolicy, *, locked_by_a_person: bool
    ) -> None:
        world = departed()
        if locked_by_a_person:
            person(world, "action_unlock", "action_lock", line={"price_unit": 1.0})
        lines = [room("1", x_room_number="12", x_rate_plan="Flex", x_adults=2, x_children=1), room("2")]
        news = row(60, lines=lines, client_order_ref="S", note="Late", x_external_status="no_refund")

        assert only(world.orders(news, unlock=unlock)) is Outcome.UPDATED
        assert actions(world) == []
        order, line = world.order(), first_line(world)
        assert (order["client_order_ref"], order["note"], order["x_external_status"]) == (
            "S",
            "<p>Late</p>",
            "no_refund",
        )
        assert (line["x_room_number"], line["x_rate_plan"], line["x_adults"], line["x_children"]) == (
            "12",
            "Flex",
            2,
            1,
        )
        assert order_state(order) == "locked"

    def test_what_odoo_protects_and_what_others_hang_on_is_not_free(self) -> None:
        free = always_writable_fields(SALE_ORDER)

        assert free.isdisjoint({"partner_id", "date_order", "pricelist_id", "state", "order_line"})
        protected = ("product_id", "name", "product_uom_qty", "price_unit", "tax_ids")
        assert free.isdisjoint({f"order_line.{name}" for name in protected})

    @pytest.mark.parametrize("state", ["sale", "locked"])
    def test_an_invoiced_order_takes_them_and_a_change_of_its_lock(self, state: str) -> None:
        world = departed()
        world.odoo.write("sale.order.line", [first_line(world)["id"]], {"qty_invoiced": 2.0})

        assert only(world.orders(row(60, state=state, note="Thanks"))) is Outcome.UPDATED
        assert (order_state(world.order()), world.order()["note"]) == (state, "<p>Thanks</p>")

    @pytest.mark.parametrize("news", [row(60, lines=DEARER, note="<p>x</p>"), row(60, state="cancel")])
    def test_the_rest_of_an_invoiced_order_is_a_question(self, news: MappedRow) -> None:
        world = departed()
        world.odoo.write("sale.order.line", [first_line(world)["id"]], {"qty_invoiced": 2.0})
        before = world.odoo.content()

        assert only(world.orders(news)) is Outcome.CONFLICT
        assert world.state.outcomes[-1].code == "invoiced"
        assert "note" not in world.state.outcomes[-1].reason
        assert world.odoo.content() == before


class TestOurLock:
    @pytest.mark.parametrize(
        ("news", "ends"),
        [
            (row(3, lines=DEARER), "locked"),
            (row(3, lines=[*ROOMS, room("3")]), "locked"),
            (row(3, lines=ROOMS[:1]), "locked"),
            (row(3, partner_id="g2"), "locked"),
            (row(3, date_order="2026-02-04 00:00:00"), "locked"),
            (row(3, state="cancel"), "cancel"),
            (row(3, state="cancel", lines=DEARER), "cancel"),
            (row(3, state="sale"), "sale"),
        ],
    )
    def test_a_correction_is_written_and_the_order_is_locked_again(self, news: MappedRow, ends: str) -> None:
        world = departed()
        world.guests(guest("g2"))

        assert only(world.orders(news)) is Outcome.UPDATED
        assert order_state(world.order()) == ends
        assert_a_full_sync_writes_nothing(world, news)

    def test_it_is_still_ours_after_that(self) -> None:
        world = departed()
        for day in (3, 4, 5):
            assert only(world.orders(row(day, lines=[room("1", price=90.0 + day), room("2")]))) is Outcome.UPDATED
        assert actions(world) == ["action_unlock", "action_lock"]

    def test_a_base_of_an_earlier_version_that_says_locked_is_ours(self) -> None:
        world = departed()
        record = world.state.kept["booking", "b"]
        earlier = {name: record.base[name] for name in ("values", "lines", "state")}
        world.state.kept["booking", "b"] = replace(record, base=earlier)

        assert only(world.orders(row(3, lines=DEARER))) is Outcome.UPDATED

    def test_what_people_do_with_other_fields_or_lines_of_their_own_does_not_matter(self) -> None:
        world = departed()
        person(world, note="<p>Paid in cash</p>", x_something="y")
        world.odoo.seed(
            "sale.order.line", order_id=world.order()["id"], name="Minibar", product_uom_qty=1.0, price_unit=5.0
        )

        assert only(world.orders(row(60, lines=DEARER))) is Outcome.UPDATED
        assert (world.order()["note"], world.order()["x_something"]) == ("<p>Paid in cash</p>", "y")

    def test_an_edit_that_was_left_in_odoo_before_the_order_was_locked_does_not_matter(self) -> None:
        world = World().with_guest_and_room()
        world.orders(row(1, state="sale"))
        person(world, line={"price_unit": 55.0, "technical_price_unit": -1.0})
        world.orders(row(2, state="locked"))

        assert only(world.orders(row(60, lines=[room("1", quantity=5), room("2")]))) is Outcome.UPDATED
        assert (first_line(world)["price_unit"], first_line(world)["product_uom_qty"]) == (55.0, 5.0)
        assert order_state(world.order()) == "locked"

    def test_the_unlocking_and_the_locking_are_among_what_was_written(self) -> None:
        world = departed()
        world.orders(row(3, lines=DEARER))

        changes = world.state.outcomes[-1].changes
        assert (changes[0], changes[-1]) == (
            FieldChange("state", "locked", "sale"),
            FieldChange("state", "sale", "locked"),
        )
        assert changes[1].field.endswith(".price_unit")

    @pytest.mark.parametrize("news", [row(3, lines=DEARER), row(3, state="cancel")])
    def test_an_order_that_odoo_refuses_to_change_is_locked_again_at_once(self, news: MappedRow) -> None:
        world = departed()
        world.odoo.refuse = lambda _, each: (
            "no" if each.get("price_unit") == 99.0 or each.get("state") == "cancel" else ""
        )

        assert only(world.orders(news)) is Outcome.REJECTED
        assert order_state(world.order()) == "locked"

        world.odoo.refuse = lambda *_: ""
        assert only(world.orders(news)) is Outcome.UPDATED
        assert order_state(world.order()) == ("locked" if news.state == "locked" else "cancel")

    @pytest.mark.parametrize("call", range(6))
    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize(("day", "price"), [(3, 99.0), (4, 77.0)])
    def test_a_run_that_dies_in_between_leaves_nothing_that_looks_like_a_persons_edit(
        self, call: int, when: str, day: int, price: float
    ) -> None:
        world = departed()
        seen = iter(range(100))

        def die(_: object) -> None:
            if next(seen) == call:
                raise KilledError

        getattr(world.odoo, when).append(die)
        try:
            world.orders(row(3, lines=DEARER))
        except KilledError:
            world.orders(row(3, lines=DEARER), resumed=True)
        world.orders(row(day, lines=[room("1", price=price), room("2")]))

        assert order_state(world.order()) == "locked"
        assert [each["price_unit"] for each in world.lines().values()] == [price, 80.0]
        assert "kept" not in world.state.kept["booking", "b"].base
        assert "locked_in_odoo" not in world.state.kept["booking", "b"].base


class TestSomebodyElsesLock:
    def test_an_order_that_a_person_locked_before_it_was_checked_out_stays_as_it_is(self) -> None:
        world = World().with_guest_and_room()
        world.orders(row(1, state="sale"))
        person(world, "action_lock")
        world.orders(row(60))
        assert world.state.kept["booking", "b"].base["locked_in_odoo"] is True
        before = world.odoo.content()

        for news in (row(61, lines=DEARER), row(62, state="cancel")):
            assert only(world.orders(news)) is Outcome.CONFLICT
            assert world.odoo.content() == before
            assert world.state.outcomes[-1].code == "frozen"
            assert "somebody else" in world.state.outcomes[-1].reason

    @pytest.mark.parametrize("met_by_a_full_sync", [True, False])
    @pytest.mark.parametrize("edit", [{"line": {"price_unit": 1.0}}, {"date_order": "2026-02-09 00:00:00"}])
    def test_one_that_a_person_unlocked_changed_and_locked_again_is_the_persons_from_then_on(
        self, edit: dict[str, Any], *, met_by_a_full_sync: bool
    ) -> None:
        world = departed()
        person(world, "action_unlock", "action_lock", **edit)
        if met_by_a_full_sync:
            assert only(world.orders(row(2), verify=True)) is Outcome.UNCHANGED
        before = world.odoo.content()

        news = row(60, lines=[room("1"), room("2", price=99.0)])
        assert only(world.orders(news)) is Outcome.CONFLICT
        assert world.odoo.content() == before
        assert only(world.orders(news, unlock=ALWAYS)) is Outcome.UPDATED

    def test_it_is_ours_again_after_a_person_has_unlocked_it_and_the_pipelines_have_locked_it(self) -> None:
        world = departed()
        person(world, "action_unlock", "action_lock", line={"price_unit": 1.0})
        world.orders(row(2), verify=True)
        person(world, "action_unlock")
        world.orders(row(60, state="sale", lines=DEARER))
        world.orders(row(61, lines=DEARER))

        assert only(world.orders(row(62, lines=[*DEARER, room("3")]))) is Outcome.UPDATED

    def test_an_order_that_a_person_unlocked_on_purpose_stays_unlocked(self) -> None:
        world = departed()
        person(world, "action_unlock")

        assert only(world.orders(row(60, lines=DEARER))) is Outcome.UPDATED
        assert order_state(world.order()) == "sale"
        assert first_line(world)["price_unit"] == 99.0

    def test_a_value_that_a_human_has_chosen_for_it_is_written(self) -> None:
        world = departed(Policy.MANUAL)
        person(world, "action_unlock", "action_lock", line={"price_unit": 1.0})
        news = row(60, lines=DEARER)
        assert only(world.orders(news)) is Outcome.CONFLICT
        [asked] = world.state.outcomes[-1].conflicts
        assert (asked.external, asked.odoo) == (99.0, 1.0)
        world.state.answers = {("booking", "b"): [Resolution(asked.field, "external", None, 99.0, 1.0)]}

        assert only(world.orders(news)) is Outcome.UPDATED
        assert (first_line(world)["price_unit"], order_state(world.order())) == (99.0, "locked")


AUTO = with_auto_lock(SALE_ORDER)


class TestOrdersThatOdooLocksWhenTheyAreConfirmed:
    """The setting "Lock Confirmed Sales"."""

    def confirmed(self) -> World:
        world = World().with_guest_and_room()
        world.odoo.locks_confirmed = True
        assert only(world.load(AUTO, row(1, state="sale"))) is Outcome.CREATED
        assert order_state(world.order()) == "locked"
        return world

    def test_they_are_as_they_should_be(self) -> None:
        world = self.confirmed()

        assert only(world.load(AUTO, row(1, state="sale"), verify=True)) is Outcome.UNCHANGED
        assert world.odoo.writes() == []
        assert world.order()["date_order"] == row().values["date_order"]

    @pytest.mark.parametrize("committed", [True, False])
    def test_a_lost_answer_to_the_confirming_does_not_matter(self, *, committed: bool) -> None:
        world = World().with_guest_and_room()
        world.odoo.locks_confirmed = True
        hooks = world.odoo.after if committed else world.odoo.before
        hooks.append(Fault("action_confirm", OdooTransientError("no answer")))

        assert only(world.load(AUTO, row(1, state="sale"))) is Outcome.CREATED
        assert order_state(world.order()) == "locked"

    @pytest.mark.parametrize(
        ("news", "ends"),
        [
            (row(2, state="sale", lines=DEARER), "locked"),
            (row(2, state="locked", lines=DEARER), "locked"),
            (row(2, state="cancel"), "cancel"),
            (row(2, state="sale", client_order_ref="S"), "locked"),
        ],
    )
    def test_changes_go_through(self, news: MappedRow, ends: str) -> None:
        world = self.confirmed()

        assert only(world.load(AUTO, news)) is Outcome.UPDATED
        assert order_state(world.order()) == ends
        assert only(world.load(AUTO, news, verify=True)) is Outcome.UNCHANGED

    def test_also_of_orders_that_an_earlier_version_has_left_in_conflict(self) -> None:
        world = World().with_guest_and_room()
        world.odoo.locks_confirmed = True
        world.load(SALE_ORDER, row(1, state="sale"))
        world.load(SALE_ORDER, row(1, state="sale"), verify=True)
        assert world.state.kept["booking", "b"].base["kept"]["state"]["odoo"] == "locked"

        assert only(world.load(AUTO, row(2, state="sale", lines=DEARER))) is Outcome.UPDATED
        assert order_state(world.order()) == "locked"
        assert "kept" not in world.state.kept["booking", "b"].base

    def test_orders_from_before_the_setting_are_not_locked_by_it_and_unlocked_once_it_is_off(self) -> None:
        world = World().with_guest_and_room()
        world.load(SALE_ORDER, row(1, state="sale"))
        assert only(world.load(AUTO, row(1, state="sale"), verify=True)) is Outcome.UNCHANGED
        assert order_state(world.order()) == "sale"

        world = self.confirmed()
        assert only(world.load(SALE_ORDER, row(1, state="sale"), verify=True)) is Outcome.UPDATED
        assert order_state(world.order()) == "sale"

    def test_a_run_that_dies_after_the_unlocking_is_finished_by_the_next(self) -> None:
        world = self.confirmed()
        news = row(2, state="sale", lines=DEARER)
        world.odoo.after.append(Fault("action_unlock", KilledError()))
        with pytest.raises(KilledError):
            world.load(AUTO, news)
        assert order_state(world.order()) == "sale"

        world.load(AUTO, news, resumed=True)
        assert (order_state(world.order()), first_line(world)["price_unit"]) == ("locked", 99.0)

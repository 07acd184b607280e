"""An external id that was given to another record is a question, and what the former one is in Odoo stays as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.engine.reuse import is_another
from odoo_pipelines.systems.pms.payment_target import ACCOUNT_PAYMENT
from odoo_pipelines.systems.pms.targets import PARTNER, SALE_ORDER
from odoo_pipelines.systems.records import ID_REUSED, WHOLE_RECORD, Conflict, Outcome, Resolution
from odoo_pipelines.systems.targets import Identity
from odoo_pipelines_tests.engine.accounts import AccountsWorld, payment
from odoo_pipelines_tests.engine.fakes import Row
from odoo_pipelines_tests.engine.sales import World, booking, guest, product, room

NO_TRANSITIONS: dict[str, Any] = {
    "partner_id": "g1",
    "client_order_ref": "R-1",
    "x_check_in_date": "2026-05-01",
    "x_check_out_date": "2026-05-03",
}
ANOTHER: dict[str, Any] = {
    "partner_id": "g2",
    "client_order_ref": "R-2",
    "x_check_in_date": "2026-09-10",
    "x_check_out_date": "2026-09-12",
}
ANNA: dict[str, Any] = {
    "name": "Anna Berg",
    "email": "anna@example.com",
    "phone": "+431234567",
    "x_date_of_birth": "1980-02-03",
}
BORIS: dict[str, Any] = {
    "name": "Boris Holm",
    "email": "boris@example.com",
    "phone": "+439876543",
    "x_date_of_birth": "1955-06-07",
}
PAID: dict[str, Any] = {"x_related_booking_id": "b1", "x_external_transaction_id": "tx1"}
PAID_AGAIN: dict[str, Any] = {"x_related_booking_id": "b2", "x_external_transaction_id": "tx2"}

[BOOKING] = SALE_ORDER.identities
[GUEST] = PARTNER.identities
[PAYMENT, REFUND] = ACCOUNT_PAYMENT.identities


@pytest.fixture
def world() -> World:
    world = World()
    world.products(product("double"))
    world.guests(guest("g1"), guest("g2"))
    world.orders(booking("b1", lines=[room("1")], **NO_TRANSITIONS))
    world.odoo.calls.clear()
    return world


def order(world: World) -> Row:
    [found] = world.odoo.rows("sale.order")
    return found


def question(world: World) -> Conflict:
    row = world.state.outcomes[-1]
    [asked] = row.conflicts
    assert (row.outcome, row.code, asked.field) == (Outcome.CONFLICT, ID_REUSED, WHOLE_RECORD)
    return asked


def answer(asked: Conflict, choice: Any = "external") -> Resolution:
    return Resolution(WHOLE_RECORD, choice, None, asked.external, asked.odoo)


@pytest.mark.parametrize(
    ("identity", "one", "other"),
    [(BOOKING, NO_TRANSITIONS, ANOTHER), (GUEST, ANNA, BORIS), (PAYMENT, PAID, PAID_AGAIN)],
)
class TestAllOfItDiffers:
    def test_is_another_record(self, identity: Identity, one: dict[str, Any], other: dict[str, Any]) -> None:
        assert is_another(identity, one, other)
        assert is_another(identity, other, one)

    def test_one_value_that_is_still_the_same_makes_it_the_same_record(
        self, identity: Identity, one: dict[str, Any], other: dict[str, Any]
    ) -> None:
        for name, value in one.items():
            assert not is_another(identity, one, other | {name: value}), name


@pytest.mark.parametrize("nothing", [None, "", False])
@pytest.mark.parametrize("sides", [(0,), (1,), (0, 1)])
class TestTheReferenceIsNotKnown:
    def test_another_guest_at_another_time_is_another_stay(self, sides: tuple[int, ...], nothing: Any) -> None:
        one, other = _without("client_order_ref", sides, nothing)
        assert is_another(BOOKING, one, other)

    @pytest.mark.parametrize(
        ("check_in", "check_out"),
        [
            ("2026-05-02", "2026-05-04"),
            ("2026-04-29", "2026-05-02"),
            ("2026-04-20", "2026-05-20"),
            ("2026-05-02", "2026-05-02"),
        ],
    )
    def test_stays_that_overlap_may_be_one_whose_dates_were_corrected(
        self, sides: tuple[int, ...], nothing: Any, check_in: str, check_out: str
    ) -> None:
        one, other = _without("client_order_ref", sides, nothing)
        assert not is_another(BOOKING, one, other | {"x_check_in_date": check_in, "x_check_out_date": check_out})

    def test_a_stay_that_begins_when_the_former_one_ends_is_another(self, sides: tuple[int, ...], nothing: Any) -> None:
        one, other = _without("client_order_ref", sides, nothing)
        assert is_another(BOOKING, one, other | {"x_check_in_date": "2026-05-03", "x_check_out_date": "2026-05-05"})

    def test_the_same_guest_comes_at_another_time(self, sides: tuple[int, ...], nothing: Any) -> None:
        one, other = _without("client_order_ref", sides, nothing)
        assert not is_another(BOOKING, one, other | {"partner_id": "g1"})


def _without(name: str, sides: tuple[int, ...], nothing: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    one, other = (side | {name: nothing} if at in sides else side for at, side in enumerate((NO_TRANSITIONS, ANOTHER)))
    return one, other


class TestWithAReference:
    def test_stays_that_overlap_are_two_if_all_of_it_differs(self) -> None:
        moved = ANOTHER | {"x_check_in_date": "2026-05-02", "x_check_out_date": "2026-05-04"}
        assert is_another(BOOKING, NO_TRANSITIONS, moved)

    @pytest.mark.parametrize("name", ["x_check_in_date", "x_check_out_date"])
    def test_what_is_not_known_decides_nothing(self, name: str) -> None:
        assert not is_another(BOOKING, NO_TRANSITIONS, {key: value for key, value in ANOTHER.items() if key != name})


class TestGuests:
    @pytest.mark.parametrize("name", ["Anna Holm", "HOLM, anna", "Ms. Anna Holm", "Berg Boris", "Unknown Guest", "A."])
    def test_one_word_of_the_name_in_common_or_a_name_of_nobody_is_no_other_person(self, name: str) -> None:
        assert not is_another(GUEST, ANNA, BORIS | {"name": name})

    @pytest.mark.parametrize("missing", ["email", "phone", "x_date_of_birth"])
    def test_three_of_the_four_are_enough(self, missing: str) -> None:
        assert is_another(GUEST, ANNA | {missing: None}, BORIS)

    @pytest.mark.parametrize("known", ["email", "phone", "x_date_of_birth"])
    def test_two_are_not(self, known: str) -> None:
        assert not is_another(GUEST, ANNA, {name: BORIS[name] for name in ("name", known)})


def test_a_payment_without_a_transaction_may_have_been_moved_to_another_booking() -> None:
    assert not is_another(PAYMENT, PAID, PAID_AGAIN | {"x_external_transaction_id": None})


@pytest.mark.parametrize("verify", [False, True])
def test_another_stay_of_another_guest_is_a_question_and_nothing_is_written(world: World, *, verify: bool) -> None:
    before, agreed = dict(order(world)), world.state.kept["booking", "b1"]
    world.orders(booking("b1", 2, lines=[room("7", 5.0)], **ANOTHER), verify=verify)
    asked = question(world)
    guests = {row[SYNC_KEY_FIELD]: row["id"] for row in world.odoo.rows("res.partner")}
    assert asked.base == asked.odoo == NO_TRANSITIONS | {"partner_id": guests["hotel.guest.g1"]}
    assert asked.external == ANOTHER | {"partner_id": guests["hotel.guest.g2"]}
    assert (world.odoo.writes(), order(world)) == ([], before)
    assert world.state.kept["booking", "b1"] == agreed


def test_guest_and_dates_that_move_under_one_reference_are_an_update(world: World) -> None:
    world.orders(booking("b1", 2, lines=[room("1")], **ANOTHER | {"client_order_ref": "R-1"}))
    assert world.state.outcomes[-1].outcome is Outcome.UPDATED
    assert order(world)["x_check_in_date"] == "2026-09-10"


def test_it_is_asked_again_in_every_run_until_the_source_says_what_it_said_before(world: World) -> None:
    for _ in range(2):
        world.orders(booking("b1", 2, lines=[room("1")], **ANOTHER), verify=True)
        assert question(world).code == ID_REUSED
    world.orders(booking("b1", 3, lines=[room("1")], **NO_TRANSITIONS), verify=True)
    assert (world.state.outcomes[-1].outcome, world.state.outcomes[-1].compared) == (Outcome.UNCHANGED, True)


def test_the_answer_that_it_is_the_same_takes_the_values_over(world: World) -> None:
    reused = booking("b1", 2, lines=[room("1")], **ANOTHER)
    world.orders(reused)
    world.state.answers = {("booking", "b1"): [answer(question(world))]}
    world.orders(reused)
    assert (world.state.outcomes[-1].outcome, world.state.outcomes[-1].compared) == (Outcome.UPDATED, True)
    assert order(world)["client_order_ref"] == "R-2"
    world.state.answers = {}
    world.orders(reused, verify=True)
    assert (world.state.outcomes[-1].outcome, world.odoo.writes()) == (Outcome.UNCHANGED, [])


def test_an_answer_does_not_hold_for_a_third_stay(world: World) -> None:
    world.orders(booking("b1", 2, lines=[room("1")], **ANOTHER))
    world.state.answers = {("booking", "b1"): [answer(question(world))]}
    world.orders(booking("b1", 3, lines=[room("1")], **ANOTHER | {"client_order_ref": "R-3"}))
    assert question(world).external["client_order_ref"] == "R-3"


def test_to_retry_is_no_answer_as_long_as_nothing_was_mended(world: World) -> None:
    reused = booking("b1", 2, lines=[room("1")], **ANOTHER)
    world.orders(reused)
    world.state.answers = {("booking", "b1"): [answer(question(world), "retry")]}
    world.orders(reused)
    assert question(world).code == ID_REUSED


def test_once_the_former_order_was_deleted_in_odoo_the_new_stay_gets_its_own(world: World) -> None:
    former = order(world)["id"]
    world.orders(booking("b1", 2, lines=[room("1")], **ANOTHER))
    world.odoo.call("sale.order", "action_cancel", [former])
    world.odoo.unlink("sale.order.line", [each["id"] for each in world.odoo.rows("sale.order.line")])
    world.odoo.unlink("sale.order", [former])
    world.orders(booking("b1", 2, lines=[room("1")], **ANOTHER), verify=True)
    assert world.state.outcomes[-1].outcome is Outcome.CREATED
    assert order(world)["client_order_ref"] == "R-2"


def test_where_the_state_was_lost_it_is_odoos_order_that_is_compared(world: World) -> None:
    world.state.kept = {key: record for key, record in world.state.kept.items() if key[0] != "booking"}
    world.orders(booking("b1", 2, lines=[room("1")], **ANOTHER))
    assert (question(world).base["client_order_ref"], order(world)["client_order_ref"]) == (None, "R-1")


def test_what_a_person_has_moved_in_odoo_already_is_an_update(world: World) -> None:
    guests = {row[SYNC_KEY_FIELD]: row["id"] for row in world.odoo.rows("res.partner")}
    world.odoo.tables["sale.order"][order(world)["id"]]["partner_id"] = guests["hotel.guest.g2"]
    world.orders(booking("b1", 2, lines=[room("1")], **ANOTHER))
    assert world.state.outcomes[-1].outcome is Outcome.UPDATED


class TestAGuest:
    @pytest.fixture
    def world(self, world: World) -> World:
        world.guests(guest("g1", 2, **ANNA))
        return world

    def test_of_whom_nothing_is_the_same_is_a_question(self, world: World) -> None:
        world.guests(guest("g1", 3, **BORIS))
        asked = question(world)
        assert (asked.external, asked.odoo) == (BORIS, ANNA)
        assert "Anna Berg" in {row["name"] for row in world.odoo.rows("res.partner")}

    def test_is_not_the_customer_of_anything_until_that_is_decided(self, world: World) -> None:
        world.guests(guest("g1", 3, **BORIS))
        asked = question(world)
        world.orders(booking("b2", lines=[room("1")], **NO_TRANSITIONS))
        row = world.state.outcomes[-1]
        assert (row.outcome, row.field, row.code) == (Outcome.REJECTED, "partner_id", "missing_reference")
        world.state.answers = {("guest", "g1"): [answer(asked)]}
        world.guests(guest("g1", 3, **BORIS))
        world.state.answers = {}
        world.orders(booking("b2", lines=[room("1")], **NO_TRANSITIONS))
        assert world.state.outcomes[-1].outcome is Outcome.CREATED

    def test_who_was_adopted_by_a_persons_answer_is_not_asked_about_again(self, world: World) -> None:
        world.guests(guest("g1", 3, **ANNA | {"name": "Anna Holm", "email": "holm@example.com", "phone": "+43111222"}))
        assert world.state.outcomes[-1].outcome is Outcome.UPDATED


def test_a_payment_of_another_booking_and_transaction_keeps_its_record() -> None:
    world = AccountsWorld().with_bookings("b1", "b2")
    world.payments(payment("p1"))
    [before] = [dict(row) for row in world.odoo.rows("account.payment")]
    other = replace(payment("tx2", 2, booking="b2"), external_id="p1")
    world.payments(other, verify=True)
    assert world.state.outcomes[-1].code == ID_REUSED
    assert [dict(row) for row in world.odoo.rows("account.payment")] == [before]

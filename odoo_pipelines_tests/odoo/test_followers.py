"""What Odoo keeps or dates otherwise, after a row was written, is told with the row."""

from __future__ import annotations

import pytest

from odoo_pipelines.systems.records import SEALED, Outcome, RowOutcome
from odoo_pipelines_tests.engine.accounts import LOCK, PAYMENT, AccountsWorld, payment
from odoo_pipelines_tests.engine.fakes import Fault, KilledError
from odoo_pipelines_tests.engine.sales import booking, guest

KEPT = (
    "partner_id: posted payments keep the former partner; in Odoo reset them to draft, change it, and post them again"
)


@pytest.fixture
def world() -> AccountsWorld:
    world = AccountsWorld().with_bookings("b1", "b2")
    world.guests(guest("g2"))
    return world


def last(world: AccountsWorld) -> RowOutcome:
    return world.state.outcomes[-1]


class TestTheGuestOfAPaidBooking:
    def test_an_order_that_gets_another_guest_tells_of_its_payments(self, world: AccountsWorld) -> None:
        world.payments(payment(), payment("tx-2", booking="b2"))
        world.orders(booking("b1", 2, partner_id="g2"))
        assert (last(world).outcome, last(world).warnings) == (Outcome.UPDATED, (KEPT,))

    def test_without_payments_or_another_guest_nothing_is_asked_or_told(self, world: AccountsWorld) -> None:
        world.orders(booking("b1", 2, partner_id="g2"))
        assert last(world).warnings == ()
        world.payments(payment())
        world.orders(booking("b1", 3, partner_id="g2", client_order_ref="x"))
        assert (last(world).warnings, [call for call in world.odoo.calls if call.model == PAYMENT]) == ((), [])

    def test_the_payment_itself_is_a_question_and_is_never_rewritten(self, world: AccountsWorld) -> None:
        world.payments(payment())
        world.orders(booking("b1", 2, partner_id="g2"))
        for row, verify in ((payment(), True), (payment(at=2, x_payment_gateway="new"), False)):
            world.payments(row, verify=verify)
            assert [(each.field, each.code) for each in last(world).conflicts] == [("partner_id", SEALED)]
        assert all("partner_id" not in str(call.sent) for call in world.odoo.writes())

        world.odoo.tables[PAYMENT][1]["partner_id"] = world.odoo.rows("sale.order")[0]["partner_id"]
        world.payments(payment(at=2, x_payment_gateway="new"), verify=True)
        assert last(world).outcome is Outcome.UNCHANGED

    def test_contacts_that_were_merged_are_no_difference(self, world: AccountsWorld) -> None:
        world.payments(payment())
        survivor = world.odoo.seed("res.partner", name="Survivor")
        for row in (world.odoo.tables["sale.order"][1], world.odoo.tables[PAYMENT][1]):
            row["partner_id"] = survivor
        world.payments(payment(), verify=True)
        assert last(world).outcome is Outcome.UNCHANGED

    def test_a_partner_that_a_person_gave_the_payment_stays(self, world: AccountsWorld) -> None:
        world.payments(payment())
        world.odoo.tables[PAYMENT][1]["partner_id"] = world.odoo.seed("res.partner", name="Company")
        world.payments(payment(), verify=True)
        assert last(world).outcome is Outcome.UNCHANGED


class TestAClosedPeriod:
    def close(self, world: AccountsWorld, day: str) -> None:
        world.odoo.tables["res.company"][world.odoo.company][LOCK] = day

    def test_a_payment_of_a_closed_day_tells_the_day_of_its_entry(self, world: AccountsWorld) -> None:
        self.close(world, "2026-08-31")
        world.payments(payment(date="2026-08-15"))
        assert last(world).outcome is Outcome.CREATED
        assert last(world).warnings == (
            "date: 2026-08-15 is closed in Odoo (up to 2026-08-31); the entry is dated 2026-11-30",
        )
        world.payments(payment(date="2026-08-15"), verify=True)
        assert last(world).warnings == ()

    @pytest.mark.parametrize(
        ("closed", "day"), [("", "2026-08-15"), ("1-01-01", "2026-08-15"), ("2026-08-31", "2026-09-01")]
    )
    def test_an_open_day_is_not_looked_at(self, world: AccountsWorld, closed: str, day: str) -> None:
        self.close(world, closed)
        world.payments(payment(date=day))
        assert last(world).warnings == ()
        assert [call for call in world.odoo.calls if call.model == "account.move"] == []

    def test_a_run_that_died_after_posting_does_not_keep_it_back(self, world: AccountsWorld) -> None:
        self.close(world, "2026-08-31")
        world.odoo.after.append(Fault("action_post", KilledError()))
        with pytest.raises(KilledError):
            world.payments(payment(date="2026-08-15"))
        world.payments(payment(date="2026-08-15"), resumed=True)
        assert len(last(world).warnings) == 1

"""Records that were known under another key are found again, given to the row that agrees, and never made twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from odoo_pipelines.engine.destination import FORMER_DIFFERS
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, XMLID_MODULE
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.policies import DeletedPolicy, FlowPolicies
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_tests.engine.accounts import PAYMENT, AccountsWorld, failed, payment, refund
from odoo_pipelines_tests.engine.fakes import Fault, KilledError, Row
from odoo_pipelines_tests.engine.sales import hashed


@pytest.fixture
def world() -> AccountsWorld:
    return AccountsWorld().with_bookings("b1", "b2")


def before(transaction: str = "tx", **values: Any) -> MappedRow:
    """A payment as it was known when its transaction alone was the key."""
    row = payment(transaction, **values)
    return replace(row, external_id=f"transaction:{transaction}")


def now(own: str, transaction: str = "tx", at: float = 2, **values: Any) -> MappedRow:
    """A payment as it is known now."""
    row = payment(transaction, at, **values)
    booking = values.get("booking", "b1")
    former = (f"booking:{booking}/{transaction}", f"transaction:{transaction}")
    return hashed(replace(row, external_id=own, former=former))


def ours(world: AccountsWorld) -> list[tuple[str, Any, float]]:
    return [(row[SYNC_KEY_FIELD], row["x_related_booking_id"], row["amount"]) for row in rows(world)]


def rows(world: AccountsWorld) -> list[Row]:
    return sorted(world.odoo.rows(PAYMENT), key=lambda row: int(row["id"]))


def test_the_former_sync_key_is_that_of_the_first_version(world: AccountsWorld) -> None:
    world.payments(before())
    assert ours(world) == [("hotel.payment.tx", "b1", 100.0)]


@pytest.mark.parametrize("verify", [False, True])
def test_a_record_gets_its_new_key_with_one_write_and_nothing_is_written_again(
    world: AccountsWorld, *, verify: bool
) -> None:
    world.payments(before())
    world.payments(now("p1"), verify=verify)
    [call] = world.odoo.writes()
    assert call.sent == {SYNC_KEY_FIELD: "hotel.payment.id.p1"}
    assert ours(world) == [("hotel.payment.id.p1", "b1", 100.0)]
    assert (world.state.outcomes[-1].outcome, world.state.outcomes[-1].renamed) == (Outcome.UPDATED, "transaction:tx")
    assert list(world.state.kept) == [("guest", "g1"), ("booking", "b1"), ("booking", "b2"), ("payment", "p1")]
    world.payments(now("p1"), verify=True)
    assert world.odoo.writes() == []


@pytest.mark.parametrize("order", [("p1", "p2"), ("p2", "p1")])
@pytest.mark.parametrize("at_once", [True, False])
def test_of_two_that_were_one_the_one_of_the_booking_keeps_it_and_the_other_is_made(
    world: AccountsWorld, order: tuple[str, str], *, at_once: bool
) -> None:
    world.payments(before(), before(booking="b2", at=3))  # the last one's booking was written
    both = {"p1": now("p1"), "p2": now("p2", at=3, booking="b2")}
    some = [both[each] for each in order]
    for chunk in [some] if at_once else [[each] for each in some]:
        world.payments(*chunk, verify=True)
    assert sorted(ours(world)) == [("hotel.payment.id.p1", "b1", 100.0), ("hotel.payment.id.p2", "b2", 100.0)]
    assert rows(world)[0][SYNC_KEY_FIELD] == "hotel.payment.id.p2"
    world.payments(*both.values(), verify=True)
    assert world.odoo.writes() == []


@pytest.mark.parametrize("order", [("p1", "p2"), ("p2", "p1")])
def test_two_of_one_booking_are_told_apart_by_their_amounts(world: AccountsWorld, order: tuple[str, str]) -> None:
    world.payments(before(amount=30.0))
    both = {"p1": now("p1", amount=30.0), "p2": now("p2", amount=70.0)}
    world.payments(*(both[each] for each in order), verify=True)
    assert ours(world) == [("hotel.payment.id.p1", "b1", 30.0), ("hotel.payment.id.p2", "b1", 70.0)]


def test_two_that_are_equal_are_two(world: AccountsWorld) -> None:
    world.payments(before())
    world.payments(now("p1"), now("p2"))
    assert [key for key, *_ in ours(world)] == ["hotel.payment.id.p1", "hotel.payment.id.p2"]


def test_another_amount_is_a_question_and_makes_no_second_payment(world: AccountsWorld) -> None:
    world.payments(before())
    world.payments(now("p1", amount=120.0), verify=True)
    [conflict] = world.state.outcomes[-1].conflicts
    assert (conflict.code, len(rows(world))) == (FORMER_DIFFERS, 1)
    world.odoo.tables[PAYMENT][1]["amount"] = 120.0
    world.payments(now("p1", amount=120.0), verify=True)
    assert ours(world) == [("hotel.payment.id.p1", "b1", 120.0)]


def test_killed_between_odoo_and_the_state_it_is_finished(world: AccountsWorld) -> None:
    world.payments(before())
    world.odoo.after.append(Fault("write", KilledError()))
    with pytest.raises(KilledError):
        world.payments(now("p1"), now("p2", booking="b2"))
    assert ("payment", "transaction:tx") in world.state.kept
    world.payments(now("p2", booking="b2"), now("p1"), resumed=True)
    assert sorted(ours(world)) == [("hotel.payment.id.p1", "b1", 100.0), ("hotel.payment.id.p2", "b2", 100.0)]
    assert ("payment", "transaction:tx") not in world.state.kept
    world.payments(now("p2", booking="b2"), now("p1"), verify=True)
    assert world.odoo.writes() == []


def test_a_key_that_odoo_refuses_is_written_by_the_next_run(world: AccountsWorld) -> None:
    world.payments(before())
    world.odoo.before.append(Fault("write", KilledError()))
    with pytest.raises(KilledError):
        world.payments(now("p1"))
    world.payments(now("p1"))
    assert ours(world) == [("hotel.payment.id.p1", "b1", 100.0)]


@pytest.mark.parametrize("forget", [True, False])
def test_without_the_state_and_after_a_restore_of_odoo_it_is_found_by_its_former_sync_key(
    world: AccountsWorld, *, forget: bool
) -> None:
    world.payments(before())
    if forget:
        world.state.kept = {key: each for key, each in world.state.kept.items() if key[0] != "payment"}
    else:
        world.payments(now("p1"))
        world.odoo.tables[PAYMENT][1][SYNC_KEY_FIELD] = "hotel.payment.tx"
    world.payments(now("p1"), verify=True)
    assert ours(world) == [("hotel.payment.id.p1", "b1", 100.0)]


def test_one_whose_key_was_emptied_is_proven_by_its_xmlid(world: AccountsWorld) -> None:
    world.payments(before())
    assert world.odoo.xmlids[f"{XMLID_MODULE}.hotel.payment.tx"] == (PAYMENT, 1)
    world.odoo.tables[PAYMENT][1][SYNC_KEY_FIELD] = False
    world.payments(now("p1"))
    assert ours(world) == [("hotel.payment.id.p1", "b1", 100.0)]


@pytest.mark.parametrize("policy", DeletedPolicy)
def test_one_that_was_deleted_in_odoo_is_treated_by_the_policy(world: AccountsWorld, policy: DeletedPolicy) -> None:
    world.payments(before())
    del world.odoo.tables[PAYMENT][1]
    world.policies = FlowPolicies(deleted=policy)
    world.payments(now("p1"))
    assert len(rows(world)) == (1 if policy is DeletedPolicy.RECREATE else 0)


def test_an_older_version_does_not_take_it_over(world: AccountsWorld) -> None:
    world.payments(before(at=5, x_payment_gateway="new"))
    world.payments(now("p1", at=2, x_payment_gateway="old"))
    assert (world.state.outcomes[-1].outcome, world.odoo.writes()) == (Outcome.SUPERSEDED, [])
    world.payments(now("p1", at=5, x_payment_gateway="new"))
    assert ours(world) == [("hotel.payment.id.p1", "b1", 100.0)]


def test_an_id_that_equals_the_transaction_of_another_payment_touches_nothing_of_it(world: AccountsWorld) -> None:
    world.payments(before("p2"))
    world.payments(now("p2", "tx-2", booking="b2"), now("p1", "p2"))
    assert ours(world) == [("hotel.payment.id.p1", "b1", 100.0), ("hotel.payment.id.p2", "b2", 100.0)]


def test_a_refund_goes_along_and_one_that_is_taken_back_is_found(world: AccountsWorld) -> None:
    world.payments(before(), replace(refund("tx"), external_id="transaction:tx"))
    both = now("p1"), hashed(replace(now("p1", payment_type="outbound"), entity="refund"))
    world.payments(*both, verify=True)
    assert [key for key, *_ in ours(world)] == ["hotel.payment.id.p1", "hotel.refund.id.p1"]
    assert len(world.odoo.writes()) <= 2


def test_a_failed_one_that_was_posted_under_its_former_key_is_a_question(world: AccountsWorld) -> None:
    world.payments(before())
    gone = hashed(replace(failed("tx", 2), external_id="p1", former=("transaction:tx",)))
    world.payments(gone, verify=True)
    assert [each.field for each in world.state.outcomes[-1].conflicts] == ["state"]


class TestRefundsOfAll:
    def test_whether_the_payment_was_seen_before_or_not_the_same_is_left(self, world: AccountsWorld) -> None:
        """The PMS says that 30 were refunded, and nothing else; 100 had come in, or nobody had seen it."""
        partial = payment("tx", 2, amount=30.0), hashed(replace(refund("tx", 2), follows="payment"))
        partial = (partial[0], hashed(replace(partial[1], values={**partial[1].values, "amount": 30.0})))
        never = AccountsWorld().with_bookings("b1", "b2")
        never.payments(*partial)
        world.payments(payment("tx", 1, amount=100.0))
        world.payments(*partial)
        for each, amount in ((never, 30.0), (world, 100.0)):
            assert [row["amount"] for row in rows(each)] == [amount, amount]
            each.payments(*partial, verify=True)
            assert each.odoo.writes() == []
        assert [each.field for outcome in world.state.outcomes for each in outcome.conflicts][:1] == ["amount"]


def test_one_that_was_found_with_another_customer_than_the_orders_keeps_it_with_a_warning(world: AccountsWorld) -> None:
    world.payments(before())
    world.state.kept = {key: record for key, record in world.state.kept.items() if key[0] != "payment"}
    agency = world.odoo.seed("res.partner", name="Agency")
    [found] = rows(world)
    world.odoo.tables[PAYMENT][found["id"]]["partner_id"] = agency
    world.payments(now("p1"))
    assert [each.partition(":")[0] for each in world.state.outcomes[-1].warnings] == ["partner_id"]
    assert rows(world)[0]["partner_id"] == agency

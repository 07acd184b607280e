"""Every payment is posted once and marked, wherever a run dies and whatever answer is lost; or a person is told why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, get_args

import pytest

from odoo_pipelines.errors import ExternalRequestError, ExternalUnavailableError, OdooTransientError
from odoo_pipelines.pipeline.posting import CHUNK
from odoo_pipelines.pipeline.posting_delivery import ATTEMPTS
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_tests.engine.fakes import KilledError
from odoo_pipelines_tests.engine.posting_world import ANN, BOB, CASH, USD, Effect, Recognises, World

EFFECTS_OF_TWO = 16
"""begin, begun, post, posted, done, was done for each; mark, marked, commit, committed for both."""
KINDS = get_args(Recognises)


class TestOnce:
    def test_a_payment_is_posted_and_marked(self) -> None:
        world = World()
        world.payment(7)
        world.run()
        assert world.pms.payments == [
            {
                "id": 1,
                "booking_id": "b1",
                "amount": 120.5,
                "transaction_id": "PBNK1/2026/00007",
                "payment_method": "bank_transfer",
                "paid_at": "2026-03-01T00:00:00Z",
            }
        ]
        held = world.held(7)
        assert held["x_external_synced"] is True
        assert held["x_external_transaction_id"] == "PBNK1/2026/00007"
        assert held["x_sync_key"] == f"pms.payment.id.booking%3A{held['x_related_booking_id']}%2FPBNK1%2F2026%2F00007"
        assert world.ended() == {"PBNK1/2026/00007": Outcome.CREATED}

    def test_a_second_run_finds_nothing_to_do(self) -> None:
        world = World()
        world.payment(7)
        world.run()
        assert world.capture() == []

    def test_cash_is_told_from_money_in_the_bank(self) -> None:
        world = World()
        world.payment(7, journal_id=CASH)
        world.run()
        assert world.pms.payments[0]["payment_method"] == "cash"

    def test_more_than_a_chunk_is_sent_in_one_run(self) -> None:
        world = World()
        for number in range(CHUNK + 1):
            world.payment(100 + number)
        counts = world.run().counts
        assert counts.by_outcome[Outcome.CREATED] == counts.extracted == CHUNK + 1
        assert world.happened.count("commit") == 2

    def test_rows_of_one_payment_in_two_batches_are_one_message(self) -> None:
        world = World()
        world.payment(7)
        first = world.capture()
        world.change(7, amount=99.0)
        counts = world.run([*first, *world.capture()]).counts
        assert [payment["amount"] for payment in world.pms.payments] == [99.0]
        assert counts.balanced
        assert counts.by_outcome[Outcome.SUPERSEDED] == 1


@pytest.mark.parametrize("recognises", KINDS)
class TestDeaths:
    @pytest.mark.parametrize("number", range(EFFECTS_OF_TWO))
    def test_a_run_that_dies_anywhere_is_made_up_for_by_the_next(self, recognises: Recognises, number: int) -> None:
        world = World(recognises)
        world.payment(7)
        world.payment(8, "b2", partner_id=BOB)
        world.deaths = {number}
        assert world.run_until_alive(world.capture()) == 1
        assert_told_once(world, 7, 8)

    @pytest.mark.parametrize("gap", range(1, 6))
    def test_so_is_one_that_dies_again_while_it_looks(self, recognises: Recognises, gap: int) -> None:
        world = World(recognises)
        world.payment(7)
        world.deaths = {3, 3 + gap}  # after it was posted, and again
        assert world.run_until_alive(world.capture()) == 2
        assert_told_once(world, 7)

    @pytest.mark.parametrize("lost", ["post", "posted"])
    def test_a_lost_answer_is_looked_up(self, recognises: Recognises, lost: str) -> None:
        world = World(recognises)
        world.payment(7)
        world.losses = {lost: 1}
        world.run()
        assert_told_once(world, 7)
        assert world.happened.count("look") == 1
        assert world.ended() == {"PBNK1/2026/00007": Outcome.CREATED}

    def test_while_the_pms_is_down_runs_fail_and_afterwards_it_gets_everything_once(
        self, recognises: Recognises
    ) -> None:
        world = World(recognises)
        for number in (7, 8, 9):
            world.payment(number)
        rows = world.capture()
        world.losses = {"posted": 1, "look": 3}
        for _ in range(3):
            with pytest.raises(ExternalUnavailableError):
                world.run(rows)
        world.run(rows)
        assert_told_once(world, 7, 8, 9)


def assert_told_once(world: World, *odoo_ids: int) -> None:
    names = [f"PBNK1/2026/{odoo_id:05}" for odoo_id in odoo_ids]
    assert sorted(payment["transaction_id"] for payment in world.pms.payments) == names
    assert all(world.held(odoo_id)["x_external_synced"] for odoo_id in odoo_ids)
    assert world.capture() == []


class TestDoubt:
    def test_it_looks_from_the_time_that_was_noted_before_the_post(self) -> None:
        world = World()
        world.payment(7)
        world.deaths = {3}
        world.run_until_alive(world.capture())
        assert world.pms.asked == [world.state.postings[7][0].look_since]

    def test_one_walk_is_enough_for_all_that_is_in_doubt(self) -> None:
        world = World("nothing")
        world.payment(7)
        world.payment(8)
        rows = world.capture()
        world.deaths = {3, 10}  # each after its post
        world.run_until_alive(rows)
        assert world.happened.count("look") <= 2
        assert_told_once(world, 7, 8)

    def test_a_server_that_lists_nothing_is_posted_to_again_with_the_same_key(self) -> None:
        world = World("key")
        world.pms.lists = False
        world.payment(7)
        world.deaths = {3}
        world.run_until_alive(world.capture())
        assert_told_once(world, 7)
        assert world.ended() == {"PBNK1/2026/00007": Outcome.UNCHANGED}

    def test_a_pms_that_refuses_to_be_looked_at_ends_the_run_and_blames_no_payment(self) -> None:
        world = World()
        world.payment(7)
        rows = world.capture()
        world.losses = {"posted": 1}
        world.pms.listed = _refuse_to_list  # type: ignore[method-assign]
        with pytest.raises(ExternalRequestError):
            world.run(rows)
        assert world.state.outcomes == []

    def test_the_tries_are_bounded_and_wait_in_between(self) -> None:
        world = World()
        world.payment(7)
        world.losses = {"post": 99}
        with pytest.raises(ExternalUnavailableError):
            world.run()
        assert world.happened.count("post") == ATTEMPTS
        assert len(world.slept) == ATTEMPTS - 1

    def test_what_got_through_is_marked_even_if_the_pms_then_goes_down(self) -> None:
        world = World()
        world.payment(7)
        world.payment(8)
        rows = world.capture()
        world.pms.effect = _down_from_the_second_post(world)
        with pytest.raises(ExternalUnavailableError):
            world.run(rows)
        assert world.held(7)["x_external_synced"] is True
        assert world.held(8)["x_external_synced"] is False

    def test_what_odoo_could_not_be_told_is_only_marked_by_the_next_run(self) -> None:
        world = World("nothing")
        world.payment(7)
        rows = world.capture()
        world.odoo.effect = _odoo_down
        with pytest.raises(OdooTransientError):
            world.run(rows)
        world.odoo.effect = lambda _: None
        world.run(rows)
        assert_told_once(world, 7)
        assert world.ended() == {"PBNK1/2026/00007": Outcome.UNCHANGED}
        assert world.happened.count("post") == 1


def _down_from_the_second_post(world: World) -> Effect:
    def effect(name: str) -> None:
        world.happened.append(name)
        if world.happened.count("post") > 1 or (name == "look"):
            raise ExternalUnavailableError("refused")

    return effect


def _refuse_to_list(since: datetime | None) -> Iterator[Any]:
    raise ExternalRequestError("GET was refused with 400", status=400)


def _odoo_down(_: str) -> None:
    raise OdooTransientError("no answer")


class TestPeopleInBetween:
    @pytest.mark.parametrize("state", ["draft", "canceled"])
    def test_a_payment_that_was_taken_back_before_it_was_sent_is_not_sent(self, state: str) -> None:
        world = World()
        world.payment(7)
        rows = world.capture()
        world.change(7, state=state)
        world.run(rows)
        assert world.pms.payments == []
        assert world.ended() == {"PBNK1/2026/00007": Outcome.SUPERSEDED}

    @pytest.mark.parametrize("state", ["draft", "canceled"])
    @pytest.mark.parametrize("death", [3, 5])
    def test_one_that_was_taken_back_after_it_got_through_is_left_to_a_person(self, state: str, death: int) -> None:
        world = World("nothing")
        world.payment(7)
        rows = world.capture()
        world.deaths = {death}
        with pytest.raises(KilledError):
            world.run(rows)
        world.change(7, state=state)
        world.run(rows)
        assert world.rejected() == {"PBNK1/2026/00007": "withdrawn"}
        assert len(world.pms.payments) == 1

    def test_when_it_is_posted_again_it_is_only_marked(self) -> None:
        world = World("nothing")
        world.payment(7)
        rows = world.capture()
        world.deaths = {3}
        with pytest.raises(KilledError):
            world.run(rows)
        world.change(7, state="draft")
        world.run(rows)
        world.change(7, state="in_process")
        world.run()
        assert_told_once(world, 7)

    def test_one_that_was_changed_after_it_got_through_is_left_to_a_person(self) -> None:
        world = World("nothing")
        world.payment(7)
        rows = world.capture()
        world.deaths = {3}
        with pytest.raises(KilledError):
            world.run(rows)
        world.change(7, amount=99.0)
        world.run(rows)
        assert world.rejected() == {"PBNK1/2026/00007": "other_record"}
        assert world.held(7)["x_external_synced"] is False

    def test_one_that_got_another_name_after_it_got_through_is_not_sent_a_second_time(self) -> None:
        world = World("nothing")
        world.payment(7)
        rows = world.capture()
        world.deaths = {3}
        with pytest.raises(KilledError):
            world.run(rows)
        world.change(7, name="PCSH1/2026/00001")
        world.run(rows)
        assert world.rejected() == {"PCSH1/2026/00001": "renamed"}
        assert len(world.pms.payments) == 1

    def test_the_newest_version_is_sent(self) -> None:
        world = World()
        world.payment(7)
        rows = world.capture()
        world.change(7, amount=99.0)
        world.run(rows)
        assert [payment["amount"] for payment in world.pms.payments] == [99.0]


class TestRejected:
    def test_the_pms_says_why_it_refuses(self) -> None:
        world = World()
        world.payment(7, "b9")
        world.run()
        [outcome] = world.state.outcomes
        assert (outcome.outcome, outcome.code, outcome.reason) == (
            Outcome.REJECTED,
            "refused_with_404",
            "no such booking",
        )
        assert not outcome.transient
        assert world.held(7)["x_external_synced"] is False

    def test_one_that_is_refused_does_not_hold_up_the_others(self) -> None:
        world = World()
        world.payment(7, "b9")
        world.payment(8)
        report = world.run()
        assert (report.counts.by_outcome[Outcome.CREATED], report.counts.by_outcome[Outcome.REJECTED]) == (1, 1)

    def test_another_payment_under_the_same_transaction_id_is_not_taken_for_ours(self) -> None:
        world = World()
        taken = {"id": 1, "booking_id": "b2", "amount": 5.0, "transaction_id": "PBNK1/2026/00007"}
        world.pms.payments.append(taken)
        world.pms.keys.append("other")
        world.payment(7)
        world.run()
        assert world.rejected() == {"PBNK1/2026/00007": "other_record"}
        assert world.held(7)["x_external_synced"] is False

    def test_a_payment_in_another_currency_than_its_order_is_not_sent(self) -> None:
        world = World()
        world.payment(7, currency_id=USD)
        world.run()
        assert world.rejected() == {"PBNK1/2026/00007": "other_currency"}
        assert world.pms.payments == []

    @pytest.mark.parametrize("booking", ["..", " "])
    def test_a_booking_that_no_url_can_name_is_told_apart_from_one_that_is_not_there(self, booking: str) -> None:
        world = World()
        world.payment(7, booking)
        world.run()
        assert world.rejected() == {"PBNK1/2026/00007": "invalid_id"}

    def test_a_payment_without_a_name_has_no_transaction_id(self) -> None:
        world = World()
        world.payment(7, name=False)
        world.run()
        [outcome] = world.state.outcomes
        assert outcome.code == "missing_value"


class TestNeverSent:
    def test_what_came_in_from_the_pms(self) -> None:
        world = World()
        world.payment(7, x_sync_key="pms.payment.tx-1")
        world.payment(8)
        world.odoo.xmlids = {8: "__odoo_pipelines__.pms.payment.tx-2"}  # somebody has emptied its sync key
        world.run()
        assert world.pms.payments == []

    @pytest.mark.parametrize(
        "values",
        [
            {"payment_type": "outbound"},
            {"partner_type": "supplier"},
            {"state": "draft"},
            {"x_related_booking_id": False},
            {"x_external_synced": True},
        ],
    )
    def test_what_is_no_posted_payment_of_a_booking_s_customer(self, values: dict[str, Any]) -> None:
        world = World()
        world.payment(7, **values)
        assert world.capture() == []


class TestTwoIntegrationsInOneOdoo:
    def test_each_sends_its_own_though_the_bookings_have_the_same_id(self) -> None:
        world = World()
        world.alone = False
        world.order(3, "b1", BOB, integration="beach")
        world.payment(7, partner_id=ANN)
        world.payment(8, partner_id=BOB)
        world.run()
        assert [payment["transaction_id"] for payment in world.pms.payments] == ["PBNK1/2026/00007"]
        assert world.ended()["PBNK1/2026/00008"] is Outcome.SUPERSEDED

    def test_a_booking_of_the_other_one_alone_is_not_ours(self) -> None:
        world = World()
        world.order(3, "b3", ANN, integration="beach")
        world.payment(7, "b3")
        world.run()
        assert world.pms.payments == []
        assert world.rejected() == {}

    def test_one_of_which_no_order_tells_waits_for_it(self) -> None:
        world = World()
        world.alone = False
        world.payment(7, "b3")
        world.run()
        [outcome] = world.state.outcomes
        assert (outcome.code, outcome.transient) == ("missing_reference", True)
        assert world.pms.payments == []

    def test_where_the_customer_does_not_tell_them_apart_a_person_does(self) -> None:
        world = World()
        world.order(3, "b1", ANN, integration="beach")
        world.payment(7)
        world.run()
        assert world.rejected() == {"PBNK1/2026/00007": "ambiguous_reference"}

    def test_an_integration_alone_in_its_odoo_sends_what_no_order_tells_of(self) -> None:
        world = World()
        world.payment(7, "b3")
        world.run()
        assert_told_once(world, 7)


class TestAfterARestoreOfOdoo:
    """Ids and names are given out again, while the state and the PMS still know the payments that had them."""

    def lost(self, odoo_id: int = 7, **values: Any) -> World:
        """A payment was sent, came back, and is no longer in Odoo."""
        world = World()
        world.payment(odoo_id, **values)
        world.run()
        del world.odoo.tables["account.payment"][odoo_id]
        return world

    def test_a_new_payment_with_the_id_of_a_lost_one_is_sent(self) -> None:
        world = self.lost()
        world.payment(7, "b2", name="PCSH1/2026/00001", amount=80.0, partner_id=BOB)
        world.run()
        assert [(each["booking_id"], each["amount"]) for each in world.pms.payments] == [("b1", 120.5), ("b2", 80.0)]
        assert world.held(7)["x_external_transaction_id"] == "PCSH1/2026/00001"

    @pytest.mark.parametrize("odoo_id", [7, 8])
    @pytest.mark.parametrize("values", [{"amount": 80.0}, {"x_related_booking_id": "b2", "partner_id": BOB}])
    def test_one_with_its_name_is_never_taken_for_it(self, odoo_id: int, values: dict[str, Any]) -> None:
        world = self.lost()
        world.payment(odoo_id, **{"name": "PBNK1/2026/00007", **values})
        world.run()
        assert world.rejected() == {"PBNK1/2026/00007": "other_record"}
        assert world.held(odoo_id)["x_external_synced"] is False
        assert world.held(odoo_id)["x_sync_key"] is False
        assert len(world.pms.payments) == 1

    @pytest.mark.parametrize("odoo_id", [7, 8])
    def test_the_same_payment_that_was_registered_again_is_marked_and_not_sent_again(self, odoo_id: int) -> None:
        world = self.lost()
        world.payment(odoo_id, name="PBNK1/2026/00007")
        world.run()
        assert world.ended() == {"PBNK1/2026/00007": Outcome.UNCHANGED}
        assert world.held(odoo_id)["x_external_synced"] is True
        assert len(world.pms.payments) == 1

    @pytest.mark.parametrize("odoo_id", [7, 8])
    def test_what_the_pms_has_lost_as_well_is_sent(self, odoo_id: int) -> None:
        world = self.lost()
        world.pms.payments.clear()
        world.pms.keys.clear()
        world.payment(odoo_id, name="PBNK1/2026/00007", amount=80.0)
        world.run()
        assert [each["amount"] for each in world.pms.payments] == [80.0]
        assert world.held(odoo_id)["x_external_synced"] is True

    def test_a_mark_that_the_backup_lost_is_set_again(self) -> None:
        world = World()
        world.payment(7)
        before = world.odoo.tables["account.payment"][7]
        world.run()
        world.odoo.tables["account.payment"][7] = before
        world.run()
        assert_told_once(world, 7)

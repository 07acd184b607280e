"""Payments in: one transaction makes one payment, posted once with its entry, and never rewritten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.errors import OdooTransientError
from odoo_pipelines.systems.policies import DeletedPolicy, FlowPolicies, Policy
from odoo_pipelines.systems.records import SEALED, Outcome, Resolution, RowOutcome
from odoo_pipelines_tests.engine.accounts import PAYMENT, AccountsWorld, failed, no_refund, payment, refund
from odoo_pipelines_tests.engine.fakes import Call, Fault, KilledError

POSTED = "in_process"


@pytest.fixture
def world() -> AccountsWorld:
    return AccountsWorld().with_bookings("b1", "b2")


def last(world: AccountsWorld) -> RowOutcome:
    return world.state.outcomes[-1]


def in_the_books(world: AccountsWorld) -> list[tuple[str, float, bool]]:
    """Sync key and amount of every payment, and whether it is posted with an entry of the same amount."""
    return [
        (
            row[SYNC_KEY_FIELD],
            row["amount"],
            row["state"] == POSTED and world.odoo.tables[PAYMENT][row["id"]]["entry"]["amount"] == row["amount"],
        )
        for row in world.odoo.rows(PAYMENT)
    ]


class TestANewPayment:
    def test_it_has_what_its_order_has_and_is_posted_with_its_entry(self, world: AccountsWorld) -> None:
        world.payments(payment())

        order = world.odoo.rows("sale.order")[0]
        row = world.payment()
        assert (row["partner_id"], row["currency_id"]) == (order["partner_id"], order["currency_id"])
        assert row["memo"] == f"{order['name']} - tx-1"
        assert row["journal_id"] == world.journal("BNK1")
        assert in_the_books(world) == [("hotel.payment.id.tx-1", 100.0, True)]

    def test_orders_are_read_once_for_all_payments(self, world: AccountsWorld) -> None:
        world.payments(*(payment(f"tx-{number}", booking=f"b{number % 2 + 1}") for number in range(20)))

        assert [call.method for call in world.odoo.calls if call.model == "sale.order"] == ["search_read", "read"]
        assert {row["memo"] for row in world.odoo.rows(PAYMENT)} >= {"S00001 - tx-2", "S00002 - tx-3"}

    def test_a_currency_that_the_pms_names_counts_more_than_that_of_the_order(self, world: AccountsWorld) -> None:
        world.payments(payment(currency_id="USD"))
        currencies = {row["id"]: row["name"] for row in world.odoo.rows("res.currency")}
        assert currencies[world.payment()["currency_id"]] == "USD"

    @pytest.mark.parametrize(
        ("values", "field", "said"),
        [
            ({"journal_id": "code/BNK9"}, "journal_id", "Odoo has no account.journal with code 'BNK9'; create"),
            ({"journal_id": "code/SAL"}, "journal_id", "no account.journal with code 'SAL'"),
            ({"journal_id": "type/credit"}, "journal_id", "no account.journal with type 'credit'"),
            ({"currency_id": "guest/g1"}, "currency_id", "no res.currency with name 'guest/g1'"),
            ({"currency_id": "XAU"}, "currency_id", "no res.currency with name 'XAU'; activate the currency"),
        ],
    )
    def test_what_odoo_lacks_is_named_with_the_cure(
        self, world: AccountsWorld, values: dict[str, Any], field: str, said: str
    ) -> None:
        world.payments(payment(**values))
        assert (last(world).outcome, last(world).field, last(world).transient) == (Outcome.REJECTED, field, False)
        assert said in last(world).reason
        assert world.odoo.rows(PAYMENT) == []

    def test_without_its_order_it_waits_and_the_others_get_through(self, world: AccountsWorld) -> None:
        world.payments(payment("tx-1", booking="unknown"), payment("tx-2"))

        assert world.state.outcome_of("tx-1") == [Outcome.REJECTED]
        waiting = next(each for each in world.state.outcomes if each.external_id == "tx-1")
        assert (waiting.code, waiting.transient) == ("missing_reference", True)
        assert in_the_books(world) == [("hotel.payment.id.tx-2", 100.0, True)]

    def test_odoo_refuses_a_negative_amount(self, world: AccountsWorld) -> None:
        world.payments(payment(amount=-1.0))
        assert last(world).code == "refused_by_odoo"
        assert "negative" in last(world).reason


class TestTheSamePayment:
    def test_again_it_needs_no_request(self, world: AccountsWorld) -> None:
        world.payments(payment())
        world.payments(payment(), payment(at=2))
        assert world.odoo.calls == []

    def test_a_verifying_run_writes_nothing(self, world: AccountsWorld) -> None:
        world.payments(payment(), refund())
        report = world.payments(payment(), refund(), verify=True)
        assert world.odoo.writes() == []
        assert report.counts.by_outcome[Outcome.UNCHANGED] == 2

    def test_two_versions_of_one_are_one_payment(self, world: AccountsWorld) -> None:
        world.payments(payment(at=1), payment(at=2))
        assert in_the_books(world) == [("hotel.payment.id.tx-1", 100.0, True)]

    def test_another_partner_date_or_journal_changes_nothing_of_it(self, world: AccountsWorld) -> None:
        world.payments(payment())
        world.payments(payment(at=2, date="2026-03-01", journal_id="type/cash", booking="b2"))
        assert [call.sent for call in world.odoo.writes()] == [{"x_related_booking_id": "b2"}]
        assert last(world).outcome is Outcome.UPDATED

    def test_its_own_fields_are_written_although_it_is_posted(self, world: AccountsWorld) -> None:
        world.payments(payment())
        world.payments(payment(at=2, x_payment_gateway="stripe"))
        assert world.payment()["x_payment_gateway"] == "stripe"
        assert [call.method for call in world.odoo.writes()] == ["write"]

    def test_one_that_odoo_has_reconciled_counts_as_posted(self, world: AccountsWorld) -> None:
        world.payments(payment())
        world.odoo.tables[PAYMENT][1]["state"] = "paid"
        world.payments(payment(), verify=True)
        assert (last(world).outcome, world.odoo.writes()) == (Outcome.UNCHANGED, [])


class TestWhatIsPosted:
    @pytest.mark.parametrize("policy", [Policy.LATEST_WINS, Policy.EXTERNAL_WINS, Policy.MANUAL])
    def test_a_differing_amount_is_a_conflict_and_nothing_is_written(
        self, world: AccountsWorld, policy: Policy
    ) -> None:
        world.payments(payment())
        world.policies = FlowPolicies(policy)
        world.payments(payment(at=2, amount=90.0, currency_id="USD"))

        assert world.odoo.writes() == []
        assert last(world).outcome is Outcome.CONFLICT
        asked = {each.field: each for each in last(world).conflicts}
        assert asked.keys() == {"amount", "currency_id"}
        amount = asked["amount"]
        assert (amount.code, amount.base, amount.external, amount.odoo) == (SEALED, 100.0, 90.0, 100.0)
        assert "correct it in Odoo and retry" in amount.reason

    def test_what_may_be_written_goes_through_beside_it(self, world: AccountsWorld) -> None:
        world.payments(payment())
        world.payments(payment(at=2, amount=90.0, x_payment_gateway="stripe"))
        assert [call.sent for call in world.odoo.writes()] == [{"x_payment_gateway": "stripe"}]
        assert [each.field for each in last(world).conflicts] == ["amount"]

    def test_the_answer_odoo_settles_it(self, world: AccountsWorld) -> None:
        self.ask(world)
        self.answer(world, "odoo")
        world.payments(payment(at=2, amount=90.0))
        assert (last(world).outcome, last(world).conflicts) == (Outcome.UNCHANGED, ())
        assert world.odoo.writes() == []

    def test_the_answer_external_cannot_be_applied_and_is_asked_anew(self, world: AccountsWorld) -> None:
        self.ask(world)
        self.answer(world, "external")
        world.payments(payment(at=2, amount=90.0))
        assert [each.code for each in last(world).conflicts] == [SEALED]
        assert world.odoo.writes() == []

    def test_corrected_in_odoo_and_retried_it_is_over(self, world: AccountsWorld) -> None:
        self.ask(world)
        self.answer(world, "retry")
        world.odoo.tables[PAYMENT][1]["amount"] = 90.0
        world.payments(payment(at=2, amount=90.0))
        assert (last(world).outcome, last(world).conflicts, last(world).compared) == (Outcome.UNCHANGED, (), True)

    def test_retried_without_a_correction_it_is_asked_anew(self, world: AccountsWorld) -> None:
        self.ask(world)
        self.answer(world, "retry")
        world.payments(payment(at=2, amount=90.0))
        assert [each.code for each in last(world).conflicts] == [SEALED]

    def test_taken_back_to_draft_and_retried_it_is_written(self, world: AccountsWorld) -> None:
        self.ask(world)
        self.answer(world, "retry")
        world.odoo.tables[PAYMENT][1]["state"] = "draft"
        world.payments(payment(at=2, amount=90.0))
        assert (world.payment()["amount"], world.payment()["state"]) == (90.0, "draft")

    def test_an_amount_that_people_corrected_in_odoo_stays(self, world: AccountsWorld) -> None:
        world.payments(payment())
        world.odoo.tables[PAYMENT][1]["amount"] = 95.0
        world.payments(payment(), verify=True)
        assert (last(world).outcome, world.odoo.writes()) == (Outcome.UNCHANGED, [])

    def test_one_that_people_took_back_to_draft_is_left_to_them(self, world: AccountsWorld) -> None:
        world.payments(payment())
        world.odoo.tables[PAYMENT][1]["state"] = "draft"
        world.payments(payment(), verify=True)
        assert (last(world).outcome, world.odoo.writes()) == (Outcome.UNCHANGED, [])

    def test_a_draft_is_still_written(self, world: AccountsWorld) -> None:
        """Its process died before it was posted; then the amount changed."""
        world.odoo.before.append(Fault("action_post", KilledError()))
        with pytest.raises(KilledError):
            world.payments(payment())
        world.payments(payment(at=2, amount=90.0))
        assert in_the_books(world) == [("hotel.payment.id.tx-1", 90.0, True)]

    @staticmethod
    def ask(world: AccountsWorld) -> None:
        world.payments(payment())
        world.payments(payment(at=2, amount=90.0))

    @staticmethod
    def answer(world: AccountsWorld, choice: Literal["external", "odoo", "retry"]) -> None:
        [asked] = last(world).conflicts
        resolution = Resolution(asked.field, choice, None, asked.external, asked.odoo)
        world.state.answers = {("payment", "tx-1"): [resolution]}


class TestRefundsAndFailures:
    def test_a_refund_is_a_payment_of_its_own(self, world: AccountsWorld) -> None:
        world.payments(payment(), refund())
        assert in_the_books(world) == [("hotel.payment.id.tx-1", 100.0, True), ("hotel.refund.id.tx-1", 100.0, True)]
        assert (world.payment()["payment_type"], world.payment("refund")["payment_type"]) == ("inbound", "outbound")

    def test_a_refund_that_comes_later_leaves_the_payment_alone(self, world: AccountsWorld) -> None:
        world.payments(payment())
        before = world.payment()
        world.payments(payment(at=2), refund(at=2))
        assert world.payment() == before
        assert len(in_the_books(world)) == 2

    def test_a_refund_that_is_taken_back_is_a_conflict_and_counts_for_no_row(self, world: AccountsWorld) -> None:
        world.payments(payment(), refund())
        report = world.payments(payment(at=2), no_refund(at=2))
        assert (report.counts.extracted, report.counts.by_outcome[Outcome.UNCHANGED]) == (1, 1)
        assert world.odoo.writes() == []
        [asked] = last(world).conflicts
        assert (last(world).entity, asked.field, asked.external, asked.odoo) == ("refund", "state", "cancel", "posted")

    @pytest.mark.parametrize("verify", [False, True])
    def test_one_that_failed_makes_none_and_only_a_full_run_looks_for_it(
        self, world: AccountsWorld, *, verify: bool
    ) -> None:
        report = world.payments(failed(), verify=verify)
        assert (report.counts.by_outcome[Outcome.UNCHANGED], world.odoo.rows(PAYMENT)) == (1, [])
        assert bool(world.odoo.calls) is verify

    def test_a_full_run_finds_one_that_failed_and_that_the_state_does_not_know(self, world: AccountsWorld) -> None:
        world.payments(payment())
        world.state.kept.clear()
        world.payments(failed(at=2), verify=True)
        assert [each.field for each in last(world).conflicts] == ["state"]

    def test_one_that_failed_after_it_was_posted_is_a_conflict(self, world: AccountsWorld) -> None:
        world.payments(payment())
        world.payments(failed(at=2))
        assert world.odoo.writes() == []
        [asked] = last(world).conflicts
        assert (asked.field, asked.code, asked.external, asked.odoo) == ("state", SEALED, "cancel", "posted")

    def test_one_that_people_cancelled_meanwhile_is_no_conflict_any_more(self, world: AccountsWorld) -> None:
        world.payments(payment())
        world.payments(failed(at=2))
        world.odoo.tables[PAYMENT][1]["state"] = "canceled"
        world.payments(failed(at=2), verify=True)
        assert (last(world).outcome, last(world).conflicts) == (Outcome.UNCHANGED, ())

    def test_a_draft_of_one_that_failed_is_cancelled_and_posted_when_it_gets_through(
        self, world: AccountsWorld
    ) -> None:
        world.odoo.before.append(Fault("action_post", KilledError()))
        with pytest.raises(KilledError):
            world.payments(payment())
        world.payments(failed(at=2), verify=True, resumed=True)
        assert world.payment()["state"] == "canceled"
        world.payments(payment(at=3))
        assert in_the_books(world) == [("hotel.payment.id.tx-1", 100.0, True)]

    @pytest.mark.parametrize("policy", DeletedPolicy)
    def test_one_that_failed_is_never_made_again(self, world: AccountsWorld, policy: DeletedPolicy) -> None:
        world.payments(payment())
        del world.odoo.tables[PAYMENT][1]
        world.policies = FlowPolicies(deleted=policy)
        world.payments(failed(at=2))
        assert (last(world).outcome, world.odoo.rows(PAYMENT)) == (Outcome.UNCHANGED, [])

    def test_failed_and_received_in_one_chunk_keep_their_order(self, world: AccountsWorld) -> None:
        world.payments(failed(at=1), payment(at=2))
        assert in_the_books(world) == [("hotel.payment.id.tx-1", 100.0, True)]


class TestTheEcho:
    """What was registered in Odoo and sent out comes back with its name for a transaction id."""

    @pytest.fixture
    def name(self, world: AccountsWorld) -> str:
        partner = world.odoo.rows("sale.order")[0]["partner_id"]
        euro = world.odoo.rows("sale.order")[0]["currency_id"]
        made = world.odoo.seed(
            PAYMENT,
            payment_type="inbound",
            partner_type="customer",
            partner_id=partner,
            amount=100.0,
            currency_id=euro,
            journal_id=world.journal("CSH1"),
            x_related_booking_id="b1",
        )
        world.odoo.call(PAYMENT, "action_post", [made])
        return str(world.odoo.rows(PAYMENT)[0]["name"])

    def test_it_is_adopted_and_nothing_but_its_own_fields_is_written(self, world: AccountsWorld, name: str) -> None:
        world.payments(payment(name, x_payment_gateway="erp"))
        [call] = world.odoo.writes()
        assert call.sent == {
            SYNC_KEY_FIELD: world.payment(external_id=name.replace("/", "%2F"))[SYNC_KEY_FIELD],
            "x_external_transaction_id": name,
            "x_payment_gateway": "erp",
            "x_external_synced": True,
        }
        assert len(world.odoo.rows(PAYMENT)) == 1
        assert last(world).warnings == ()

    def test_it_keeps_another_customer_than_the_orders_with_a_warning_once(
        self, world: AccountsWorld, name: str
    ) -> None:
        agency = world.odoo.seed("res.partner", name="Agency")
        world.odoo.tables[PAYMENT][1]["partner_id"] = agency
        world.payments(payment(name))
        assert [each.partition(":")[0] for each in last(world).warnings] == ["partner_id"]
        assert (last(world).outcome, world.odoo.tables[PAYMENT][1]["partner_id"]) == (Outcome.UPDATED, agency)
        world.payments(payment(name), verify=True)
        assert (last(world).outcome, last(world).warnings) == (Outcome.UNCHANGED, ())

    def test_money_that_went_out_under_this_name_is_another_payment(self, world: AccountsWorld, name: str) -> None:
        world.odoo.tables[PAYMENT][1]["payment_type"] = "outbound"
        world.payments(payment(name))
        assert [row["payment_type"] for row in world.odoo.rows(PAYMENT)] == ["outbound", "inbound"]

    def test_a_cancelled_one_of_the_same_name_is_not_it(self, world: AccountsWorld, name: str) -> None:
        """Odoo gives the number of a payment that was reset and cancelled to the next one, and leaves it its name."""
        world.odoo.seed(PAYMENT, **world.odoo.tables[PAYMENT][1] | {"state": "canceled"})
        world.payments(payment(name))
        assert [bool(row[SYNC_KEY_FIELD]) for row in world.odoo.rows(PAYMENT)] == [True, False]

    def test_a_refund_of_it_is_another_payment(self, world: AccountsWorld, name: str) -> None:
        world.payments(payment(name), refund(name))
        assert [row["payment_type"] for row in world.odoo.rows(PAYMENT)] == ["inbound", "outbound"]

    @pytest.mark.parametrize("other", [{"amount": 90.0}, {"booking": "b2"}])
    def test_of_another_amount_or_booking_it_is_another_payment(
        self, world: AccountsWorld, name: str, other: dict[str, Any]
    ) -> None:
        """After a restore Odoo has given the name of the one that was sent to a new one, which must still be sent."""
        world.payments(payment(name, **other))
        assert [bool(row[SYNC_KEY_FIELD]) for row in world.odoo.rows(PAYMENT)] == [False, True]
        assert not world.odoo.rows(PAYMENT)[0].get("x_external_synced")
        assert world.odoo.rows(PAYMENT)[0]["amount"] == 100.0


class TestCrashes:
    ROWS = (payment("tx-1"), payment("tx-2", booking="b2"), refund("tx-2", booking="b2"), failed("tx-3"))
    DONE = (
        ("hotel.payment.id.tx-1", 100.0, True),
        ("hotel.payment.id.tx-2", 100.0, True),
        ("hotel.refund.id.tx-2", 100.0, True),
    )

    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("method", ["load", "action_post"])
    def test_killed_and_started_again_every_payment_is_posted_once(
        self, world: AccountsWorld, method: str, when: str
    ) -> None:
        getattr(world.odoo, when).append(Fault(method, KilledError()))
        with pytest.raises(KilledError):
            world.payments(*self.ROWS)
        world.payments(*self.ROWS, resumed=True)
        assert in_the_books(world) == list(self.DONE)
        assert self.posted(world.odoo.calls) <= 3

    def test_killed_before_the_commit_nothing_is_written_again(self, world: AccountsWorld) -> None:
        world.state.before.append(Killer())
        with pytest.raises(KilledError):
            world.payments(*self.ROWS)
        world.state.before.clear()
        world.payments(*self.ROWS, resumed=True)
        assert world.odoo.writes() == []
        assert in_the_books(world) == list(self.DONE)

    @pytest.mark.parametrize("method", ["load", "action_post"])
    def test_a_lost_answer_is_looked_up_and_nothing_is_posted_twice(self, world: AccountsWorld, method: str) -> None:
        world.odoo.after.append(Fault(method, OdooTransientError("lost")))
        world.payments(*self.ROWS)
        assert in_the_books(world) == list(self.DONE)
        assert self.posted(world.odoo.calls) == 3

    def test_a_draft_is_not_loaded_again_and_keeps_its_entry(self, world: AccountsWorld) -> None:
        """A second `load`, or a write of partner or journal, would let Odoo post it without one."""
        world.odoo.before.append(Fault("action_post", KilledError()))
        with pytest.raises(KilledError):
            world.payments(*self.ROWS)
        world.payments(*self.ROWS, resumed=True)
        assert [call.method for call in world.odoo.writes()] == ["action_post"]

    @staticmethod
    def posted(calls: list[Call]) -> int:
        return sum(len(call.ids) for call in calls if call.method == "action_post")


class Killer:
    """The process dies."""

    def __call__(self) -> None:
        raise KilledError


def test_the_fields_of_another_row_are_no_part_of_the_memo(world: AccountsWorld) -> None:
    braces = replace(payment("{amount}"), external_id="{amount}")
    world.payments(braces)
    [row] = world.odoo.rows(PAYMENT)
    assert row["memo"] == "S00001 - {amount}"

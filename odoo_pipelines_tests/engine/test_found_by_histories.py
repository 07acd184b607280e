"""What the histories of the ledgers have found, kept as plain tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.payment_keys import former_keys
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_tests.engine.accounts import PAYMENT, AccountsWorld, failed, payment
from odoo_pipelines_tests.engine.fakes import KilledError
from odoo_pipelines_tests.engine.posting_world import Recognises, World

NAME = "PBNK1/2026/00007"


@pytest.fixture
def echo() -> tuple[AccountsWorld, int]:
    """A payment that was registered in Odoo, sent and marked; the PMS's own row of it has not come back yet."""
    world = AccountsWorld().with_bookings("b1")
    order = world.odoo.rows("sale.order")[0]
    made = world.odoo.seed(
        PAYMENT,
        payment_type="inbound",
        partner_type="customer",
        partner_id=order["partner_id"],
        amount=100.0,
        currency_id=order["currency_id"],
        journal_id=world.journal("BNK1"),
        x_external_transaction_id=NAME,
        x_related_booking_id="b1",
        x_external_synced=True,
        **{SYNC_KEY_FIELD: "hotel.payment.PBNK1%2F2026%2F00007"},
    )
    world.odoo.call(PAYMENT, "action_post", [made])
    return world, made


@pytest.mark.parametrize(
    ("row", "code", "fields"),
    [
        (payment("9001", at=-9, amount=50.0), "former_record_differs", ["*"]),
        (failed("9001", at=-9), "sealed", ["state"]),
    ],
    ids=["amount", "state"],
)
def test_an_echo_that_the_pms_has_changed_meanwhile_is_a_question_although_the_mark_is_newer(
    echo: tuple[AccountsWorld, int], row: MappedRow, code: str, fields: list[str]
) -> None:
    world, made = echo
    back = replace(row, former=former_keys("9001", NAME, "b1"))
    for _ in range(2):
        world.payments(back, verify=True)
        last = world.state.outcomes[-1]
        assert (last.outcome, last.code, [each.field for each in last.conflicts]) == (Outcome.CONFLICT, code, fields)
    assert (world.odoo.tables[PAYMENT][made]["state"], world.odoo.tables[PAYMENT][made]["amount"]) == (
        "in_process",
        100,
    )


@pytest.mark.parametrize("recognises", ["both", "key", "transaction", "nothing"])
def test_a_number_that_odoo_gives_again_is_not_sent_under_the_transaction_of_the_first(recognises: Recognises) -> None:
    world = World(recognises)
    world.payment(1, name=NAME)
    world.run()
    world.change(1, state="canceled")
    world.payment(2, name=NAME)
    world.run()
    assert world.rejected() == {NAME: "key_taken"}
    assert len(world.pms.payments) == 1
    assert world.held(2)[SYNC_KEY_FIELD] is False


@pytest.mark.parametrize(
    ("amount", "rejected", "marked"), [(99.0, {NAME: "other_record"}, False), (120.5, {}, True)], ids=["other", "same"]
)
@pytest.mark.parametrize("recognises", ["both", "key", "transaction", "nothing"])
def test_where_the_first_was_posted_and_never_marked_only_one_of_the_same_amount_is_taken_for_it(
    recognises: Recognises, amount: float, rejected: dict[str, str], *, marked: bool
) -> None:
    world = World(recognises)
    world.payment(1, name=NAME)
    world.deaths = {world_effects_before_mark(world)}
    with pytest.raises(KilledError):
        world.run()
    world.change(1, state="canceled")
    world.payment(2, name=NAME, amount=amount)
    world.run()
    assert world.rejected() == rejected
    assert len(world.pms.payments) == 1
    assert world.held(2)["x_external_synced"] is marked


def world_effects_before_mark(world: World) -> int:
    """The number of the effect at which a first payment would be marked."""
    trial = World(world.pms.recognises)
    trial.payment(1, name=NAME)
    trial.run()
    return trial.happened.index("mark")

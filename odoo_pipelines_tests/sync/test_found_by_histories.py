"""What the histories of the ledgers have found, kept as plain tests."""

from __future__ import annotations

import pytest

from odoo_pipelines.sync.keys import SYNC_KEY_FIELD
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_tests.sync.accounts import PAYMENT, AccountsWorld, failed, payment
from odoo_pipelines_tests.sync.fakes import KilledError
from odoo_pipelines_tests.sync.posting_world import Recognises, World

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
        x_external_synced=True,
        **{SYNC_KEY_FIELD: "hotel.payment.PBNK1%2F2026%2F00007"},
    )
    world.odoo.call(PAYMENT, "action_post", [made])
    return world, made


@pytest.mark.parametrize(
    ("row", "field"),
    [(payment(NAME, at=-9, amount=50.0), "amount"), (failed(NAME, at=-9), "state")],
)
def test_an_echo_that_the_pms_has_changed_meanwhile_is_a_question_although_the_mark_is_newer(
    echo: tuple[AccountsWorld, int], row: MappedRow, field: str
) -> None:
    world, made = echo
    for _ in range(2):
        world.payments(row, verify=True)
        last = world.state.outcomes[-1]
        assert (last.outcome, [each.field for each in last.conflicts]) == (Outcome.CONFLICT, [field])
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


@pytest.mark.parametrize("recognises", ["both", "key", "transaction", "nothing"])
def test_neither_is_it_where_the_first_was_posted_and_never_marked(recognises: Recognises) -> None:
    world = World(recognises)
    world.payment(1, name=NAME)
    world.deaths = {world_effects_before_mark(world)}
    with pytest.raises(KilledError):
        world.run()
    world.change(1, state="canceled")
    world.payment(2, name=NAME)
    world.run()
    assert world.rejected() == {NAME: "key_taken"}
    assert len(world.pms.payments) == 1


def world_effects_before_mark(world: World) -> int:
    """The number of the effect at which a first payment would be marked."""
    trial = World(world.pms.recognises)
    trial.payment(1, name=NAME)
    trial.run()
    return trial.happened.index("mark")

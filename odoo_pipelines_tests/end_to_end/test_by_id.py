"""A payment brings the booking that it is for, whether or not a sync has seen that before."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

BOOKINGS = 20
NOT_YET_BOOKED = f"bk_{BOOKINGS + 1:08}"
PAYMENT = ("partner_id", "amount", "state", "x_external_transaction_id")


@pytest.fixture(scope="module")
def early(site: Site, installation: Installation) -> Any:
    """A hotel whose bookings of earlier months were paid for in this one, the only month that was synced."""
    with open_hotel(BOOKINGS) as hotel:
        installation.connect(hotel, site)
        assert installation.bootstrap().returncode == 0
        for payment in hotel.truth()["payments"]:
            hotel.edit(payment["id"], "payments", gateway="adyen")
        yield hotel


def test_the_booking_of_a_payment_comes_first_and_then_the_payment(
    early: Hotel, installation: Installation, odoo: Odoo
) -> None:
    month = f"{datetime.now(UTC):%Y-%m}-01"
    synced = installation.synced("full", partition=month)
    payments = [each for each in early.truth()["payments"] if each["status"] == "received"]
    older = {each["id"] for each in early.truth()["bookings"] if each["updated_at"] < month}
    assert older & {each["booking_id"] for each in payments}
    assert synced.outcomes() <= {"created", "unchanged"}
    for payment in payments:
        [order] = odoo.rows("sale.order", [("x_external_id", "=", payment["booking_id"])], ["partner_id"])
        [paid] = odoo.rows("account.payment", [("x_external_transaction_id", "=", payment["transaction_id"]),
                                               ("payment_type", "=", "inbound")], PAYMENT)  # fmt: skip
        assert (paid["partner_id"], paid["amount"]) == (order["partner_id"], float(payment["amount"]))
        assert paid["state"] in {"in_process", "paid"}


def test_a_payment_of_a_booking_that_does_not_exist_waits_until_it_does(
    early: Hotel, installation: Installation, odoo: Odoo
) -> None:
    payment = next(each for each in early.truth()["payments"] if each["status"] == "received")
    # Without an id it is known by booking and transaction, and so no payment that is in Odoo already.
    lost = {"id": None, "booking_id": NOT_YET_BOOKED, "transaction_id": "tx-of-a-lost-booking"}
    early.edit(payment["id"], "payments", **lost)
    assert installation.synced("delta").count("payments", "rejected") == 1
    [letter] = installation.rejections(installation.name, "payments")
    assert (letter.code, letter.transient, letter.external_id) == (
        "missing_reference",
        True,
        f"booking:{NOT_YET_BOOKED}/{lost['transaction_id']}",
    )

    assert early.advance(new_bookings=1)["new_bookings"] == [NOT_YET_BOOKED]
    done = installation.run("dead-letters", "replay", "--integration", installation.name, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [each["became"] for each in json.loads(done.stdout)["letters"]] == ["created"]
    assert installation.rejections(installation.name, "payments") == []
    [paid] = odoo.rows("account.payment", [("x_external_transaction_id", "=", lost["transaction_id"])], PAYMENT)
    assert paid["state"] in {"in_process", "paid"}

"""Payments of a hotel in a real Odoo's books: each once, posted with its entry, and never rewritten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from odoo_pipelines_tests.end_to_end.books import Entry, read_books, snapshot, touched
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import KEY, TIMEOUT_SECONDS, Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.people import conflicts, resolve
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.end_to_end.test_rights import DOCUMENTED

pytestmark = pytest.mark.odoo  # what Odoo does by itself in the books is the point

PAYMENT = "account.payment"
JOURNALS = {"Front desk": ("cash", "DESK"), "Cards": ("bank", "CARDS"), "Online": ("bank", "WEB")}
CHOSEN = {"credit_card": "CARDS", "debit_card": "CARDS", "paypal": "WEB", "credit_card/stripe": "WEB"}


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def hotel() -> Iterator[Hotel]:
    with open_hotel(60) as opened:
        yield opened


@pytest.fixture(scope="module")
def installation(installation: Installation, hotel: Hotel, site: Site, odoo: Odoo) -> Installation:
    """Everything is in Odoo already, loaded by a user who may do no more than the documents ask for."""
    for name, (kind, code) in JOURNALS.items():
        odoo.call("account.journal", "create", [{"name": name, "type": kind, "code": code}])
    installation.connect(hotel, site)
    assert installation.bootstrap().returncode == 0
    installation.connect(hotel, site.used_by(site.new_user(*DOCUMENTED)), journals=CHOSEN)
    first = installation.synced("full")
    paid = kept(hotel)
    assert first.count("payments", "created") == len(paid) + len([row for row in paid if row["status"] == "refunded"])
    return installation


def kept(hotel: Hotel, status: str = "") -> list[dict[str, Any]]:
    """The payments that did not fail, or those of one status."""
    found = [row for row in hotel.truth()["payments"] if row["status"] != "failed"]
    return [row for row in found if status in ("", row["status"])]


def payment_of(odoo: Odoo, transaction: str, kind: str = "inbound") -> Entry:
    """The payment of a transaction, as far as it must not change without a reason."""
    names = ["name", "state", "amount", "move_id", "journal_id", "write_date", "x_sync_key", "x_payment_gateway"]
    [found] = odoo.rows(PAYMENT, [("x_external_transaction_id", "=", transaction), ("payment_type", "=", kind)], names)
    return found


def test_every_payment_is_posted_with_its_entry_in_the_right_journal_and_a_second_sync_writes_nothing(
    hotel: Hotel, installation: Installation, odoo: Odoo
) -> None:
    books = read_books(odoo, installation.name)
    assert books.compared_with(expected_books(hotel.truth())) == []
    journals = {key: entry["journal_id"] for key, entry in books.payments.items()}
    assert journals == {row["transaction_id"]: journal_code(row) for row in kept(hotel)}
    assert {"DESK", "CARDS", "WEB", "BNK1"} == set(journals.values())
    assert {key: entry["journal_id"] for key, entry in books.refunds.items()} == {
        row["transaction_id"]: journal_code(row) for row in kept(hotel, "refunded")
    }
    before = snapshot(odoo, installation.name)
    assert installation.synced("full").outcomes() == {"unchanged"}
    assert snapshot(odoo, installation.name) == before


def journal_code(payment: dict[str, Any]) -> str:
    return CHOSEN.get(payment["payment_method"], "DESK" if payment["payment_method"] == "cash" else "BNK1")


def test_a_changed_amount_is_a_conflict_and_nothing_is_written_until_a_person_decides(
    hotel: Hotel, installation: Installation, odoo: Odoo
) -> None:
    one, other = kept(hotel, "received")[:2]
    before = snapshot(odoo, installation.name)
    for row in (one, other):
        hotel.edit(row["id"], "payments", amount=f"{float(row['amount']) + 10:.2f}")
    delta = installation.synced("delta")
    assert delta.count("payments", "conflict") == 2
    assert touched(before, snapshot(odoo, installation.name))[PAYMENT] == set()
    asked = {each["external_id"]: each for each in conflicts(installation, "--flow", "payments")}
    assert {(each["field"], each["code"]) for each in asked.values()} == {("amount", "sealed")}

    resolve(installation, asked[one["id"]], take="odoo")
    correct(odoo, payment_of(odoo, other["transaction_id"]), float(other["amount"]) + 10)
    assert installation.run("conflicts", "resolve", str(asked[other["id"]]["id"]), "--retry").returncode == 0
    before = snapshot(odoo, installation.name)
    delta = installation.synced("delta")
    assert (delta.count("payments", "conflict"), touched(before, snapshot(odoo, installation.name))[PAYMENT]) == (
        0,
        set(),
    )
    assert conflicts(installation, "--flow", "payments") == []
    assert installation.synced("full").outcomes() == {"unchanged"}
    hotel.edit(one["id"], "payments", amount=one["amount"])
    installation.synced("delta")


def correct(odoo: Odoo, payment: Entry, amount: float) -> None:
    """What a bookkeeper does."""
    odoo.call(PAYMENT, "action_draft", [payment["id"]])
    odoo.write(PAYMENT, payment["id"], amount=amount)
    odoo.call(PAYMENT, "action_post", [payment["id"]])


def test_a_refund_goes_out_again_and_leaves_the_payment_alone(
    hotel: Hotel, installation: Installation, odoo: Odoo
) -> None:
    [row, *_] = kept(hotel, "received")[2:]
    before = payment_of(odoo, row["transaction_id"])
    hotel.edit(row["id"], "payments", status="refunded")
    assert installation.synced("delta").count("payments", "created") == 1
    assert payment_of(odoo, row["transaction_id"]) == before
    assert payment_of(odoo, row["transaction_id"], "outbound")["amount"] == before["amount"]
    assert read_books(odoo, installation.name).compared_with(expected_books(hotel.truth())) == []


def test_a_payment_that_fails_later_is_a_question_and_one_that_gets_through_later_is_posted(
    hotel: Hotel, installation: Installation, odoo: Odoo
) -> None:
    [row, *_] = kept(hotel, "received")[3:]
    [late, *_] = [each for each in hotel.truth()["payments"] if each["status"] == "failed"]
    before = payment_of(odoo, row["transaction_id"])
    hotel.edit(row["id"], "payments", status="failed")
    hotel.edit(late["id"], "payments", status="received")
    delta = installation.synced("delta")
    assert (delta.count("payments", "conflict"), delta.count("payments", "created")) == (1, 1)
    assert payment_of(odoo, row["transaction_id"]) == before
    [asked] = conflicts(installation, "--flow", "payments")
    assert (asked["field"], asked["external"], asked["odoo"]) == ("state", "cancel", "posted")

    hotel.edit(row["id"], "payments", status="received")
    installation.synced("full")
    assert conflicts(installation, "--flow", "payments") == []
    assert read_books(odoo, installation.name).compared_with(expected_books(hotel.truth())) == []


def test_what_was_registered_in_odoo_and_told_comes_back_and_is_adopted(
    hotel: Hotel, installation: Installation, odoo: Odoo
) -> None:
    [booking, *_] = hotel.bookings("confirmed")
    [order] = odoo.rows("sale.order", [("x_external_id", "=", booking["id"])], ["partner_id"])
    by_clerk = {"partner_id": order["partner_id"], "amount": 42.5, "x_related_booking_id": booking["id"]}
    made = odoo.call(PAYMENT, "create", by_clerk)
    odoo.call(PAYMENT, "action_post", [made])
    [by_hand] = odoo.rows(PAYMENT, [("id", "=", made)], ["name", "amount", "move_id", "date"])
    tell(hotel, booking["id"], by_hand["name"], by_hand["amount"])

    delta = installation.synced("delta")
    assert (delta.count("payments", "updated"), delta.count("payments", "created")) == (1, 0)
    adopted = payment_of(odoo, by_hand["name"])
    assert (adopted["id"], adopted["move_id"], adopted["state"]) == (made, by_hand["move_id"], "in_process")
    [told] = [row for row in hotel.truth()["payments"] if row["transaction_id"] == by_hand["name"]]
    assert adopted["x_sync_key"] == f"{installation.name}.payment.id.{told['id']}"
    assert installation.synced("full").outcomes() == {"unchanged"}


def tell(hotel: Hotel, booking: str, transaction: str, amount: float) -> None:
    """Records a payment in the PMS, as the flow out of Odoo does."""
    answer = requests.post(
        f"{hotel.url}/bookings/{booking}/payments",
        json={"amount": amount, "transaction_id": transaction},
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=TIMEOUT_SECONDS,
    )
    assert answer.status_code == 201, answer.text

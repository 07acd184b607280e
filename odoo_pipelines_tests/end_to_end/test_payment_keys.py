"""Payments of one transaction are as many in a real Odoo's books; what the first version has left is taken over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from odoo_pipelines.stores.database import connect, migrations
from odoo_pipelines_tests.end_to_end.books import snapshot, touched
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.people import conflicts
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

pytestmark = pytest.mark.odoo  # sync keys, xmlids and posted payments are Odoo's

PAYMENT, XMLID = "account.payment", "ir.model.data"
GROUP = "TX-GROUP"
FIELDS = ["payment_type", "amount", "state", "x_external_transaction_id", "x_related_booking_id", "x_sync_key"]


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def hotel() -> Iterator[Hotel]:
    with open_hotel(16) as opened:
        yield opened


@pytest.fixture(scope="module")
def group(hotel: Hotel) -> list[dict[str, Any]]:
    """Two payments of 50 for two bookings, by one charge of a card."""
    in_usd = {each["id"] for each in hotel.truth()["bookings"] if each["currency"] == "USD"}
    some = [row for row in hotel.truth()["payments"] if row["status"] == "received" and row["booking_id"] in in_usd]
    for row in some[:2]:
        hotel.edit(row["id"], "payments", transaction_id=GROUP, amount=50)
    return [row for row in hotel.truth()["payments"] if row["transaction_id"] == GROUP]


@pytest.fixture(scope="module")
def installation(installation: Installation, hotel: Hotel, site: Site, group: list[dict[str, Any]]) -> Installation:
    """Everything is in Odoo already."""
    assert len(group) == 2
    return installation.filled(hotel, site)


def of_group(odoo: Odoo) -> list[dict[str, Any]]:
    return odoo.rows(PAYMENT, [("x_external_transaction_id", "=", GROUP)], FIELDS)


def test_one_charge_for_two_bookings_is_two_payments_and_a_second_sync_writes_nothing(
    installation: Installation, odoo: Odoo, group: list[dict[str, Any]]
) -> None:
    paid = {(row["x_related_booking_id"], row["amount"], row["state"]) for row in of_group(odoo)}
    assert paid == {(row["booking_id"], 50.0, "in_process") for row in group}
    before = snapshot(odoo, installation.name)
    assert installation.synced("full").outcomes() == {"unchanged"}
    assert snapshot(odoo, installation.name) == before


@pytest.mark.parametrize("mode", ["full", "delta"])
def test_after_an_upgrade_each_is_written_once_and_only_what_was_missing_is_made(
    installation: Installation, odoo: Odoo, hotel: Hotel, group: list[dict[str, Any]], mode: str
) -> None:
    everything = odoo.rows(PAYMENT, [("x_sync_key", "=like", f"{installation.name}.%")], FIELDS)
    lost = next(row for row in of_group(odoo) if row["x_related_booking_id"] == group[0]["booking_id"])
    age(installation, odoo, lost)
    before = snapshot(odoo, installation.name)

    upgraded = installation.synced(mode)
    assert (upgraded.count("payments", "created"), upgraded.count("payments", "conflict")) == (1, 0)
    assert upgraded.count("payments", "updated") >= sum(row["payment_type"] == "inbound" for row in everything) - 1
    assert upgraded.count("orders", "updated") == upgraded.count("partners", "updated") == 0
    after = odoo.rows(PAYMENT, [("x_sync_key", "=like", f"{installation.name}.%")], FIELDS)
    assert sorted(map(plain, after), key=str) == sorted(map(plain, everything), key=str)
    written = touched(before, snapshot(odoo, installation.name))
    # Odoo itself writes to the partner of the payment that is made.
    assert {model for model, keys in written.items() if keys} <= {PAYMENT, "res.partner"}
    assert {(row["x_related_booking_id"], row["amount"]) for row in of_group(odoo)} == {
        (row["booking_id"], 50.0) for row in group
    }
    before = snapshot(odoo, installation.name)
    assert installation.synced("full").outcomes() == {"unchanged"}
    assert snapshot(odoo, installation.name) == before
    assert conflicts(installation, "--flow", "payments") == []
    assert known_as_before(installation) == 0


def plain(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in FIELDS)


def age(installation: Installation, odoo: Odoo, lost: dict[str, Any]) -> None:
    """Leaves Odoo and the state as the first version has: keys of transactions, of equal ones one payment only."""
    name = installation.name
    for action in ("action_draft", "unlink"):
        odoo.call(PAYMENT, action, [lost["id"]])
    keys = {
        row["id"]: f"{name}.{'payment' if row['payment_type'] == 'inbound' else 'refund'}."
        f"{row['x_external_transaction_id']}"
        for row in odoo.rows(PAYMENT, [("x_sync_key", "=like", f"{name}.%")], FIELDS)
    }
    for odoo_id, key in keys.items():
        odoo.write(PAYMENT, odoo_id, x_sync_key=key)
    domain = [("module", "=", "__odoo_pipelines__"), ("model", "=", PAYMENT), ("res_id", "in", list(keys))]
    for row in odoo.rows(XMLID, domain, ["res_id"]):
        odoo.write(XMLID, row["id"], name=keys[row["res_id"]])
    forget = sa.text("delete from odoo_pipelines.record where model = :model and odoo_id = :odoo_id")
    rename = sa.text(
        "update odoo_pipelines.record set external_id = 'transaction:' || (base -> 'values' ->> :transaction) "
        "where model = :model"
    )
    engine = connect(installation.database_url)
    with engine.begin() as connection:
        connection.execute(forget, {"model": PAYMENT, "odoo_id": lost["id"]})
        connection.execute(rename, {"model": PAYMENT, "transaction": "x_external_transaction_id"})
        connection.execute(sa.text("delete from odoo_pipelines.outcome where flow = 'payments'"))
        command.downgrade(migrations(connection), "0006")
    engine.dispose()


def known_as_before(installation: Installation) -> int:
    engine = connect(installation.database_url)
    with engine.connect() as connection:
        query = sa.text("select count(*) from odoo_pipelines.record where external_id like 'transaction:%'")
        found = connection.execute(query).scalar_one()
    engine.dispose()
    return int(found)

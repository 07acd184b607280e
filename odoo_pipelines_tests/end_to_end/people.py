"""What people do in Odoo and at the command line, and the records as they find them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Any

from odoo_pipelines_tests.end_to_end.books import Entry, Snapshot
from odoo_pipelines_tests.end_to_end.hotel import Hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo


def conflicts(installation: Installation, *filters: str) -> list[dict[str, Any]]:
    """As the command line lists them."""
    done = installation.run("conflicts", "list", "--json", *filters)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def deleted_in_odoo(installation: Installation) -> dict[str, dict[str, Any]]:
    """Open questions about deleted orders, by booking."""
    asked = conflicts(installation, "--flow", "orders")
    return {each["external_id"]: each for each in asked if each["code"] == "deleted_in_odoo"}


def resolve(installation: Installation, *answered: dict[str, Any], **answer: str) -> None:
    options = [text for name, value in answer.items() for text in (f"--{name}", value)]
    done = installation.run("conflicts", "resolve", *(str(each["id"]) for each in answered), *options)
    assert done.returncode == 0, done.stderr


def bring_to_the_present(hotel: Hotel) -> None:
    """What the hotel edits next is later than everything in Odoo: its clock moves with its edits only."""
    clock = datetime.fromisoformat(hotel.truth()["clock"])
    hotel.advance(seconds=max(1, ceil((datetime.now(UTC) - clock).total_seconds())))


def invoice(odoo: Odoo, order: Entry, advance_payment_method: str = "delivered", **amount: float) -> int:
    """Makes an invoice as a person does; gives its id."""
    wizard = {"sale_order_ids": [(6, 0, [order["id"]])], "advance_payment_method": advance_payment_method, **amount}
    odoo.call("sale.advance.payment.inv", "create_invoices", odoo.call("sale.advance.payment.inv", "create", [wizard]))
    [row] = odoo.rows("sale.order", [("id", "=", order["id"])], ["invoice_ids"])
    [made] = row["invoice_ids"]
    return int(made)


def all_invoices(odoo: Odoo) -> list[Entry]:
    return odoo.rows("account.move", [("move_type", "=", "out_invoice")], ["state", "amount_total", "write_date"])


def one_room_more(booking: dict[str, Any]) -> list[dict[str, Any]]:
    first, *others = booking["rooms"]
    return [{**first, "quantity": first["quantity"] + 1}, *others]


def belonging_to(found: Snapshot, order: Entry) -> tuple[Entry, Sequence[Entry]]:
    """An order and its lines."""
    lines = found["sale.order.line"].values()
    return found["sale.order"][order["id"]], [each for each in lines if each["order_id"] == order["id"]]


def partner(odoo: Odoo, contact: int) -> Entry:
    names = ["street", "street2", "city", "zip", "x_nationality", "x_loyalty_points"]
    [row] = odoo.rows("res.partner", [("id", "=", contact)], names)
    return {name: row[name] for name in names}


def contact_of(odoo: Odoo, installation: Installation, guest: str) -> Entry:
    key = f"{installation.name}.guest.{guest}"
    [row] = odoo.rows("res.partner", [("x_sync_key", "=", key)], ["active", "x_loyalty_points"])
    return row


def product_of(odoo: Odoo, installation: Installation, room: str) -> Entry:
    key = f"{installation.name}.room_type.{room}"
    [row] = odoo.rows("product.product", [("x_sync_key", "=", key)], ["active", "list_price"])
    return row


def the_order(odoo: Odoo, installation: Installation, booking: dict[str, Any]) -> Entry:
    [order] = orders_of(odoo, installation, booking)
    return order


def orders_of(odoo: Odoo, installation: Installation, booking: dict[str, Any]) -> list[Entry]:
    names = ["order_line", "invoice_ids", "client_order_ref", "note", "state"]
    return odoo.rows("sale.order", [("x_sync_key", "=", f"{installation.name}.booking.{booking['id']}")], names)

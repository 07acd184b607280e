"""What people do in Odoo during the demo: they say how many rooms of some types there are, and take payments."""

from __future__ import annotations

from typing import Any

from odoo_pipelines.clients import odoo_client
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.settings import load_settings

ROOM_TYPES, ROOMS_OF_A_TYPE = 2, 40
"""Few, for the PMS is sent 90 nights of each, in a request of its own."""
PAYMENTS = 5
_BOOKED = (("x_external_id", "!=", False), ("state", "=", "sale"), ("amount_total", ">", 0))


def main() -> None:
    """Works in the Odoo of the environment, which is the demo's."""
    settings = load_settings(needed="pms")
    odoo = settings.integration("pms").connections().odoo
    if odoo is not None:
        work_in_odoo(odoo_client(odoo, settings))


def work_in_odoo(odoo: OdooClient) -> None:
    """Counts the rooms of some types, and registers and posts payments for the newest orders.

    Args:
        odoo: with the records of a first sync in it.

    Raises:
        OdooError: Odoo cannot be reached, or refuses.
    """
    rooms = odoo.search("product.product", [("x_is_room", "=", True)], limit=ROOM_TYPES)
    odoo.write("product.product", rooms, {"x_room_count": ROOMS_OF_A_TYPE})
    fields = ["partner_id", "currency_id", "amount_total", "x_external_id"]
    orders = odoo.search_read("sale.order", _BOOKED, fields, limit=PAYMENTS, order="id desc")
    odoo.call(
        "account.payment", "action_post", odoo.create("account.payment", [_payment_of(order) for order in orders])
    )


def _payment_of(order: dict[str, Any]) -> dict[str, Any]:
    return {
        "payment_type": "inbound",
        "partner_type": "customer",
        "partner_id": order["partner_id"],
        "currency_id": order["currency_id"],
        "amount": order["amount_total"],
        "x_related_booking_id": order["x_external_id"],
    }


if __name__ == "__main__":
    main()

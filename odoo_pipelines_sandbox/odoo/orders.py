"""Sales orders: names, currency, states and the actions that lead from one to the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from odoo_pipelines_sandbox.odoo.behaviours import Behaviour
from odoo_pipelines_sandbox.odoo.domains import search
from odoo_pipelines_sandbox.odoo.env import COMPANY_ID, Env
from odoo_pipelines_sandbox.odoo.errors import user_error
from odoo_pipelines_sandbox.odoo.lines import recompute_total, refresh_lines
from odoo_pipelines_sandbox.odoo.store import Row
from odoo_pipelines_sandbox.odoo.writing import check_exist, write

_MODEL = "sale.order"
_VALID_FOR = timedelta(days=30)


class Orders(Behaviour):
    """sale.order."""

    def prepare(self, env: Env, vals: dict[str, Any]) -> dict[str, Any]:
        """Gives number, date, addresses, pricelist and currency."""
        now = env.db.now()
        today = datetime.fromisoformat(now).date()
        defaults: dict[str, Any] = {
            "date_order": now,
            "validity_date": str(today + _VALID_FOR),
            "user_id": env.uid,
            "partner_id": False,
            "locked": False,
        }
        vals = defaults | vals
        if "pricelist_id" not in vals:
            vals["pricelist_id"] = _default_pricelist(env)
        vals = {"partner_invoice_id": vals["partner_id"], "partner_shipping_id": vals["partner_id"]} | vals
        if vals.get("name", "New") == "New":
            vals["name"] = f"S{env.db.next_number(_MODEL):05d}"
        vals["currency_id"] = _currency(env, vals["pricelist_id"])
        return vals

    def created(self, env: Env, ids: Sequence[int]) -> None:
        """Orders without lines amount to nothing."""
        for order in ids:
            if "amount_total" not in env.row(_MODEL, order):
                recompute_total(env, order)

    def check_write(self, env: Env, ids: Sequence[int], vals: dict[str, Any]) -> dict[str, Any]:
        """The pricelist of a confirmed order stands; the currency is always the pricelist's."""
        if "pricelist_id" in vals and any(env.row(_MODEL, order)["state"] == "sale" for order in ids):
            raise user_error("You cannot change the pricelist of a confirmed order !")
        vals.pop("currency_id", None)
        if "pricelist_id" in vals:
            vals["currency_id"] = _currency(env, vals["pricelist_id"])
        if vals.get("partner_id"):
            vals = {"partner_invoice_id": vals["partner_id"], "partner_shipping_id": vals["partner_id"]} | vals
        return vals

    def written(self, env: Env, before: Mapping[int, Row], vals: dict[str, Any]) -> None:
        """Lines follow their order's state and currency."""
        if not vals.keys().isdisjoint({"state", "currency_id"}):
            for order in before:
                refresh_lines(env, order)

    def check_unlink(self, env: Env, ids: Sequence[int]) -> None:
        """Only drafts and cancelled orders may go."""
        if any(env.row(_MODEL, order)["state"] not in {"draft", "cancel"} for order in ids):
            raise user_error(
                "You can not delete a sent quotation or a confirmed sales order. You must first cancel it."
            )


def action_confirm(env: Env, ids: Sequence[int]) -> bool:
    """Confirms all or none, and sets date_order to now, whatever it was."""
    check_exist(env, _MODEL, ids)
    for order in ids:
        if env.row(_MODEL, order)["state"] not in {"draft", "sent"}:
            raise user_error("Some orders are not in a state requiring confirmation.")
        if any(_lacks_product(env, line) for line in env.table("sale.order.line").lookup("order_id", order)):
            raise user_error("Some order lines are missing a product, you need to correct them before going further.")
    return write(env, _MODEL, ids, {"state": "sale", "date_order": env.db.now()})


def _lacks_product(env: Env, line: int) -> bool:
    row = env.row("sale.order.line", line)
    return not row.get("display_type") and not row.get("product_id")


def action_cancel(env: Env, ids: Sequence[int]) -> bool:
    """Cancels all or none; locked orders refuse."""
    check_exist(env, _MODEL, ids)
    if any(env.row(_MODEL, order).get("locked") for order in ids):
        raise user_error("You cannot cancel a locked order. Please unlock it first.")
    return write(env, _MODEL, ids, {"state": "cancel"})


def action_draft(env: Env, ids: Sequence[int]) -> bool:
    """Brings cancelled and sent orders back to draft and leaves the others."""
    check_exist(env, _MODEL, ids)
    moved = [order for order in ids if env.row(_MODEL, order)["state"] in {"cancel", "sent"}]
    return write(env, _MODEL, moved, {"state": "draft"})


def action_lock(env: Env, ids: Sequence[int]) -> None:
    """Locks orders in any state."""
    write(env, _MODEL, ids, {"locked": True})


def action_unlock(env: Env, ids: Sequence[int]) -> None:
    """Unlocks orders."""
    write(env, _MODEL, ids, {"locked": False})


def _default_pricelist(env: Env) -> int | bool:
    """The first pricelist, once more than one currency is active; before that, orders get none."""
    if len(search(env, env.model("res.currency"), [])) < 2:  # noqa: PLR2004
        return False
    rows = env.table("product.pricelist").rows
    active = (pricelist for pricelist, row in rows.items() if row.get("active"))
    return min(active, key=lambda pricelist: (rows[pricelist].get("sequence") or 0, pricelist), default=False)


def _currency(env: Env, pricelist: Any) -> int:
    owner = env.row("product.pricelist", pricelist) if pricelist else env.row("res.company", COMPANY_ID)
    return int(owner.get("currency_id") or env.row("res.company", COMPANY_ID)["currency_id"])

"""Order lines: prices that reset themselves, taxes, amounts, and what locked or confirmed orders refuse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from odoo_pipelines_sandbox.odoo.behaviours import Behaviour
from odoo_pipelines_sandbox.odoo.env import COMPANY_ID, Env
from odoo_pipelines_sandbox.odoo.errors import user_error, value_error
from odoo_pipelines_sandbox.odoo.naming import display_name
from odoo_pipelines_sandbox.odoo.store import Row
from odoo_pipelines_sandbox.odoo.values import round_half_up

_MODEL = "sale.order.line"
_PROTECTED = ("product_id", "name", "price_unit", "product_uom_id", "product_uom_qty", "tax_ids", "discount")
_RESET_PRICE = frozenset({"product_id", "product_uom_id", "product_uom_qty"})
_AMOUNTS = frozenset({"product_uom_qty", "price_unit", "discount", "tax_ids", "product_id", "order_id"})
_EXPORT_TAX = 3


class OrderLines(Behaviour):
    """sale.order.line."""

    def prepare(self, env: Env, vals: dict[str, Any]) -> dict[str, Any]:
        """Fills in what the product gives: description, unit, price and taxes."""
        order = env.row("sale.order", vals.get("order_id") or 0)
        if not order:
            raise value_error("Expected singleton: sale.order()")
        if vals.get("display_type"):
            vals |= {"product_uom_qty": 0.0, "product_id": False}
        vals = _of_product(env, order, vals.get("product_id")) | _with_technical_price(vals)
        vals |= {"state": order["state"], "currency_id": order["currency_id"]}
        return vals

    def created(self, env: Env, ids: Sequence[int]) -> None:
        """Computes the amounts of the lines and their orders."""
        _recompute(env, ids)

    def check_write(self, env: Env, ids: Sequence[int], vals: dict[str, Any]) -> dict[str, Any]:
        """Confirmed orders keep their products, locked ones most of the line."""
        if "product_id" in vals:
            _check_product(env, ids, vals["product_id"])
        if "price_unit" not in vals:
            vals.pop("technical_price_unit", None)
        _check_locked(env, ids, vals)
        return vals

    def written(self, env: Env, before: Mapping[int, Row], vals: dict[str, Any]) -> None:
        """Odoo's computed fields follow: the product's texts and taxes, and a price that nobody set by hand."""
        for line in before:
            if "product_id" in vals:
                _take_from_product(env, line, vals)
            if "price_unit" not in vals and not _RESET_PRICE.isdisjoint(vals):
                _reset_price(env, line)
        if not _AMOUNTS.isdisjoint(vals):
            _recompute(env, before)
        if "order_id" in vals:
            self.unlinked(env, before)

    def check_unlink(self, env: Env, ids: Sequence[int]) -> None:
        """Lines of confirmed orders stay."""
        rows = [env.row(_MODEL, line) for line in ids]
        if any(row["state"] == "sale" and not row.get("display_type") for row in rows):
            raise user_error(
                "Once a sales order is confirmed, you can't remove one of its lines (we need to track if something "
                "gets invoiced or delivered).\n                Set the quantity to 0 instead."
            )

    def unlinked(self, env: Env, before: Mapping[int, Row]) -> None:
        """The orders that the lines have left amount to less."""
        for order in {row["order_id"] for row in before.values()}:
            if order in env.table("sale.order").rows:
                recompute_total(env, order)


def refresh_lines(env: Env, order: int) -> None:
    """Copies the order's state and currency to its lines and computes all amounts."""
    row = env.row("sale.order", order)
    lines = list(env.table(_MODEL).lookup("order_id", order))
    for line in lines:
        env.table(_MODEL).update(line, {"state": row["state"], "currency_id": row["currency_id"]})
    _recompute(env, lines)
    recompute_total(env, order)


def recompute_total(env: Env, order: int) -> None:
    """Adds the lines up; rounded once at the end, which is Odoo's default (round globally)."""
    exact = [_exact(env, env.row(_MODEL, line)) for line in env.table(_MODEL).lookup("order_id", order)]
    step = _rounding(env, env.row("sale.order", order))
    untaxed = round_half_up(sum(base for base, _ in exact), step)
    tax = round_half_up(sum(tax for _, tax in exact), step)
    total = round_half_up(untaxed + tax, step)
    env.table("sale.order").update(order, {"amount_untaxed": untaxed, "amount_tax": tax, "amount_total": total})


def _recompute(env: Env, lines: Iterable[int]) -> None:
    orders: dict[int, None] = {}
    for line in lines:
        row = env.row(_MODEL, line)
        env.table(_MODEL).update(line, _amounts(env, row))
        orders[row["order_id"]] = None
    for order in orders:
        recompute_total(env, order)


def _amounts(env: Env, row: Mapping[str, Any]) -> dict[str, float]:
    step = _rounding(env, row)
    base, tax = _exact(env, row)
    subtotal = round_half_up(base, step)
    total = round_half_up(subtotal + round_half_up(tax, step), step)
    return {"price_subtotal": subtotal, "price_tax": total - subtotal, "price_total": total}


def _exact(env: Env, row: Mapping[str, Any]) -> tuple[float, float]:
    """Amount without tax, and tax, unrounded."""
    base = row["product_uom_qty"] * row["price_unit"] * (1 - (row.get("discount") or 0.0) / 100)
    rates = (env.row("account.tax", tax)["amount"] for tax in row.get("tax_ids") or ())
    return base, base * sum(rates) / 100


def _rounding(env: Env, row: Mapping[str, Any]) -> float:
    return float(env.row("res.currency", row["currency_id"])["rounding"])


def _with_technical_price(vals: dict[str, Any]) -> dict[str, Any]:
    """A price that comes without its technical twin counts as computed, and will be reset one day."""
    if "price_unit" in vals:
        return {"technical_price_unit": vals["price_unit"]} | vals
    return {name: value for name, value in vals.items() if name != "technical_price_unit"}


def _of_product(env: Env, order: Mapping[str, Any], product: Any) -> dict[str, Any]:
    if not product or product not in env.table("product.product").rows:
        return {"name": False, "price_unit": 0.0, "technical_price_unit": 0.0, "tax_ids": [], "customer_lead": 0.0}
    template = _template(env, product)
    price = template.get("list_price") or 0.0
    description = template.get("description_sale")
    name = display_name(env, "product.product", product)
    return {
        "name": f"{name}\n{description}" if description else name,
        "product_uom_id": template["uom_id"],
        "price_unit": price,
        "technical_price_unit": price,
        "tax_ids": _default_taxes(env, order, template),
        "customer_lead": 0.0,
    }


def _template(env: Env, product: int) -> Mapping[str, Any]:
    return env.row("product.template", env.row("product.product", product)["product_tmpl_id"])


def _default_taxes(env: Env, order: Mapping[str, Any], template: Mapping[str, Any]) -> list[int]:
    """The product's taxes; the generic chart's fiscal position takes them off for customers abroad."""
    country = env.row("res.partner", order["partner_id"]).get("country_id")
    abroad = country and country != env.row("res.company", COMPANY_ID)["country_id"]
    taxes = list(template.get("taxes_id") or ())
    return [_EXPORT_TAX] if abroad and taxes else taxes


def _check_product(env: Env, lines: Sequence[int], product: Any) -> None:
    for line in lines:
        row = env.row(_MODEL, line)
        locked = row["state"] == "sale" and env.row("sale.order", row["order_id"]).get("locked")
        if row.get("product_id") != product and (row["state"] == "cancel" or locked or row.get("qty_delivered")):
            raise user_error("You cannot modify the product of this order line.")


def _check_locked(env: Env, lines: Sequence[int], vals: Mapping[str, Any]) -> None:
    if not any(env.row("sale.order", env.row(_MODEL, line)["order_id"]).get("locked") for line in lines):
        return
    touched = sorted(env.model(_MODEL).fields[name].string for name in _PROTECTED if name in vals)
    if touched:
        raise user_error("It is forbidden to modify the following fields in a locked order:\n" + "\n".join(touched))


def _take_from_product(env: Env, line: int, vals: Mapping[str, Any]) -> None:
    row = env.row(_MODEL, line)
    given = _of_product(env, env.row("sale.order", row["order_id"]), row.get("product_id"))
    taken = {name: given[name] for name in ("name", "tax_ids") if name not in vals}
    if "tax_ids" in taken:
        taken["tax_ids"] = tuple(taken["tax_ids"])
    env.table(_MODEL).update(line, taken)


def _reset_price(env: Env, line: int) -> None:
    row = env.row(_MODEL, line)
    step = _rounding(env, row)
    by_hand = round_half_up(row.get("technical_price_unit") or 0.0, step) != round_half_up(row["price_unit"], step)
    if not by_hand:
        price = (_template(env, row["product_id"]).get("list_price") or 0.0) if row.get("product_id") else 0.0
        env.table(_MODEL).update(line, {"price_unit": price, "technical_price_unit": price})

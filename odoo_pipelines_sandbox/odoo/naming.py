"""display_name of records."""

from __future__ import annotations

from typing import Any

from odoo_pipelines_sandbox.odoo.env import Env


def display_name(env: Env, model: str, record_id: int) -> str | bool:
    """What a record is called where others refer to it; False without a name."""
    row = env.row(model, record_id)
    definition = env.model(model)
    special = _SPECIAL.get(model)
    name = special(env, row) if special else row.get(definition.label)
    return str(name) if name else False


def _product(env: Env, row: Any) -> str:
    name = str(env.row("product.template", row["product_tmpl_id"]).get("name") or "")
    code = row.get("default_code")
    return f"[{code}] {name}" if code else name


def _pricelist(env: Env, row: Any) -> str:
    return f"{row['name']} ({env.row('res.currency', row['currency_id'])['name']})"


def _line(env: Env, row: Any) -> str:
    first_line = str(row.get("name") or "").split("\n", 1)[0]
    return f"{display_name(env, 'sale.order', row['order_id'])} - {first_line}"


def _user(env: Env, row: Any) -> str | bool:
    return display_name(env, "res.partner", row["partner_id"])


def _payment(_env: Env, row: Any) -> str:
    return str(row.get("name") or "Draft Payment")


def _entry(_env: Env, row: Any) -> str:
    name = f"{row.get('name') or ''}{' (' + row['ref'] + ')' if row.get('ref') else ''}"
    return name if row["state"] == "posted" else f"Draft Entry {name}"


def _journal(env: Env, row: Any) -> str:
    currency = env.row("res.currency", row.get("currency_id") or 0)
    return f"{row['name']} ({currency['name']})" if currency else str(row["name"])


def _method_line(env: Env, row: Any) -> str:
    return f"{row['name']} ({env.row('account.journal', row.get('journal_id') or 0).get('name', False)})"


_SPECIAL = {
    "product.product": _product,
    "product.pricelist": _pricelist,
    "sale.order.line": _line,
    "res.users": _user,
    "account.payment": _payment,
    "account.move": _entry,
    "account.journal": _journal,
    "account.payment.method.line": _method_line,
}

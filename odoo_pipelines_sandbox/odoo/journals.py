"""Journals and the ways to pay that belong to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from odoo_pipelines_sandbox.odoo.behaviours import Behaviour
from odoo_pipelines_sandbox.odoo.env import COMPANY_ID, Env
from odoo_pipelines_sandbox.odoo.errors import constraint_violation
from odoo_pipelines_sandbox.odoo.writing import create

MODEL = "account.journal"
METHOD_LINES = "account.payment.method.line"
_METHODS = "account.payment.method"
_CODES: Mapping[str, str] = {"bank": "BNK", "cash": "CSH", "credit": "CCD"}
PAYING = tuple(_CODES)
"""Types of journals that take payments."""
_ACCOUNTS: Mapping[str, str] = {"bank": "1014", "cash": "1015"}
_XMLID_MODULE = "account"
_OUTSTANDING: Mapping[str, str] = {
    "inbound": "account_journal_payment_debit_account_id",
    "outbound": "account_journal_payment_credit_account_id",
}


class Journals(Behaviour):
    """account.journal."""

    def prepare(self, env: Env, vals: dict[str, Any]) -> dict[str, Any]:
        """Gives code and account to a journal that takes payments."""
        kind = vals.get("type")
        if kind in PAYING:
            vals = {"payment_sequence": True, **vals}
            vals["code"] = vals.get("code") or _free_code(env, _CODES[kind])
            vals["default_account_id"] = vals.get("default_account_id") or _default_account(env, kind, vals)
        if env.table(MODEL).lookup("code", vals.get("code") or "-"):
            raise constraint_violation("Journal codes must be unique per company.")
        return vals

    def created(self, env: Env, ids: Sequence[int]) -> None:
        """A journal that takes payments can do so by hand."""
        for journal in ids:
            if env.row(MODEL, journal)["type"] in PAYING:
                vals = [{"payment_method_id": method, "journal_id": journal} for method in env.table(_METHODS).rows]
                create(env.sudo(), METHOD_LINES, vals)


class MethodLines(Behaviour):
    """account.payment.method.line."""

    def prepare(self, env: Env, vals: dict[str, Any]) -> dict[str, Any]:
        """Takes the method's name."""
        return {"name": env.row(_METHODS, vals.get("payment_method_id") or 0).get("name", False), **vals}


def _free_code(env: Env, prefix: str) -> str:
    taken = {row["code"] for row in env.table(MODEL).rows.values()}
    return next(code for number in range(1, 100) if (code := f"{prefix}{number}") not in taken)


def _default_account(env: Env, kind: str, vals: Mapping[str, Any]) -> int:
    if kind == "credit":
        return next(iter(env.table("account.account").lookup("account_type", "liability_credit_card")))
    codes = {row["code"] for row in env.table("account.account").rows.values()}
    code = next(code for number in range(1, 100) if (code := f"{_ACCOUNTS[kind]}{number:02d}") not in codes)
    account = {"name": vals.get("name", False), "code": code, "account_type": "asset_cash"}
    return create(env, "account.account", [account])[0]


def default_journal(env: Env) -> int | bool:
    """The first journal that takes payments."""
    rows = env.table(MODEL).rows
    taking = [journal for journal, row in rows.items() if row["type"] in PAYING and row["active"]]
    return min(taking, key=lambda each: (rows[each]["sequence"], rows[each]["type"], rows[each]["code"]), default=False)


def currency_of(env: Env, journal: Any) -> int:
    """What a journal's payments are in when nothing else is said."""
    own = env.row(MODEL, journal or 0).get("currency_id")
    return int(own or env.row("res.company", COMPANY_ID)["currency_id"])


def method_lines(env: Env, journal: int, payment_type: str) -> list[int]:
    """The journal's ways of taking or making payments, the preferred one first."""
    rows = env.table(METHOD_LINES).rows
    fitting = [
        line
        for line in env.table(METHOD_LINES).lookup("journal_id", journal)
        if env.row(_METHODS, rows[line]["payment_method_id"])["payment_type"] == payment_type
    ]
    return sorted(fitting, key=lambda line: (rows[line]["sequence"], line))


def outstanding_account(env: Env, payment_type: str) -> int:
    """The chart's account for money that is on its way, else the one for transfers between banks."""
    known = env.db.xmlid_target(f"{_XMLID_MODULE}.{COMPANY_ID}_{_OUTSTANDING[payment_type]}")
    return known[1] if known else int(env.row("res.company", COMPANY_ID)["transfer_account_id"])

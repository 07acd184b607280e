"""Journal entries of payments: account.move, as far as payments make, post and reset them. They have no lines here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from odoo_pipelines_sandbox.odoo.behaviours import Behaviour
from odoo_pipelines_sandbox.odoo.env import Env
from odoo_pipelines_sandbox.odoo.errors import user_error, validation_error
from odoo_pipelines_sandbox.odoo.store import Row
from odoo_pipelines_sandbox.odoo.writing import check_exist, create, write

MODEL = "account.move"
_PAYMENTS = "account.payment"
_YEAR = slice(0, 4)
_RANKS = {"asset_receivable": "customer_rank", "liability_payable": "supplier_rank"}


class Entries(Behaviour):
    """account.move."""

    def check_unlink(self, env: Env, ids: Sequence[int]) -> None:
        """What is posted stays, and so does what a posted payment needs."""
        if any(env.row(MODEL, entry)["state"] == "posted" for entry in ids):
            raise user_error(
                "You can't delete a posted journal item. Don’t play games with your accounting records; "  # noqa: RUF001
                "reset the journal entry to draft before deleting it."
            )
        payments = (env.row(_PAYMENTS, each) for entry in ids for each in env.table(_PAYMENTS).lookup("move_id", entry))
        if any(row["state"] not in {"draft", "canceled"} and row["outstanding_account_id"] for row in payments):
            raise validation_error(
                "A payment with an outstanding account cannot be confirmed without having a journal entry."
            )

    def unlinked(self, env: Env, before: Mapping[int, Row]) -> None:
        """Payments forget the entry and keep its name."""
        for entry in before:
            for payment in list(env.table(_PAYMENTS).lookup("move_id", entry)):
                env.table(_PAYMENTS).update(payment, {"move_id": False})


def new_entry(env: Env, payment: int) -> int:
    """A draft entry for a payment."""
    row = env.row(_PAYMENTS, payment)
    vals = {"ref": row.get("memo") or False, "journal_id": row["journal_id"], "origin_payment_id": payment}
    return create(env, MODEL, [{**vals, **copied_values(row)}])[0]


def copied_values(payment: Row) -> dict[str, Any]:
    """What an entry takes from its payment, and takes again as long as it is not posted."""
    names = {"date": "date", "partner_id": "partner_id", "currency_id": "currency_id", "amount_total": "amount"}
    return {name: payment.get(source) or False for name, source in names.items()}


def post(env: Env, entries: Sequence[int]) -> None:
    """Posts drafts and gives them a number; a number that they have already stays."""
    for entry in entries:
        row = env.row(MODEL, entry)
        currency = env.row("res.currency", row["currency_id"])
        if not currency["active"]:
            raise user_error(f"You cannot validate a document with an inactive currency: {currency['name']}")
        write(env, MODEL, [entry], {"state": "posted", "name": _checked_name(row) or _next_name(env, row)})
        _raise_rank(env, row)


def _raise_rank(env: Env, row: Row) -> None:
    """Whoever pays, or is paid, counts for more: partner and company, and both of them count as changed."""
    partners = env.table("res.partner")
    payment = env.row(_PAYMENTS, row["origin_payment_id"])
    account = env.row("account.account", payment["destination_account_id"])
    rank = _RANKS[account["account_type"]]
    partner = int(row.get("partner_id") or 0)
    for each in {partner, int(env.row("res.partner", partner).get("commercial_partner_id") or 0)} - {0}:
        count = (partners.rows[each].get(rank) or 0) + 1
        partners.update(each, {rank: count, "write_date": env.db.now(), "write_uid": env.uid})


def _checked_name(row: Row) -> str:
    name = str(row.get("name") or "")
    year, month, day = row["date"].split("-")
    if name and name.split("/")[1] != year:
        raise validation_error(
            f"The Date ({month}/{day}/{year}) you've entered isn't aligned with the existing sequence number ({name}). "  # noqa: S608
            "Clear the sequence number to proceed.\nTo maintain date-based sequences, select entries and use the "
            "resequence option from the actions menu, available in developer mode."
        )
    return name


def _next_name(env: Env, row: Row) -> str:
    """Numbers are counted per journal and year; one that was freed at the end is given again."""
    journal = env.row("account.journal", row["journal_id"])
    code = f"P{journal['code']}" if journal["payment_sequence"] else journal["code"]
    prefix = "/".join((code, row["date"][_YEAR], ""))
    names = env.table(MODEL)
    number = env.db.next_free_number(prefix, lambda taken: bool(names.lookup("name", f"{prefix}{taken:05d}")))
    return f"{prefix}{number:05d}"


def button_draft(env: Env, ids: Sequence[int]) -> None:
    """Resets posted and cancelled entries, all or none."""
    check_exist(env, MODEL, ids)
    if any(env.row(MODEL, entry)["state"] == "draft" for entry in ids):
        raise user_error("Only posted/cancelled journal entries can be reset to draft.")
    write(env, MODEL, ids, {"state": "draft"})


def cancel(env: Env, ids: Sequence[int]) -> None:
    """Cancels posted entries."""
    if any(env.row(MODEL, entry)["state"] == "cancel" for entry in ids):
        raise user_error("Only draft journal entries can be cancelled.")
    write(env, MODEL, ids, {"state": "cancel"})

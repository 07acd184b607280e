"""What Odoo 19's generic chart of accounts brings for payments: accounts, journals, ways to pay."""

from __future__ import annotations

from typing import Any

_ACCOUNTS = """
pos_receivable 101300 asset_receivable reconcile Account Receivable (PoS)
bank_journal_default_account_2 101401 asset_cash - Bank
account_journal_suspense_account_id 101402 asset_current - Bank Suspense Account
account_journal_payment_debit_account_id 101403 asset_current reconcile Outstanding Receipts
account_journal_payment_credit_account_id 101404 asset_current reconcile Outstanding Payments
transfer_account_id 101701 asset_current reconcile Liquidity Transfer
receivable 121000 asset_receivable reconcile Account Receivable
credit_card 201100 liability_credit_card - Credit Card
payable 211000 liability_payable reconcile Account Payable
income 400000 income - Product Sales
expense 600000 expense - Expenses
"""
_JOURNALS = (
    ("sale", "INV", "sale", 5, "Sales"),
    ("purchase", "BILL", "purchase", 6, "Purchases"),
    ("general", "MISC", "general", 9, "Miscellaneous Operations"),
    ("exch", "EXCH", "general", 10, "Exchange Difference"),
    ("caba", "CABA", "general", 10, "Cash Basis Taxes"),
    ("bank", "BNK1", "bank", 7, "Bank"),
)
"""There is no cash journal on a fresh Odoo 19."""
_DEFAULT_ACCOUNTS = {"sale": "income", "purchase": "expense", "bank": "bank_journal_default_account_2"}
PAYMENT_TYPES = ("inbound", "outbound")


def accounts() -> dict[str, dict[str, Any]]:
    """Rows of account.account by the name of their external id."""
    entries = (entry.split(maxsplit=4) for entry in _ACCOUNTS.strip().splitlines())
    return {
        xmlid: {"code": code, "account_type": kind, "reconcile": reconcile == "reconcile", "name": name}
        for xmlid, code, kind, reconcile, name in entries
    }


def journals(account_ids: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Rows of account.journal by the name of their external id."""
    return {
        xmlid: {
            "code": code,
            "type": kind,
            "sequence": sequence,
            "name": name,
            "default_account_id": account_ids.get(_DEFAULT_ACCOUNTS.get(kind, ""), False),
            "payment_sequence": kind == "bank",
        }
        for xmlid, code, kind, sequence, name in _JOURNALS
    }


def payment_methods() -> list[dict[str, Any]]:
    """Rows of account.payment.method."""
    return [{"name": "Manual Payment", "code": "manual", "payment_type": kind} for kind in PAYMENT_TYPES]

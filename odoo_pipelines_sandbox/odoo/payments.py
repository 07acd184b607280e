"""Payments: what Odoo fills in, what it silently takes away, and the actions that lead from state to state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from odoo_pipelines_sandbox.odoo import entries, journals
from odoo_pipelines_sandbox.odoo.behaviours import Behaviour
from odoo_pipelines_sandbox.odoo.env import Env
from odoo_pipelines_sandbox.odoo.errors import constraint_violation, user_error, validation_error
from odoo_pipelines_sandbox.odoo.naming import display_name
from odoo_pipelines_sandbox.odoo.store import Row
from odoo_pipelines_sandbox.odoo.values import round_half_up
from odoo_pipelines_sandbox.odoo.writing import check_exist, unlink, write

_MODEL = "account.payment"
_POSTED = frozenset({"in_process", "paid"})
_GIVES_CURRENCY = frozenset({"partner_id", "journal_id"})
_RESETS_ACCOUNT = _GIVES_CURRENCY | {"currency_id", "payment_type", "payment_method_line_id"}
_GIVES_DESTINATION = _GIVES_CURRENCY | {"partner_type"}
_SYNCHRONIZED = _GIVES_DESTINATION | {"date", "amount", "payment_type", "payment_reference", "currency_id"}
_DESTINATIONS = {"customer": "asset_receivable", "supplier": "liability_payable"}


class Payments(Behaviour):
    """account.payment."""

    def prepare(self, env: Env, vals: dict[str, Any]) -> dict[str, Any]:
        """Fills in today, the first journal and its currency; the outstanding account is Odoo's own choice."""
        vals = {"date": env.db.now(), "journal_id": journals.default_journal(env), **vals}
        vals = {"currency_id": journals.currency_of(env, vals["journal_id"]), **vals}
        vals.pop("outstanding_account_id", None)
        return _with_amount(env, vals, vals["currency_id"])

    def created(self, env: Env, ids: Sequence[int]) -> None:
        """Finds method and accounts; here, and only here, the chart's outstanding account is good enough."""
        for payment in ids:
            _choose_method(env, payment)
            _choose_destination(env, payment)
            row = env.row(_MODEL, payment)
            account = _method_account(env, row) or journals.outstanding_account(env, row["payment_type"])
            env.table(_MODEL).update(payment, {"outstanding_account_id": account})
            _name(env, payment)

    def check_write(self, env: Env, ids: Sequence[int], vals: dict[str, Any]) -> dict[str, Any]:
        """Whoever writes a posted state posts."""
        if vals.get("state") in _POSTED:
            _post_entries(env, ids)
        return _with_amount(env, vals, vals.get("currency_id") or env.row(_MODEL, ids[0])["currency_id"] if ids else 0)

    def written(self, env: Env, before: Mapping[int, Row], vals: dict[str, Any]) -> None:
        """Odoo computes again what depends on the written fields, equal values included."""
        for payment in before:
            _recompute(env, payment, vals.keys())
            _name(env, payment)
            _synchronize(env, payment, vals.keys())

    def unlinked(self, env: Env, before: Mapping[int, Row]) -> None:
        """The entries go, too, the posted ones included."""
        for row in before.values():
            if row.get("move_id"):
                env.table(entries.MODEL).delete(row["move_id"])


def _with_amount(env: Env, vals: dict[str, Any], currency: Any) -> dict[str, Any]:
    amount = vals.get("amount")
    if not isinstance(amount, int | float):
        return vals
    if amount < 0:
        raise constraint_violation("The payment amount cannot be negative.", _MODEL, "amount")
    return {**vals, "amount": round_half_up(amount, env.row("res.currency", currency).get("rounding", 0.01))}


def _recompute(env: Env, payment: int, written: Set[str]) -> None:
    """The trap: the outstanding account falls back to the method's, which by default has none."""
    if "currency_id" not in written and written & _GIVES_CURRENCY:
        currency = journals.currency_of(env, env.row(_MODEL, payment)["journal_id"])
        env.table(_MODEL).update(payment, {"currency_id": currency})
    if written & _RESETS_ACCOUNT:
        _choose_method(env, payment)
        account = _method_account(env, env.row(_MODEL, payment))
        env.table(_MODEL).update(payment, {"outstanding_account_id": account})
    if written & _GIVES_DESTINATION:
        _choose_destination(env, payment)


def _choose_method(env: Env, payment: int) -> None:
    """The line that it has, if the journal offers it for this type, else the first that the journal offers."""
    row = env.row(_MODEL, payment)
    chosen = row.get("payment_method_line_id")
    offered = journals.method_lines(env, row["journal_id"], row["payment_type"])
    if chosen not in offered:
        if not offered:
            raise validation_error("Please define a payment method line on your payment.")
        env.table(_MODEL).update(payment, {"payment_method_line_id": offered[0]})


def _method_account(env: Env, row: Row) -> int | bool:
    return env.row(journals.METHOD_LINES, row["payment_method_line_id"]).get("payment_account_id") or False


def _choose_destination(env: Env, payment: int) -> None:
    """A partner's receivable or payable account; without a partner, the first one of the chart."""
    row = env.row(_MODEL, payment)
    kind = _DESTINATIONS[row["partner_type"]]
    accounts = env.table("account.account")
    fitting = accounts.lookup("account_type", kind)
    preferred = env.db.xmlid_target(f"account.1_{kind.rpartition('_')[2]}")
    first = min(fitting, key=lambda account: accounts.rows[account]["code"])
    account = preferred[1] if preferred and row.get("partner_id") else first
    env.table(_MODEL).update(payment, {"destination_account_id": account})


def _name(env: Env, payment: int) -> None:
    """A posted payment is called as its entry; one without an entry gets a number of another kind."""
    row = env.row(_MODEL, payment)
    entry_name = env.row(entries.MODEL, row.get("move_id") or 0).get("name")
    if row["state"] in _POSTED and (entry_name or not row.get("name")):
        name = entry_name or f"PAY{env.db.next_number(_MODEL):05d}"
        env.table(_MODEL).update(payment, {"name": name})


def _post_entries(env: Env, ids: Sequence[int]) -> None:
    for payment in ids:
        row = env.row(_MODEL, payment)
        if not row.get("move_id") and row.get("outstanding_account_id"):
            env.table(_MODEL).update(payment, {"move_id": entries.new_entry(env, payment)})
    entries.post(env, _entries(env, ids, "draft"))


def _synchronize(env: Env, payment: int, written: Set[str]) -> None:
    """An entry follows its payment until it is posted; from then on only the memo reaches it."""
    row = env.row(_MODEL, payment)
    entry = row.get("move_id")
    if not entry:
        return
    if "memo" in written:
        write(env, entries.MODEL, [entry], {"ref": row["memo"]})
    if env.row(entries.MODEL, entry)["state"] == "posted" or not written & _SYNCHRONIZED:
        return
    if not row.get("outstanding_account_id"):
        method = env.row(journals.METHOD_LINES, row["payment_method_line_id"])["name"]
        raise user_error(
            "You can't create a new payment without an outstanding payments/receipts account set either on the company "
            f"or the {method} payment method in the {display_name(env, journals.MODEL, row['journal_id'])} journal."
        )
    renumbered = {"name": False, "journal_id": row["journal_id"]} if "journal_id" in written else {}
    write(env, entries.MODEL, [entry], {**entries.copied_values(row), **renumbered})


def _entries(env: Env, ids: Sequence[int], *states: str) -> list[int]:
    moves = [env.row(_MODEL, payment).get("move_id") for payment in ids]
    return [move for move in moves if move and (not states or env.row(entries.MODEL, move)["state"] in states)]


def action_post(env: Env, ids: Sequence[int]) -> None:
    """Posts drafts; straight to paid where the outstanding account is the bank's own."""
    check_exist(env, _MODEL, ids)
    settled = [payment for payment in ids if _is_settled(env, payment)]
    write(env, _MODEL, settled, {"state": "paid"})
    open_ones = [payment for payment in ids if env.row(_MODEL, payment)["state"] in {"draft", "in_process"}]
    write(env, _MODEL, open_ones, {"state": "in_process"})


def _is_settled(env: Env, payment: int) -> bool:
    account = env.row("account.account", env.row(_MODEL, payment).get("outstanding_account_id") or 0)
    return account.get("account_type") == "asset_cash"


def action_validate(env: Env, ids: Sequence[int]) -> None:
    """Declares payments paid."""
    write(env, _MODEL, ids, {"state": "paid"})


def action_reject(env: Env, ids: Sequence[int]) -> None:
    """Declares payments rejected; their entries stay."""
    write(env, _MODEL, ids, {"state": "rejected"})


def action_draft(env: Env, ids: Sequence[int]) -> None:
    """Brings payments and their entries back to draft."""
    write(env, _MODEL, ids, {"state": "draft"})
    entries.button_draft(env, _entries(env, ids))


def action_cancel(env: Env, ids: Sequence[int]) -> None:
    """Cancels payments; a draft entry goes, and its number may be given again, a posted one is cancelled."""
    write(env, _MODEL, ids, {"state": "canceled"})
    unlink(env, entries.MODEL, _entries(env, ids, "draft"))
    entries.cancel(env, _entries(env, ids))

"""Journals for payments, and the accounts without which Odoo may post a payment that has no journal entry.

Odoo 19 gives a new payment an outstanding account by itself, and takes it away again when partner, journal, currency or
type of the draft are written, equal values included: unless the journal's payment methods name an account. Setting the
very account that Odoo chooses by itself changes nothing else.

First a plan, which changes nothing and can be shown; then its application, which may be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from odoo_pipelines.errors import OdooUnknownNameError, OdooValidationError
from odoo_pipelines.odoo.cells import ID_COLUMN
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.custom_fields import XMLID_MODULE

JournalType: TypeAlias = Literal["bank", "cash"]

_JOURNAL = "account.journal"
_METHODS = "account.payment.method.line"
_PAYING = ("bank", "cash", "credit")
_CHART = "account"
_CHART_ACCOUNTS: Mapping[str, str] = {
    "inbound": "account_journal_payment_debit_account_id",
    "outbound": "account_journal_payment_credit_account_id",
}


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the chart."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class BareMethod:
    """A journal's way of taking or making payments that names no account.

    Attributes:
        id: of the payment method line.
        journal: code of its journal.
        payment_type: "inbound" or "outbound".
    """

    id: int
    journal: str
    payment_type: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What a person has to settle, and how."""

    detail: str
    fix: str


_NO_ACCOUNT = Obstacle(
    "the company has no account for money that is on its way",
    "choose an outstanding account on the payment methods of its journals",
)


@dataclass(frozen=True, slots=True)
class PaymentPlan:
    """What payments lack in Odoo.

    Attributes:
        journals: codes of the journals that take payments.
        new_journals: types of which there is no journal.
        methods: that name no account.
        accounts: that they get, by payment type.
        obstacles: what a person has to settle.
    """

    journals: tuple[str, ...] = ()
    new_journals: tuple[JournalType, ...] = ()
    methods: tuple[BareMethod, ...] = ()
    accounts: Mapping[str, Account] = field(default_factory=dict)
    obstacles: tuple[Obstacle, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to create or to set."""
        return not self.new_journals and not self.methods


def plan_payments(client: OdooClient, types: Sequence[JournalType], codes: Iterable[str]) -> PaymentPlan:
    """Compares what payments need with what is there; only reads.

    Args:
        client: of a user who may read journals.
        types: of which a journal is needed.
        codes: of journals that are needed besides.
    """
    try:
        visible = client.has_access(_JOURNAL, "read")
    except OdooUnknownNameError:
        return PaymentPlan(obstacles=(Obstacle("Odoo has no journals", "install the app Invoicing"),))
    if not visible:
        return PaymentPlan(obstacles=(Obstacle("hidden", "give the user the group 'Accounting / Invoicing'"),))
    company = client.company_id()
    domain = [("type", "in", list(_PAYING)), ("company_id", "=", company)]
    rows = client.search_read(_JOURNAL, domain, ["code", "type"], order="code")
    code_of = {row["id"]: row["code"] for row in rows}
    obstacles = tuple(_unknown(code) for code in sorted(set(codes) - set(code_of.values())))
    new = tuple(each for each in types if each not in {row["type"] for row in rows})
    methods = _bare_methods(client, code_of)
    accounts = _accounts(client, company) if new or methods else {}
    if (new or methods) and not accounts:
        new, methods, obstacles = (), (), (*obstacles, _NO_ACCOUNT)
    return PaymentPlan(tuple(code_of.values()), new, methods, accounts, obstacles)


def _unknown(code: str) -> Obstacle:
    fix = "correct the setting `journals`, or create the journal in Odoo"
    return Obstacle(f"'{code}' is the code of no active journal for payments", fix)


def apply_payments(client: OdooClient, plan: PaymentPlan) -> None:
    """Creates the journals that the plan names and sets the accounts.

    Args:
        client: of a user with the group "Accounting / Invoicing"; for new journals "Accounting / Administrator".
        plan: from `plan_payments`.

    Raises:
        OdooAccessError: the right is missing.
        OdooValidationError: Odoo refuses a journal.
    """
    created = _create_journals(client, plan.new_journals) if plan.new_journals else {}
    methods = (*plan.methods, *_bare_methods(client, created))
    for payment_type, account in plan.accounts.items():
        ids = [each.id for each in methods if each.payment_type == payment_type]
        if ids:
            client.write(_METHODS, ids, {"payment_account_id": account.id})


def _bare_methods(client: OdooClient, code_of: Mapping[int, str]) -> tuple[BareMethod, ...]:
    if not code_of:
        return ()
    domain = [("journal_id", "in", list(code_of)), ("payment_account_id", "=", False)]
    rows = client.search_read(_METHODS, domain, ["journal_id", "payment_type"])
    methods = (BareMethod(row["id"], code_of[row["journal_id"]], row["payment_type"]) for row in rows)
    return tuple(sorted(methods, key=lambda each: (each.journal, each.payment_type, each.id)))


def _accounts(client: OdooClient, company: int) -> dict[str, Account]:
    """What Odoo itself gives to new payments: the chart's accounts, else the one for transfers; none if one lacks."""
    ids = {kind: _chart_account(client, company, name) for kind, name in _CHART_ACCOUNTS.items()}
    if not all(ids.values()):
        (row,) = client.read("res.company", [company], ["transfer_account_id"])
        ids = {kind: found or row["transfer_account_id"] for kind, found in ids.items()}
    if not all(ids.values()):
        return {}
    names = {row["id"]: row["name"] for row in client.read("account.account", sorted({*ids.values()}), ["name"])}
    return {kind: Account(found, names[found]) for kind, found in ids.items()}


def _chart_account(client: OdooClient, company: int, name: str) -> int:
    reference: dict[str, Any] = {"module": _CHART, "xml_id": f"{company}_{name}"}
    try:
        _model, found = client.call("ir.model.data", "check_object_reference", **reference)
    except OdooValidationError:  # so Odoo tells that it knows no such name
        return 0
    return int(found)


def _create_journals(client: OdooClient, types: Sequence[JournalType]) -> dict[int, str]:
    """Creates journals under external ids, so that two bootstraps at once make one of each."""
    company = client.company_id()
    rows = [[f"{XMLID_MODULE}.account_journal_{company}_{each}", each.capitalize(), each] for each in types]
    loaded = client.load(_JOURNAL, [ID_COLUMN, "name", "type"], rows)
    if loaded.ids is None:
        texts = "; ".join(message.message for message in loaded.messages)
        raise OdooValidationError("Odoo refuses a journal", model=_JOURNAL, method="load", odoo_message=texts)
    return {row["id"]: row["code"] for row in client.read(_JOURNAL, loaded.ids, ["code"])}

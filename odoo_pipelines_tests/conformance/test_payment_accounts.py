"""Journals and outstanding accounts: what a fresh Odoo lacks, and what is set there."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from odoo_pipelines.errors import OdooAccessError
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.odoo.payment_accounts import JournalType, PaymentPlan, apply_payments, plan_payments
from odoo_pipelines_tests.conformance.wire import Wire

TYPES: tuple[JournalType, ...] = ("bank", "cash")
INVOICING = "account.group_account_invoice"
ACCOUNTANT = "account.group_account_manager"


def client_of(wire: Wire) -> OdooClient:
    return OdooClient(OdooConnection(wire.url, wire.database, wire.login, SecretStr(wire.key)))


@pytest.fixture(scope="module")
def client(own_odoo: Wire) -> OdooClient:
    """The administrator's."""
    return client_of(own_odoo)


@pytest.fixture(scope="module")
def first_plan(client: OdooClient) -> PaymentPlan:
    """The plan for a database that is as it came, asked for by the first test."""
    return plan_payments(client, TYPES, ["BNK1"])


def test_a_fresh_odoo_lacks_a_cash_journal_and_accounts(first_plan: PaymentPlan) -> None:
    assert (first_plan.journals, first_plan.new_journals, first_plan.obstacles) == (("BNK1",), ("cash",), ())
    bare = [(each.journal, each.payment_type) for each in first_plan.methods]
    assert bare == [("BNK1", "inbound"), ("BNK1", "outbound")]
    names = {kind: account.name for kind, account in first_plan.accounts.items()}
    assert names == {"inbound": "Outstanding Receipts", "outbound": "Outstanding Payments"}


def test_a_journal_that_is_not_needed_is_not_made(client: OdooClient, first_plan: PaymentPlan) -> None:
    assert first_plan.new_journals
    assert plan_payments(client, ("bank",), []).new_journals == ()


def test_codes_without_a_journal_for_payments_are_named(client: OdooClient) -> None:
    told = [each.detail for each in plan_payments(client, TYPES, ["NONE", "BNK1", "INV"]).obstacles]
    assert told == [f"'{code}' is the code of no active journal for payments" for code in ("INV", "NONE")]


def test_a_salesperson_sees_the_plan_and_an_employee_does_not(own_odoo: Wire) -> None:
    seller = client_of(own_odoo.as_user("base.group_user", "sales_team.group_sale_salesman_all_leads"))
    assert plan_payments(seller, TYPES, []).journals
    employee = client_of(own_odoo.as_user("base.group_user"))
    [hidden] = plan_payments(employee, TYPES, []).obstacles
    assert "Accounting / Invoicing" in hidden.fix


def test_accounts_are_set_with_accounting_invoicing_but_no_journal_is_made(
    own_odoo: Wire, client: OdooClient, first_plan: PaymentPlan
) -> None:
    clerk = client_of(own_odoo.as_user("base.group_user", INVOICING))
    with pytest.raises(OdooAccessError):
        apply_payments(clerk, first_plan)
    assert plan_payments(client, TYPES, []) == first_plan
    apply_payments(clerk, plan_payments(clerk, ("bank",), []))
    assert plan_payments(client, ("bank",), []).is_empty


def test_journal_and_accounts_are_made_once(own_odoo: Wire, first_plan: PaymentPlan) -> None:
    accountant = client_of(own_odoo.as_user("base.group_user", ACCOUNTANT))
    for _ in range(2):
        apply_payments(accountant, first_plan)
    done = plan_payments(accountant, TYPES, [])
    assert (done.journals, done.is_empty, done.obstacles) == (("BNK1", "CSH1"), True, ())


def test_then_a_draft_may_be_written_and_still_gets_its_entry(own_odoo: Wire, client: OdooClient) -> None:
    [cash] = own_odoo.search("account.journal", ["code", "=", "CSH1"])
    for journal in (cash, *own_odoo.search("account.journal", ["code", "=", "BNK1"])):
        for direction in ("inbound", "outbound"):
            vals = {"amount": 5, "journal_id": journal, "payment_type": direction}
            payment = own_odoo.create("account.payment", **vals)
            own_odoo.write("account.payment", payment, **vals)
            client.call("account.payment", "action_post", [payment])
            assert own_odoo.value("account.payment", payment, "move_id")


def test_a_company_without_any_such_account_needs_a_person(own_odoo: Wire, client: OdooClient) -> None:
    accounts = ["account_journal_payment_debit_account_id", "account_journal_payment_credit_account_id"]
    names = own_odoo.search("ir.model.data", ["module", "=", "account"], ["name", "in", [f"1_{n}" for n in accounts]])
    own_odoo.json2("ir.model.data", "unlink", ids=names)
    own_odoo.create("account.journal", name="Second bank", type="bank")
    fallback = plan_payments(client, TYPES, [])
    assert {account.name for account in fallback.accounts.values()} == {"Liquidity Transfer"}
    own_odoo.write("res.company", 1, transfer_account_id=False)
    stuck = plan_payments(client, TYPES, [])
    assert (stuck.is_empty, [each.detail for each in stuck.obstacles]) == (
        True,
        ["the company has no account for money that is on its way"],
    )

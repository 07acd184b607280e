"""The doctor's look at Odoo: version, credentials, rights, custom fields, journals, languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from odoo_pipelines.commands.bootstrap import lacking_in
from odoo_pipelines.commands.doctor_amounts import amount_findings
from odoo_pipelines.commands.findings import Finding, ok, problem, warning
from odoo_pipelines.errors import (
    ConfigurationError,
    OdooAuthenticationError,
    OdooPipelinesError,
    OdooUnknownNameError,
)
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.custom_fields import BootstrapPlan
from odoo_pipelines.odoo.payment_accounts import PaymentPlan
from odoo_pipelines.systems.base import System
from odoo_pipelines.systems.targets import CompareTotal, Target

_KEY_RUNS_OUT_SOON = timedelta(days=14)
_TESTED_MAJOR = 19
_OUR_LANGUAGE = "en_US"
_SHOWN = 5
_ALL_ORDERS = "sales_team.group_sale_salesman_all_leads"


def odoo_findings(
    client: OdooClient,
    system: System,
    journals: Mapping[str, str],
    taxes: Literal["none", "odoo"] | tuple[str, ...] = "none",
    compare_total: CompareTotal = "with_tax",
) -> Iterator[Finding]:
    """Looks at Odoo; stops at the first thing without which nothing else can be seen.

    Args:
        client: the integration's.
        system: that is synced.
        journals: codes of journals by payment method or gateway, as the integration sets them.
        taxes: the integration's choice.
        compare_total: what the totals of the external system are.
    """
    try:
        version = client.version
    except OdooPipelinesError as error:
        yield problem("Odoo", str(error), "check ODOO_URL, and that the server runs and can be reached from here")
        return
    yield _version(version.major, version.text)
    try:
        user_id = client.authenticate()
    except OdooPipelinesError as error:
        yield _login_problem(error)
        return
    yield ok("Odoo login", f"user {user_id} over {client.transport}")
    try:
        client.company_id()
    except ConfigurationError as error:
        yield problem("Odoo company", "; ".join(error.problems), "set `company` below `odoo` in integrations.yaml")
        return
    for check in (_api_key, _language):
        yield check(client)
    yield from amount_findings(client, user_id, taxes, compare_total)
    yield from _rights(client, system, user_id)
    lacking = lacking_in(client, system, journals)
    yield from _custom_fields(lacking.fields)
    yield from _payments(lacking.payments)


def _version(major: int, text: str) -> Finding:
    if major == _TESTED_MAJOR:
        return ok("Odoo version", text)
    return warning("Odoo version", f"{text}, not tested", f"use Odoo {_TESTED_MAJOR}, or try on a copy first")


def _login_problem(error: OdooPipelinesError) -> Finding:
    if isinstance(error, OdooAuthenticationError):
        return problem("Odoo login", str(error), "check ODOO_DB, ODOO_USERNAME and ODOO_API_KEY")
    return problem("Odoo login", str(error), "see the server's log")


def _api_key(client: OdooClient) -> Finding:
    """Which of the user's keys is in use cannot be seen, so the one that ends first is told."""
    keys = client.search_read("res.users.apikeys", [], ["name", "expiration_date"])
    ends = sorted(
        (datetime.fromisoformat(key["expiration_date"]).replace(tzinfo=UTC), key["name"])
        for key in keys
        if key["expiration_date"]
    )
    if not ends:
        return ok("Odoo API key", "none of the user's keys runs out" if keys else "the user logs in with a password")
    end, name = ends[0]
    told = f"key '{name}' runs out on {end:%Y-%m-%d}"
    if end - datetime.now(UTC) > _KEY_RUNS_OUT_SOON:
        return ok("Odoo API key", told)
    return warning("Odoo API key", told, "make a new key (Preferences / Security), and set ODOO_API_KEY")


def _language(client: OdooClient) -> Finding:
    codes = sorted(row["code"] for row in client.search_read("res.lang", [("active", "=", True)], ["code"]))
    active = f"active: {', '.join(codes)}"
    if _OUR_LANGUAGE in codes:
        return ok("languages", active)
    return problem("languages", active, f"activate {_OUR_LANGUAGE}: calls are made in it (Settings / Languages)")


def _rights(client: OdooClient, system: System, user_id: int) -> Iterator[Finding]:
    for target in (flow.target for flow in system.flows):
        models: dict[str, tuple[str, ...]] = {target.model: ("read", "write", "create")}
        if target.lines:
            models[target.lines.model] = ("read", "write", "create", "unlink")
        for model, operations in models.items():
            yield _right(client, target, model, operations)
    if any(flow.target.model == "sale.order" for flow in system.flows):
        yield _sees_all_orders(client, user_id)


def _right(client: OdooClient, target: Target, model: str, operations: tuple[str, ...]) -> Finding:
    check = f"rights on {model}"
    try:
        lacking = [operation for operation in operations if not client.has_access(model, operation)]
    except OdooUnknownNameError:
        return problem(check, "Odoo has no such model", f"install the app that brings {model}")
    if not lacking:
        return ok(check, ", ".join(operations))
    fix = f"give the user the group '{target.right}'" if target.right else f"let the user {', '.join(lacking)} {model}"
    return problem(check, f"missing: {', '.join(lacking)}", fix)


def _sees_all_orders(client: OdooClient, user_id: int) -> Finding:
    """Rights on a model do not tell whether a rule hides other people's records."""
    if client.call("res.users", "has_group", [user_id], group_ext_id=_ALL_ORDERS):
        return ok("orders of others", "visible")
    return problem("orders of others", "hidden", "give the user the group 'Sales / User: All Documents'")


def _custom_fields(plan: BootstrapPlan) -> Iterator[Finding]:
    for each in plan.problems:
        yield problem("custom fields", each, "correct it in Odoo")
    missing = [f"{model}.{each.name}" for model, fields in plan.fields.items() for each in fields]
    missing += [f"product category {name}" for name in plan.categories]
    if missing:
        yield problem("custom fields", f"missing: {_some(missing)}", _bootstrap_as("Access Rights"))
    elif not plan.problems:
        yield ok("custom fields", "all there")


def _payments(plan: PaymentPlan) -> Iterator[Finding]:
    for each in plan.obstacles:
        yield problem("payment journals", each.detail, each.fix)
    if plan.new_journals:
        fix = f"{_bootstrap_as('Accounting / Administrator')}, or name a journal in the setting `journals`"
        yield problem("payment journals", f"missing: {', '.join(plan.new_journals)} journal", fix)
    if plan.methods:
        bare = _some([f"{method.journal} {method.payment_type}" for method in plan.methods])
        detail = f"none on {bare}: a payment that is written before it is posted gets no journal entry"
        yield problem("outstanding accounts", detail, _bootstrap_as("Accounting / Invoicing"))
    if plan.journals and plan.is_empty and not plan.obstacles:
        yield ok("payment journals", f"{_some(plan.journals)}, all with outstanding accounts")


def _bootstrap_as(right: str) -> str:
    return f"run `odoo-pipelines bootstrap` as somebody with {right}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")

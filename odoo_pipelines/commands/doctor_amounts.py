"""The doctor's look at what changes amounts in Odoo: pricelists, rates of currencies, taxes, lock dates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from odoo_pipelines.commands.findings import Finding, ok, warning
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.schema import Schemas
from odoo_pipelines.systems.targets import CompareTotal

_LOCK_SETTING = "sale.group_auto_done_setting"
_LOCK_DATES = ("fiscalyear_lock_date", "tax_lock_date", "sale_lock_date", "purchase_lock_date", "hard_lock_date")
_COMPANY = "res.company"


def amount_findings(
    client: OdooClient,
    user_id: int,
    taxes: Literal["none", "odoo"] | tuple[str, ...],
    compare_total: CompareTotal,
) -> Iterator[Finding]:
    """Looks at it with the integration's user.

    Args:
        client: the integration's.
        user_id: of its user.
        taxes: the integration's choice.
        compare_total: what the totals of the external system are.
    """
    (company,) = client.read(_COMPANY, [client.company_id()], ["currency_id"])
    own = company["currency_id"]
    rows = client.search_read("product.pricelist", [], ["currency_id"])
    listed = {row["currency_id"] for row in rows}
    active = {row["id"] for row in client.search_read("res.currency", [], ["id"])}
    names = {row["id"]: row["name"] for row in client.read("res.currency", sorted({own, *listed, *active}), ["name"])}
    others = ", ".join(sorted(names[each] for each in listed - {own})) or "none"
    yield ok("currencies", f"company: {names[own]}; other currencies with a pricelist: {others}")
    yield from _rates(client, names, own)
    yield from _pricelists(client, names, listed - {own})
    yield _taxes(client, taxes, compare_total)
    yield _locked_orders(client, user_id)
    yield _lock_dates(client)


def _rates(client: OdooClient, names: dict[int, str], own: int) -> Iterator[Finding]:
    found = client.search_read("res.currency", [("rate_ids", "!=", False)], ["id"], context={"active_test": False})
    lacking = sorted(names[each] for each in names.keys() - {own, *(row["id"] for row in found)})
    if lacking:
        detail = f"none for {', '.join(lacking)}: bookings and payments in them are rejected"
        yield warning("currency rates", detail, "create a rate of each that is used (Accounting / Configuration)")


def _pricelists(client: OdooClient, names: dict[int, str], others: set[int]) -> Iterator[Finding]:
    """In the company's currency an order can do without a pricelist."""
    plain = client.search_read("product.pricelist", [("item_ids", "=", False)], ["currency_id"])
    only_rules = sorted(names[each] for each in others - {row["currency_id"] for row in plain})
    if only_rules:
        detail = (
            f"all of {', '.join(only_rules)} have rules, which come into play when somebody changes an order in Odoo"
        )
        yield warning("pricelists", detail, f"create one without rules in {', '.join(only_rules)}")


def _taxes(
    client: OdooClient, taxes: Literal["none", "odoo"] | tuple[str, ...], compare_total: CompareTotal
) -> Finding:
    """Whether taxes are in the prices or come on top must be as the integration says of the external totals."""
    check = "taxes"
    if taxes == "none" or compare_total == "never":
        return ok(check, "order lines carry none" if taxes == "none" else "totals are not compared")
    found = _taxes_used(client, taxes)
    wrong = sorted(each["name"] for each in found if each["price_include"] is not (compare_total == "with_tax"))
    if not wrong:
        return ok(check, ", ".join(sorted(each["name"] for each in found)) or "none")
    if compare_total == "with_tax":
        detail = f"added to the prices, not included in them: {', '.join(wrong)}"
        return warning(
            check, detail, "include them in the prices (Included in Price), or set compare_total: without_tax"
        )
    detail = f"included in the prices, which are without taxes: {', '.join(wrong)}"
    return warning(check, detail, "exclude them from the prices (Included in Price), or set compare_total: with_tax")


def _taxes_used(client: OdooClient, taxes: Literal["none", "odoo"] | tuple[str, ...]) -> Sequence[dict[str, Any]]:
    """Those that the integration names, or the default of new products; one of 0 % adds nothing either way."""
    if taxes == "odoo":
        (company,) = client.read(_COMPANY, [client.company_id()], ["account_sale_tax_id"])
        wanted: tuple[str, str, Any] = ("id", "in", [company["account_sale_tax_id"] or 0])
    else:
        wanted = ("name", "in", list(taxes))
    domain = [wanted, ("type_tax_use", "=", "sale"), ("amount", "!=", 0)]
    return client.search_read("account.tax", domain, ["name", "price_include"])


def _locked_orders(client: OdooClient, user_id: int) -> Finding:
    check = "Lock Confirmed Sales"
    if not client.call("res.users", "has_group", [user_id], group_ext_id=_LOCK_SETTING):
        return ok(check, "off")
    fix = "switch it off (Sales / Configuration / Settings)"
    return warning(check, "on: Odoo locks every order that is confirmed; see unlock_orders", fix)


def _lock_dates(client: OdooClient) -> Finding:
    check, schema = "lock dates", Schemas(client)(_COMPANY)
    names = [name for name in _LOCK_DATES if schema.server_name(name)]
    if not names:
        return warning(check, "hidden", "give the user the group 'Accounting / Invoicing'")
    (company,) = client.read(_COMPANY, [client.company_id()], names)
    found = {name: company[name] for name in names if company[name]}
    if not found:
        return ok(check, "none")
    detail = ", ".join(f"{name} {day}" for name, day in found.items())
    fix = "payments up to then are dated later in the books, with a warning; nothing has to be done if that is wanted"
    return warning(check, detail, fix)

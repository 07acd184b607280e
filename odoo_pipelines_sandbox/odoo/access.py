"""Groups, and what each of them may do: Odoo 19's rights for the models that the pipelines touch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from odoo_pipelines_sandbox.odoo.env import SUPERUSER, Env
from odoo_pipelines_sandbox.odoo.errors import OdooFault, access_error

OPERATIONS = ("read", "write", "create", "unlink")


@dataclass(frozen=True, slots=True)
class Group:
    """One access group."""

    xmlid: str
    full_name: str
    implies: tuple[str, ...] = ()
    api_key_days: float = 0.0


_EMPLOYEE = "base.group_user"
_RIGHTS = "base.group_erp_manager"
_SETTINGS = "base.group_system"
_CONTACTS = "base.group_partner_manager"
_PRODUCTS = "product.group_product_manager"
_SALES = "sales_team.group_sale_salesman"
_SALES_ALL = "sales_team.group_sale_salesman_all_leads"
_SALES_ADMIN = "sales_team.group_sale_manager"
_INVOICING = "account.group_account_invoice"
_ACCOUNTING_ADMIN = "account.group_account_manager"
_ACCOUNTING_READER = "account.group_account_readonly"

GROUPS = (
    Group(_EMPLOYEE, "Role / User", api_key_days=90.0),
    Group(_RIGHTS, "Access Rights", (_EMPLOYEE,)),
    Group(_SETTINGS, "Role / Administrator", (_RIGHTS, _CONTACTS, _PRODUCTS)),
    Group(_CONTACTS, "Contact / Creation"),
    Group(_PRODUCTS, "Products / Create"),
    Group(_SALES, "Sales / User: Own Documents Only", (_EMPLOYEE,)),
    Group(_SALES_ALL, "Sales / User: All Documents", (_SALES,)),
    Group(_SALES_ADMIN, "Sales / Administrator", (_SALES_ALL,)),
    Group(_INVOICING, "Accounting / Invoicing", (_EMPLOYEE,)),
    Group(_ACCOUNTING_ADMIN, "Accounting / Administrator", (_INVOICING,)),
    Group(_ACCOUNTING_READER, "Show Accounting Features - Readonly", (_EMPLOYEE,)),
)
_BY_XMLID = {group.xmlid: group for group in GROUPS}

_Rules = Mapping[str, tuple[str, ...]]


def _rules(read: tuple[str, ...], *, write: tuple[str, ...], unlink: tuple[str, ...] | None = None) -> _Rules:
    return {"read": read, "write": write, "create": write, "unlink": write if unlink is None else unlink}


_REFERENCE: _Rules = _rules((_EMPLOYEE,), write=(_SETTINGS,))
_CATALOGUE: _Rules = _rules((_EMPLOYEE,), write=(_PRODUCTS,))
_SEES_ORDERS = (_SALES, _INVOICING, _ACCOUNTING_READER)
_RULES: Mapping[str, _Rules] = {
    "res.partner": _rules((_EMPLOYEE,), write=(_CONTACTS, _SALES), unlink=(_CONTACTS,)),
    "res.partner.category": _rules((_EMPLOYEE,), write=(_CONTACTS,)),
    "product.product": _CATALOGUE,
    "product.template": _CATALOGUE,
    "product.category": _CATALOGUE,
    "product.pricelist": _rules((_EMPLOYEE,), write=(_PRODUCTS, _SALES_ADMIN)),
    "sale.order": {**_rules(_SEES_ORDERS, write=(_SALES,), unlink=(_SALES_ADMIN,)), "write": (_SALES, _INVOICING)},
    "sale.order.line": {**_rules(_SEES_ORDERS, write=(_SALES,)), "write": (_SALES, _INVOICING)},
    "res.users": _rules((_EMPLOYEE,), write=(_RIGHTS,)),
    "res.groups": _rules((_EMPLOYEE,), write=(_RIGHTS,)),
    "res.users.apikeys": _rules((_EMPLOYEE,), write=()),
    "ir.model": _rules((_RIGHTS,), write=(_RIGHTS,)),
    "ir.model.fields": _rules((_RIGHTS,), write=(_RIGHTS,)),
    "ir.model.data": _rules((_RIGHTS,), write=(_RIGHTS,)),
    "res.currency": _rules((_EMPLOYEE,), write=(_SETTINGS, _ACCOUNTING_ADMIN)),
    "res.currency.rate": _rules((_EMPLOYEE,), write=(_SETTINGS, _ACCOUNTING_ADMIN)),
    "product.pricelist.item": _rules((_EMPLOYEE,), write=(_PRODUCTS, _SALES_ADMIN)),
    "account.tax": _rules((_EMPLOYEE,), write=(_ACCOUNTING_ADMIN,)),
    "account.account": _rules((_EMPLOYEE,), write=(_ACCOUNTING_ADMIN,)),
    "account.journal": _rules((_SALES, _INVOICING, _ACCOUNTING_READER), write=(_ACCOUNTING_ADMIN,)),
    "account.payment.method": {**_rules((_EMPLOYEE,), write=(_INVOICING,)), "create": ()},
    "account.payment.method.line": _rules((_EMPLOYEE,), write=(_INVOICING,)),
    "account.move": _rules((_SALES, _INVOICING, _ACCOUNTING_READER), write=(_INVOICING,)),
    "account.payment": _rules((_INVOICING, _ACCOUNTING_READER), write=(_INVOICING,)),
}
_VERBS = {"read": "access", "write": "modify", "create": "create", "unlink": "delete"}


def may(env: Env, model: str, operation: str) -> bool:
    """Whether the user's groups allow an operation on a model."""
    if env.uid == SUPERUSER:
        return True
    allowed = _RULES.get(model, _REFERENCE)[operation]
    return not user_groups(env, env.uid).isdisjoint(allowed)


def check(env: Env, model: str, operation: str) -> None:
    """Raises AccessError unless the user's groups allow the operation."""
    if not may(env, model, operation):
        raise _refusal(env, model, operation)


def user_groups(env: Env, uid: int) -> frozenset[str]:
    """XML ids of a user's groups, with the ones that they imply."""
    ids = env.row("res.users", uid).get("group_ids") or ()
    rows = env.table("res.groups").rows
    return closure(str(rows[group_id]["xmlid"]) for group_id in ids)


def closure(xmlids: Iterable[str]) -> frozenset[str]:
    """Groups with everything that they imply."""
    found: set[str] = set()
    todo = list(xmlids)
    while todo:
        xmlid = todo.pop()
        if xmlid not in found:
            found.add(xmlid)
            todo.extend(_BY_XMLID[xmlid].implies)
    return frozenset(found)


def _refusal(env: Env, model: str, operation: str) -> OdooFault:
    groups = [_BY_XMLID[xmlid].full_name.replace(" / ", "/") for xmlid in _RULES.get(model, _REFERENCE)[operation]]
    allowed = "".join(f"\n\t- {name}" for name in groups)
    reason = (
        f"This operation is allowed for the following groups:{allowed}"
        if groups
        else "No group currently allows this operation."
    )
    return access_error(
        f"You are not allowed to {_VERBS[operation]} '{env.model(model).description}' ({model}) records.\n\n"
        f"{reason}\n\nContact your administrator to request access if necessary."
    )

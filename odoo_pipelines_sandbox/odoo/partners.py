"""Contacts: normalised e-mail and phone, complete name, address and tax id shared with the company."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

import phonenumbers

from odoo_pipelines_sandbox.odoo.behaviours import Behaviour
from odoo_pipelines_sandbox.odoo.env import COMPANY_ID, Env
from odoo_pipelines_sandbox.odoo.errors import constraint_violation
from odoo_pipelines_sandbox.odoo.store import Row
from odoo_pipelines_sandbox.odoo.writing import write

_MODEL = "res.partner"
_EMAIL = re.compile(r"[^\s<>,;:\"()\[\]]+@[^\s<>,;:\"()\[\]@]+\.[^\s<>,;:\"()\[\]@]+")
_ADDRESS = ("street", "street2", "zip", "city", "country_id")
_COMMERCIAL = ("vat",)


class Partners(Behaviour):
    """res.partner."""

    def prepare(self, env: Env, vals: dict[str, Any]) -> dict[str, Any]:
        """Checks the name and gives the company's language, or the context's."""
        _check_name(vals.get("name", False), vals.get("type", "contact"))
        vals = {"lang": _language(env, vals.get("parent_id")), **vals}
        if vals.get("website"):
            vals["website"] = _website(vals["website"])
        return vals

    def created(self, env: Env, ids: Sequence[int]) -> None:
        """Computes the stored fields; a company without address takes its first contact's."""
        for partner in ids:
            row = env.row(_MODEL, partner)
            if row.get("parent_id"):
                _take_from_parent(env, partner)
            _compute(env, partner)

    def check_write(self, env: Env, ids: Sequence[int], vals: dict[str, Any]) -> dict[str, Any]:
        """Checks the name."""
        if "name" in vals:
            for partner in ids:
                _check_name(vals["name"], env.row(_MODEL, partner).get("type"))
        return {**vals, "website": _website(vals["website"])} if vals.get("website") else vals

    def written(self, env: Env, before: Mapping[int, Row], vals: dict[str, Any]) -> None:
        """Computes the stored fields again and hands address and tax id up to the company and down to its contacts."""
        for partner, old in before.items():
            row = env.row(_MODEL, partner)
            changed = {name for name in vals if (row.get(name) or False) != (old.get(name) or False)}
            if row.get("parent_id") and not changed.isdisjoint({"parent_id", "type"}):
                _take_from_parent(env, partner)
            if row.get("parent_id") and "parent_id" in changed and "lang" not in vals:
                env.table(_MODEL).update(partner, {"lang": _language(env, row["parent_id"])})
            _compute(env, partner)
            _give_to_parent(env, partner, changed)
            _give_to_children(env, partner, changed)


def _language(env: Env, parent: Any) -> Any:
    return env.row(_MODEL, parent or 0).get("lang") or env.context.get("lang") or False


def _check_name(name: Any, kind: Any) -> None:
    if kind == "contact" and (name is False or name is None):
        raise constraint_violation("Contacts require a name")


def _website(url: Any) -> str:
    text = str(url)
    return text if text.startswith("http") else f"http://{text}"


def _compute(env: Env, partner: int) -> None:
    row = env.row(_MODEL, partner)
    parent = env.row(_MODEL, row.get("parent_id") or 0)
    name = str(row.get("name") or "").strip()
    company = parent.get("name") or row.get("company_name")
    env.table(_MODEL).update(
        partner,
        {
            "complete_name": f"{company}, {name}" if company and not row.get("is_company") else name or False,
            "commercial_partner_id": (not row.get("is_company") and parent.get("commercial_partner_id")) or partner,
            "email_normalized": _normalized_email(row.get("email")),
            "phone_sanitized": _sanitized_phone(env, row),
        },
    )


def _normalized_email(email: Any) -> str | bool:
    found = _EMAIL.search(email) if email else None
    return found.group().lower() if found else False


def _sanitized_phone(env: Env, row: Mapping[str, Any]) -> str | bool:
    """E.164 by the partner's country, else by the company's; False for what is no valid number."""
    text = row.get("phone")
    if not text:
        return False
    country = row.get("country_id") or env.row("res.company", COMPANY_ID)["country_id"]
    try:
        number = phonenumbers.parse(text, env.row("res.country", country).get("code"))
    except phonenumbers.NumberParseException:
        return False
    if not phonenumbers.is_possible_number(number) or not phonenumbers.is_valid_number(number):
        return False
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _take_from_parent(env: Env, partner: int) -> None:
    row = env.row(_MODEL, partner)
    parent_id = row["parent_id"]
    parent = env.row(_MODEL, parent_id)
    changes = {name: parent[name] for name in _COMMERCIAL if parent.get(name)}
    if row.get("type") == "contact":
        address = {name: parent.get(name) or False for name in _ADDRESS}
        if any(address.values()):
            changes |= address
        else:
            env.table(_MODEL).update(parent_id, {name: row.get(name) or False for name in _ADDRESS})
    if changes:
        env.table(_MODEL).update(partner, changes)


def _give_to_parent(env: Env, partner: int, changed: Set[str]) -> None:
    """Whoever edits the address of a contact edits the company's, and with it that of all its contacts."""
    row = env.row(_MODEL, partner)
    if not row.get("parent_id"):
        return
    given = {name: row[name] for name in _COMMERCIAL if name in changed and row[name] and not row.get("is_company")}
    if row.get("type") == "contact" and not changed.isdisjoint(_ADDRESS):
        address = {name: row.get(name) or False for name in _ADDRESS}
        given |= address if any(address.values()) else {}
    if given:
        write(env, _MODEL, [row["parent_id"]], given)


def _give_to_children(env: Env, partner: int, changed: Set[str]) -> None:
    row = env.row(_MODEL, partner)
    for child in list(env.table(_MODEL).lookup("parent_id", partner)):
        names = changed & set(_COMMERCIAL)
        if env.row(_MODEL, child).get("type") == "contact":
            names |= changed & set(_ADDRESS)
        if names:
            given = {name: row.get(name) or False for name in names}
            env.table(_MODEL).update(child, {**given, "write_date": env.db.now(), "write_uid": env.uid})

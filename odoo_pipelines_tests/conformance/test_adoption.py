"""How it is found out, with the documented rights, what in Odoo uses a contact as its own."""

from __future__ import annotations

from odoo_pipelines.systems.people import EMAIL, adopted_person
from odoo_pipelines_tests.conformance.wire import QUIET, Wire, unique

RIGHTS = ("base.group_user", "sales_team.group_sale_salesman_all_leads", "base.group_partner_manager")
RULES = adopted_person("guest", EMAIL)


def user_of(odoo: Wire, *, active: bool) -> int:
    """A user's contact."""
    user = odoo.create("res.users", name="Porter", login=unique("porter"))
    odoo.json2("res.users", "write", ids=[user], vals={"active": active})
    [row] = odoo.json2("res.users", "read", ids=[user], fields=["partner_id"])
    return int(row["partner_id"][0])


def test_users_companies_and_contacts_below_are_found_by_one_domain_even_archived_ones(
    odoo: Wire, partner: int
) -> None:
    [company] = odoo.json2("res.company", "search_read", domain=[["id", "=", 1]], fields=["partner_id"])
    users = {active: user_of(odoo, active=active) for active in (True, False)}
    child = odoo.create("res.partner", name="Kid", parent_id=partner, active=False)
    plain = odoo.create("res.partner", name=unique("Ann"))
    ids = [company["partner_id"][0], *users.values(), partner, plain]
    used, companies = (list(each) for each in RULES.used)

    domain = ["|", "|", "&", ["id", "in", ids], used, "&", ["id", "in", ids], companies, [RULES.parent, "in", ids]]
    context = {**QUIET, "active_test": False}
    found = odoo.as_user(*RIGHTS).json2(
        "res.partner", "search_read", domain=domain, fields=["parent_id"], load=None, context=context
    )

    assert {row["id"]: row["parent_id"] for row in found} == {
        **dict.fromkeys([company["partner_id"][0], *users.values()], False),
        child: partner,
    }


def test_an_archived_user_and_an_archived_contact_below_are_in_no_field(odoo: Wire, partner: int) -> None:
    porter = user_of(odoo, active=False)
    odoo.create("res.partner", name="Kid", parent_id=partner, active=False)
    fields = ["user_ids", "child_ids"]
    rows = odoo.json2("res.partner", "read", ids=[porter, partner], fields=fields)
    assert [(row["user_ids"], row["child_ids"]) for row in rows] == [([], []), ([], [])]

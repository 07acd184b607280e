"""The records of a fresh Odoo 19 with the generic chart of accounts: a company in US dollars and its administrator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from odoo_pipelines_sandbox.odoo import catalog_accounting, catalog_base, catalog_sales, chart, reference
from odoo_pipelines_sandbox.odoo.access import GROUPS
from odoo_pipelines_sandbox.odoo.env import COMPANY_ID, SUPERUSER, Env
from odoo_pipelines_sandbox.odoo.schema import registry
from odoo_pipelines_sandbox.odoo.store import Database
from odoo_pipelines_sandbox.odoo.system_models import register_all
from odoo_pipelines_sandbox.odoo.users import add_user
from odoo_pipelines_sandbox.odoo.writing import create

_UNITED_STATES = "US"
_TAXES = (
    ("15%", 15.0, "sale"),
    ("15%", 15.0, "purchase"),
    ("0% Exports", 0.0, "sale"),
    ("0% Imports", 0.0, "purchase"),
)


def fresh_database(clock: Callable[[], datetime] | None, password: str, api_key: str) -> Database:
    """A new database, with the administrator `admin`, whose id is 2 as in Odoo."""
    register_all()
    database = Database(registry((*catalog_base.MODELS, *catalog_sales.MODELS, *catalog_accounting.MODELS)), clock)
    env = Env(database, SUPERUSER)
    with database.transaction():
        _describe_models(env)
        _insert(env, "res.currency", reference.currencies())
        _insert(env, "res.country", reference.countries())
        _name_countries(env)
        _insert(env, "res.lang", reference.languages())
        _insert(env, "uom.uom", [{"name": "Units"}])
        _make_company(env)
        _make_chart(env)
        _make_groups(env)
        _make_users(env, password, api_key)
    return database


def add_custom_fields(database: Database, fields: Mapping[str, Mapping[str, str]]) -> None:
    """Adds x_ fields: types by field name by model."""
    env = Env(database, SUPERUSER)
    models = {row["model"]: row_id for row_id, row in env.table("ir.model").rows.items()}
    with database.transaction():
        for model, types in fields.items():
            for name, ttype in types.items():
                vals = {
                    "name": name,
                    "model_id": models[model],
                    "ttype": ttype,
                    "field_description": name,
                    "index": True,
                }
                create(env, "ir.model.fields", [vals])


def _insert(env: Env, model: str, rows: list[dict[str, Any]]) -> None:
    now = env.db.now()
    defaults = {name: field.default for name, field in env.model(model).fields.items() if field.default is not None}
    stamps = {"create_date": now, "write_date": now, "create_uid": SUPERUSER, "write_uid": SUPERUSER}
    for row in rows:
        env.table(model).insert(defaults | stamps | row)


def _describe_models(env: Env) -> None:
    models = env.db.models
    _insert(
        env, "ir.model", [{"name": model.description, "model": name, "state": "base"} for name, model in models.items()]
    )
    for model_id, model in enumerate(models.values(), 1):
        _insert(
            env,
            "ir.model.fields",
            [
                {
                    "name": field.name,
                    "model": model.name,
                    "model_id": model_id,
                    "ttype": field.type,
                    "field_description": field.string,
                    "relation": field.relation or False,
                    "required": field.required,
                    "readonly": field.readonly,
                    "store": field.stored,
                    "state": "base",
                }
                for field in model.fields.values()
            ],
        )


def _name_countries(env: Env) -> None:
    for country, row in env.table("res.country").rows.items():
        env.db.set_xmlid(f"base.{row['code'].lower()}", "res.country", country)


def _make_company(env: Env) -> None:
    [country] = env.table("res.country").lookup("code", _UNITED_STATES)
    create(env, "res.partner", [{"name": "My Company", "is_company": True, "country_id": country}])
    company = {"name": "My Company", "partner_id": 1, "currency_id": 1, "country_id": country, "account_sale_tax_id": 1}
    _insert(env, "res.company", [company])
    _insert(env, "account.tax", [{"name": name, "amount": amount, "type_tax_use": use} for name, amount, use in _TAXES])
    categories = ({"name": name} for name in ("Goods", "Expenses", "Services"))
    create(env, "product.category", list(categories))


def _make_chart(env: Env) -> None:
    accounts = _named(env, "account.account", chart.accounts())
    env.table("res.company").update(COMPANY_ID, {"transfer_account_id": accounts["transfer_account_id"]})
    journals = _named(env, "account.journal", chart.journals(accounts))
    _insert(env, "account.payment.method", chart.payment_methods())
    methods = env.table("account.payment.method").rows
    lines = [
        {"name": row["name"], "payment_method_id": method, "journal_id": journals["bank"]}
        for method, row in methods.items()
    ]
    _insert(env, "account.payment.method.line", lines)


def _named(env: Env, model: str, rows: Mapping[str, dict[str, Any]]) -> dict[str, int]:
    """Inserts rows of the chart and returns their ids by the name of their external id."""
    _insert(env, model, list(rows.values()))
    ids = dict(zip(rows, env.table(model).rows, strict=True))
    for name, record_id in ids.items():
        env.db.set_xmlid(f"account.{COMPANY_ID}_{name}", model, record_id)
    return ids


def _make_groups(env: Env) -> None:
    ids = {group.xmlid: number for number, group in enumerate(GROUPS, 1)}
    for group in GROUPS:
        row = {
            "name": group.full_name.rpartition(" / ")[2],
            "full_name": group.full_name,
            "implied_ids": tuple(ids[xmlid] for xmlid in group.implies),
            "api_key_duration": group.api_key_days,
            "xmlid": group.xmlid,
        }
        _insert(env, "res.groups", [row])
        env.db.set_xmlid(group.xmlid, "res.groups", ids[group.xmlid], noupdate=True)


def _make_users(env: Env, password: str, api_key: str) -> None:
    robot = create(env, "res.partner", [{"name": "OdooBot", "email": "odoobot@example.com", "active": False}])[0]
    _insert(env, "res.users", [{"partner_id": robot, "login": "__system__", "active": False}])
    everything = [group.xmlid for group in GROUPS]
    add_user(env, "admin", "Administrator", everything, password=password, api_key=api_key)

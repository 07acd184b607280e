"""Models that describe the database itself: fields, external ids, users; and the small rules of reference data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from odoo_pipelines_sandbox.odoo.behaviours import Behaviour, register
from odoo_pipelines_sandbox.odoo.domains import search
from odoo_pipelines_sandbox.odoo.entries import Entries
from odoo_pipelines_sandbox.odoo.env import Env
from odoo_pipelines_sandbox.odoo.errors import constraint_violation, user_error, validation_error
from odoo_pipelines_sandbox.odoo.journals import Journals, MethodLines
from odoo_pipelines_sandbox.odoo.lines import OrderLines
from odoo_pipelines_sandbox.odoo.orders import Orders
from odoo_pipelines_sandbox.odoo.partners import Partners
from odoo_pipelines_sandbox.odoo.payments import Payments
from odoo_pipelines_sandbox.odoo.schema import Field
from odoo_pipelines_sandbox.odoo.store import XMLIDS, Row, hidden_columns
from odoo_pipelines_sandbox.odoo.writing import create

_FIELDS = "ir.model.fields"


class CustomFields(Behaviour):
    """ir.model.fields: a new row is a new field of the registry."""

    def prepare(self, env: Env, vals: dict[str, Any]) -> dict[str, Any]:
        """Names must start with x_ and be new."""
        vals = {**vals, "model": env.row("ir.model", vals.get("model_id") or 0).get("model", False)}
        if vals.get("state", "manual") == "manual":
            name = str(vals.get("name", ""))
            if not name.startswith("x_"):
                raise validation_error("Custom fields must have a name that starts with 'x_'!")
            if vals["model"] and name in env.model(vals["model"]).fields:
                raise constraint_violation("Field names must be unique per model.")
        return vals

    def created(self, env: Env, ids: Sequence[int]) -> None:
        """Puts the fields into the registry."""
        for row_id in ids:
            row = env.row(_FIELDS, row_id)
            if row["state"] == "manual":
                env.model(row["model"]).fields[row["name"]] = Field(
                    row["name"],
                    row["ttype"],
                    row.get("field_description") or row["name"],
                    required=bool(row.get("required")),
                    relation=row.get("relation") or "",
                    manual=True,
                )


class ExternalIds(Behaviour):
    """ir.model.data: one name per module."""

    def prepare(self, env: Env, vals: dict[str, Any]) -> dict[str, Any]:
        """A name that is taken is refused."""
        if env.db.xmlid_row(f"{vals.get('module', '')}.{vals.get('name')}"):
            raise constraint_violation(
                "duplicate key value violates unique constraint "
                '"ir_model_data_module_name_uniq_index"\n'
                f"DETAIL:  Key (module, name)=({vals.get('module', '')}, {vals.get('name')}) already exists.\n"
            )
        return vals

    def created(self, env: Env, ids: Sequence[int]) -> None:
        """Makes the rows findable."""
        for row_id in ids:
            env.table(XMLIDS).update(row_id, hidden_columns(env.row(XMLIDS, row_id)))

    def written(self, env: Env, before: Mapping[int, Row], vals: dict[str, Any]) -> None:
        """Keeps the rows findable."""
        self.created(env, list(before))


class Categories(Behaviour):
    """product.category."""

    def created(self, env: Env, ids: Sequence[int]) -> None:
        """Spells out the path."""
        table = env.table("product.category")
        for category in ids:
            row = table.rows[category]
            parent = table.rows.get(row.get("parent_id") or 0)
            path = f"{parent['complete_name']} / {row['name']}" if parent else row["name"]
            table.update(category, {"complete_name": path})

    def written(self, env: Env, before: Mapping[int, Row], vals: dict[str, Any]) -> None:
        """Spells out the path again."""
        if not vals.keys().isdisjoint({"name", "parent_id"}):
            self.created(env, list(before))


class Currencies(Behaviour):
    """res.currency: a second active one switches pricelists on."""

    def written(self, env: Env, before: Mapping[int, Row], vals: dict[str, Any]) -> None:
        """Makes a default pricelist where there is none."""
        several = len(search(env, env.model("res.currency"), [])) > 1
        if vals.get("active") and several and not env.table("product.pricelist").rows:
            create(env.sudo(), "product.pricelist", [{"name": "Default", "currency_id": 1}])


class Languages(Behaviour):
    """res.lang."""

    def check_write(self, env: Env, ids: Sequence[int], vals: dict[str, Any]) -> dict[str, Any]:
        """The last active language stays."""
        active = search(env, env.model("res.lang"), [])
        if vals.get("active") is False and set(active) <= set(ids):
            raise user_error("At least one language must be active.")
        return vals


def register_all() -> None:
    """Gives every model its rules."""
    register("res.partner", Partners())
    register("sale.order", Orders())
    register("sale.order.line", OrderLines())
    register(_FIELDS, CustomFields())
    register(XMLIDS, ExternalIds())
    register("product.category", Categories())
    register("res.currency", Currencies())
    register("res.lang", Languages())
    register("account.journal", Journals())
    register("account.payment.method.line", MethodLines())
    register("account.move", Entries())
    register("account.payment", Payments())

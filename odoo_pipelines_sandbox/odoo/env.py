"""Who calls, with which context, on which database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from odoo_pipelines_sandbox.odoo.errors import value_error
from odoo_pipelines_sandbox.odoo.schema import Field, Model
from odoo_pipelines_sandbox.odoo.store import Database, Row, Table

SUPERUSER = 1
COMPANY_ID = 1


@dataclass(frozen=True, slots=True)
class Env:
    """One call's surroundings.

    Attributes:
        db: the database.
        uid: id of the user; the superuser may do everything.
        context: as sent by the caller.
    """

    db: Database
    uid: int
    context: Mapping[str, Any] = field(default_factory=dict)

    def model(self, name: str) -> Model:
        """A model of the registry; the caller has checked that it exists."""
        return self.db.models[name]

    def table(self, name: str) -> Table:
        """The rows of a model."""
        return self.db.table(name)

    def row(self, model: str, record_id: int) -> Row:
        """One row; empty for no record."""
        return self.db.table(model).rows.get(record_id, {})

    def sudo(self) -> Env:
        """The same call without access checks."""
        return replace(self, uid=SUPERUSER)

    def with_context(self, **more: Any) -> Env:
        """The same call with more context."""
        return replace(self, context={**self.context, **more})

    @property
    def active_test(self) -> bool:
        """Whether archived records are left out."""
        return bool(self.context.get("active_test", True))


def known_field(model: Model, name: str) -> Field:
    """A field by name; raises as read does for an unknown one."""
    known = model.fields.get(name)
    if known is None:
        raise value_error(f"Invalid field '{name}' on '{model.name}'")
    return known

"""What a server's models have for fields, and under which names."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic import TypeAdapter

from odoo_pipelines.errors import OdooUnknownNameError
from odoo_pipelines.odoo import cells, values
from odoo_pipelines.odoo.answers import checked
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.fields import FIELD_ATTRIBUTES, FieldDescription, FieldSchema

_FORMER_NAMES: Mapping[str, Mapping[str, str]] = {
    "account.payment": {"memo": "ref"},
    "sale.order.line": {"tax_ids": "tax_id", "product_uom_id": "product_uom"},
}
"""Fields by their name in Odoo 19, with the name that earlier versions have for them."""

_DESCRIPTIONS = TypeAdapter(dict[str, FieldDescription])


@dataclass(frozen=True, slots=True)
class ModelSchema:
    """The fields of a model, as far as the user may see them.

    Every method takes the name of Odoo 19 or the server's own, and raises OdooUnknownNameError where there is neither.

    Attributes:
        model: technical name.
        fields: by the server's names.
    """

    model: str
    fields: Mapping[str, FieldSchema]

    def server_name(self, name: str) -> str | None:
        """The server's name of a field of Odoo 19; None where it has no such field."""
        if name in self.fields:
            return name
        former = _FORMER_NAMES.get(self.model, {}).get(name)
        return former if former in self.fields else None

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of the names of Odoo 19 that this server has no field for."""
        return [name for name in names if self.server_name(name) is None]

    def field(self, name: str) -> FieldSchema:
        """The field."""
        field = self.fields.get(name)
        if field is not None:
            return field
        former = self.server_name(name)
        if former is None:
            raise OdooUnknownNameError(f"the server has no field {name!r}", model=self.model, method="fields_get")
        return self.fields[former]

    def relation(self, name: str) -> str:
        """The model that a relational field points to."""
        return self.field(name).relation

    def caster(self, name: str, *, required: bool = False) -> Callable[[Any], Any]:
        """Gives a mapped value as Odoo will hold and print it, see `values.cast`; raises RowRejectedError.

        Args:
            name: of the field.
            required: it may not be empty, whatever its definition says.
        """
        field = self.field(name)
        return partial(values.cast, field=replace(field, required=field.required or required))

    def canonical(self, name: str, value: Any, *, currency_decimals: int | None = None) -> Any:
        """A value that was read, in the form in which values are compared, see `values.canonical`."""
        return values.canonical(value, self.field(name), currency_decimals=currency_decimals)

    def written(self, name: str, value: Any) -> Any:
        """A cast value in the form that `create` and `write` take."""
        return values.written(value, self.field(name))

    def cells(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Cast values by field as cells of `load` by column."""
        fields = ((self.field(name), value) for name, value in values.items())
        return {cells.column(field): cells.cell(value, field) for field, value in fields}


class Schemas:
    """Asks for each model's fields once; safe to share between threads.

    Custom fields that are created later are not seen: make a new one after `bootstrap`.
    """

    def __init__(self, client: OdooClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._models: dict[str, ModelSchema] = {}

    def __call__(self, model: str) -> ModelSchema:
        """The fields of a model.

        Raises:
            OdooUnknownNameError: the server has no such model.
        """
        with self._lock:
            if model not in self._models:
                self._models[model] = read_schema(self._client, model)
            return self._models[model]


def read_schema(client: OdooClient, model: str) -> ModelSchema:
    """Asks the server for the fields of a model.

    Raises:
        OdooUnknownNameError: the server has no such model.
    """
    told = checked(_DESCRIPTIONS, client.fields_get(model, FIELD_ATTRIBUTES), model, "fields_get")
    return ModelSchema(model, {name: description.field(name) for name, description in told.items()})

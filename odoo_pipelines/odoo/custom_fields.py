"""Creates what the pipelines need in Odoo: custom fields and product categories.

First a plan, which changes nothing and can be shown; then its application, which may be repeated and may run twice at
the same time. Creating fields needs the right "Access Rights"; everything else in the package does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, TypeAlias

from odoo_pipelines.errors import (
    OdooConflictError,
    OdooTransientError,
    OdooUnknownNameError,
    OdooValidationError,
)
from odoo_pipelines.odoo.cells import ID_COLUMN
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.schema import ModelSchema, read_schema

CustomFieldType: TypeAlias = Literal["char", "text", "integer", "float", "boolean", "date", "datetime"]

_TRIES = 3
_CATEGORY = "product.category"
XMLID_MODULE = "__odoo_pipelines__"  # no real module: at an upgrade Odoo deletes what a module does not mention


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field; copies of a record do not take its value along, for they are not the external record.

    Attributes:
        name: starts with "x_".
        type: Odoo's type.
        label: shown in Odoo.
        indexed: ask for a database index.
    """

    name: str
    type: CustomFieldType
    label: str
    indexed: bool = False


SYNC_KEY = CustomField("x_sync_key", "char", "Sync key", indexed=True)
"""On every target model, order lines included: `<integration>.<entity>.<external id>`."""


@dataclass(frozen=True, slots=True)
class BootstrapPlan:
    """What is missing in Odoo.

    Attributes:
        fields: by model.
        categories: names of product categories.
        problems: what a person has to settle first, one sentence each.
    """

    fields: Mapping[str, tuple[CustomField, ...]]
    categories: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to create."""
        return not self.fields and not self.categories


def plan_bootstrap(
    client: OdooClient, models: Mapping[str, Sequence[CustomField]], categories: Sequence[str] = ()
) -> BootstrapPlan:
    """Compares what is wanted with what is there; only reads.

    Args:
        client: any user's.
        models: fields wanted, by model.
        categories: names of product categories wanted.
    """
    schemas = {model: _schema(client, model) for model in [*models, *([_CATEGORY] if categories else [])]}
    problems = [f"{model}: Odoo has no such model; install its app" for model, schema in schemas.items() if not schema]
    fields: dict[str, tuple[CustomField, ...]] = {}
    for model, wanted in models.items():
        if schema := schemas[model]:
            problems += _mismatches(schema, wanted)
            if missing := tuple(field for field in wanted if field.name not in schema.fields):
                fields[model] = missing
    return BootstrapPlan(fields, _missing_categories(client, categories, schemas), tuple(problems))


def apply_bootstrap(client: OdooClient, plan: BootstrapPlan) -> None:
    """Creates what the plan names; what somebody else has created meanwhile is left alone.

    Args:
        client: of a user with the right "Access Rights".
        plan: from `plan_bootstrap`.

    Raises:
        OdooAccessError: the right is missing.
        OdooValidationError: Odoo refuses a field or a category.
    """
    model_ids = _model_ids(client, plan.fields) if plan.fields else {}
    for model, fields in plan.fields.items():
        _create_fields(client, model, model_ids[model], fields)
    if plan.categories:
        _create_categories(client, plan.categories)


def _schema(client: OdooClient, model: str) -> ModelSchema | None:
    try:
        return read_schema(client, model)
    except OdooUnknownNameError:
        return None


def _mismatches(schema: ModelSchema, wanted: Iterable[CustomField]) -> Iterator[str]:
    for field in wanted:
        present = schema.fields.get(field.name)
        if present is not None and present.type != field.type:
            yield f"{schema.model}.{field.name}: is of type {present.type} in Odoo and should be {field.type}"
        elif present is not None and not present.store:
            yield f"{schema.model}.{field.name}: is computed in Odoo and should be stored"


def _model_ids(client: OdooClient, models: Iterable[str]) -> dict[str, int]:
    rows = client.search_read("ir.model", [["model", "in", list(models)]], ["model"])
    return {row["model"]: row["id"] for row in rows}


def _create_fields(client: OdooClient, model: str, model_id: int, fields: Sequence[CustomField]) -> None:
    """Creates the fields in one call, because Odoo reloads its registry after each."""
    missing = list(fields)
    for tries_left in reversed(range(_TRIES)):
        try:
            client.create("ir.model.fields", [_field_vals(field, model_id) for field in missing])
        except (OdooValidationError, OdooConflictError, OdooTransientError):
            # Another bootstrap may have come first, or the answer was lost: what is there decides.
            before, missing = missing, _missing_fields(client, model, missing)
            if missing == before and not tries_left:
                raise
        else:
            return
        if not missing:
            return


def _field_vals(field: CustomField, model_id: int) -> dict[str, Any]:
    return {
        "name": field.name,
        "model_id": model_id,
        "ttype": field.type,
        "field_description": field.label,
        "index": field.indexed,
        "copied": False,
    }


def _missing_fields(client: OdooClient, model: str, fields: Iterable[CustomField]) -> list[CustomField]:
    present = read_schema(client, model).fields
    return [field for field in fields if field.name not in present]


def _missing_categories(
    client: OdooClient, names: Sequence[str], schemas: Mapping[str, ModelSchema | None]
) -> tuple[str, ...]:
    if not schemas.get(_CATEGORY):
        return ()
    present = {row["name"] for row in client.search_read(_CATEGORY, [["name", "in", list(names)]], ["name"])}
    return tuple(name for name in dict.fromkeys(names) if name not in present)


def _create_categories(client: OdooClient, names: Sequence[str]) -> None:
    """Creates categories under external ids, so that two bootstraps at once make one of each."""
    rows = [[_category_xmlid(name), name] for name in names]
    loaded = client.load(_CATEGORY, [ID_COLUMN, "name"], rows)
    if loaded.ids is None:
        texts = "; ".join(message.message for message in loaded.messages)
        raise OdooValidationError("Odoo refuses a category", model=_CATEGORY, method="load", odoo_message=texts)


def _category_xmlid(name: str) -> str:
    return f"{XMLID_MODULE}.product_category_{sha256(name.encode()).hexdigest()[:16]}"

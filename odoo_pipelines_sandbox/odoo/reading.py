"""search, read and their kin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from odoo_pipelines_sandbox.odoo import access, domains
from odoo_pipelines_sandbox.odoo.env import Env, known_field
from odoo_pipelines_sandbox.odoo.errors import user_error
from odoo_pipelines_sandbox.odoo.naming import display_name
from odoo_pipelines_sandbox.odoo.schema import Field, Model

_Getter: TypeAlias = Callable[[int], Any]


def search(  # noqa: PLR0917
    env: Env,
    model_name: str,
    domain: Sequence[Any],
    offset: int = 0,
    limit: int | None = None,
    order: str | None = None,
) -> list[int]:
    """Ids of the matching records, in order."""
    access.check(env, model_name, "read")
    model = env.model(model_name)
    found = ordered(env, model, visible(env, model_name, domains.search(env, model, domain)), order)
    return found[offset : offset + limit if limit else None]


def visible(env: Env, model_name: str, ids: Iterable[int]) -> Iterable[int]:
    """Ordinary users see only their own API keys."""
    if model_name != "res.users.apikeys" or access.may(env, "res.users", "write"):
        return ids
    rows = env.table(model_name).rows
    return [record_id for record_id in ids if rows[record_id]["user_id"] == env.uid]


def ordered(env: Env, model: Model, ids: Iterable[int], order: str | None = None) -> list[int]:
    """Sorts ids by an order clause, by the model's own without one; empty values come last, as in PostgreSQL."""
    result = list(ids)
    for term in reversed((order or model.order).split(",")):
        name, _, direction = term.strip().partition(" ")
        if name not in model.fields:
            raise user_error(f'Invalid field {name!r} on model "{model.name}"')
        descending = direction.strip().lower() == "desc"
        result.sort(key=_sort_key(env, model, model.fields[name]), reverse=descending)
    return result


def _sort_key(env: Env, model: Model, field: Field) -> Callable[[int], Any]:
    rows = env.table(model.name).rows
    if field.name == "id":
        return lambda record_id: record_id
    if field.via:
        target = env.model(model.fields[field.via].relation)
        inner = _sort_key(env, target, target.fields[field.name])
        return lambda record_id: inner(rows[record_id][field.via])
    if field.type == "many2one":
        positions = _positions(env, field)
        return lambda record_id: positions.get(rows[record_id].get(field.name) or 0, len(positions))
    if field.type == "boolean":
        return lambda record_id: bool(rows[record_id].get(field.name))
    return lambda record_id: _nulls_last(rows[record_id].get(field.name), field)


def _positions(env: Env, field: Field) -> dict[int, int]:
    """Relations sort as their model does."""
    target = env.model(field.relation)
    return {record_id: at for at, record_id in enumerate(ordered(env, target, env.table(field.relation).rows))}


def _nulls_last(value: Any, field: Field) -> tuple[bool, Any]:
    empty = value is None or value is False
    if isinstance(value, str):
        # The natural order of people: case does not matter.
        return False, (value.casefold(), value)
    return empty, "" if empty and field.type not in {"integer", "float", "monetary"} else value or 0


def read(
    env: Env,
    model_name: str,
    ids: Sequence[int],
    fields: Sequence[str] | None = None,
    load: str | bool | None = "_classic_read",  # noqa: FBT001
) -> list[dict[str, Any]]:
    """Values of records, in the order of the ids; records that are gone are left out.

    `load` unset gives relations as bare ids, otherwise as `[id, name]`.
    """
    access.check(env, model_name, "read")
    model, rows = env.model(model_name), env.table(model_name).rows
    names = ["id", *(name for name in dict.fromkeys(fields or model.fields) if name != "id")]
    getters = [(name, _getter(env, model, known_field(model, name), named=bool(load))) for name in names]
    return [{name: getter(record_id) for name, getter in getters} for record_id in ids if record_id in rows]


def _getter(env: Env, model: Model, field: Field, *, named: bool) -> _Getter:
    rows, name = env.table(model.name).rows, field.name
    if name == "id":
        return lambda record_id: record_id
    if name == "display_name":
        return lambda record_id: display_name(env, model.name, record_id)
    if field.via:
        target = env.model(model.fields[field.via].relation)
        inner = _getter(env, target, target.fields[name], named=named)
        return lambda record_id: inner(rows[record_id][field.via])
    if field.type == "many2one":
        return _many2one(env, model, field, named=named)
    if field.type in {"one2many", "many2many"}:
        return lambda record_id: related_ids(env, model, field, record_id)
    empty = field.empty
    return lambda record_id: rows[record_id].get(name, empty)


def _many2one(env: Env, model: Model, field: Field, *, named: bool) -> _Getter:
    rows, targets, name = env.table(model.name).rows, env.table(field.relation).rows, field.name

    def get(record_id: int) -> Any:
        target = rows[record_id].get(name)
        if not target or target not in targets:
            return False
        return [target, display_name(env, field.relation, target)] if named else target

    return get


def related_ids(env: Env, model: Model, field: Field, record_id: int) -> list[int]:
    """Ids behind a relation to many, in their model's order, without archived ones."""
    target, rows = env.model(field.relation), env.table(field.relation).rows
    if field.inverse:
        ids: Iterable[int] = env.table(field.relation).lookup(field.inverse, record_id)
    else:
        ids = env.row(model.name, record_id).get(field.name) or ()
    present = [target_id for target_id in ids if target_id in rows]
    if target.archivable and env.active_test:
        present = [target_id for target_id in present if rows[target_id].get("active")]
    if field.relation == "sale.order.line":
        # All of one order, so the order's own place does not matter.
        return ordered(env, target, present, "sequence, id")
    return ordered(env, target, present) if len(present) > 1 else present


def web_read(
    env: Env, model_name: str, ids: Sequence[int], specification: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Reads records and the records behind their relations in one go."""
    model = env.model(model_name)
    result = read(env, model_name, ids, list(specification) or ["id"], load=None)
    for name, wanted in specification.items():
        if "fields" in wanted:
            _expand(env, known_field(model, name), wanted["fields"], result)
    return result


def _expand(env: Env, field: Field, specification: Mapping[str, Any], result: list[dict[str, Any]]) -> None:
    many = field.type != "many2one"
    wanted = {
        target for values in result for target in (values[field.name] if many else [values[field.name]]) if target
    }
    targets = {values["id"]: values for values in web_read(env, field.relation, sorted(wanted), specification)}
    for values in result:
        found = values[field.name]
        values[field.name] = [targets[target] for target in found] if many else targets.get(found, False)


def external_ids(env: Env, model_name: str, ids: Sequence[int]) -> dict[str, str]:
    """For each record one of its external ids, or an empty string."""
    return {str(record_id): next(iter(env.db.xmlids_of(model_name, record_id).values()), "") for record_id in ids}


def formatted_read_group(  # noqa: PLR0917 - Odoo's own parameters
    env: Env,
    model_name: str,
    domain: Sequence[Any],
    groupby: Sequence[str] = (),
    aggregates: Sequence[str] = (),
    having: Sequence[Any] = (),
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Numbers of records by the value of one field; of `having` only a comparison of `__count` with ">"."""
    [name] = groupby
    if list(aggregates) != ["__count"] or any(tuple(term[:2]) != ("__count", ">") for term in having):
        raise user_error("the stand-in groups by counts only")
    counts: dict[Any, int] = {}
    for record_id in search(env, model_name, domain):
        value = env.row(model_name, record_id)[name]
        counts[value] = counts.get(value, 0) + 1
    groups = [
        {name: value, "__extra_domain": [(name, "=", value)], "__count": count}
        for value, count in sorted(counts.items(), key=lambda group: str(group[0]))
        if all(count > term[2] for term in having)
    ]
    return groups[:limit]

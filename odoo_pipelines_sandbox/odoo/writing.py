"""create, write and unlink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from odoo_pipelines_sandbox.odoo import access
from odoo_pipelines_sandbox.odoo.behaviours import behaviour
from odoo_pipelines_sandbox.odoo.env import SUPERUSER, Env
from odoo_pipelines_sandbox.odoo.errors import (
    key_error,
    mandatory_field,
    missing_record,
    still_needed,
    still_used,
    value_error,
)
from odoo_pipelines_sandbox.odoo.schema import MAGIC_NAMES, Field, Model
from odoo_pipelines_sandbox.odoo.store import XMLIDS, Row
from odoo_pipelines_sandbox.odoo.values import stored_value

_USERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "res.partner": (("account.payment", "partner_id"),),
}
_HOLDERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "res.partner": (("sale.order", "partner_id"), ("res.users", "partner_id"), ("res.company", "partner_id")),
    "product.product": (("sale.order.line", "product_id"),),
}


def create(env: Env, model_name: str, vals_list: Sequence[Mapping[str, Any]]) -> list[int]:
    """Creates records and returns their ids."""
    access.check(env, model_name, "create")
    model = env.model(model_name)
    for vals in vals_list:
        for name in vals:
            if name not in model.fields:
                raise value_error(f"Invalid field '{name}' in '{model_name}'")
    rules, now = behaviour(model_name), env.db.now()
    prepared = [rules.prepare(env, dict(vals)) for vals in vals_list]
    ids = [_create_one(env, model, vals, now) for vals in prepared]
    rules.created(env, ids)
    return ids


def _create_one(env: Env, model: Model, vals: dict[str, Any], now: str) -> int:
    own = _own_values(env, model, vals)
    delegate = model.delegate
    if delegate and not own.get(delegate):
        parent = model.fields[delegate].relation
        shown = {name: value for name, value in vals.items() if model.fields[name].via}
        own[delegate] = create(env, parent, [shown])[0]
    row = {name: field.default for name, field in model.fields.items() if field.default is not None and not field.via}
    row |= own | {"create_date": now, "write_date": now, "create_uid": env.uid, "write_uid": env.uid}
    _check_required(model, row)
    record_id = env.table(model.name).insert(row)
    _write_lines(env, model, record_id, vals)
    return record_id


def write(env: Env, model_name: str, ids: Sequence[int], vals: Mapping[str, Any]) -> bool:
    """Writes the same values on records; works on equal values, too, as Odoo does."""
    access.check(env, model_name, "write")
    model = env.model(model_name)
    for name in vals:
        if name not in model.fields:
            raise key_error(name)
    check_exist(env, model_name, ids)
    rules = behaviour(model_name)
    values = rules.check_write(env, ids, dict(vals))
    rows = env.table(model_name).rows
    before = {record_id: rows[record_id] for record_id in ids}
    for record_id in ids:
        _write_one(env, model, record_id, values)
    rules.written(env, before, values)
    return True


def _write_one(env: Env, model: Model, record_id: int, vals: dict[str, Any]) -> None:
    table = env.table(model.name)
    own = _own_values(env, model, vals, table.rows[record_id])
    if own or any(model.fields[name].type == "one2many" for name in vals):
        _check_required(model, own)
        table.update(record_id, {**own, "write_date": env.db.now(), "write_uid": env.uid})
    shown = {name: value for name, value in vals.items() if model.fields[name].via}
    if shown:
        delegate = model.fields[model.delegate]
        write(env, delegate.relation, [table.rows[record_id][delegate.name]], shown)
    _write_lines(env, model, record_id, vals)


def unlink(env: Env, model_name: str, ids: Sequence[int]) -> bool:
    """Deletes records, their lines and their external ids."""
    access.check(env, model_name, "unlink")
    check_exist(env, model_name, ids)
    behaviour(model_name).check_unlink(env, ids)
    _check_unneeded(env, model_name, ids)
    model, rows = env.model(model_name), env.table(model_name).rows
    before = {record_id: rows[record_id] for record_id in ids}
    for record_id in ids:
        for field in model.fields.values():
            if field.inverse and not field.via:
                _release(env, field, list(env.table(field.relation).lookup(field.inverse, record_id)))
        for row_id in list(env.db.xmlids_of(model_name, record_id)):
            env.table(XMLIDS).delete(row_id)
        env.table(model_name).delete(record_id)
    behaviour(model_name).unlinked(env, before)
    return True


def _check_unneeded(env: Env, model_name: str, ids: Sequence[int]) -> None:
    """Orders, users and payments hold on to their partners, lines to their products."""
    for holder, name in _HOLDERS.get(model_name, ()):
        if any(env.table(holder).lookup(name, record_id) for record_id in ids):
            model = env.model(holder)
            raise still_needed(holder, model.description, name, model.fields[name].string)
    for user, name in _USERS.get(model_name, ()):
        if any(env.table(user).lookup(name, record_id) for record_id in ids):
            model = env.model(user)
            raise still_used(user, model.description, name, model.fields[name].string)


def _release(env: Env, field: Field, lines: list[int]) -> None:
    """Lines that cannot be without their parent go with it, others are set free."""
    inverse = env.model(field.relation).fields[field.inverse]
    if inverse.required:
        unlink(env.sudo(), field.relation, lines)
    else:
        for line in lines:
            env.table(field.relation).update(line, {field.inverse: False})


def check_exist(env: Env, model_name: str, ids: Sequence[int]) -> None:
    """Raises MissingError for the first record that is gone."""
    rows = env.table(model_name).rows
    for record_id in ids:
        if record_id not in rows:
            raise missing_record(model_name, [record_id], env.uid)


def _own_values(env: Env, model: Model, vals: Mapping[str, Any], old: Row | None = None) -> dict[str, Any]:
    own: dict[str, Any] = {}
    for name, value in vals.items():
        field = model.fields[name]
        if field.via or not field.stored or (name in MAGIC_NAMES and env.uid != SUPERUSER):
            continue
        if field.type == "many2many":
            own[name] = _linked((old or {}).get(name) or (), value)
        else:
            own[name] = stored_value(env, model, field, value)
    return own


def _linked(ids: tuple[int, ...], commands: Any) -> tuple[int, ...]:
    """Ids of a many2many after Odoo's commands; a plain list of ids replaces them."""
    for command in commands or ((6, 0, ()),):
        match command:
            case int():
                return tuple(commands)
            case [4, linked, *_]:
                ids = (*ids, linked) if linked not in ids else ids
            case [3, unlinked, *_]:
                ids = tuple(kept for kept in ids if kept != unlinked)
            case [5, *_]:
                ids = ()
            case [6, _, replaced]:
                ids = tuple(dict.fromkeys(replaced))
    return ids


def _check_required(model: Model, row: Mapping[str, Any]) -> None:
    for field in model.fields.values():
        if field.required and not field.via and field.name in row and row[field.name] is False:
            raise mandatory_field(model.name, model.description, field.name, field.string)


def _write_lines(env: Env, model: Model, parent_id: int, vals: Mapping[str, Any]) -> None:
    for name, commands in vals.items():
        field = model.fields[name]
        if field.type == "one2many" and not field.via:
            _apply_commands(env, field, parent_id, commands or [])


def _apply_commands(env: Env, field: Field, parent_id: int, commands: Sequence[Sequence[Any]]) -> None:
    added: list[dict[str, Any]] = []
    for command in commands:
        match command:
            case [0, _, vals]:
                added.append({**vals, field.inverse: parent_id})
            case [1, line, vals]:
                write(env, field.relation, [line], vals)
            case [2, line, *_]:
                unlink(env, field.relation, [line])
            case [4, line, *_]:
                write(env, field.relation, [line], {field.inverse: parent_id})
    if added:
        create_with_xmlids(env, field.relation, added)


def create_with_xmlids(env: Env, model_name: str, vals_list: Sequence[dict[str, Any]]) -> list[int]:
    """create, where a key `id` gives the new record its external id while a load (or its context) goes on."""
    module = env.context.get("_import_current_module")
    xmlids = [vals.pop("id", None) for vals in vals_list]
    ids = create(env, model_name, vals_list)
    if module:
        for xmlid, record_id in zip(xmlids, ids, strict=True):
            if xmlid:
                env.db.set_xmlid(xmlid if "." in xmlid else f"{module}.{xmlid}", model_name, record_id)
    return ids

"""load: rows of text become records, all or nothing, with messages that name the rows at fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from odoo_pipelines_sandbox.odoo.conversion import Conversion, Problem
from odoo_pipelines_sandbox.odoo.env import Env
from odoo_pipelines_sandbox.odoo.errors import OdooFault, validation_error, value_error
from odoo_pipelines_sandbox.odoo.schema import RELATIONAL, Model
from odoo_pipelines_sandbox.odoo.writing import create_with_xmlids, write

_Path: TypeAlias = tuple[str, ...]
_Message: TypeAlias = dict[str, Any]
_MOST_ERRORS = 10
POISON = "sandbox_poison"
"""Context key that a fault sets: a record with this text in a cell is refused."""


@dataclass(frozen=True, slots=True)
class _Record:
    """One record of the file: its cells by field, sub-records for relations, and the rows that it spans."""

    number: int
    cells: dict[str, Any]
    first_row: int
    last_row: int

    @property
    def place(self) -> _Message:
        return {"rows": {"from": self.first_row, "to": self.last_row}, "record": self.number}


@dataclass(slots=True)
class _Entry:
    """A record ready to be written."""

    record: _Record
    xmlid: str
    record_id: int
    vals: dict[str, Any] = field(default_factory=dict)


def load(env: Env, model_name: str, fields: Sequence[str], data: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Creates and updates records by external id.

    Returns:
        `{"ids": [...] | False, "messages": [...], "nextrow": 0}`; with errors nothing is stored.

    Raises:
        OdooFault: a column that the model does not have.
    """
    module = str(env.context.get("module", "__import__"))
    env = env.with_context(_import_current_module=module)
    messages: list[_Message] = []
    with env.db.transaction() as savepoint:
        ids = _load(env, env.model(model_name), [_path(name) for name in fields], data, messages)
        failed = any(message["type"] == "error" for message in messages)
        if failed:
            savepoint.rollback()
    return {"ids": False if failed else ids, "messages": messages, "nextrow": 0}


def _load(
    env: Env, model: Model, paths: list[_Path], data: Sequence[Sequence[Any]], messages: list[_Message]
) -> list[int]:
    for path in paths:
        if path[0] not in {"id", ".id"} and path[0] not in model.fields:
            raise value_error(f"Invalid field name {path[0]!r}")
    entries = [_entry(env, model, record, messages) for record in _records(env, model, paths, data)]
    return _store(env, model, entries, messages)


def _path(column: str) -> _Path:
    """`a/id`, `a:id` and `a/.id` alike."""
    return tuple(column.replace(":id", "/id").replace("/.id", "/\0id").replace("\0", ".").split("/"))


def _records(env: Env, model: Model, paths: Sequence[_Path], data: Sequence[Sequence[Any]]) -> Iterator[_Record]:
    """Cuts the rows into records: a row with cells of the lines only belongs to the record above it."""
    kinds = [model.fields[path[0]].type if path[0] in model.fields else "" for path in paths]
    lines = [at for at, kind in enumerate(kinds) if kind == "one2many"]
    header = [at for at, kind in enumerate(kinds) if kind != "one2many"]
    start = number = 0
    while start < len(data):
        end = start + 1
        while end < len(data) and any(data[end][at] for at in lines) and not any(data[end][at] for at in header):
            end += 1
        yield _Record(number, _cells(env, model, paths, data[start:end]), start, end - 1)
        start, number = end, number + 1


def _cells(env: Env, model: Model, paths: Sequence[_Path], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    columns: dict[str, list[int]] = {}
    for at, path in enumerate(paths):
        if path[0] in model.fields and model.fields[path[0]].type in RELATIONAL:
            columns.setdefault(path[0], []).append(at)
        else:
            cells[path[0]] = rows[0][at]
    for name, positions in columns.items():
        target = env.model(model.fields[name].relation)
        filled = [[row[at] for at in positions] for row in rows if any(row[at] for at in positions)]
        rest = [paths[at][1:] or ("",) for at in positions]
        cells[name] = [record.cells for record in _records(env, target, rest, filled)]
    return cells


def _entry(env: Env, model: Model, record: _Record, messages: list[_Message]) -> _Entry:
    entry = _Entry(record, _full_xmlid(env, record.cells.get("id")), 0)
    if database_id := record.cells.get(".id"):
        entry.record_id = _existing(env, model, database_id)
        if not entry.record_id:
            message = f"Unknown database identifier '{database_id}'"
            messages.append({**record.place, "type": "error", "field": ".id", "message": message})

    def log(name: str, problem: Problem) -> None:
        label = model.fields[name].string
        message = problem.message.replace("%(field)s", label)
        known = {"type": problem.kind, "field": name, "message": message}
        messages.append(
            {**record.place, **known, **({"moreinfo": problem.info} if problem.info else {}), "field_name": label}
        )

    if (poison := env.context.get(POISON)) and poison in repr(record.cells):
        messages.append({**record.place, "type": "error", "message": "The sandbox refuses this record"})
    entry.vals = Conversion(env, model).convert(record.cells, log)
    return entry


def _full_xmlid(env: Env, xmlid: Any) -> str:
    if not xmlid:
        return ""
    return xmlid if "." in xmlid else f"{env.context['_import_current_module']}.{xmlid}"


def _existing(env: Env, model: Model, database_id: Any) -> int:
    try:
        record_id = int(database_id)
    except ValueError:
        return 0
    return record_id if record_id in env.table(model.name).rows else 0


def _store(env: Env, model: Model, entries: Sequence[_Entry], messages: list[_Message]) -> list[int]:
    """All in one go; if that fails, one by one to find the culprits."""
    if not entries:
        return []
    first_fault = ""
    try:
        with env.db.transaction():
            return _write_all(env, model, entries)
    except OdooFault as fault:
        if fault.for_users:
            first_fault = fault.message
    ids: list[int] = []
    errors = 0
    for count, entry in enumerate(entries, 1):
        try:
            with env.db.transaction():
                ids += _write_all(env, model, [entry])
        except OdooFault as fault:
            errors += 1
            messages.append({**entry.record.place, "type": "error", **_explanation(model, fault)})
        if errors >= _MOST_ERRORS and errors >= count / 10:
            messages.append({"type": "warning", "message": _INTERRUPTED})
            break
    _add_first_fault(entries[0], first_fault, messages)
    return ids


_INTERRUPTED = (
    "Found more than 10 errors and more than one error per 10 records, interrupted to avoid showing too many errors."
)


def _add_first_fault(first: _Entry, message: str, messages: list[_Message]) -> None:
    known: _Message = {**first.record.place, "type": "error", "message": message}
    if message and known not in messages and any(found["type"] == "error" for found in messages):
        messages.insert(0, known)


def _explanation(model: Model, fault: OdooFault) -> _Message:
    if fault.constraint:
        own = {"field": fault.constraint.field} if fault.constraint.model == model.name else {}
        return {"message": fault.constraint.message, **own}
    if fault.for_users:
        return {"message": fault.message}
    kind = fault.name.removeprefix("builtins.")
    text = f"Unknown error during import: <class '{kind}'>: {fault.message}"
    return {"message": text, "moreinfo": "Resolve other errors first"}


def _write_all(env: Env, model: Model, entries: Sequence[_Entry]) -> list[int]:
    return [record_id for batch in _batches(entries) for record_id in _write_batch(env, model, batch)]


def _batches(entries: Sequence[_Entry]) -> Iterator[list[_Entry]]:
    """An external id that comes again updates what its first row created."""
    batch: list[_Entry] = []
    seen: set[str] = set()
    for entry in entries:
        if entry.xmlid in seen:
            yield batch
            batch, seen = [], set()
        batch.append(entry)
        seen |= {entry.xmlid} - {""}
    yield batch


def _write_batch(env: Env, model: Model, entries: Sequence[_Entry]) -> list[int]:
    targets = [_target(env, model, entry) for entry in entries]
    for entry, target in zip(entries, targets, strict=True):
        if target:
            _update(env, model, entry, target)
    created = iter(_create(env, model, [entry for entry, target in zip(entries, targets, strict=True) if not target]))
    return [target or next(created) for target in targets]


def _target(env: Env, model: Model, entry: _Entry) -> int:
    """Id of the record to update; 0 to create one."""
    known = env.db.xmlid_target(entry.xmlid) if entry.xmlid else None
    if known is None:
        return 0 if entry.xmlid else entry.record_id
    found_model, record_id = known
    if found_model != model.name:
        row_id = env.db.xmlid_row(entry.xmlid)
        raise validation_error(
            f"For external id {entry.xmlid} when trying to create/update a record of model {model.name} "
            f"found record of different model {found_model} ({row_id})"
        )
    return record_id if record_id in env.table(model.name).rows else 0


def _update(env: Env, model: Model, entry: _Entry, target: int) -> None:
    write(env, model.name, [target], entry.vals)


def _create(env: Env, model: Model, entries: Sequence[_Entry]) -> list[int]:
    ids = create_with_xmlids(env, model.name, [dict(entry.vals) for entry in entries])
    for entry, record_id in zip(entries, ids, strict=True):
        if entry.xmlid:
            env.db.set_xmlid(entry.xmlid, model.name, record_id)
            _name_delegate(env, model, entry.xmlid, record_id)
    return ids


def _name_delegate(env: Env, model: Model, xmlid: str, record_id: int) -> None:
    """A product's template gets an external id, too."""
    if model.delegate:
        parent = model.fields[model.delegate].relation
        parent_id = env.row(model.name, record_id)[model.delegate]
        env.db.set_xmlid(f"{xmlid}_{parent.replace('.', '_')}", parent, parent_id)

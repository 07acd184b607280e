"""Rows as batch files hold them: Arrow schemas, and the way there and back without a loss.

A field that a row does not carry and a field that it empties are both null in their column; the names of the former are
in the column `absent`. A field that is named like one of the engine's own columns has its column as `<name>_value`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any

import orjson
import pyarrow as pa

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.http.json_text import is_storable
from odoo_pipelines.stores.text import storable
from odoo_pipelines.systems.base import MappedLine, MappedRow, RejectedRow, Value
from odoo_pipelines.systems.records import Layer
from odoo_pipelines.systems.targets import FieldType, LineTarget, Target, TargetField

_TIME: pa.DataType = pa.timestamp("us", tz="UTC")
_TEXTS = pa.list_(pa.string())
_TYPES: Mapping[FieldType, pa.DataType] = {
    "integer": pa.int64(),
    "float": pa.float64(),
    "monetary": pa.float64(),
    "boolean": pa.bool_(),
    "many2many": _TEXTS,
}
_ROW_COLUMNS: Mapping[str, pa.DataType] = {
    "entity": pa.string(),
    "external_id": pa.string(),
    "updated_at": _TIME,
    "hash": pa.string(),
    "weight": pa.int64(),
    "only_create": pa.bool_(),
    "only_existing": pa.bool_(),
    "seen_at": _TIME,
    "inside": pa.string(),
    "repeated": pa.bool_(),
    "state": pa.string(),
    "total": pa.string(),
    "warnings": _TEXTS,
    "former": _TEXTS,
    "follows": pa.string(),
    "untold": _TEXTS,
    "absent": _TEXTS,
    "error_field": pa.string(),
    "error_code": pa.string(),
    "error_reason": pa.string(),
    "payload": pa.string(),
}
_LINE_COLUMNS: Mapping[str, pa.DataType] = {"entity": pa.string(), "external_id": pa.string(), "absent": _TEXTS}
_EXACT_INTEGERS = 2**53
_HASH_BYTES = 16


def raw_schema() -> pa.Schema:
    """Columns of an extracted batch: external_id, updated_at, seen_at, hash (of the payload) and payload (JSON text).

    Times are UTC; `updated_at` is the one that is believed, whatever the payload says.
    """
    texts = {"hash": pa.string(), "payload": pa.string()}
    return pa.schema({"external_id": pa.string(), "updated_at": _TIME, "seen_at": _TIME, **texts})


def core_schema(layer: Layer) -> pa.Schema:
    """The columns that every batch of a layer has, of whatever flow and version."""
    if layer == "odoo":
        return pa.schema([])
    if layer == "external":
        return pa.schema([(name, raw_schema().field(name).type) for name in ("external_id", "hash", "payload")])
    names = ("entity", "external_id", "updated_at", "hash", "weight", "absent", "error_code", "payload")
    return pa.schema([(name, _ROW_COLUMNS[name]) for name in names])


def mapped_schema(target: Target) -> pa.Schema:
    """Columns of a mapped batch: what the engine needs of every row, then one column for each field of the target."""
    fields: list[tuple[str, pa.DataType]] = [*_ROW_COLUMNS.items()]
    fields += _field_columns(target.fields, _ROW_COLUMNS)
    if target.lines is not None:
        line = pa.struct([*_LINE_COLUMNS.items(), *_field_columns(target.lines.fields, _LINE_COLUMNS)])
        fields.append((_column(target.lines.field, _ROW_COLUMNS), pa.list_(line)))
    return pa.schema(fields)


def is_value(column: str) -> bool:
    """Whether a column of a mapped batch holds values for Odoo, and is not one that the engine needs."""
    return column not in _ROW_COLUMNS


def field_of(column: str) -> str:
    """The field of Odoo whose values a column holds."""
    field = column.removesuffix("_value")
    return field if field in _ROW_COLUMNS else column


def to_columns(row: MappedRow | RejectedRow, target: Target) -> dict[str, Any]:
    """One row by column name; a mapped row's hash is computed here.

    Raises:
        RowRejectedError: a value does not fit its column, or is a text that no database can hold.
        ValueError: the row has fields that its target lacks.
    """
    return _rejected_columns(row) if isinstance(row, RejectedRow) else _mapped_columns(row, target)


def from_columns(columns: Mapping[str, Any], target: Target) -> MappedRow | RejectedRow:
    """The row that `to_columns` was given, a mapped row with its hash."""
    if columns["error_code"] is not None:
        error = RowRejectedError(columns["error_field"], columns["error_code"], columns["error_reason"])
        identity = (columns["entity"], columns["external_id"], columns["updated_at"])
        return RejectedRow(*identity, error=error, payload=columns["payload"])
    return MappedRow(
        entity=columns["entity"],
        external_id=columns["external_id"],
        updated_at=columns["updated_at"],
        values=_values(columns, target.fields, _ROW_COLUMNS),
        lines=_lines(columns, target.lines),
        state=columns["state"],
        total=columns["total"],
        only_create=columns["only_create"],
        only_existing=bool(columns.get("only_existing")),
        warnings=tuple(columns["warnings"]),
        weight=columns["weight"],
        former=tuple(columns.get("former") or ()),
        follows=columns.get("follows") or "",
        untold=tuple(columns.get("untold") or ()),
        hash=columns["hash"],
        seen_at=columns.get("seen_at"),
        inside=columns.get("inside") or "",
        repeated=bool(columns.get("repeated")),
    )


def row_hash(row: MappedRow) -> str:
    """Stable hash of what Odoo should have: values, lines, state, total, and whether at all; 32 hexadecimal digits."""
    lines = None if row.lines is None else [[line.entity, line.external_id, _plain(line.values)] for line in row.lines]
    content = [_plain(row.values), lines, row.state, *(["only_existing"] if row.only_existing else []), *row.untold]
    if row.total is not None:
        content.append({"total": row.total})
    written = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(written, digest_size=_HASH_BYTES).hexdigest()


def _plain(values: Mapping[str, Value]) -> dict[str, Value]:
    """The values, with 2.0 as 2: a float column makes no difference between them, so the hash must not either."""
    return {
        name: int(value) if type(value) is float and value.is_integer() and abs(value) <= _EXACT_INTEGERS else value
        for name, value in values.items()
    }


def _rejected_columns(row: RejectedRow) -> dict[str, Any]:
    return {
        "entity": row.entity,
        "external_id": storable(row.external_id),
        "updated_at": row.updated_at,
        "weight": 1,
        "error_field": storable(row.error.field),
        "error_code": row.error.code,
        "error_reason": storable(row.error.reason),
        "payload": storable(row.payload),
    }


def _mapped_columns(row: MappedRow, target: Target) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "entity": row.entity,
        "external_id": _checked(row.external_id, "external_id"),
        "updated_at": row.updated_at,
        "weight": row.weight,
        "only_create": row.only_create,
        "only_existing": row.only_existing,
        "seen_at": row.seen_at,
        "inside": storable(row.inside),
        "repeated": row.repeated,
        "state": row.state,
        "total": row.total,
        "warnings": [storable(warning) for warning in row.warnings],
        **({"former": list(row.former)} if row.former else {}),
        **({"follows": row.follows} if row.follows else {}),
        **({"untold": list(row.untold)} if row.untold else {}),
        **_cells(row.values, target.fields, _ROW_COLUMNS, path=""),
    }
    if row.lines is not None:
        lines = _line_target(target)
        columns[_column(lines.field, _ROW_COLUMNS)] = [
            _line_cells(line, lines, path=f"{lines.field}[{index}].") for index, line in enumerate(row.lines)
        ]
    columns["hash"] = row.hash or row_hash(row)
    return columns


def _line_target(target: Target) -> LineTarget:
    if target.lines is None:
        message = f"{target.model} has no lines, but a row of it has"
        raise ValueError(message)
    return target.lines


def _line_cells(line: MappedLine, target: LineTarget, path: str) -> dict[str, Any]:
    external_id = _checked(line.external_id, f"{path}external_id")
    return {
        "entity": line.entity,
        "external_id": external_id,
        **_cells(line.values, target.fields, _LINE_COLUMNS, path),
    }


def _cells(
    values: Mapping[str, Value], fields: Iterable[TargetField], reserved: Mapping[str, pa.DataType], path: str
) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    absent = []
    for field in fields:
        name = field.name
        if name not in values:
            absent.append(name)
            continue
        value = values[name]
        if value is not None and not _FITS.get(field.type, _is_text)(value):
            raise _unstorable(value, field.type, f"{path}{name}")
        cells[name if name not in reserved else _column(name, reserved)] = value
    if len(cells) != len(values):
        message = f"the target lacks mapped fields; it has {sorted(cells)} of {sorted(values)}"
        raise ValueError(message)
    return {**cells, "absent": absent}


def _lines(columns: Mapping[str, Any], target: LineTarget | None) -> tuple[MappedLine, ...] | None:
    cells = None if target is None else columns[_column(target.field, _ROW_COLUMNS)]
    if target is None or cells is None:
        return None
    return tuple(
        MappedLine(cell["entity"], cell["external_id"], _values(cell, target.fields, _LINE_COLUMNS)) for cell in cells
    )


def _values(
    cells: Mapping[str, Any], fields: Iterable[TargetField], reserved: Mapping[str, pa.DataType]
) -> dict[str, Value]:
    """What a row carries; a batch of an earlier version lacks the columns of fields that came later."""
    absent = cells["absent"]
    return {
        name: cells[column]
        for field in fields
        if (name := field.name) not in absent
        and (column := name if name not in reserved else _column(name, reserved)) in cells
    }


def _field_columns(fields: Iterable[TargetField], reserved: Mapping[str, pa.DataType]) -> list[tuple[str, pa.DataType]]:
    return [(_column(field.name, reserved), _TYPES.get(field.type, pa.string())) for field in fields]


def _column(name: str, reserved: Mapping[str, pa.DataType]) -> str:
    return f"{name}_value" if name in reserved else name


def _checked(value: str, path: str) -> str:
    if not _is_text(value):
        raise _unstorable(value, "char", path)
    return value


def _unstorable(value: Value, kind: FieldType, path: str) -> RowRejectedError:
    return RowRejectedError(path, "unstorable_value", f"{path}: {value!r} cannot be stored as {kind}")


def _is_text(value: Value) -> bool:
    return isinstance(value, str) and is_storable(value)


def _is_integer(value: Value) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _is_number(value: Value) -> bool:
    return (type(value) is float and isfinite(value)) or (type(value) is int and abs(value) <= _EXACT_INTEGERS)


def _is_boolean(value: Value) -> bool:
    return isinstance(value, bool)


def _is_texts(value: Value) -> bool:
    return isinstance(value, list) and all(_is_text(each) for each in value)


_FITS: Mapping[FieldType, Callable[[Value], bool]] = {
    "integer": _is_integer,
    "float": _is_number,
    "monetary": _is_number,
    "boolean": _is_boolean,
    "many2many": _is_texts,
}
"""What a column takes; all other types are texts."""

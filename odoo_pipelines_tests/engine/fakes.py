"""Odoo at the engine's port: tables in memory, faults on demand, and a log of every call."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from odoo_pipelines.errors import (
    OdooError,
    OdooMissingRecordError,
    OdooServerError,
    OdooUnknownNameError,
    OdooValidationError,
)
from odoo_pipelines.odoo.answers import LoadMessage, LoadResult
from odoo_pipelines.odoo.schema import ModelSchema

T = TypeVar("T")
Row = dict[str, Any]
Hook = Callable[["Call"], None]

READS = frozenset({"read", "search_read", "get_external_id", "check_object_reference"})
SERVER_STOPS_AT = 10


class KilledError(BaseException):
    """The process dies: nothing catches this."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: `sent` is its domain, rows, values or list of values."""

    number: int
    model: str
    method: str
    ids: tuple[int, ...] = ()
    sent: Any = None

    @property
    def writes(self) -> bool:
        return self.method not in READS


@dataclass
class Fault:
    """Raises an error at some calls; afterwards it is over."""

    method: str
    error: BaseException
    model: str = ""
    skip: int = 0
    times: int = 1

    def __call__(self, call: Call) -> None:
        if call.method != self.method or self.model not in {"", call.model} or not self.times:
            return
        if self.skip:
            self.skip -= 1
            return
        self.times -= 1
        raise self.error


@dataclass
class FakeOdoo:
    """Odoo as the engine sees it.

    Attributes:
        schemas: fields by model.
        one2many: (lines' model, its many2one) by (model, field).
        before: called with every call before it takes effect.
        after: called when it has, before the answer is out.
        refuse: gives the reason why a record may not be stored, or "".
        warn: gives the warning with which `load` stores a record, or "".
        load_names_rows: whether `load` tells which rows it refuses; None lets it fail as a whole.
        clock: when it began; every call takes two seconds, and every record that is stored one.
        all_at_once: all that happens from now on happens within one second.
    """

    schemas: Mapping[str, ModelSchema]
    one2many: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    before: list[Hook] = field(default_factory=list)
    after: list[Hook] = field(default_factory=list)
    refuse: Callable[[str, Row], str] = lambda _model, _row: ""
    warn: Callable[[str, Row], str] = lambda _model, _row: ""
    load_names_rows: bool | None = True
    saves_many: bool = True
    clock: datetime = datetime(2026, 1, 1)  # noqa: DTZ001 - as Odoo prints it
    all_at_once: bool = False
    calls: list[Call] = field(default_factory=list)
    tables: dict[str, dict[int, Row]] = field(default_factory=dict)
    xmlids: dict[str, tuple[str, int]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _ticks: int = 0

    @property
    def server_time(self) -> datetime | None:
        """As the answers' header would tell it."""
        return self._now().replace(tzinfo=UTC)

    def schema(self, model: str) -> ModelSchema:
        return self.schemas[model]

    def seed(self, model: str, **values: Any) -> int:
        """A record that is there already."""
        return self._create(model, values)

    def writes(self, method: str = "", model: str = "") -> list[Call]:
        """The writing calls so far."""
        return [c for c in self.calls if c.writes and method in {"", c.method} and model in {"", c.model}]

    def rows(self, model: str) -> list[Row]:
        """All records with all their values."""
        return [self._shown(model, row_id) for row_id in sorted(self.tables.get(model, {}))]

    def search_read(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], *, context: Mapping[str, Any] | None = None
    ) -> list[Row]:
        hidden = (context or {}).get("active_test", True) and not any(term[0] == "active" for term in domain)

        def search() -> list[Row]:
            found = [row for row in self.rows(model) if _holds(row, list(domain))]
            found = [row for row in found if row.get("active", True) or not hidden]
            return [{name: row[name] for name in ("id", *fields)} for row in found]

        return self._called(model, "search_read", (), list(domain), search)

    def read(self, model: str, ids: Sequence[int], fields: Sequence[str]) -> list[Row]:
        def read() -> list[Row]:
            present = [self._shown(model, row_id) for row_id in ids if row_id in self.tables.get(model, {})]
            return [{name: row[name] for name in ("id", *fields)} for row in present]

        return self._called(model, "read", ids, list(fields), read)

    def load(self, model: str, fields: Sequence[str], rows: Sequence[Sequence[str]]) -> LoadResult:
        cells = [dict(zip(fields, row, strict=True)) for row in rows]
        return self._called(model, "load", (), cells, lambda: self._load(model, cells))

    def write(self, model: str, ids: Sequence[int], vals: Mapping[str, Any]) -> None:
        def write() -> None:
            for row_id in ids:
                self._write(model, row_id, dict(vals))

        self._called(model, "write", ids, dict(vals), write)

    def web_save_multi(self, model: str, ids: Sequence[int], vals_list: Sequence[Mapping[str, Any]]) -> None:
        def save() -> None:
            if not self.saves_many:
                raise OdooUnknownNameError("no such method", model=model, method="web_save_multi")
            for row_id, vals in zip(ids, vals_list, strict=True):
                self._write(model, row_id, dict(vals))

        self._called(model, "web_save_multi", ids, [dict(vals) for vals in vals_list], save)

    def unlink(self, model: str, ids: Sequence[int]) -> None:
        def unlink() -> None:
            for row_id in ids:
                self.check_unlink(model, self._row(model, row_id))
                del self.tables[model][row_id]
            self.xmlids = {name: place for name, place in self.xmlids.items() if place[1] in self.tables[place[0]]}

        self._called(model, "unlink", ids, None, unlink)

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, **kwargs: Any) -> Any:
        if method == "get_external_id":
            return self._called(model, method, ids or (), None, lambda: self._external_ids(model, ids or ()))
        if method == "check_object_reference":
            return self._called(model, method, (), kwargs, lambda: self._referenced(**kwargs))
        return self._called(model, method, ids or (), kwargs or None, lambda: self.act(model, method, ids or ()))

    def _external_ids(self, model: str, ids: Sequence[int]) -> dict[str, str]:
        names = {place: name for name, place in self.xmlids.items()}
        return {str(each): names.get((model, each), "") for each in ids}

    def _referenced(self, module: str, xml_id: str, context: Mapping[str, Any]) -> list[Any]:
        name = f"{module}.{xml_id}"
        if name not in self.xmlids:
            raise OdooServerError("no such xmlid", model="ir.model.data", method="check_object_reference")
        model, row_id = self.xmlids[name]
        row = self.tables[model].get(row_id, {"active": False})
        visible = row.get("active", True) or (row_id in self.tables[model] and not context.get("active_test", True))
        return [model, row_id if visible else False]

    # What a model adds of its own.

    def act(self, model: str, method: str, ids: Sequence[int]) -> None:
        raise OdooUnknownNameError("no such method", model=model, method=method)

    def on_create(self, model: str, row: Row) -> None:
        """Fills in defaults."""

    def check_write(self, model: str, row: Row, vals: Row) -> None:
        """Refuses values, or adds to them."""

    def check_unlink(self, model: str, row: Row) -> None:
        """Refuses to delete."""

    def computed(self, _model: str, _row: Row) -> Row:
        """Values that no column holds."""
        return {}

    def _called(self, model: str, method: str, ids: Sequence[int], sent: Any, effect: Callable[[], T]) -> T:
        with self._lock:
            call = Call(len(self.calls), model, method, tuple(ids), copy.deepcopy(sent))
            self.calls.append(call)
            self._ticks += 0 if self.all_at_once else 2
        for hook in self.before:
            hook(call)
        with self._lock:
            kept = self._kept() if call.writes else None
            try:
                answer = effect()
            except OdooError as error:
                error.method = method
                if kept:
                    self.tables, self.xmlids = kept
                raise
        for hook in self.after:
            hook(call)
        return answer

    def _kept(self) -> tuple[dict[str, dict[int, Row]], dict[str, tuple[str, int]]]:
        """What a rollback puts back; a row itself is replaced, never changed."""
        return {model: dict(rows) for model, rows in self.tables.items()}, dict(self.xmlids)

    def _row(self, model: str, row_id: int) -> Row:
        if row_id not in self.tables.get(model, {}):
            raise OdooMissingRecordError("gone", model=model, ids=[row_id])
        return self.tables[model][row_id]

    def _shown(self, model: str, row_id: int) -> Row:
        row = dict.fromkeys(self.schemas[model].fields, False) | self.tables[model][row_id]
        return {**row, "id": row_id, **self.computed(model, row | {"id": row_id})}

    def _create(self, model: str, values: Row) -> int:
        row_id = 1 + max(self.tables.setdefault(model, {}), default=0)
        row = {"active": True, **values}
        self.on_create(model, row)
        self._store(model, row_id, row)
        return row_id

    def _write(self, model: str, row_id: int, vals: Row) -> None:
        row = self._row(model, row_id)
        self.check_write(model, row, vals)
        self._store(model, row_id, row | {name: _plain(value) for name, value in vals.items()})

    def _store(self, model: str, row_id: int, row: Row) -> None:
        if reason := self.refuse(model, row):
            raise OdooValidationError("refused", model=model, ids=[row_id], odoo_message=reason)
        self._ticks += 0 if self.all_at_once else 1
        self.tables[model][row_id] = row | {"write_date": f"{self._now():%Y-%m-%d %H:%M:%S}"}

    def _now(self) -> datetime:
        return self.clock + timedelta(seconds=self._ticks)

    def _load(self, model: str, cells: Sequence[Mapping[str, str]]) -> LoadResult:
        kept, ids, messages = self._kept(), [], []
        for number, record in enumerate(_records(cells)):
            try:
                ids.append(self._load_record(model, record))
            except OdooValidationError as error:
                if self.load_names_rows is None:
                    raise OdooServerError("failed", model=model, odoo_message=error.odoo_message) from None
                named = number if self.load_names_rows else None
                messages.append(LoadMessage(named, named, named, "", error.odoo_message, "error"))
                if len(messages) >= SERVER_STOPS_AT:
                    break
        if messages:
            self.tables, self.xmlids = kept
            return LoadResult(None, tuple(messages))
        warnings = [self.warn(model, self._shown(model, each)) for each in ids]
        messages = [LoadMessage(at, at, at, "name", text, "warning") for at, text in enumerate(warnings) if text]
        return LoadResult(ids, tuple(messages))

    def _load_record(self, model: str, rows: Sequence[Mapping[str, str]]) -> int:
        own = {name: cell for name, cell in rows[0].items() if name.partition("/")[0] not in self._lines_of(model)}
        row_id = self._load_one(model, own)
        for name, (line_model, parent) in self._lines_of(model).items():
            for row in rows:
                line = {key.partition("/")[2]: cell for key, cell in row.items() if key.startswith(f"{name}/")}
                if any(line.values()):
                    self._load_one(line_model, {**line, f"{parent}/.id": str(row_id)})
        return row_id

    def _lines_of(self, model: str) -> dict[str, tuple[str, str]]:
        return {name: lines for (owner, name), lines in self.one2many.items() if owner == model}

    def _load_one(self, model: str, cells: Mapping[str, str]) -> int:
        values = {column: cell for column, cell in cells.items() if column != "id"}
        vals = {name.removesuffix("/.id"): self._cell(model, name, cell) for name, cell in values.items()}
        known = self.xmlids.get(cells["id"])
        if known and known[1] in self.tables[model]:
            self._write(model, known[1], vals)
            return known[1]
        row_id = self._create(model, vals)
        self.xmlids[cells["id"]] = (model, row_id)
        return row_id

    def _cell(self, model: str, column: str, cell: str) -> Any:
        kind = self.schemas[model].fields[column.removesuffix("/.id")].type
        if kind == "many2many":
            return [int(each) for each in cell.split(",") if each]
        readers: dict[str, Callable[[str], Any]] = {"many2one": int, "integer": int, "float": float, "monetary": float}
        if kind == "boolean":
            return cell == "1"
        return readers.get(kind, str)(cell) if cell else False


def _records(cells: Sequence[Mapping[str, str]]) -> list[list[Mapping[str, str]]]:
    """A row without an id of its own belongs to the record before."""
    records: list[list[Mapping[str, str]]] = []
    for row in cells:
        if row["id"]:
            records.append([])
        records[-1].append(row)
    return records


def _plain(value: Any) -> Any:
    return value[0][2] if isinstance(value, list) and value and isinstance(value[0], list) else value


def _holds(row: Row, terms: list[Any]) -> bool:
    """Whether a domain holds; what no operator joins is joined by "&"."""
    held = True
    while terms:
        held = _first_holds(row, terms) and held
    return held


def _first_holds(row: Row, terms: list[Any]) -> bool:
    term = terms.pop(0)
    if term not in ("|", "&"):
        return _matches(row, *term)
    one, other = _first_holds(row, terms), _first_holds(row, terms)
    return (one or other) if term == "|" else (one and other)


def _matches(row: Row, name: str, operator: str, value: Any) -> bool:
    held = row[name]
    if operator == "!=":
        return not _matches(row, name, "=", value)
    if operator == "in":
        return held in value
    if operator == "!=":
        return bool(held) if not value else held != value
    return (not held and not value) or held == value

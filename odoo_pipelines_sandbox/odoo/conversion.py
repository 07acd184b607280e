"""Turns the text cells of a load into values that create and write take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from odoo_pipelines_sandbox.odoo.domains import search
from odoo_pipelines_sandbox.odoo.env import Env
from odoo_pipelines_sandbox.odoo.errors import OdooFault
from odoo_pipelines_sandbox.odoo.reading import ordered
from odoo_pipelines_sandbox.odoo.schema import Field, Model
from odoo_pipelines_sandbox.odoo.values import parsed_date, parsed_datetime

_REFERENCES = frozenset({"", "id", ".id"})
_TRUE = frozenset({"1", "true", "yes"})
_FALSE = frozenset({"", "0", "false", "no"})
_KINDS = {"": "name", "id": "external id", ".id": "database id"}


@dataclass(slots=True)
class Problem(Exception):  # noqa: N818
    """A cell that cannot be converted; `%(field)s` in the message stands for the field's label."""

    message: str
    info: Any = None
    kind: str = "error"


Log: TypeAlias = Callable[[str, Problem], None]


@dataclass(frozen=True, slots=True)
class Conversion:
    """Converts the records of one model."""

    env: Env
    model: Model

    def convert(self, cells: Mapping[str, Any], log: Log) -> dict[str, Any]:
        """Values of one record; an empty cell empties the field, a bad one is logged and left out."""
        vals: dict[str, Any] = {}
        for name, cell in cells.items():
            if name in _REFERENCES:
                continue
            try:
                vals[name] = self._value(self.model.fields[name], cell, log) if cell else False
            except Problem as problem:
                log(name, problem)
        return vals

    def _value(self, field: Field, cell: Any, log: Log) -> Any:
        match field.type:
            case "many2one":
                return self._reference(field, cell[0])
            case "many2many":
                [(kind, text)] = cell[0].items()
                return [(6, 0, [self._find(field, kind, part) for part in text.split(",")])]
            case "one2many":
                return [command for record in cell for command in self._line(field, record, log)]
            case "boolean":
                return _boolean(cell, lambda problem: log(field.name, problem))
            case "selection":
                return self._selection(field, cell)
        converter = _CONVERTERS.get(field.type)
        return converter(self.env, cell) if converter else cell

    def _line(self, field: Field, record: Mapping[str, Any], log: Log) -> list[Any]:
        target = self.env.model(field.relation)

        def log_line(name: str, problem: Problem) -> None:
            if problem.kind == "error":
                label = target.fields[name].string
                raise Problem(problem.message.replace("%(field)s", f"%(field)s/{label}"), problem.info)
            log(field.name, problem)

        vals = Conversion(self.env, target).convert(record, log_line)
        xmlid, database_id = record.get("id"), record.get(".id")
        if xmlid:
            known = self._by_xmlid(field, xmlid)
            if known is None:
                return [(0, 0, {**vals, "id": xmlid})]
            return [(4, known), (1, known, vals)]
        if database_id:
            known = self._find(field, ".id", database_id)
            return [(4, known), (1, known, vals)]
        return [(0, 0, vals)]

    def _reference(self, field: Field, cells: Mapping[str, Any]) -> int | bool:
        if len(cells) > 1:
            raise Problem(
                "Ambiguous specification for field '%(field)s', only provide one of name, external id or database id"
            )
        [(kind, text)] = cells.items()
        return self._find(field, kind, text)

    def _find(self, field: Field, kind: str, text: Any) -> int | bool:
        """Id of the record meant; "0" and the like mean none."""
        if kind and isinstance(text, str) and text.lower() in _FALSE:
            return False
        found = self._look_up(field, kind, text)
        if found is None:
            message = f"No matching record found for {_KINDS[kind]} '{text}' in field '%(field)s'"
            raise Problem(message, {"name": "Possible Values"})
        return found

    def _look_up(self, field: Field, kind: str, text: Any) -> int | None:
        if kind == "id":
            return self._by_xmlid(field, text)
        if kind == "":
            return self._by_name(field, text)
        try:
            record_id = int(text)
        except ValueError as error:
            message = f"Invalid database id '{text}' for the field '%(field)s'"
            raise Problem(message, {"name": "Possible Values"}) from error
        return record_id if record_id in self.env.table(field.relation).rows else None

    def _by_xmlid(self, field: Field, xmlid: str) -> int | None:
        full = xmlid if "." in xmlid else f"{self.env.context.get('_import_current_module', '')}.{xmlid}"
        known = self.env.db.xmlid_target(full)
        if known is None or known[0] != field.relation or known[1] not in self.env.table(field.relation).rows:
            return None
        return known[1]

    def _by_name(self, field: Field, name: str) -> int | None:
        target = self.env.model(field.relation)
        found = search(self.env, target, [["display_name", "=", name]])
        return next(iter(ordered(self.env, target, found)), None)

    def _selection(self, field: Field, cell: str) -> str:
        choices = field.selection if not field.any_value else self._languages(field)
        for key, label in choices:
            if cell.lower() in {key.lower(), label.lower()}:
                return key
        raise Problem(f"Value '{cell}' not found in selection field '%(field)s'", [label for _, label in choices])

    def _languages(self, field: Field) -> tuple[tuple[str, str], ...]:
        if field.name != "lang":
            return ()
        rows = self.env.table("res.lang").rows
        return tuple((row["code"], row["name"]) for row in rows.values() if row.get("active"))


def _boolean(cell: Any, log: Callable[[Problem], None]) -> bool:
    if not isinstance(cell, str):
        name = type(cell).__name__
        raise OdooFault("builtins.AttributeError", f"'{name}' object has no attribute 'lower'")
    if cell.lower() not in _TRUE | _FALSE:
        info = "Use '1' for yes and '0' for no"
        log(Problem(f"Unknown value '{cell}' for boolean field '%(field)s'", info, "warning"))
    return cell.lower() not in _FALSE


def _number(kind: Callable[[Any], Any], noun: str) -> Callable[[Env, Any], Any]:
    def convert(_env: Env, cell: Any) -> Any:
        try:
            return kind(cell)
        except ValueError as error:
            raise Problem(f"'{cell}' does not seem to be {noun} for field '%(field)s'") from error

    return convert


def _date(_env: Env, cell: str) -> str:
    try:
        return parsed_date(cell)
    except OdooFault as error:
        message = f"'{cell}' does not seem to be a valid date for field '%(field)s'"
        raise Problem(message, "Use the format '2012-12-31'") from error


def _datetime(env: Env, cell: str) -> str:
    try:
        local = parsed_datetime(cell)
    except OdooFault as error:
        message = f"'{cell}' does not seem to be a valid datetime for field '%(field)s'"
        raise Problem(message, "Use the format '2012-12-31 23:59:59'") from error
    zone = ZoneInfo(env.context.get("tz") or env.row("res.users", env.uid).get("tz") or "UTC")
    return local.replace(tzinfo=zone).astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%d %H:%M:%S")


_CONVERTERS: Mapping[str, Callable[[Env, Any], Any]] = {
    "integer": _number(int, "an integer"),
    "float": _number(float, "a number"),
    "monetary": _number(float, "a number"),
    "date": _date,
    "datetime": _datetime,
}

"""The base of all payload models: what can be read is kept, and what cannot is a fault that names its place.

A fault is no error yet. The mapping that needs the value rejects its row for it; one that can do without drops the
value with a warning. So a booking with an unreadable date still brings its guest.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as _field
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, PlainValidator, PrivateAttr, ValidationError
from pydantic_core import ErrorDetails

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems import values
from odoo_pipelines.systems.values import UnreadableValueError, nullable, shown

Path: TypeAlias = tuple[str | int, ...]

ExternalId: TypeAlias = Annotated[str, PlainValidator(values.external_id)]
OptionalId: TypeAlias = Annotated[str | None, PlainValidator(nullable(values.external_id))]
Text: TypeAlias = Annotated[str | None, PlainValidator(nullable(values.text))]
Note: TypeAlias = Annotated[str | None, PlainValidator(nullable(values.note))]
Number: TypeAlias = Annotated[Decimal | None, PlainValidator(nullable(values.number))]
Price: TypeAlias = Annotated[Decimal | None, PlainValidator(nullable(values.price))]
Integer: TypeAlias = Annotated[int | None, PlainValidator(nullable(values.integer))]
Count: TypeAlias = Annotated[int | None, PlainValidator(nullable(values.count))]
Flag: TypeAlias = Annotated[bool | None, PlainValidator(nullable(values.flag))]
CalendarDate: TypeAlias = Annotated[date | None, PlainValidator(nullable(values.calendar_date))]
UtcDatetime: TypeAlias = Annotated[datetime | None, PlainValidator(nullable(values.utc_datetime))]

_STRUCTURE = {
    "missing": ("missing", "is missing"),
    "model_type": ("not_an_object", "is not an object"),
    "list_type": ("not_a_list", "is not a list"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One place of a payload that cannot be read.

    Attributes:
        path: keys and indexes that lead to it.
        code: short, stable and free of personal data.
        reason: the whole sentence with the value; for the state only.
    """

    path: Path
    code: str
    reason: str = _field(repr=False)

    @property
    def place(self) -> str:
        """The path as people write it: "rooms[1].price_per_night"; "payload" for the whole."""
        return _place(self.path)

    @property
    def name(self) -> str:
        """The key at its end; of a list's item, the list's."""
        return next((key for key in reversed(self.path) if isinstance(key, str)), "")

    @property
    def field(self) -> str:
        """The place in any record: "rooms.price_per_night" for all rooms."""
        return ".".join(key for key in self.path if isinstance(key, str))

    @property
    def warning(self) -> str:
        """What a row tells of a value that it does without; free of personal data."""
        return f"{self.place}: {self.code}"

    def rejection(self) -> RowRejectedError:
        """The error of a mapping that cannot do without the value."""
        return RowRejectedError(self.place, self.code, self.reason)


class Payload(BaseModel):
    """An object of a payload. Its values may be personal, so `repr` shows none."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield from ()

    def carries(self, *names: str) -> bool:
        """Whether the payload had one of these keys, be it with null."""
        return not self.model_fields_set.isdisjoint(names)

    def carried(self, names: Mapping[str, str]) -> dict[str, Any]:
        """The values that the payload had, under new names.

        Args:
            names: field by new name.
        """
        present, read = self.model_fields_set, self.__dict__  # getattr of a pydantic model takes three times as long
        return {new: read[old] for new, old in names.items() if old in present}


class SourceRecord(Payload):
    """One record of a stream.

    Attributes:
        updated_at: UTC; None where the payload does not tell.
    """

    updated_at: UtcDatetime = None
    _faults: tuple[Fault, ...] = PrivateAttr(default=())

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What could not be read, and is missing from the model for it."""
        return self._faults

    @classmethod
    def parse(cls, raw: Any) -> Self:
        """Reads a record, without what cannot be read of it.

        Raises:
            RowRejectedError: it is not an object, or its id cannot be read.
        """
        faults: dict[Path, Fault] = {}
        while True:
            payload, found = cls._attempt(raw)
            if payload is not None:
                payload._faults = tuple(faults.values())  # noqa: SLF001  # its own class
                return payload
            for fault in found:
                if fault.path in ((), ("id",)):
                    raise fault.rejection()
                faults.setdefault(fault.path, fault)
                raw = _without(raw, fault.path[:-1] if fault.code == "missing" else fault.path)

    @classmethod
    def _attempt(cls, raw: Any) -> tuple[Self | None, list[Fault]]:
        try:
            return cls.model_validate(raw), []
        except ValidationError as error:
            return None, [_fault(details) for details in error.errors(include_url=False)]


class RecordPayload(SourceRecord):
    """One record of a stream, with an id.

    Attributes:
        id: in the external system.
    """

    id: ExternalId


def require_readable(faults: Iterable[Fault], needed: Container[str]) -> None:
    """Raises RowRejectedError for the first fault of a field that a mapping cannot do without.

    Args:
        faults: of the record.
        needed: fields as in `Fault.field`.
    """
    for fault in faults:
        if fault.field in needed:
            raise fault.rejection()


def missing(path: str) -> RowRejectedError:
    """The error for a value that a mapping needs and the payload lacks.

    Args:
        path: such as "rooms[1].price_per_night".
    """
    return RowRejectedError(path, "missing", f"{path} is missing")


def _fault(details: ErrorDetails) -> Fault:
    path, cause = details["loc"], details.get("ctx", {}).get("error")
    if details["type"] == "missing":
        return Fault(path, "missing", f"{_place(path)} is missing")
    if isinstance(cause, UnreadableValueError):
        code, explanation = cause.code, str(cause)
    else:
        code, explanation = _STRUCTURE.get(details["type"], ("invalid_value", "cannot be read"))
    return Fault(path, code, f"{_place(path)}: {shown(details['input'])} {explanation}")


def _place(path: Path) -> str:
    written = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return written.removeprefix(".") or "payload"


def _without(raw: Any, path: Path) -> Any:
    """A copy without one place; an item of a list becomes an empty object, so that the others keep their index."""
    key, rest = path[0], path[1:]
    if isinstance(raw, dict):
        if key not in raw:  # gone with its parent
            return raw
        others = {name: value for name, value in raw.items() if name != key}
        return {**others, key: _without(raw[key], rest)} if rest else others
    return [(_without(item, rest) if rest else {}) if index == key else item for index, item in enumerate(raw)]

"""The base: what both sides last agreed on for a record, as the state keeps it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeAlias

from odoo_pipelines.engine.keys import STATE, line_field, line_key

Document: TypeAlias = dict[str, Any]
"""A base as the state keeps it: JSON types only."""


class NoValue(Enum):
    """Bases that are no values."""

    UNKNOWN = "unknown"
    OURS = "ours"


HALF_WRITTEN_KEPT = 10
"""So many refused versions in a row are remembered: a row that never gets through must not grow for ever."""

UNKNOWN = NoValue.UNKNOWN
"""The base of a value on which both sides never agreed."""
OURS = NoValue.OURS
"""The base of a value of Odoo that we wrote ourselves, before Odoo refused the rest of the row."""
_AS_PRINTED = timedelta(seconds=1)
"""What Odoo's times are printed to."""
RECORD = ""
"""The record itself, among the names and keys of `Base.seen`."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A value of Odoo that was left to differ from the external one.

    Attributes:
        external: the external side's value then; None for a line that it has not.
        odoo: Odoo's value then; None for a line or a record that it has not.
        at: `write_date` of the record then; "" where a human decided, so that whatever moves next is later.
    """

    external: Any
    odoo: Any
    at: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Values, lines (by sync key) and state of a record, at one time."""

    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """What is remembered of a record.

    Attributes:
        agreed: on what both sides last agreed.
        kept: where they were left to differ; by field, "order_line[<sync key>].price_unit" for a line's.
        half_written: what was being written each time when Odoo refused a part of it, since they last agreed: values
            of Odoo that equal it are our own.
        seen: the earliest `write_date` that Odoo may have after the last comparison or write, as it prints it: of the
            record under RECORD, of lines by sync key, and of fields that were not compared then by name. Nothing is
            remembered of what was created and not read since: there is no older version of it.
        asked: Odoo's values about which a human is being asked, by field.
        locked_in_odoo: somebody in Odoo has locked the record, or has changed it since the pipelines have.
        total: the external total that Odoo's was last found to equal; "" where it was not compared, or differed.
    """

    agreed: Agreement = field(default_factory=Agreement)
    kept: Mapping[str, Kept] = field(default_factory=dict)
    half_written: tuple[Agreement, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    locked_in_odoo: bool = False
    asked: Mapping[str, Any] = field(default_factory=dict)
    total: str = ""

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> Base:
        """Reads a document of the state; an empty one, or none, knows nothing."""
        if not document:
            return cls()
        return cls(
            Agreement(document["values"], document["lines"], document["state"]),
            {name: Kept(**each) for name, each in document.get("kept", {}).items()},
            tuple(Agreement(**each) for each in document.get("half_written", ())),
            document.get("seen", {}),
            document.get("locked_in_odoo", False),
            document.get("asked", {}),
            document.get("total", ""),
        )

    def document(self) -> Document:
        """What the state keeps."""
        document = _document(self.agreed)
        if self.kept:
            document["kept"] = {name: asdict(each) for name, each in self.kept.items()}
        if self.half_written:
            document["half_written"] = [_document(each) for each in self.half_written]
        if self.seen:
            document["seen"] = dict(self.seen)
        if self.locked_in_odoo:
            document["locked_in_odoo"] = True
        if self.asked:
            document["asked"] = dict(self.asked)
        if self.total:
            document["total"] = self.total
        return document

    def value(self, name: str, odoo: Any) -> Any:
        """The base of a field, for Odoo's value of it; OURS where we wrote that, UNKNOWN where nothing is known."""
        if any(half.values.get(name, UNKNOWN) == odoo for half in self.half_written):
            return OURS
        return self.agreed.values.get(name, UNKNOWN)

    def line_value(self, key: str, name: str, odoo: Any) -> Any:
        """The base of a line's field, likewise."""
        if any(half.lines.get(key, {}).get(name, UNKNOWN) == odoo for half in self.half_written):
            return OURS
        if not odoo and self.half_removed(key):
            return OURS
        return self.agreed.lines.get(key, {}).get(name, UNKNOWN)

    def is_known_of_odoo(self, name: str, odoo: Any) -> bool:
        """Whether a value of Odoo is the one on which both sides agreed, or that was knowingly left there, or our own.

        Args:
            name: as in `kept`.
            odoo: the value; of a line as such its values by field, or None where there is no line any more.
        """
        if odoo in self._left_in_odoo(name):
            return True
        key = line_key(name)
        if not key:
            return _is_no_news(self.value(name, odoo), odoo)
        if field := line_field(name):
            return _is_no_news(self.line_value(key, field, odoo), odoo)
        if odoo is None:
            return self.half_removed(key)
        return all(self.is_known_of_odoo(f"{name}.{each}", value) for each, value in odoo.items())

    def left_fields(self, line: str) -> set[str]:
        """Fields of a line on which the sides may never have agreed: Odoo's value was left there, or is a question.

        Args:
            line: as in `kept`.
        """
        of_fields = {line_field(each) for each in (*self.kept, *self.asked) if each.startswith(f"{line}.")}
        return of_fields.union(*(each for each in self._left_in_odoo(line) if each is not None))

    def _left_in_odoo(self, name: str) -> list[Any]:
        """What Odoo held when it was left there, whether there was a decision or is still a question."""
        left = [
            *([self.kept[name].odoo] if name in self.kept else ()),
            *([self.asked[name]] if name in self.asked else ()),
        ]
        if field := line_field(name):
            lines = self._left_in_odoo(name.rpartition(".")[0])
            left += [line[field] for line in lines if line is not None and field in line]
        return left

    def half_removed(self, key: str) -> bool:
        """Whether we may have deleted or emptied a line ourselves."""
        return any(key not in half.lines for half in self.half_written)

    def sent(self, left: Collection[str]) -> Agreement:
        """What is agreed on, without fields that are left to Odoo or to a human: those values were not sent."""
        lines = {key: dict(line) for key, line in self.agreed.lines.items()}
        for name in left:
            key, field = line_key(name), line_field(name)
            if key in lines:
                lines[key] = {each: value for each, value in lines[key].items() if field and each != field}
        values = {name: value for name, value in self.agreed.values.items() if name not in left}
        return Agreement(values, lines, None if STATE in left else self.agreed.state)

    def with_half_written(self, agreement: Agreement) -> Base:
        """The same, with what Odoo may hold a part of."""
        others = tuple(each for each in self.half_written if each != agreement)
        return replace(self, half_written=(*others, agreement)[-HALF_WRITTEN_KEPT:])


def _is_no_news(base: Any, odoo: Any) -> bool:
    """Where nothing is known of a base, an empty value counts as not changed."""
    return base is OURS or (not odoo if base is UNKNOWN else base == odoo)


def earliest_after(write_date: str, at: datetime | None) -> str:
    """The earliest `write_date` of what is written after a version of this one was read.

    It is a second later, as Odoo prints no parts of one, but only if that second had passed: of two versions of one
    second the later is no older. The web server's clock may be ahead of the database's, so two have to have passed.

    Args:
        write_date: of the version, as Odoo prints it; "" where it is not known.
        at: time of the server, UTC, before anything is written; None where it does not tell.
    """
    if not write_date or at is None:
        return write_date
    version = datetime.fromisoformat(write_date).replace(tzinfo=UTC)
    passed = at - version >= 2 * _AS_PRINTED
    return f"{version + _AS_PRINTED:%Y-%m-%d %H:%M:%S}" if passed else write_date


def _document(agreement: Agreement) -> Document:
    return {"values": agreement.values, "lines": agreement.lines, "state": agreement.state}

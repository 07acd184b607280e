"""What a run would do with its records, as a person reads it: taken from what a dry run would remember. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from odoo_pipelines.engine.keys import STATE, line_name
from odoo_pipelines.systems.records import Conflict, FieldChange, Outcome, Record, RowOutcome
from odoo_pipelines.systems.targets import Target

_NOTHING_TO_SHOW = frozenset({Outcome.UNCHANGED, Outcome.SUPERSEDED})

KeyOfNew = Callable[[int], str | None]
"""Gives the sync key of a record that is only planned, and None for one that exists."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do with one record.

    Attributes:
        entity: kind of external record.
        external_id: "" where it could not be read.
        outcome: of the row.
        changes: values that would be written; of a new record all, with nothing before.
        conflicts: what a human would be asked.
        field: at fault, for rejections and conflicts.
        code: short and stable, likewise.
        reason: the whole sentence, likewise.
        adopts: id of the record of Odoo that would become its own; None where it has one, or gets a new one.
        duplicates: ids of records that may be the same as its own.
    """

    entity: str
    external_id: str
    outcome: Outcome
    changes: tuple[FieldChange, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    field: str = ""
    code: str = ""
    reason: str = ""
    adopts: int | None = None
    duplicates: tuple[int, ...] = ()


def previews(
    target: Target, records: Sequence[Record], outcomes: Sequence[RowOutcome], key_of_new: KeyOfNew
) -> Iterator[Preview]:
    """The rows of a chunk that are not simply unchanged or superseded.

    Args:
        target: where they go.
        records: that the chunk would remember.
        outcomes: of its rows.
        key_of_new: references to a record that is only planned show its sync key, for it has no id yet.
    """
    bases = {record.key: record.base for record in records}
    for row in outcomes:
        if row.outcome in _NOTHING_TO_SHOW and row.adopted is None:
            continue
        new = row.outcome is Outcome.CREATED
        changes = _of_new(target, bases[row.entity, row.external_id]) if new else row.changes
        shown = tuple(
            replace(each, before=_named(each.before, key_of_new), after=_named(each.after, key_of_new))
            for each in changes
        )
        yield Preview(
            row.entity,
            row.external_id,
            row.outcome,
            shown,
            row.conflicts,
            row.field,
            row.code,
            row.reason,
            row.adopted,
            tuple(each.candidate_id for each in row.duplicates),
        )


def _of_new(target: Target, base: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    lines = target.lines.field if target.lines else ""
    return (
        *(FieldChange(name, None, value) for name, value in base["values"].items()),
        *(FieldChange(line_name(lines, key), None, values) for key, values in base["lines"].items()),
        *([FieldChange(STATE, None, base["state"])] if base["state"] else []),
    )


def _named(value: Any, key_of_new: KeyOfNew) -> Any:
    if isinstance(value, Mapping):
        return {name: _named(each, key_of_new) for name, each in value.items()}
    key = key_of_new(value) if type(value) is int else None
    return f"new {key}" if key else value

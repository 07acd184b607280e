"""Notices an external id that was given to another record: what was the former one's in Odoo is not written over.

A source that counts its ids anew, or fills gaps, gives the id of one stay to another stay of another guest. As an
update it would turn the one into the other, with its history. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from odoo_pipelines.engine.base import Base
from odoo_pipelines.engine.chunks import ChunkRow
from odoo_pipelines.engine.planned import Decided
from odoo_pipelines.engine.ports import Schema
from odoo_pipelines.engine.rows import ResolvedRow
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.records import ID_REUSED, WHOLE_RECORD, Conflict, Outcome, Record, Resolution
from odoo_pipelines.systems.targets import Identity, Target

_REASON = (
    "its external id seems to have been given to another record, for nothing that identifies it is the same: take "
    "'external' if it is the same one and all of it has changed; if it is another one give it an id of its own in the "
    "external system, or cancel and delete the former one in Odoo, and retry"
)


class ReuseCheck:
    """Compares rows of one target with what is known of their records.

    Args:
        target: what identifies its records.
        schema: of the model.
    """

    def __init__(self, target: Target, schema: Schema) -> None:
        self._schema = schema
        self._identities = {each.entity: each for each in target.identities}

    def decide(
        self,
        source: ChunkRow,
        row: ResolvedRow,
        odoo: Mapping[str, Any],
        record: Record | None,
        answers: Mapping[str, Resolution],
    ) -> Decided | None:
        """The question that a row becomes; None where it is an update like any other, or was answered.

        Args:
            source: the row.
            row: its values for Odoo.
            odoo: its record, as read.
            record: what the state knows of it.
            answers: a human's, by field; the whole record's counts while the same is asked.
        """
        identity = self._identities.get(row.row.entity)
        if identity is None or row.row.only_create or row.row.only_existing:
            return None
        asked = self._question(identity, row, odoo, record)
        if asked is None or _is_answered(answers.get(WHOLE_RECORD), asked):
            return None
        error = RowRejectedError(asked.field, asked.code, asked.reason)
        return Decided(source, Outcome.CONFLICT, error, row.warnings, conflicts=(asked,))

    def _question(
        self, identity: Identity, row: ResolvedRow, odoo: Mapping[str, Any], record: Record | None
    ) -> Conflict | None:
        named = ((name, self._schema.server_name(name)) for name in (*identity.fields, *identity.period))
        names = {name: server for name, server in named if server and server in odoo}
        said = {name: row.values.get(server) for name, server in names.items()}
        holds = {name: self._schema.canonical(server, odoo[server]) for name, server in names.items()}
        agreed = Base.of(record.base if record else None).agreed.values
        base = {name: agreed.get(server) for name, server in names.items()}
        # A value that Odoo has already is no news of another record, and where nothing was agreed on Odoo's counts.
        former = {name: base[name] or holds[name] for name in names}
        if not all(is_another(identity, said, side) for side in (former, holds)):
            return None
        odoo_at, at = str(odoo["write_date"] or ""), row.row.updated_at
        return Conflict(WHOLE_RECORD, ID_REUSED, _REASON, base, said, holds, external_at=at, odoo_at=odoo_at)


def is_another(identity: Identity, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two versions under one external id are those of two records: nothing that is known of both agrees.

    Args:
        identity: what is compared, and how much must be known.
        one: values by field.
        other: likewise.
    """
    known = [name for name in identity.fields if one.get(name) and other.get(name)]
    if len(known) < identity.needs or any(_agrees(identity, name, one, other) for name in known):
        return False
    if not identity.period:
        return True
    begin, end = identity.period
    periods = [(side.get(begin), side.get(end)) for side in (one, other)]
    if not all(all(each) for each in periods) or any(a == b for a, b in zip(*periods, strict=True)):
        return False
    return len(known) == len(identity.fields) or not _overlap(periods)


def _agrees(identity: Identity, name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    likeness: Callable[[Any], Iterable[Any] | None] | None = identity.parts.get(name)
    if likeness is None:
        return bool(one[name] == other[name])
    parts = [likeness(each[name]) for each in (one, other)]
    return any(each is None for each in parts) or not set(parts[0] or ()).isdisjoint(parts[1] or ())


def _overlap(periods: Sequence[tuple[Any, Any]]) -> bool:
    """Dates as Odoo prints them are ordered as texts; a period that ends where another begins does not overlap it."""
    (begin, end), (other_begin, other_end) = periods
    return bool(begin < other_end and other_begin < end)


def _is_answered(answer: Resolution | None, asked: Conflict) -> bool:
    """Whether a human has said that it is the same record, of what is asked now."""
    if answer is None or answer.choice != "external":
        return False
    return (answer.external, answer.odoo) == (asked.external, asked.odoo)

"""Which of several versions of a record counts, whatever the order in which they come. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from odoo_pipelines.sync.diff import latest
from odoo_pipelines.systems.base import MappedRow

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


def rank(row: MappedRow, *, verify: bool) -> tuple[Any, ...]:
    """The place of a row among all rows of its record in one load: the highest counts.

    A row without a change time counts as changed when it was seen. Where no time decides, the hash does: it means
    nothing, but is the same in whatever order the rows come.

    Args:
        row: a mapped one.
        verify: of a walk that shows the present truth: then a record's own row, last seen, counts most.
    """
    seen = row.seen_at or _BEGINNING
    changed, own = row.updated_at or seen, not row.inside
    if verify:
        return own, seen if own else _BEGINNING, changed, row.hash
    return not row.repeated, changed, own, seen, row.hash


def joined(first: MappedRow, row: MappedRow) -> MappedRow:
    """Two rows of a record that say the same as one, with the weight of the first: news count more than repetitions."""
    if row.repeated and not first.repeated:
        return first
    if first.repeated and not row.repeated:
        return replace(first, updated_at=row.updated_at, seen_at=latest(first.seen_at, row.seen_at), repeated=False)
    updated_at, seen_at = latest(first.updated_at, row.updated_at), latest(first.seen_at, row.seen_at)
    inside = first.inside if row.inside else ""
    if (updated_at, seen_at, inside) == (first.updated_at, first.seen_at, first.inside):
        return first
    return replace(first, updated_at=updated_at, seen_at=seen_at, inside=inside)

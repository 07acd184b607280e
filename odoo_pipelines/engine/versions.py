"""Which of several versions of a record counts, whatever the order in which they come. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from odoo_pipelines.engine.diff import latest
from odoo_pipelines.systems.base import MappedRow

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


class Choice:
    """Which of the rows of one record counts, among all rows of one load.

    A row without a change time counts as changed when it was seen. Where no time decides, the hash does: it means
    nothing, but is the same in whatever order the rows come.

    Args:
        verify: of a walk that shows the present truth: then of a record's own rows the one that was seen last counts,
            whatever its change time, and what was said before is as true as news.
    """

    def __init__(self, *, verify: bool) -> None:
        self._verify = verify
        self._best: dict[bool, tuple[tuple[Any, ...], tuple[Any, ...]]] = {}

    def add(self, row: MappedRow) -> None:
        """Takes a row into account."""
        seen, own = row.seen_at or _BEGINNING, not row.inside
        place = (self._verify or not row.repeated, row.updated_at or seen, own, seen, row.hash)
        rank = (seen, *place) if self._verify and own else place
        if own not in self._best or rank > self._best[own][0]:
            self._best[own] = rank, place

    @property
    def hash(self) -> str:
        """Of the row that counts."""
        return str(max(place for _, place in self._best.values())[-1])


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

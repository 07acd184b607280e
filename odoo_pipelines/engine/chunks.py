"""Cuts a stream of mapped rows into chunks in which every record occurs once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from odoo_pipelines.engine.versions import joined
from odoo_pipelines.systems.base import MappedRow, RejectedRow
from odoo_pipelines.systems.records import Key


@dataclass(slots=True)
class ChunkRow:
    """One row of a chunk, and how many more stand behind it.

    Attributes:
        row: the row.
        repeats: rows of the same record that say the same, or only that it exists; they need no work of their own.
        outdone: rows of the same record that count less, likewise.
    """

    row: MappedRow
    repeats: int = 0
    outdone: int = 0

    @property
    def weight(self) -> int:
        """Extracted rows that it stands for."""
        return self.row.weight + self.repeats

    @property
    def key(self) -> Key:
        """Entity and external id."""
        return self.row.key


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that are planned and written together.

    Attributes:
        rows: one for each record.
        rejected: rows that the mapping refused; they only have to be recorded.
    """

    rows: tuple[ChunkRow, ...]
    rejected: tuple[RejectedRow, ...]

    @property
    def keys(self) -> frozenset[Key]:
        """The records that it touches."""
        return frozenset(each.key for each in self.rows)

    @property
    def weight(self) -> int:
        """Extracted rows that it stands for."""
        return sum(each.weight + each.outdone for each in self.rows) + len(self.rejected)


def chunks(rows: Iterable[MappedRow | RejectedRow], size: Callable[[], int]) -> Iterator[Chunk]:
    """Yields chunks of about `size()` rows, which is asked with every row.

    A second version of a record waits for the next chunk, so versions are written in the order in which they came.
    """
    waiting: list[MappedRow] = []
    building = _Building()
    for row in rows:
        if not building.take(row):
            waiting.append(row)  # type: ignore[arg-type]  # only mapped rows are ever refused
        if len(building) >= size():
            yield building.finish()
            building, waiting = _refill(waiting)
    while len(building):
        yield building.finish()
        building, waiting = _refill(waiting)


class _Building:
    def __init__(self) -> None:
        self._rows: dict[Key, ChunkRow] = {}
        self._rejected: list[RejectedRow] = []
        self._blocked: set[Key] = set()

    def __len__(self) -> int:
        return len(self._rows) + len(self._rejected)

    def take(self, row: MappedRow | RejectedRow) -> bool:
        """Takes a row, unless another version of its record is in the chunk or waits already."""
        if isinstance(row, RejectedRow):
            self._rejected.append(row)
            return True
        key = row.key
        first = self._rows.get(key)
        if first is None:
            self._rows[key] = ChunkRow(row)
            return True
        if first.row.outdone and not row.outdone and key not in self._blocked:
            self._rows[key] = ChunkRow(row, first.repeats, first.outdone + first.row.weight)
            return True
        if key in self._blocked or not _adds_nothing(row, first.row):
            self._blocked.add(key)
            return False
        if row.outdone:
            first.outdone += row.weight
            return True
        first.repeats += row.weight
        if not row.only_create:
            first.row = joined(first.row, row)
        return True

    def finish(self) -> Chunk:
        return Chunk(tuple(self._rows.values()), tuple(self._rejected))


def _adds_nothing(row: MappedRow, first: MappedRow) -> bool:
    return row.only_create or row.outdone or (row.hash == first.hash and not first.only_create)


def _refill(waiting: list[MappedRow]) -> tuple[_Building, list[MappedRow]]:
    building = _Building()
    return building, [row for row in waiting if not building.take(row)]

"""Rows in memory with indexes and a journal: what PostgreSQL is to Odoo.

A row is a dict that nobody changes; a change puts a new one in its place, so that the journal can put back the old.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

from odoo_pipelines_sandbox.odoo.schema import Model

Row: TypeAlias = Mapping[str, Any]
_Journal: TypeAlias = list[tuple["Table", int, Row | None]]

XMLIDS = "ir.model.data"


def index_key(value: Any) -> Any:
    """Empty values are all the same to a search."""
    return value or False


class Table:
    """The rows of one model, by id; a column gets an index when it is first looked up."""

    __slots__ = ("_indexes", "_journal", "_next_id", "rows")

    def __init__(self, journal: _Journal) -> None:
        self.rows: dict[int, Row] = {}
        self._journal = journal
        self._next_id = 1
        self._indexes: dict[str, dict[Any, dict[int, None]]] = {}

    def insert(self, row: Row, row_id: int | None = None) -> int:
        """Adds a row; ids are never given twice, not even after a rollback."""
        new_id = row_id or self._next_id
        self._next_id = max(self._next_id, new_id + 1)
        self._journal.append((self, new_id, None))
        self._put(new_id, row)
        return new_id

    def update(self, row_id: int, changes: Row) -> None:
        """Changes some columns of a row."""
        old = self.rows[row_id]
        self._journal.append((self, row_id, old))
        self._put(row_id, {**old, **changes})

    def delete(self, row_id: int) -> None:
        """Removes a row."""
        self._journal.append((self, row_id, self.rows[row_id]))
        self._put(row_id, None)

    def lookup(self, column: str, value: Any) -> Collection[int]:
        """Ids of the rows that hold a value (or, for lists, that contain it), oldest first."""
        index = self._indexes.get(column)
        if index is None:
            index = self._indexes[column] = {}
            for row_id, row in self.rows.items():
                for key in _keys(row.get(column)):
                    index.setdefault(key, {})[row_id] = None
        return index.get(index_key(value), ())

    def restore(self, row_id: int, row: Row | None) -> None:
        """Puts back what a row was; for rollbacks."""
        self._put(row_id, row)

    def _put(self, row_id: int, row: Row | None) -> None:
        old = self.rows.get(row_id)
        for column, index in self._indexes.items():
            before = old.get(column) if old is not None else _ABSENT
            after = row.get(column) if row is not None else _ABSENT
            if before != after:
                _reindex(index, row_id, before, after)
        if row is None:
            del self.rows[row_id]
        else:
            self.rows[row_id] = row


_ABSENT = object()


def _keys(value: Any) -> Iterable[Any]:
    if value is _ABSENT:
        return ()
    return (value or (False,)) if isinstance(value, tuple) else (index_key(value),)


def _reindex(index: dict[Any, dict[int, None]], row_id: int, before: Any, after: Any) -> None:
    for key in _keys(before):
        entry = index[key]
        del entry[row_id]
        if not entry:
            del index[key]
    for key in _keys(after):
        index.setdefault(key, {})[row_id] = None


class Savepoint:
    """A point that the tables can be brought back to."""

    def __init__(self, journal: _Journal) -> None:
        self._journal = journal
        self._mark = len(journal)

    def rollback(self) -> None:
        """Undoes everything since."""
        while len(self._journal) > self._mark:
            table, row_id, row = self._journal.pop()
            table.restore(row_id, row)


class Database:
    """All tables, and transactions over them."""

    def __init__(self, models: dict[str, Model], clock: Callable[[], datetime] | None = None) -> None:
        self.models = models
        self._journal: _Journal = []
        self._depth = 0
        self._clock = clock or (lambda: datetime.now(UTC))
        self._sequences: dict[str, int] = {}
        self._tables = {name: Table(self._journal) for name in models}

    def table(self, model: str) -> Table:
        """The rows of a model."""
        return self._tables[model]

    def now(self) -> str:
        """The time, UTC, as Odoo shows and compares it: in seconds."""
        return self._clock().strftime("%Y-%m-%d %H:%M:%S")

    def next_number(self, sequence: str) -> int:
        """Counts on; numbers lost in a rollback stay lost, as with Odoo's standard sequences."""
        self._sequences[sequence] = self._sequences.get(sequence, 0) + 1
        return self._sequences[sequence]

    def next_free_number(self, sequence: str, taken: Callable[[int], bool]) -> int:
        """One more than the highest number in use; a number that was freed at the end is given again."""
        last = self._sequences.get(sequence, 0)
        while last and not taken(last):
            last -= 1
        self._sequences[sequence] = last + 1
        return last + 1

    @contextmanager
    def transaction(self) -> Iterator[Savepoint]:
        """All or nothing; inside of another one it is a savepoint."""
        savepoint = Savepoint(self._journal)
        self._depth += 1
        try:
            yield savepoint
        except BaseException:
            savepoint.rollback()
            raise
        finally:
            self._depth -= 1
            if not self._depth:
                self._journal.clear()

    def set_xmlid(self, xmlid: str, model: str, record_id: int, *, noupdate: bool = False) -> None:
        """Makes an external id, or lets an existing one point to this record."""
        module, name = xmlid.split(".", 1)
        table, known, now = self.table(XMLIDS), self.xmlid_row(xmlid), self.now()
        row = {"module": module, "name": name, "model": model, "res_id": record_id, "noupdate": noupdate}
        row |= hidden_columns(row) | {"write_date": now, "write_uid": 1}
        if known:
            table.update(known, row)
        else:
            table.insert({**row, "create_date": now, "create_uid": 1})

    def xmlid_row(self, xmlid: str) -> int | None:
        """Id of the ir.model.data row of an external id."""
        return next(iter(self.table(XMLIDS).lookup("complete_name", xmlid)), None)

    def xmlid_target(self, xmlid: str) -> tuple[str, int] | None:
        """Model and id of the record that an external id stands for."""
        row_id = self.xmlid_row(xmlid)
        if row_id is None:
            return None
        row = self.table(XMLIDS).rows[row_id]
        return row["model"], row["res_id"]

    def xmlids_of(self, model: str, record_id: int) -> dict[int, str]:
        """External ids of a record by the id of their row, oldest first."""
        table = self.table(XMLIDS)
        rows = table.lookup("target", f"{model},{record_id}")
        return {row_id: table.rows[row_id]["complete_name"] for row_id in rows}


def hidden_columns(row: Row) -> dict[str, str]:
    """Columns of ir.model.data by which an external id, or a record's external ids, are found."""
    return {"complete_name": f"{row['module']}.{row['name']}", "target": f"{row['model']},{row['res_id']}"}

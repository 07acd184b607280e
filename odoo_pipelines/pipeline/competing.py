"""Several rows of one record in one load: which of them counts is known before the first is written.

Only then does a sync over unchanged data write nothing, whatever the order of the rows. Of most rows no more is held in
memory than two numbers.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from odoo_pipelines.engine.versions import Choice
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.stores.rows import from_columns
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.records import Batch, Key
from odoo_pipelines.systems.targets import Target

READ_ROWS = 10_000
_IDENTITY = ["entity", "external_id", "hash", "only_create"]
_HASH_DIGITS = 15
"""Of a hash, so many as fit into a signed integer of 64 bits."""


class Competition:
    """The rows that count, of records of which batches hold rows that say different things.

    Args:
        session: of the run.
        batches: that are loaded together.
        target: of their flow.
        verify: see `Choice`.
    """

    def __init__(self, session: Session, batches: Sequence[Batch], target: Target, *, verify: bool) -> None:
        self._choices: dict[Key, Choice] = {}
        contested = _contested(session, batches)
        for row in _rows_of(session, batches, target, contested) if contested else ():
            self._choices.setdefault(row.key, Choice(verify=verify)).add(row)

    def marked(self, row: MappedRow) -> MappedRow:
        """The row, marked if another one counts more."""
        choice = self._choices.get(row.key)
        if choice is None or row.only_create or row.hash == choice.hash:
            return row
        return replace(row, outdone=True)


def _contested(session: Session, batches: Sequence[Batch]) -> frozenset[int]:
    """Numbers that stand for the records of which there are rows with different hashes."""
    keys, hashes = array("q"), array("q")
    for batch in batches:
        for rows in session.batches.rows(batch.path, READ_ROWS, _IDENTITY):
            for row in rows:
                if row["hash"] is not None and not row["only_create"]:
                    keys.append(hash((row["entity"], row["external_id"])))
                    hashes.append(int(row["hash"][:_HASH_DIGITS], 16))
    if not keys:
        return frozenset()
    table = pa.table({"key": pa.array(keys, pa.int64()), "hash": pa.array(hashes, pa.int64())})
    found = table.group_by("key").aggregate([("hash", "min"), ("hash", "max")])
    differing = found.filter(pc.not_equal(found["hash_min"], found["hash_max"]))
    return frozenset(int(key.as_py()) for key in differing["key"])


def _rows_of(
    session: Session, batches: Sequence[Batch], target: Target, contested: frozenset[int]
) -> Iterator[MappedRow]:
    for batch in batches:
        ids = [
            row["external_id"]
            for rows in session.batches.rows(batch.path, READ_ROWS, ["entity", "external_id"])
            for row in rows
            if hash((row["entity"], row["external_id"])) in contested
        ]
        for columns in session.batches.select(batch.path, ids) if ids else ():
            row = from_columns(columns, target)
            if isinstance(row, MappedRow) and not row.only_create:
                yield row

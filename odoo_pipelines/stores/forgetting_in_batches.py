"""Forgetting a person in the files of batches.

Rows stay where they are, with the id and nothing else, so that all numbers still add up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.forgetting import Forgotten, Person, without
from odoo_pipelines.stores.rows import field_of, is_value
from odoo_pipelines.systems.records import Batch, Key


def find_in_batches(
    store: BatchStore, batches: Collection[Batch], entities: Mapping[str, str], person: Person
) -> Forgotten:
    """What batches hold of a person.

    Args:
        store: where their files are.
        batches: of the integration.
        entities: kind of the records of each stream.
        person: the record.

    Raises:
        BatchStoreError: a file is gone, or cannot be read.
    """
    found = Forgotten()
    for batch in batches:
        if not store.exists(batch.path):  # removed by the retention, which forgets it next time
            continue
        emptied = _Emptied(person, _entity(batch, entities))
        for group in store.groups(batch.path):
            emptied(group)
        found.batch_rows += emptied.rows
        found.batch_files += bool(emptied.rows)
        found.related |= emptied.related
    return found


def empty_in_batches(
    store: BatchStore, batches: Collection[Batch], entities: Mapping[str, str], person: Person
) -> Forgotten:
    """Takes a person's values out of batches; see `find_in_batches`."""
    found = Forgotten()
    for batch in batches:
        one = find_in_batches(store, [batch], entities, person)
        if one.batch_rows:
            store.rewrite(batch.path, _Emptied(person, _entity(batch, entities)))
        found.batch_rows += one.batch_rows
        found.batch_files += one.batch_files
        found.related |= one.related
    return found


class _Emptied:
    """Takes a person out of the rows of one batch, group by group.

    Attributes:
        rows: that it was found in.
        related: records of other rows that it was found in.
    """

    def __init__(self, person: Person, entity: str) -> None:
        self.rows = 0
        self.related: set[Key] = set()
        self._person = person
        self._entity = entity

    def __call__(self, group: pa.Table) -> pa.Table | None:
        """The group without the person; None where it is not in it."""
        if not self._may_hold(group):
            return None
        before, rows = self.rows, group.to_pylist()
        changed = [self._row(row) for row in rows]
        return pa.Table.from_pylist(changed, schema=group.schema) if self.rows > before else None

    def _may_hold(self, group: pa.Table) -> bool:
        found = pc.any(pc.is_in(group["external_id"], value_set=pa.array([self._person.external_id]))).as_py()
        texts = (pc.any(pc.match_substring(group["payload"], each)).as_py() for each in self._person.spellings)
        return bool(found) or any(texts)

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        entity = row.get("entity", self._entity)
        own = row["external_id"] == self._person.external_id and entity == self._person.entity
        mapped = "error_code" in row
        new = _emptied_mapped(row) if own and mapped else dict(row)
        if row["payload"] is not None:
            payload, had = self._payload(row["payload"], own=own)
            if had:
                new["payload"] = payload
                new |= _new_hash(payload) if not mapped and "hash" in row else {}
                if mapped and row["error_code"] is not None:
                    new["error_reason"] = row["error_code"]
        if new != row:
            self.rows += 1
            if not own:
                self.related.add((entity, row["external_id"]))
        return new

    def _payload(self, text: str, *, own: bool) -> tuple[str, bool]:
        document = json.loads(text)
        if own:
            kept = (
                {name: document[name] for name in ("id", "updated_at") if name in document}
                if isinstance(document, dict)
                else {}
            )
            emptied, had = kept, kept != document
        else:
            emptied, had = without(document, self._person)
        return json.dumps(emptied, ensure_ascii=False, separators=(",", ":")), had


def _emptied_mapped(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row that tells nothing, and makes no record: should it be loaded once more, Odoo is left alone."""
    values = [name for name in row if is_value(name)]
    empty = dict.fromkeys(values)
    plain: dict[str, Any] = {"only_create": False, "only_existing": True, "state": None, "total": None, "warnings": []}
    if row["error_code"] is not None:
        return {**row, "error_reason": row["error_code"]}
    return {**row, **empty, **plain, "absent": sorted({field_of(name) for name in values})}


def _new_hash(payload: str) -> dict[str, str]:
    return {"hash": hashlib.blake2b(payload.encode(), digest_size=16).hexdigest()}


def _entity(batch: Batch, entities: Mapping[str, str]) -> str:
    return entities.get(batch.name, batch.name)

"""Forgetting a person: what is kept of one external record goes, and its values go from what is kept of others.

Rows in batches stay where they are, with the id and nothing else, so that all numbers still add up. Each step may be
done again, and after a crash it is: what was done before is not found any more.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.stores import tables
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.rows import field_of, is_value
from odoo_pipelines.systems.records import Batch, Key

_OF_A_RECORD = {"integration", "entity", "external_id"}
_ABOUT_AN_EVENT = ("id", "event_type", "event", "occurred_at")
_EVENT, _LETTER, _OUTCOME = tables.webhook_event, tables.dead_letter, tables.outcome


@dataclass(frozen=True, slots=True)
class Person:
    """The record that is forgotten.

    Attributes:
        integration: name.
        entity: kind of external record, such as "guest".
        external_id: its id there.
    """

    integration: str
    entity: str
    external_id: str

    @property
    def spellings(self) -> tuple[str, str]:
        """The id as texts may hold it: as it is, and as JSON writes it."""
        return self.external_id, json.dumps(self.external_id)[1:-1]


@dataclass(slots=True)
class Forgotten:
    """What was found.

    Attributes:
        rows: by table, rows that were removed or emptied.
        batch_rows: rows of batches.
        batch_files: files that these are in.
        related: other records that named the person.
    """

    rows: dict[str, int] = field(default_factory=dict)
    batch_rows: int = 0
    batch_files: int = 0
    related: set[Key] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing."""
        return not self.rows and not self.batch_rows


def forget(connection: Connection, person: Person, related: Collection[Key]) -> Forgotten:
    """Removes a record from all tables, and its values from events, letters and outcomes of others."""
    rows: Counter[str] = Counter()
    found = Forgotten()
    _empty_events(connection, person, rows)
    _empty_letters(connection, person, rows, found)
    for entity, external_id in {*related, *found.related}:
        same = (_OUTCOME.c.integration == person.integration, _OUTCOME.c.entity == entity)
        about = _OUTCOME.c.field.startswith(person.entity, autoescape=True), _OUTCOME.c.reason != _OUTCOME.c.code
        which = (*same, _OUTCOME.c.external_id == external_id, *about)
        rows["outcome"] += connection.execute(sa.update(_OUTCOME).where(*which).values(reason=_OUTCOME.c.code)).rowcount
    for table in tables.metadata.sorted_tables:
        if set(table.columns.keys()) >= _OF_A_RECORD and table is not _EVENT:
            mine = [table.c[name] == getattr(person, name) for name in sorted(_OF_A_RECORD)]
            rows[table.name] += connection.execute(sa.delete(table).where(*mine)).rowcount
    found.rows = {name: count for name, count in rows.items() if count}
    return found


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


def without(document: Any, person: Person) -> tuple[Any, bool]:
    """A document without the values of a person in it, and whether it had any.

    The person is an object below a key that is named like its kind, such as `guest` or `guests`, with its id.
    """
    if isinstance(document, list):
        parts = [without(each, person) for each in document]
        return [part for part, _ in parts], any(had for _, had in parts)
    if not isinstance(document, dict):
        return document, False
    result, had = {}, False
    for key, value in document.items():
        if key in (person.entity, f"{person.entity}s"):
            result[key], found = _emptied_here(value, person)
        else:
            result[key], found = without(value, person)
        had = had or found
    return result, had


def _emptied_here(value: Any, person: Person) -> tuple[Any, bool]:
    if isinstance(value, list):
        parts = [_emptied_here(each, person) for each in value]
        return [part for part, _ in parts], any(had for _, had in parts)
    if _is_person(value, person):
        return {"id": value["id"]}, set(value) != {"id"}
    return without(value, person)


def _is_person(value: Any, person: Person) -> bool:
    return isinstance(value, dict) and str(value.get("id")) == person.external_id


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


def _empty_events(connection: Connection, person: Person, rows: Counter[str]) -> None:
    own = sa.and_(_EVENT.c.entity == person.entity, _EVENT.c.external_id == person.external_id)
    query = sa.select(_EVENT.c.id, own.label("own"), _EVENT.c.body)
    query = query.where(_EVENT.c.integration == person.integration, sa.or_(own, *_holding(_EVENT.c.body, person)))
    for event_id, is_own, body in connection.execute(query).tuples().all():
        document = _read(body)
        emptied, had = _own_event(document, person) if is_own else without(document, person)
        if had:
            update = (
                sa.update(_EVENT).where(_EVENT.c.id == event_id).values(body=json.dumps(emptied, ensure_ascii=False))
            )
            rows["webhook_event"] += connection.execute(update).rowcount


def _own_event(document: Any, person: Person) -> tuple[Any, bool]:
    about = {name: document[name] for name in _ABOUT_AN_EVENT if name in document} if isinstance(document, dict) else {}
    emptied = {**about, "data": {"id": person.external_id}}
    return emptied, emptied != document


def _empty_letters(connection: Connection, person: Person, rows: Counter[str], found: Forgotten) -> None:
    """Letters of others, such as bookings that hold the guest; their reasons may quote a value of it."""
    columns = [_LETTER.c[name] for name in ("flow", "entity", "key", "external_id", "payload")]
    query = sa.select(*columns).where(
        _LETTER.c.integration == person.integration, sa.or_(*_holding(_LETTER.c.payload, person))
    )
    for flow, entity, key, external_id, payload in connection.execute(query).tuples().all():
        emptied, had = without(_read(payload), person)
        if had:
            found.related.add((entity, external_id))
            which = {"integration": person.integration, "flow": flow, "entity": entity, "key": key}
            update = sa.update(_LETTER).where(*(_LETTER.c[name] == value for name, value in which.items()))
            update = update.values(payload=json.dumps(emptied, ensure_ascii=False), reason=_LETTER.c.code)
            rows["dead_letter"] += connection.execute(update).rowcount


def _holding(column: sa.Column[str], person: Person) -> Iterator[sa.ColumnElement[bool]]:
    for each in set(person.spellings):
        yield sa.func.strpos(column, each) > 0


def _read(text: str) -> Any:
    """A body that is no JSON is kept as one text, in which nobody can be found."""
    try:
        return json.loads(text)
    except ValueError:
        return text

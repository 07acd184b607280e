"""Forgetting a person: what is kept of one external record goes, and its values go from what is kept of others.

Each step may be done again, and after a crash it is: what was done before is not found any more. The files of batches
are looked through by `forgetting_in_batches`, which commands that only ask the database need not import.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from odoo_pipelines.stores import tables
from odoo_pipelines.systems.records import Key

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

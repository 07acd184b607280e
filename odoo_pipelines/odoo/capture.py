"""Reads out of Odoo what the external system is still to be told of. Pure but for its Odoo.

`write_date` is when the writing transaction began, and Odoo prints it in whole seconds: what is read since some moment
must overlap with what was read before, and what two reads have in common is told apart by all that was read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import orjson

from odoo_pipelines.engine.keys import sync_key, xmlid
from odoo_pipelines.engine.ports import Schemas
from odoo_pipelines.systems.outbound import OdooRow, PostedFlow

PAGE = 500
WRITE_DATE = "write_date"
_PRINTED = "%Y-%m-%d %H:%M:%S"


class Source(Protocol):
    """Odoo, as far as it is read."""

    def search_read(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Sequence[str],
        *,
        limit: int | None = None,
        order: str | None = None,
    ) -> list[dict[str, Any]]:
        """The records that match."""

    def read(self, model: str, ids: Sequence[int], fields: Sequence[str]) -> list[dict[str, Any]]:
        """Records by id; those that are gone are left out."""

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, **kwargs: Any) -> Any:
        """Calls a method that changes nothing."""


class Reader:
    """Reads records, and of related ones what a path names: "journal_id.type"."""

    def __init__(self, odoo: Source, schemas: Schemas) -> None:
        self._odoo = odoo
        self._schemas = schemas

    def search(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], *, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """The records that match, by id; `id` and `write_date` are always there."""
        paths = [name.split(".") for name in fields if "." in name]
        own = {WRITE_DATE, *(name for name in fields if "." not in name), *(path[0] for path in paths)}
        rows = self._odoo.search_read(model, domain, sorted(own), limit=limit, order="id")
        wanted: dict[str, list[str]] = defaultdict(list)
        for field, related in paths:
            wanted[field].append(related)
        for field, names in wanted.items():
            self._add_related(model, rows, field, names)
        return [{name: row[name] for name in ("id", WRITE_DATE, *fields)} for row in rows]

    def newest(self, model: str, domain: Sequence[Any]) -> datetime | None:
        """The latest `write_date` among the records that match."""
        rows = self._odoo.search_read(model, domain, [WRITE_DATE], limit=1, order="write_date desc, id desc")
        return parsed(rows[0][WRITE_DATE]) if rows else None

    def present(self, model: str, ids: Sequence[int], fields: Sequence[str]) -> dict[int, dict[str, Any]]:
        """Some fields of records by id; those that are gone are absent."""
        return {row["id"]: row for row in self._odoo.read(model, ids, fields)} if ids else {}

    def made_by(self, integration: str, model: str, ids: Sequence[int]) -> set[int]:
        """Those of some records that an integration has made: their xmlid proves it, whatever their fields say."""
        names = self._odoo.call(model, "get_external_id", ids) if ids else {}
        own = xmlid(sync_key(integration, ""))
        return {int(odoo_id) for odoo_id, name in names.items() if str(name).startswith(own)}

    def _add_related(self, model: str, rows: Sequence[dict[str, Any]], field: str, names: Sequence[str]) -> None:
        ids = sorted({row[field] for row in rows if row[field]})
        related = self.present(self._schemas(model).relation(field), ids, names)
        for row in rows:
            for name in names:
                row[f"{field}.{name}"] = related[row[field]][name] if row[field] in related else False


@dataclass(frozen=True, slots=True)
class CapturedRow:
    """One record as it was captured.

    Attributes:
        odoo_id: database id.
        key: by which the external system will know it; "" where it has none.
        write_date: as Odoo prints it.
        payload: all that was read, JSON text: equal texts are one version of the record.
    """

    odoo_id: int
    key: str
    write_date: str
    payload: str

    @classmethod
    def of(cls, flow: PostedFlow, row: OdooRow) -> CapturedRow:
        """A record that was read."""
        payload = orjson.dumps(row, option=orjson.OPT_SORT_KEYS).decode()
        return cls(row["id"], str(row[flow.key] or ""), str(row[WRITE_DATE]), payload)


def captured(
    reader: Reader, flow: PostedFlow, since: datetime | None, ids: Sequence[int] = ()
) -> Iterator[list[dict[str, Any]]]:
    """Pages of the records that are still to be told of.

    By id, because pages by `write_date` would lose what is written while they are read.

    Args:
        reader: of Odoo.
        flow: says which records.
        since: only those written since then; None: all.
        ids: records that are read in any case, if they still are to be told of.
    """
    terms: list[Any] = list(flow.domain)
    if since is not None:
        written = (WRITE_DATE, ">=", printed(since))
        terms += ["|", written, ("id", "in", list(ids))] if ids else [written]
    last = 0
    while page := reader.search(flow.model, [*terms, ("id", ">", last)], flow.fields, limit=PAGE):
        yield page
        last = page[-1]["id"]
        if len(page) < PAGE:
            return


def since(watermark: datetime | None, overlap: timedelta) -> datetime | None:
    """From when on records are read: some time before the newest one that is in a batch."""
    return None if watermark is None else watermark - overlap


def by_version(rows: Iterable[CapturedRow], known: Iterable[str]) -> list[CapturedRow]:
    """Rows in the order of their change, without those whose payload is known."""
    seen = set(known)
    return sorted((row for row in rows if row.payload not in seen), key=lambda row: (row.write_date, row.odoo_id))


def printed(moment: datetime) -> str:
    """A moment as Odoo reads it, rounded down to the second."""
    return moment.astimezone(UTC).strftime(_PRINTED)


def parsed(text: Any) -> datetime:
    """A moment as Odoo prints it."""
    return datetime.strptime(str(text), _PRINTED).replace(tzinfo=UTC)


def in_payload(payload: str) -> Mapping[str, Any]:
    """What was read, out of its JSON text."""
    row: Mapping[str, Any] = orjson.loads(payload)
    return row

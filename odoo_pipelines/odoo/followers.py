"""Warns where records of other models keep a value that has changed, or books have another day than a record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import Any

from odoo_pipelines.engine.destination import Applied
from odoo_pipelines.engine.planned import Planned
from odoo_pipelines.engine.ports import Schemas
from odoo_pipelines.odoo.calls import Odoo
from odoo_pipelines.systems.targets import Entry, Follower, Target

_COMPANY = "res.company"


class Followers:
    """Looks after what was written, where a row has something to look for: most chunks cost no request.

    Args:
        odoo: where it is read.
        target: of the rows.
        schemas: the server's fields.
        company_id: the company whose lock dates count.
    """

    def __init__(self, odoo: Odoo, target: Target, schemas: Schemas, company_id: int) -> None:
        self._odoo = odoo
        self._target = target
        self._schemas = schemas
        self._company_id = company_id
        self._lock = Lock()

    def warn(self, rows: Sequence[Planned], applied: Applied) -> None:
        """Adds the warnings of a chunk."""
        done = [row for row in rows if row.resolved.key in applied.ids and row.resolved.key not in applied.refused]
        for follower in self._target.followers:
            self._warn_of_followers(follower, [row for row in done if follower.field in row.changes], applied)
        if self._target.entry:
            self._warn_of_days(self._target.entry, done, applied)

    def _warn_of_followers(self, follower: Follower, rows: Sequence[Planned], applied: Applied) -> None:
        if not rows:
            return
        ids = [row.source.row.external_id for row in rows]
        domain = [(follower.key, "in", ids), *follower.where]
        found = self._odoo.search_read(follower.model, domain, [follower.key, follower.field])
        for row in rows:
            of_row = [each for each in found if each[follower.key] == row.source.row.external_id]
            if any(each[follower.field] != row.changes[follower.field] for each in of_row):
                _add(applied, row, f"{follower.field}: {follower.told}")

    def _warn_of_days(self, entry: Entry, rows: Sequence[Planned], applied: Applied) -> None:
        moved = [row for row in rows if _is_new_in(entry, row)]
        if not moved or not (closed := self._closed_to(entry)):
            return
        days = {applied.ids[row.resolved.key]: (row, _day(entry, row)) for row in moved}
        days = {odoo_id: (row, day) for odoo_id, (row, day) in days.items() if day and day <= closed}
        booked = self._booked_days(entry, days)
        for odoo_id, (row, day) in days.items():
            at = booked.get(odoo_id, "")
            if at != day:
                books = f"dated {at}" if at else "dated later"
                _add(applied, row, f"{entry.day}: {day} is closed in Odoo (up to {closed}); the entry is {books}")

    def _booked_days(self, entry: Entry, ids: Iterable[int]) -> Mapping[int, str]:
        records = self._odoo.read(self._target.model, sorted(ids), [entry.field])
        entries = {row[entry.field]: row["id"] for row in records if row[entry.field]}
        days = self._odoo.read(entry.model, sorted(entries), [entry.entry_day]) if entries else []
        return {entries[row["id"]]: str(row[entry.entry_day]) for row in days}

    def _closed_to(self, entry: Entry) -> str:
        with self._lock:
            return self._closed[entry]

    @cached_property
    def _closed(self) -> Mapping[Entry, str]:
        """The last day of a closed period, as the user meets it; "" where none is."""
        entry = self._target.entry
        if entry is None:
            return {}
        schema = self._schemas(_COMPANY)
        known = [[name for name in names if schema.server_name(name)] for names in entry.closed]
        fields = next((names for names in known if names), [])
        rows: list[dict[str, Any]] = self._odoo.read(_COMPANY, [self._company_id], fields) if fields else []
        # Odoo prints "1-01-01" for "never".
        return {entry: max((str(row[name]).zfill(10) for row in rows for name in fields if row[name]), default="")}


def _is_new_in(entry: Entry, row: Planned) -> bool:
    """Whether the row's record has come to its state in this run, or in one that did not get to its end."""
    steps = (*row.path.before, *row.path.after)
    if steps:
        return steps[-1].target == entry.state
    return row.source.row.state == entry.state and (row.record is None or not row.record.hash)


def _day(entry: Entry, row: Planned) -> str:
    held = row.odoo.get(entry.day) if row.odoo else row.resolved.values.get(entry.day)
    return str(held or "")


def _add(applied: Applied, row: Planned, warning: str) -> None:
    applied.warnings[row.resolved.key] = (*applied.warnings.get(row.resolved.key, ()), warning)

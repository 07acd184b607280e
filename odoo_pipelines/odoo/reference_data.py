"""Odoo's own reference data (countries, languages, pricelists, taxes), looked up once per run for all threads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from threading import Lock
from typing import Any

from odoo_pipelines.engine.ports import Schemas
from odoo_pipelines.engine.rows import Candidates
from odoo_pipelines.odoo.calls import EVEN_ARCHIVED, Odoo
from odoo_pipelines.odoo.currencies import Currencies
from odoo_pipelines.systems.targets import ANY_FIELD, Lookup


class ReferenceData:
    """Finds ids of reference data by what the external system calls them.

    Args:
        odoo: where it is read.
        schemas: to follow dotted paths.
        company_id: the company in which calls work.

    Attributes:
        currencies: Odoo's.
        company_id: of the company.
    """

    def __init__(self, odoo: Odoo, schemas: Schemas, company_id: int) -> None:
        self.currencies = Currencies(odoo, company_id)
        self._odoo = odoo
        self._schemas = schemas
        self.company_id = company_id
        self._found: dict[Lookup, dict[str, Candidates]] = {}
        self._languages: dict[str, str] | None = None
        self._language_of: dict[str, str | None] = {}
        self._lock = Lock()

    def candidates(self, lookup: Lookup, values: Iterable[str]) -> dict[str, Candidates]:
        """Ids by value, the preferred one first; False among them stands for "none is needed".

        The lowest id is preferred, and `Lookup.preferred` above that; what fulfils it is preferred to none, too.
        """
        wanted = set(values)
        with self._lock:
            known = self._found.setdefault(lookup, {})
            unknown = sorted(wanted - known.keys())
            if unknown:
                found = self._search(lookup, unknown)
                own = self._company_value(lookup)
                known.update(
                    {value: self._in_order(lookup, found.get(value, ()), none=value == own) for value in unknown}
                )
            return {value: known[value] for value in wanted}

    def _in_order(self, lookup: Lookup, found: tuple[int, ...], *, none: bool) -> Candidates:
        no_record = (False,) if none else ()
        if not lookup.preferred or not found:
            return (*found, *no_record)
        domain = [("id", "in", list(found)), *lookup.preferred]
        best = {row["id"] for row in self._odoo.search_read(lookup.model, domain, ["id"])}
        return (*(each for each in found if each in best), *no_record, *(each for each in found if each not in best))

    def language(self, tag: str) -> str | None:
        """The active language for a tag: the same locale, else another one of that language; None if there is none."""
        if tag not in self._language_of:  # a look without the lock: most rows speak a language that others spoke before
            with self._lock:
                self._language_of[tag] = self._choose_language(tag)
        return self._language_of[tag]

    def _choose_language(self, tag: str) -> str | None:
        if self._languages is None:
            rows = self._odoo.search_read("res.lang", [("active", "=", True)], ["code"])
            self._languages = _by_tag(row["code"] for row in sorted(rows, key=lambda row: int(row["id"])))
        locale = tag.replace("-", "_").lower()
        short = locale.partition("_")[0]
        exact = () if locale == short else (locale,)  # "de" is German as in Germany, whichever German came first
        candidates = (*exact, f"{short}_{short}", short)
        return next((self._languages[each] for each in candidates if each in self._languages), None)

    def _company(self, fields: list[str]) -> dict[str, Any]:
        (company,) = self._odoo.read("res.company", [self.company_id], fields)
        return company

    def _company_value(self, lookup: Lookup) -> str | None:
        """What needs no record; of the model that the lookup passes, so the company's many fields need no look."""
        head, _, rest = lookup.none_for_company.partition(".")
        if not head:
            return None
        company = self._company([head])
        related = self._schemas(lookup.model).relation(lookup.field.partition(".")[0])
        (record,) = self._odoo.read(related, [company[head]], [rest])
        return str(record[rest])

    def _search(self, lookup: Lookup, values: list[str]) -> dict[str, tuple[int, ...]]:
        return self._search_any(lookup, values) if lookup.field == ANY_FIELD else self._search_one(lookup, values)

    def _search_any(self, lookup: Lookup, values: list[str]) -> dict[str, tuple[int, ...]]:
        by_field: dict[str, list[str]] = defaultdict(list)
        for value in values:
            field, _, name = value.partition("/")
            by_field[field].append(name)
        found = {field: self._search_one(replace(lookup, field=field), names) for field, names in by_field.items()}
        return {f"{field}/{name}": ids for field, some in found.items() for name, ids in some.items()}

    def _search_one(self, lookup: Lookup, values: list[str]) -> dict[str, tuple[int, ...]]:
        head, _, rest = lookup.field.partition(".")
        if not rest:
            rows = self._odoo.search_read(lookup.model, [(head, "in", values), *lookup.also], [head])
            return _by_value((str(row[head]), row["id"]) for row in rows)
        related = self._schemas(lookup.model).relation(head)
        names = self._odoo.search_read(related, [(rest, "in", values)], [rest], context=EVEN_ARCHIVED)
        value_of = {row["id"]: str(row[rest]) for row in names}
        rows = self._odoo.search_read(lookup.model, [(head, "in", list(value_of)), *lookup.also], [head])
        return _by_value((value_of[row[head]], row["id"]) for row in rows)


def _by_value(pairs: Iterable[tuple[str, Any]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for value, odoo_id in sorted(pairs):
        found[value] = (*found.get(value, ()), odoo_id)
    return found


def _by_tag(codes: Iterable[str]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for code in codes:
        tags.setdefault(code.lower(), code)
        tags.setdefault(code.partition("_")[0].lower(), code)
    return tags

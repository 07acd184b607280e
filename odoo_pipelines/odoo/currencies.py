"""Odoo's currencies: their smallest units, and which of them have no rate. Read once per run for all threads."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from threading import Lock
from typing import Any

from odoo_pipelines.engine.amounts import CENT
from odoo_pipelines.odoo.calls import EVEN_ARCHIVED, Odoo


class Currencies:
    """The currencies as one company sees them.

    Args:
        odoo: where they are read.
        company_id: the company in which calls work; its own currency needs no rate.
    """

    def __init__(self, odoo: Odoo, company_id: int) -> None:
        self._odoo = odoo
        self._company_id = company_id
        self._lock = Lock()

    def unit(self, currency_id: Any) -> Decimal:
        """The smallest unit of a currency; a cent where the currency is not known."""
        with self._lock:
            return self._units.get(currency_id, CENT)

    def without_rate(self) -> Mapping[str | int, str]:
        """Codes of the currencies that Odoo would take for the company's one to one, by code and by id.

        For a day before the first rate Odoo takes the first one: any rate will do.
        """
        with self._lock:
            return self._without_rate

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        return self._odoo.search_read("res.currency", [], ["name", "rounding"], context=EVEN_ARCHIVED)

    @cached_property
    def _units(self) -> dict[int, Decimal]:
        return {row["id"]: Decimal(str(row["rounding"])) for row in self._rows if row["rounding"]}

    @cached_property
    def _without_rate(self) -> dict[str | int, str]:
        (company,) = self._odoo.read("res.company", [self._company_id], ["currency_id"])
        found = self._odoo.search_read("res.currency", [("rate_ids", "!=", False)], ["id"], context=EVEN_ARCHIVED)
        rated = {company["currency_id"], *(row["id"] for row in found)}
        lacking = {row["id"]: str(row["name"]) for row in self._rows if row["id"] not in rated}
        return {**lacking, **{code: code for code in lacking.values()}}

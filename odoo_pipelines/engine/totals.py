"""Holds the total that Odoo has computed against the external one. Pure.

Odoo computes it from prices, discounts, taxes, rounding and settings of its own: only the result shows whether all of
them were as the mapping takes them to be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from odoo_pipelines.engine.amounts import amount_text, differ
from odoo_pipelines.engine.base import Base, Kept
from odoo_pipelines.engine.planned import Planned
from odoo_pipelines.systems.records import TOTAL_DIFFERS, Conflict
from odoo_pipelines.systems.targets import Target

_CURE = "correct prices, lines, discounts or taxes where they are wrong, and retry; or take 'odoo' to accept these two"


@dataclass(frozen=True, slots=True)
class TotalCheck:
    """Compares the totals of one target.

    Attributes:
        target: names the fields.
        unit: gives the smallest unit of a currency by its id in Odoo.
    """

    target: Target
    unit: Callable[[Any], Decimal]

    def resolve(self, planned: Planned, odoo: Mapping[str, Any] | None) -> tuple[Conflict | None, Base]:
        """Compares a total, and tells what a human has to decide and what is remembered.

        Args:
            planned: what was planned for the record.
            odoo: the record as it was read after all that; None where nothing was read.
        """
        name, total, base = self.target.total, planned.source.row.total, planned.base
        if not name or total is None or odoo is None or name not in odoo or not planned.total_counts:
            return None, base
        external, stored = amount_text(total), amount_text(odoo[name])
        others = {field: kept for field, kept in base.kept.items() if field != name}
        if not differ(external, stored, self.unit(odoo.get(self.target.total_currency))):
            return None, replace(base, kept=others, total=external)
        if _is_accepted(planned, name, external, stored):
            return None, replace(base, kept={**others, name: Kept(external, stored)}, total="")
        return self._conflict(planned, external, stored), replace(base, kept=others, total="")

    def _conflict(self, planned: Planned, external: str, stored: str) -> Conflict:
        name = self.target.total
        return Conflict(
            field=name,
            code=TOTAL_DIFFERS,
            reason=f"{name}: {external} in the external system, {stored} in Odoo; {_CURE}",
            external=external,
            odoo=stored,
            external_at=planned.source.row.updated_at,
        )


def _is_accepted(planned: Planned, name: str, external: str, stored: str) -> bool:
    """Whether a human has accepted the difference of exactly these two totals, now or before."""
    answer, kept = planned.total_answer, planned.base.kept.get(name)
    if answer is not None and answer.choice == "odoo" and (answer.external, answer.odoo) == (external, stored):
        return True
    return kept is not None and (kept.external, kept.odoo) == (external, stored)

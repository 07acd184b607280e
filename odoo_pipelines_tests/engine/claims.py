"""The rows of a load at the engine's port."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from odoo_pipelines.systems.base import MappedRow, RejectedRow


@dataclass(frozen=True)
class RowClaims:
    """Rows in memory, asked for those that hold a value."""

    rows: Iterable[MappedRow | RejectedRow] = ()

    def holding(self, entity: str, wanted: Mapping[str, Collection[str]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """External ids and values of the entity's rows that hold one of the wanted values."""
        for row in self.rows:
            if not isinstance(row, MappedRow) or row.entity != entity:
                continue
            if any(row.values.get(name) in values for name, values in wanted.items()):
                yield row.external_id, row.values

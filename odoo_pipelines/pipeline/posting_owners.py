"""Whose a record of Odoo is, where several integrations share one Odoo. Pure but for its Odoo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, sync_key
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.odoo.capture import Reader
from odoo_pipelines.systems.outbound import OdooRow, Owner


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose a record is.

    Attributes:
        kind: "unknown": no record says it; "ambiguous": several do, one of them ours.
        record: that says it is ours.
    """

    kind: Literal["ours", "other", "unknown", "ambiguous"]
    record: OdooRow | None = None


_UNKNOWN = Ownership("unknown")


class Owners:
    """Tells whose records are.

    Args:
        reader: of Odoo.
        integration: ours.
        owner: which records say it.
        alone: no other integration uses this Odoo, so a record of which nothing is known is ours.
    """

    def __init__(self, reader: Reader, integration: str, owner: Owner, *, alone: bool) -> None:
        self._reader = reader
        self._integration = integration
        self._owner = owner
        self._alone = alone

    def of(self, rows: Sequence[OdooRow]) -> dict[int, Ownership]:
        """Whose some records are, by id."""
        owner = self._owner
        ids = sorted({str(row[owner.named_by]) for row in rows})
        domain = [(owner.external_id, "in", ids), (SYNC_KEY_FIELD, "!=", False)]
        fields = [owner.external_id, SYNC_KEY_FIELD, owner.alike, *owner.agreeing]
        found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for each in self._reader.search(owner.model, domain, fields) if ids else ():
            found[str(each[owner.external_id])].append(each)
        return {row["id"]: self._decided(row, found[str(row[owner.named_by])]) for row in rows}

    def require(self, row: OdooRow, ownership: Ownership) -> None:
        """Makes sure that a record that is not another's is ours, and agrees with what says so.

        Raises:
            RowRejectedError: "ambiguous_reference", "missing_reference" (it may come), or "other_..." for a field.
        """
        owner = self._owner
        if ownership.kind == "ambiguous":
            reason = f"several records of {owner.model} have the {owner.external_id} {row[owner.named_by]}"
            raise RowRejectedError(owner.named_by, "ambiguous_reference", reason)
        if ownership.kind == "unknown" and not self._alone:
            reason = f"{owner.model} has no record of the {owner.entity} {row[owner.named_by]} yet"
            raise RowRejectedError(owner.named_by, "missing_reference", reason)
        for field in owner.agreeing if ownership.record else ():
            if ownership.record and row[field] != ownership.record[field]:
                reason = f"{field} is not that of the {owner.entity} {row[owner.named_by]}"
                raise RowRejectedError(field, f"other_{field.removesuffix('_id')}", reason)

    def _decided(self, row: OdooRow, found: Sequence[OdooRow]) -> Ownership:
        if len(found) > 1:
            alike = [each for each in found if each[self._owner.alike] == row[self._owner.alike]]
            if len(alike) != 1:
                return Ownership("ambiguous" if any(map(self._is_ours, alike or found)) else "other")
            found = alike
        if not found:
            return _UNKNOWN
        return Ownership("ours", found[0]) if self._is_ours(found[0]) else Ownership("other")

    def _is_ours(self, record: OdooRow) -> bool:
        key = sync_key(self._integration, self._owner.entity, str(record[self._owner.external_id]))
        return bool(record[SYNC_KEY_FIELD] == key)

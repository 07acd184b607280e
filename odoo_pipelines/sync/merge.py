"""Compares what the external system says with what Odoo has, field by field and line by line. Pure.

The external side wins: what differs is written, what is equal is not sent, for Odoo resets prices and refuses fields of
confirmed orders even when their value is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from odoo_pipelines.sync.keys import SYNC_KEY_FIELD
from odoo_pipelines.sync.ports import Schema
from odoo_pipelines.sync.reference_data import Candidates
from odoo_pipelines.sync.resolve import ResolvedLine
from odoo_pipelines.systems.targets import LineTarget, TargetField


@dataclass(frozen=True, slots=True)
class LineChanges:
    """What has to happen to the lines of one record.

    Attributes:
        created: lines that Odoo lacks.
        updated: ids of lines and the values to write, a vanished line's quantity 0 included.
        deleted: ids of vanished lines that may be deleted.
    """

    created: tuple[ResolvedLine, ...] = ()
    updated: tuple[tuple[int, Mapping[str, Any]], ...] = ()
    deleted: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.created or self.updated or self.deleted)


def server_names(schema: Schema, fields: Iterable[TargetField], *, only_on_create: bool) -> frozenset[str]:
    """The server's names of the fields that are, or are not, written with new records only."""
    names = (schema.server_name(each.name) for each in fields if each.only_on_create == only_on_create)
    return frozenset(name for name in names if name is not None)


def changed_values(
    external: Mapping[str, Any],
    odoo: Mapping[str, Any],
    schema: Schema,
    create_only: frozenset[str],
    as_good: Mapping[str, Candidates] | None = None,
) -> dict[str, Any]:
    """The external values that differ from what was read from Odoo, and from what is as good."""
    changed = {}
    for name, value in external.items():
        stored = schema.canonical(name, odoo[name])
        if name not in create_only and stored != value and stored not in (as_good or {}).get(name, ()):
            changed[name] = value
    return changed


@dataclass(frozen=True, slots=True)
class LineMerger:
    """Compares lines.

    Attributes:
        target: how the lines are written.
        schema: of their model.
        create_only: fields that are neither compared nor written later, except together with others.
        integration: lines of other integrations, and those that people added, are left alone.
    """

    target: LineTarget
    schema: Schema
    create_only: frozenset[str]
    integration: str

    def changes(
        self, external: Sequence[ResolvedLine], odoo: Sequence[Mapping[str, Any]], *, keep: bool
    ) -> LineChanges:
        """What makes Odoo's lines equal to the external ones.

        Args:
            external: lines that the record should have.
            odoo: lines that it has, as read.
            keep: a vanished line may not be deleted; its quantity becomes 0.
        """
        ours = {str(line[SYNC_KEY_FIELD]): line for line in odoo if self._is_ours(line)}
        created = tuple(line for line in external if line.key not in ours)
        updated = [(ours[line.key]["id"], self._changed(line, ours[line.key])) for line in external if line.key in ours]
        wanted = {line.key for line in external}
        # An emptied line stays: it was sold once, and deleting it later would be a change out of nothing.
        vanished = [line for key, line in ours.items() if key not in wanted and line[self.target.quantity]]
        if keep:
            updated += [(line["id"], self._emptied(line)) for line in vanished]
            vanished = []
        return LineChanges(
            created, tuple((line_id, vals) for line_id, vals in updated if vals), tuple(line["id"] for line in vanished)
        )

    def _is_ours(self, line: Mapping[str, Any]) -> bool:
        return str(line[SYNC_KEY_FIELD] or "").startswith(f"{self.integration}.")

    def _changed(self, external: ResolvedLine, odoo: Mapping[str, Any]) -> dict[str, Any]:
        changed = changed_values(external.values, odoo, self.schema, self.create_only)
        return {**changed, **self._rewritten(changed, external.values)}

    def _emptied(self, odoo: Mapping[str, Any]) -> dict[str, Any]:
        emptied = {self.target.quantity: 0.0}
        return {**emptied, **self._rewritten(emptied, odoo)}

    def _rewritten(self, changed: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that Odoo would reset unless they are sent again with the changed ones."""
        return {
            name: values[name]
            for trigger, others in self.target.rewritten_together
            if trigger in changed
            for name in others
            if name in values and name not in changed
        }

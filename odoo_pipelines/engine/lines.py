"""Merges the lines of one record, line by line through their sync keys. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from odoo_pipelines.engine.base import OURS, Base, Kept, earliest_after
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, line_name
from odoo_pipelines.engine.merge import Arbiter, FieldMerger
from odoo_pipelines.engine.rows import ResolvedLine
from odoo_pipelines.systems.records import FieldChange
from odoo_pipelines.systems.targets import LineTarget


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


@dataclass(slots=True)
class MergedLines:
    """What a merge of lines came to; whether a vanished line is deleted or emptied shows later.

    Attributes:
        created: lines that Odoo lacks.
        updated: ids of lines and the values to write.
        vanished: lines of Odoo that the record should not have any more, as read.
        empty: those that have no quantity any more.
        agreed: values by sync key on which both sides agree afterwards.
        compared: names of what was compared, as in `Base.kept`.
        emptied: vanished lines that stay without a quantity; remembered like what was kept.
        at: Odoo's clock when they were read; None where it does not tell.
        seen: as `Base.seen`, of the lines that were read.
    """

    at: datetime | None = None
    created: list[ResolvedLine] = field(default_factory=list)
    updated: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    vanished: list[Mapping[str, Any]] = field(default_factory=list)
    empty: list[Mapping[str, Any]] = field(default_factory=list)
    agreed: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    compared: set[str] = field(default_factory=set)
    emptied: dict[str, Kept] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.created or self.updated or self.vanished)


@dataclass(frozen=True, slots=True)
class LineMerger:
    """Merges lines of one target.

    Attributes:
        target: how the lines are written.
        fields: merges the fields of a line.
        integration: lines of other integrations, and those that people added, are left alone.
        always_writable: fields that may be written in every state.
    """

    target: LineTarget
    fields: FieldMerger
    integration: str
    always_writable: frozenset[str] = frozenset()

    def merge(
        self,
        external: Sequence[ResolvedLine],
        odoo: Sequence[Mapping[str, Any]],
        arbiter: Arbiter,
        untold: tuple[str, ...] = (),
        *,
        at: datetime | None = None,
    ) -> MergedLines:
        """Merges the lines that a record should have with those that it has.

        Args:
            external: lines that the record should have.
            odoo: lines that it has, as read.
            arbiter: of the record.
            untold: how the sync keys of lines begin that are left alone.
            at: Odoo's clock when its lines were read.
        """
        merged = MergedLines(at=at)
        ours = {str(line[SYNC_KEY_FIELD]): line for line in odoo if self._is_ours(line)}
        if untold:
            ours = {key: line for key, line in ours.items() if not key.startswith(untold)}
            base = arbiter.base
            merged.agreed |= {key: line for key, line in base.agreed.lines.items() if key.startswith(untold)}
            merged.seen |= {key: base.seen.get(key, "") for key in merged.agreed}
        for line in external:
            if line.key in ours:
                # One that had been removed, perhaps to be made anew later: that one was never read.
                there = line.key in arbiter.base.agreed.lines and line.key in arbiter.base.seen
                brought_back = arbiter.times.set_back and not there
                of_line = _of_line(arbiter, line.key, ours[line.key])
                self._merge_line(line, ours[line.key], of_line, merged, brought_back=brought_back)
            else:
                self._merge_missing(line, arbiter, merged)
        wanted = {line.key for line in external}
        for key, read in ours.items():
            merged.seen[key] = str(read["write_date"] or "")
            if key in wanted:
                continue
            if read[self.target.quantity]:
                self._merge_vanished(key, read, _of_line(arbiter, key, read), merged)
            else:  # it stays: it was sold once, and deleting it later would be a change out of nothing
                merged.empty.append(read)
        return merged

    def changes(self, merged: MergedLines, *, keep: bool) -> LineChanges:
        """What to do.

        Args:
            merged: as `merge` gave it.
            keep: a vanished line may not be deleted; its quantity becomes 0.
        """
        updated, deleted = list(merged.updated), [line["id"] for line in merged.vanished]
        if keep:
            updated += [(line["id"], self._emptied(line)) for line in merged.vanished]
            deleted = []
        return LineChanges(tuple(merged.created), tuple(updated), tuple(deleted))

    @staticmethod
    def seen(merged: MergedLines, odoo: Sequence[Mapping[str, Any]], changes: LineChanges) -> dict[str, str]:
        """What `Base.seen` says of the lines once the changes are made.

        Args:
            merged: as `merge` gave it.
            odoo: the lines as read.
            changes: that are made.
        """
        seen = dict(merged.seen)
        written = {line_id for line_id, _ in changes.updated} | set(changes.deleted)
        for line in odoo:
            if line["id"] in written:
                seen[str(line[SYNC_KEY_FIELD])] = earliest_after(str(line["write_date"] or ""), merged.at)
        return seen

    def writes_only_free(self, merged: MergedLines) -> bool:
        """Whether nothing is written but what may be written in every state."""
        written = (name for _, values in merged.updated for name in values)
        return not merged.created and not merged.vanished and self.always_writable.issuperset(written)

    def remember_emptied(self, merged: MergedLines, base: Base, *, keep: bool) -> None:
        """Notes the vanished lines that stay, emptied: a new quantity is then an edit in Odoo."""
        for line in (*merged.empty, *(merged.vanished if keep else ())):
            key = str(line[SYNC_KEY_FIELD])
            known = base.agreed.lines.get(key)
            if known is not None:
                merged.agreed[key] = {**known, self.target.quantity: 0.0}
                stored = {**self._stored(line, known), self.target.quantity: 0.0}
                merged.emptied[self._name(key)] = Kept(None, stored)

    def _stored(self, odoo: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
        """What a line holds in Odoo, of the fields that are known of it."""
        return {each: self.fields.schema.canonical(each, odoo[each]) for each in known if each in odoo}

    def _is_ours(self, line: Mapping[str, Any]) -> bool:
        return str(line[SYNC_KEY_FIELD] or "").startswith(f"{self.integration}.")

    def _name(self, key: str) -> str:
        return line_name(self.target.field, key)

    def _merge_line(
        self,
        line: ResolvedLine,
        odoo: Mapping[str, Any],
        arbiter: Arbiter,
        merged: MergedLines,
        *,
        brought_back: bool,
    ) -> None:
        """Merges a line that both sides have.

        Args:
            line: as it should be.
            odoo: as it is.
            arbiter: of the line.
            merged: takes what comes of it.
            brought_back: it had been removed, and came back when Odoo was set back.
        """
        prefix = f"{self._name(line.key)}."
        base: Callable[[str, Any], Any] = _ours if brought_back else partial(arbiter.base.line_value, line.key)
        result = self.fields.merge(line.values, odoo, arbiter, base, prefix)
        if result.changes:
            values = {
                name: odoo[name] if arbiter.left(f"{prefix}{name}") else value for name, value in line.values.items()
            }
            merged.updated.append((odoo["id"], {**result.changes, **self._rewritten(result.changes, values)}))
        merged.agreed[line.key] = {**arbiter.base.agreed.lines.get(line.key, {}), **result.agreed}
        if arbiter.base.kept:
            merged.compared |= {self._name(line.key), *(f"{prefix}{name}" for name in line.values)}

    def _merge_missing(self, line: ResolvedLine, arbiter: Arbiter, merged: MergedLines) -> None:
        """Odoo lacks the line: it is new, or somebody has deleted it in Odoo."""
        name, base = self._name(line.key), arbiter.base.agreed.lines.get(line.key)
        if arbiter.base.half_removed(line.key):
            base = None
        merged.compared |= _about(name, arbiter)
        if base is None:
            arbiter.written.append(FieldChange(name, None, line.values))
        if base is None or arbiter.resolve(name, base, line.values, None) is not None:
            merged.created.append(line)
            merged.agreed[line.key] = line.values
            if before := arbiter.base.seen.get(line.key):  # an older one may come back
                merged.seen[line.key] = earliest_after(before, merged.at)
        else:
            merged.agreed[line.key] = base

    def _merge_vanished(self, key: str, odoo: Mapping[str, Any], arbiter: Arbiter, merged: MergedLines) -> None:
        """The external record has the line no more; somebody may have changed it in Odoo since."""
        name, base = self._name(key), arbiter.base.agreed.lines.get(key)
        merged.compared |= _about(name, arbiter)
        stored = self._stored(odoo, [*(base or ()), *(arbiter.base.left_fields(name) - (base or {}).keys())])
        edited = name in arbiter.base.kept or any(
            arbiter.base.line_value(key, each, value) not in (value, OURS)
            for each, value in stored.items()
            if each not in self.fields.create_only
        )
        if not edited:
            arbiter.written.append(FieldChange(name, stored, None))
        there = base if base and base.get(self.target.quantity) != 0 else None  # one that was emptied was none
        if not edited or arbiter.resolve(name, there, None, stored) is not None:
            merged.vanished.append(odoo)
        elif base is not None:
            merged.agreed[key] = base

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


def _ours(_name: str, _odoo: Any) -> Any:
    return OURS


def _of_line(arbiter: Arbiter, key: str, line: Mapping[str, Any]) -> Arbiter:
    """A line has a time of its own: an edit of its text does not touch the record's."""
    return arbiter.of_line(key, str(line["write_date"] or ""))


def _about(line: str, arbiter: Arbiter) -> set[str]:
    """The line, and its fields about which there was a decision or a question: one about the line replaces them."""
    return {line, *(f"{line}.{each}" for each in arbiter.base.left_fields(line))}

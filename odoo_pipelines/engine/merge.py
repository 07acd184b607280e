"""Merges the fields of one record: what the external system says, what Odoo has, and what they last agreed on. Pure.

What is equal is not sent, for Odoo resets prices and refuses fields of confirmed orders even when their value is the
same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from odoo_pipelines.engine.arbiter import Arbiter
from odoo_pipelines.engine.base import UNKNOWN
from odoo_pipelines.engine.ports import Schema
from odoo_pipelines.systems.targets import TargetField


def server_names(schema: Schema, fields: Iterable[TargetField], *, only_on_create: bool) -> frozenset[str]:
    """The server's names of the fields that are, or are not, written with new records only."""
    names = (schema.server_name(each.name) for each in fields if each.only_on_create == only_on_create)
    return frozenset(name for name in names if name is not None)


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge of fields came to.

    Attributes:
        changes: values to write.
        agreed: external values on which both sides agree once the changes are written.
    """

    changes: Mapping[str, Any]
    agreed: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FieldMerger:
    """Merges fields of one model.

    Attributes:
        schema: of the model.
        create_only: fields that are neither compared nor written later.
        watched: those of them about which a human is asked where nothing of the record can be written any more.
    """

    schema: Schema
    create_only: frozenset[str]
    watched: frozenset[str] = frozenset()

    def merge(
        self,
        external: Mapping[str, Any],
        odoo: Mapping[str, Any],
        arbiter: Arbiter,
        base: Callable[[str, Any], Any],
        prefix: str = "",
    ) -> Merged:
        """Merges the fields of a record or of a line.

        Args:
            external: values that it should have.
            odoo: the record or line as read.
            arbiter: of the record.
            base: gives the base of a field, for Odoo's value of it.
            prefix: of the fields' names: "order_line[<sync key>]." for a line.
        """
        differing = self.differences(external, odoo)
        if self.watched and arbiter.immutable:
            differing |= self._moved(external, odoo, base)
        if not differing:
            return Merged({}, external)
        changes = {}
        for name, stored in differing.items():
            cast = self.schema.caster(name)
            write = arbiter.resolve(f"{prefix}{name}", base(name, stored), external[name], stored, cast)
            if write is not None:
                changes[name] = write.value
        agreed = {name: value for name, value in external.items() if not arbiter.left(f"{prefix}{name}")}
        return Merged(changes, agreed)

    def found_differing(
        self, external: Mapping[str, Any], odoo: Mapping[str, Any], base: Callable[[str, Any], Any]
    ) -> list[str]:
        """Watched fields in which a record that was found differs: nobody has said that they should be the same."""
        differing = self._watched_differing(external, odoo)
        return sorted(name for name, value in differing.items() if base(name, value) is UNKNOWN)

    def _moved(
        self, external: Mapping[str, Any], odoo: Mapping[str, Any], base: Callable[[str, Any], Any]
    ) -> dict[str, Any]:
        """Watched fields that differ, and on which both sides have agreed before."""
        differing = self._watched_differing(external, odoo)
        return {name: value for name, value in differing.items() if base(name, value) is not UNKNOWN}

    def _watched_differing(self, external: Mapping[str, Any], odoo: Mapping[str, Any]) -> dict[str, Any]:
        stored = {name: self.schema.canonical(name, odoo[name]) for name in self.watched & external.keys()}
        return {name: value for name, value in stored.items() if value != external[name]}

    def differences(self, external: Mapping[str, Any], odoo: Mapping[str, Any]) -> dict[str, Any]:
        """Odoo's values, as they are compared, of the fields whose external value is another one."""
        differing = {}
        for name, value in external.items():
            if name not in self.create_only and (stored := self.schema.canonical(name, odoo[name])) != value:
                differing[name] = stored
        return differing

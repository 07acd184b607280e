"""The local diff: what the state alone can tell of a row, without a single request. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from odoo_pipelines.sync.resolve import ResolvedRow
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.records import Binding, Outcome


def local_outcome(row: MappedRow, binding: Binding | None, *, verify: bool) -> Outcome | None:
    """Unchanged, superseded, or None when Odoo has to be looked at.

    Args:
        row: as mapped.
        binding: what is known of its record; None if nothing is.
        verify: Odoo's side is looked at even when the row has not changed.
    """
    if binding is None:
        return None
    if row.only_create:
        return None if verify else Outcome.UNCHANGED
    if row.hash == binding.hash:
        return None if verify else Outcome.UNCHANGED
    return Outcome.SUPERSEDED if is_newer(binding.updated_at, row.updated_at) else None


def is_newer(one: datetime | None, other: datetime | None) -> bool:
    """Whether a change time is later than another; an unknown one is neither earlier nor later."""
    return one is not None and other is not None and one > other


def latest(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two change times."""
    return other if one is None or is_newer(other, one) else one


def agreed_base(row: ResolvedRow, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """What both sides agree on once a row is written; fields that the row does not carry stay as they were."""
    known = before or {"values": {}, "lines": {}, "state": None}
    return {
        "values": {**known["values"], **row.values},
        "lines": known["lines"] if row.lines is None else {line.key: line.values for line in row.lines},
        "state": row.row.state or known["state"],
    }


def says_the_same(row: ResolvedRow, base: Mapping[str, Any]) -> bool:
    """Whether a row holds nothing that differs from the base."""
    return bool(base) and agreed_base(row, base) == {
        "values": base["values"],
        "lines": base["lines"],
        "state": base["state"],
    }

"""A row with the values that the destination should hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from odoo_pipelines.systems.base import MappedRow

Candidates: TypeAlias = tuple[int | bool, ...]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A candidate that was not adopted, and why."""

    candidate_id: int
    code: str


@dataclass(frozen=True, slots=True)
class ResolvedLine:
    """A line with the values that Odoo should hold, by the server's field names; the sync key is one of them."""

    key: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ResolvedRow:
    """A row with the values that Odoo should hold, by the server's field names.

    Attributes:
        row: what it was made of.
        key: its sync key, which is also among the values.
        former: the sync keys of `MappedRow.former`, in the same order.
        untold: how the sync keys of lines begin of which the row tells nothing.
        values: as Odoo will print them.
        lines: None where they are left alone.
        warnings: those of the mapping and those of values that Odoo has no place for.
        equivalents: values by field that Odoo may have instead, such as another pricelist in the same currency.
    """

    row: MappedRow
    key: str
    values: dict[str, Any]
    lines: tuple[ResolvedLine, ...] | None
    warnings: tuple[str, ...]
    equivalents: Mapping[str, Candidates]
    former: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()

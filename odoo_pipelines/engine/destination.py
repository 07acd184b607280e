"""What the engine needs of a destination, as a Protocol, and what a destination answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

from odoo_pipelines.engine.planned import Plan
from odoo_pipelines.engine.rows import Doubt, ResolvedRow
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.records import Conflict, Key, Record, Resolution

Answers: TypeAlias = Mapping[Key, Mapping[str, Resolution]]
"""Of people, by record and field."""

AMBIGUOUS_MATCH = "ambiguous_match"
BOUND_ELSEWHERE = "bound_elsewhere"
MERGED = "merged_in_odoo"
FORMER_DIFFERS = "former_record_differs"
MISSING_REFERENCE = "missing_reference"


@dataclass(frozen=True, slots=True)
class Found:
    """Where rows belong.

    Attributes:
        ids: Odoo ids by sync key; a key that is missing here has no record yet.
        undecidable: sync keys that only a human can give a record, with the reason.
        questions: sync keys of rows over whose record a human is asked.
        waiting: sync keys of rows that tell nothing new about such a question.
        adopted: sync keys of rows that are bound to a record which had none.
        doubts: records that may be the same as a row's own, by the row's sync key.
    """

    ids: Mapping[str, int]
    undecidable: Mapping[str, RowRejectedError]
    questions: Mapping[str, Conflict] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    adopted: frozenset[str] = frozenset()
    doubts: Mapping[str, tuple[Doubt, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class FoundFormer:
    """Records that rows were known under another key before.

    Attributes:
        ids: Odoo ids by sync key.
        undecidable: sync keys that only a human can give a record, with the reason.
        gone: by sync key, what the state knows of a record that nobody finds in Odoo any more.
    """

    ids: dict[str, int] = field(default_factory=dict)
    undecidable: dict[str, RowRejectedError] = field(default_factory=dict)
    gone: dict[str, Record] = field(default_factory=dict)


@dataclass(slots=True)
class Applied:
    """What became of the planned rows of a chunk.

    Attributes:
        ids: Odoo ids by sync key, of all rows that are in Odoo now.
        refused: reasons by sync key.
        after: the records as read after the last step, by Odoo id: their total, where there is one to be compared.
        warnings: by sync key.
    """

    ids: dict[str, int] = field(default_factory=dict)
    refused: dict[str, RowRejectedError] = field(default_factory=dict)
    after: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)


def known_former(row: ResolvedRow, known: Mapping[Key, Record]) -> list[tuple[Record, str]]:
    """What the state knows of a row under its former keys, each with its former sync key."""
    pairs = zip(row.row.former_keys, row.former, strict=True)
    return [(known[key], former) for key, former in pairs if key in known]


class Destination(Protocol):
    """Where the rows of one flow go: a model of Odoo, or a collection of an external API.

    `apply` is the only method that writes; a dry run uses one whose `apply` notes what it would write.
    """

    @property
    def missing_fields(self) -> Sequence[str]:
        """Fields that the server lacks and that are therefore left out."""

    @property
    def server_time(self) -> datetime | None:
        """The server's clock at its newest answer, UTC to the second; None where that did not tell."""

    def chunk_size(self) -> int:
        """How many rows the next call should hold: fewer where calls take long."""

    def unit(self, currency: Any) -> Decimal:
        """The smallest unit of a currency, as records name it."""

    def resolve(self, rows: Sequence[MappedRow]) -> tuple[list[ResolvedRow], list[tuple[MappedRow, RowRejectedError]]]:
        """The rows with the destination's values, and those that cannot have them, with the reason."""

    def still_bound(self, bound: Mapping[str, int], records: Mapping[int, Mapping[str, Any]]) -> dict[str, int]:
        """Of the records that rows are bound to, those that prove to be theirs, by sync key."""

    def find_former(self, rows: Sequence[ResolvedRow], known: Mapping[Key, Record]) -> FoundFormer:
        """Finds records of rows that were known under another key before."""

    def superseded_by_former(self, row: ResolvedRow, known: Mapping[Key, Record]) -> bool:
        """Whether the state knows a newer version of the row's record, under a former key."""

    def find(self, rows: Sequence[ResolvedRow], lost: Set[str], answers: Answers) -> Found:
        """Finds the records of rows that the state does not know, or whose record it has lost."""

    def read(self, rows: Sequence[ResolvedRow], ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Records by id, with all fields that any of the rows carries; those that are gone are missing."""

    def read_lines(self, ids: Iterable[int]) -> Mapping[int, Sequence[Mapping[str, Any]]]:
        """Lines by the id of their record."""

    def apply(self, plan: Plan) -> Applied:
        """Does what a plan says; every step may be repeated, and rows that are refused are reported."""

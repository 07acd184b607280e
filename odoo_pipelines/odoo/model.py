"""A model of Odoo as a destination: puts together what finds, reads and writes its records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from odoo_pipelines.engine.context import FlowContext
from odoo_pipelines.engine.destination import Answers, Applied, Found, FoundFormer
from odoo_pipelines.engine.planned import Plan
from odoo_pipelines.engine.ports import Claims
from odoo_pipelines.engine.rows import ResolvedRow
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.odoo.apply import Applier
from odoo_pipelines.odoo.bind import Binder
from odoo_pipelines.odoo.calls import Odoo
from odoo_pipelines.odoo.dry_run import PlannedOdoo
from odoo_pipelines.odoo.followers import Followers
from odoo_pipelines.odoo.former import FormerRecords
from odoo_pipelines.odoo.reading import Reading
from odoo_pipelines.odoo.reference_data import ReferenceData
from odoo_pipelines.odoo.references import References
from odoo_pipelines.odoo.resolve import Resolver
from odoo_pipelines.odoo.retries import ChunkSize, RefusalBackoff, Retries
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.records import Key, Record


@dataclass(frozen=True, slots=True)
class CallOptions:
    """How Odoo is called.

    Attributes:
        chunk_size: rows in one call, as long as the server is quick enough.
        connections: requests that the client makes at a time.
        sleep: takes seconds.
        clock: gives seconds; calls that take long make chunks smaller.
    """

    chunk_size: int = 500
    connections: int = 2
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


class OdooModel:
    """The model that one flow writes; safe to use from several threads.

    Args:
        flow: what is written, for whom.
        odoo: the calls.
        reference_data: shared by all flows of a run.
        claims: the rows that are going to be loaded.
        calls: how they are made.
        dry_run: notes what would be written, in place of writing it.
        reached: told the name of every point between two effects; where a test stops the engine.
    """

    def __init__(
        self,
        flow: FlowContext,
        odoo: Odoo,
        reference_data: ReferenceData,
        claims: Claims,
        *,
        calls: CallOptions | None = None,
        dry_run: PlannedOdoo | None = None,
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        calls = calls or CallOptions()
        integration, target, schemas = flow.integration, flow.target, flow.schemas
        schema = schemas(target.model)
        self._target = target
        self._odoo = odoo
        self._reference_data = reference_data
        self._dry_run = dry_run
        self._chunk_size = ChunkSize(calls.chunk_size, calls.clock)
        self._resolver = Resolver(
            integration=integration,
            target=target,
            schemas=schemas,
            reference_data=reference_data,
            references=References(integration, odoo, flow.state),
        )
        self._binder = Binder(
            integration,
            odoo,
            target,
            flow.state,
            claims=claims,
            adopt=flow.options.policies.adopt,
            archivable=schema.server_name("active") is not None,
        )
        self._former = FormerRecords(odoo, target, schema)
        self._reading = Reading(odoo, target, schemas)
        self._followers = Followers(odoo, target, schemas, reference_data.company_id)
        self._applier = Applier(
            target=target,
            odoo=odoo,
            schemas=schemas,
            find=self._binder.ids_by_key,
            retries=Retries(calls.sleep, self._chunk_size),
            backoff=RefusalBackoff(calls.connections),
            reached=reached,
        )

    @property
    def missing_fields(self) -> Sequence[str]:
        """Fields, as `model.field`, that the server lacks and that are therefore left out."""
        return self._resolver.missing_fields

    @property
    def server_time(self) -> datetime | None:
        """Odoo's clock at its newest answer, UTC to the second; None where that did not tell."""
        return self._odoo.server_time

    def chunk_size(self) -> int:
        """Rows for the next chunk."""
        return self._chunk_size.size()

    def unit(self, currency: Any) -> Decimal:
        """The smallest unit of a currency, by its id."""
        return self._reference_data.currencies.unit(currency)

    def resolve(self, rows: Sequence[MappedRow]) -> tuple[list[ResolvedRow], list[tuple[MappedRow, RowRejectedError]]]:
        """The rows with ids for names, and those that name what Odoo lacks, with the reason."""
        return self._resolver.resolve(rows)

    def still_bound(self, bound: Mapping[str, int], records: Mapping[int, Mapping[str, Any]]) -> dict[str, int]:
        """Of the records that rows are bound to, those that prove to be theirs, by sync key."""
        return self._binder.still_theirs(bound, records)

    def find_former(self, rows: Sequence[ResolvedRow], known: Mapping[Key, Record]) -> FoundFormer:
        """Finds records of rows that were known under another key before."""
        return self._former.claim(rows, known)

    def superseded_by_former(self, row: ResolvedRow, known: Mapping[Key, Record]) -> bool:
        """Whether the state knows a newer version of the row's record, under a former key."""
        return self._former.is_superseded(row, known)

    def find(self, rows: Sequence[ResolvedRow], lost: Set[str], answers: Answers) -> Found:
        """Finds the records of rows that the state does not know, or whose record it has lost."""
        return self._binder.find(rows, lost=lost, answers=answers)

    def read(self, rows: Sequence[ResolvedRow], ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Records by id, with all fields that any of the rows carries; those that are gone are missing."""
        return self._reading.records(rows, ids)

    def read_lines(self, ids: Iterable[int]) -> Mapping[int, Sequence[Mapping[str, Any]]]:
        """Lines by the id of their record."""
        return self._reading.lines(ids)

    def apply(self, plan: Plan) -> Applied:
        """Creates, writes and moves what a plan says, and warns of what keeps a value that has changed.

        Raises:
            OdooError: Odoo cannot be reached, or refuses everything.
        """
        dry_run = self._dry_run
        applied = dry_run.carry_out(self._target, plan) if dry_run else self._applier.apply(plan.planned)
        self._followers.warn(plan.planned, applied)
        return applied

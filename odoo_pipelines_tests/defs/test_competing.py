"""Of several rows of one record in one load one counts, in whatever batch and order they are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest

from odoo_pipelines.pipeline.competing import Competition
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.stores.rows import mapped_schema, to_columns
from odoo_pipelines.systems.base import MappedRow, RejectedRow
from odoo_pipelines.systems.records import Batch
from odoo_pipelines_tests.defs.feed import NewSession
from odoo_pipelines_tests.defs.stage import flow_named
from odoo_pipelines_tests.engine.sales import guest
from odoo_pipelines_tests.engine.test_chunks import REJECTED

TARGET = flow_named("partners").target


def batch_of(session: Session, *rows: MappedRow | RejectedRow) -> Batch:
    path = session.batches.path_for("pms", "mapped", "partners", "p", "run")
    with session.batches.writer(path, mapped_schema(TARGET)) as writer:
        writer.write([to_columns(row, TARGET) for row in rows])
    return Batch(0, "pms", "mapped", "partners", "p", "run", path, len(rows), None)


def counting(session: Session, batches: Sequence[Sequence[MappedRow]], *, verify: bool = False) -> set[str]:
    """Hashes of the rows that count."""
    competition = Competition(session, [batch_of(session, *rows) for rows in batches], TARGET, verify=verify)
    marked = [competition.marked(row) for rows in batches for row in rows]
    return {row.hash for row in marked if not row.outdone}


@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("at", [1, None])
def test_of_equal_and_of_missing_times_the_same_row_counts_in_any_order(
    new_session: NewSession, at: float | None, *, verify: bool
) -> None:
    rows = [replace(guest("g", at, city=city), inside=f"b{city}") for city in ("Wien", "Graz", "Linz")]
    session = new_session("delta")
    found = [
        counting(session, batches, verify=verify)
        for order in itertools.permutations(rows)
        for batches in ([order], [order[:1], order[1:]])
    ]
    assert len(found[0]) == 1
    assert found == [found[0]] * len(found)


def test_rows_that_say_the_same_and_rows_of_other_records_all_count(new_session: NewSession) -> None:
    rows = [guest("g", 1), guest("g", 2), guest("h", 1, city="Wien"), guest("i", 3, only_create=True)]
    assert counting(new_session("delta"), [rows]) == {row.hash for row in rows}


def test_mere_references_and_rejected_rows_take_no_part(new_session: NewSession) -> None:
    session, own = new_session("delta"), guest("g", 1)
    reference = guest("g", 9, only_create=True, name="?")
    competition = Competition(session, [batch_of(session, own, reference, REJECTED)], TARGET, verify=False)
    assert [competition.marked(row) for row in (own, reference)] == [own, reference]

from __future__ import annotations

from dataclasses import replace

import orjson

from odoo_pipelines.engine.amounts import CENT
from odoo_pipelines.engine.base import Agreement, Base
from odoo_pipelines.engine.chunks import Chunk, ChunkRow
from odoo_pipelines.engine.destination import Applied
from odoo_pipelines.engine.planned import Decided, Plan, Planned
from odoo_pipelines.engine.report import ChunkReport, FlowReport, Rejection, merged, report_chunk
from odoo_pipelines.engine.rows import ResolvedRow
from odoo_pipelines.engine.totals import TotalCheck
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedRow, RejectedRow
from odoo_pipelines.systems.pms.targets import PARTNER
from odoo_pipelines.systems.records import Outcome, Record, RowOutcome
from odoo_pipelines_tests.engine.sales import booking, guest, moment, room

REFUSED = RowRejectedError("email", "refused_by_odoo", "email: nobody@ is no address")
KEY = "x_sync_key"
AGREED = Base(Agreement({"name": "a"}))


def planned(row: MappedRow, odoo_id: int | None = None, *, repeats: int = 0, changed: bool = True) -> Planned:
    resolved = ResolvedRow(row, row.external_id, {"name": "a"}, None, ("zip: dropped",), {})
    odoo = None if odoo_id is None else {"id": odoo_id, KEY: row.external_id, "write_date": "before"}
    changes = {"name": "a"} if changed else {}
    return Planned(ChunkRow(row, repeats), resolved, odoo_id, changes, odoo=odoo, base=AGREED)


def report(
    *rows: Planned | Decided, applied: Applied | None = None, rejected: tuple[RejectedRow, ...] = ()
) -> ChunkReport:
    plan = Plan(Chunk(tuple(row.source for row in rows), rejected))
    plan.decided = [row for row in rows if isinstance(row, Decided)]
    plan.planned = [row for row in rows if isinstance(row, Planned)]
    return report_chunk(plan, applied or Applied(), TotalCheck(PARTNER, lambda _: CENT))


def outcomes(chunk: ChunkReport) -> dict[Outcome, int]:
    assert chunk.counts.balanced
    return {outcome: count for outcome, count in chunk.counts.by_outcome.items() if count}


def test_of_equal_rows_one_counts_as_created_and_a_row_that_only_goes_with_another_as_none() -> None:
    chunk = report(
        planned(guest("room", weight=22), repeats=3),
        planned(guest("silent", weight=0)),
        applied=Applied({"room": 1, "silent": 2}),
    )

    assert outcomes(chunk) == {Outcome.CREATED: 1, Outcome.UNCHANGED: 24}
    assert [(each.outcome, each.weight) for each in chunk.outcomes] == [
        (Outcome.CREATED, 1),
        (Outcome.UNCHANGED, 24),
        (Outcome.CREATED, 0),
    ]


def test_every_row_has_one_outcome_and_the_weights_add_up() -> None:
    mapping_rejected = RejectedRow("guest", "x", None, RowRejectedError("id", "missing", "id: is missing"), "{}")
    chunk = report(
        planned(guest("new", weight=2), repeats=3),
        planned(guest("changed", weight=4), 5),
        planned(guest("same"), 6, changed=False),
        planned(guest("refused", weight=2), 7, repeats=1),
        planned(guest("refused and never created")),
        Decided(ChunkRow(guest("old", weight=2), repeats=1), Outcome.SUPERSEDED),
        Decided(ChunkRow(guest("twins"), repeats=1), Outcome.CONFLICT, REFUSED),
        applied=Applied(
            {"new": 4, "changed": 5, "same": 6, "refused": 7},
            {"refused": REFUSED, "refused and never created": REFUSED},
        ),
        rejected=(mapping_rejected, mapping_rejected),
    )

    assert outcomes(chunk) == {
        Outcome.CREATED: 1,
        Outcome.UPDATED: 1,
        Outcome.UNCHANGED: 4 + 3 + 1,
        Outcome.REJECTED: 3 + 1 + 2,
        Outcome.CONFLICT: 2,
        Outcome.SUPERSEDED: 3,
    }


def record_of(chunk: ChunkReport) -> Record:
    [record] = chunk.records
    return record


def test_what_was_agreed_is_remembered() -> None:
    row = guest("1", 3)
    assert record_of(report(planned(row), applied=Applied({"1": 4}))) == Record(
        "guest",
        "1",
        "res.partner",
        4,
        row.hash,
        {"values": {"name": "a"}, "lines": {}, "state": None},
        moment(3),
    )


def test_a_record_that_may_be_half_written_is_bound_but_nothing_is_agreed_on() -> None:
    record = record_of(report(planned(guest("1", 3)), applied=Applied({"1": 4}, {"1": REFUSED})))

    assert (record.odoo_id, record.hash, record.updated_at) == (4, "", None)
    assert Base.of(record.base) == Base(half_written=(AGREED.agreed,))


def test_a_known_record_that_may_be_half_written_keeps_its_base_and_loses_its_hash() -> None:
    agreed = Base(Agreement({"name": "b"}))
    before = Record("guest", "1", "res.partner", 4, "h", agreed.document(), moment(1))
    row = replace(planned(guest("1", 3), 4), record=before)

    record = record_of(report(row, applied=Applied({"1": 4}, {"1": REFUSED})))

    assert (record.hash, record.updated_at) == ("", moment(1))
    assert Base.of(record.base) == agreed.with_half_written(AGREED.agreed)


def test_a_record_that_was_only_matched_is_not_bound_by_a_row_that_odoo_refused() -> None:
    row = planned(guest("1"), 4)
    matched = Planned(row.source, row.resolved, 4, row.changes, odoo={"id": 4, KEY: False})

    assert report(matched, applied=Applied({"1": 4}, {"1": REFUSED})).records == []


def test_a_second_hand_row_leaves_no_change_time_behind() -> None:
    created = record_of(report(planned(guest("1", 9, only_create=True)), applied=Applied({"1": 4})))

    assert (created.updated_at, bool(created.hash)) == (None, True)


def test_a_rejection_keeps_the_row_and_whether_waiting_may_help() -> None:
    missing = RowRejectedError("partner_id", "missing_reference", "partner_id: guest '7' is not in Odoo")
    row = booking("1", state="sale", lines=[room("7", quantity=1)])
    [outcome] = report(Decided(ChunkRow(row), Outcome.REJECTED, missing)).outcomes

    assert (outcome.field, outcome.code, outcome.reason) == ("partner_id", "missing_reference", missing.reason)
    assert outcome.transient
    payload = orjson.loads(outcome.payload)
    assert (payload["values"], payload["state"]) == (row.values, "sale")
    assert payload["lines"][0]["id"] == "7"


def test_a_row_that_got_through_is_not_kept() -> None:
    [outcome] = report(planned(guest("1")), applied=Applied({"1": 4})).outcomes

    assert (outcome.payload, outcome.code, outcome.warnings) == ("", "", ("zip: dropped",))


def test_a_flow_adds_up_its_chunks_without_personal_data() -> None:
    flow = FlowReport()
    for _ in range(30):
        flow.add(report(planned(guest("1")), applied=Applied({}, {"1": REFUSED})))

    assert (flow.counts.extracted, flow.counts.balanced) == (30, True)
    assert flow.rejections == [Rejection("1", "email", "refused_by_odoo")] * 20
    assert flow.warnings == {"zip: dropped": 30}


def test_reports_of_several_partitions_become_one() -> None:
    first, second = FlowReport(missing_fields=("res.partner.x",)), FlowReport()
    first.add(ChunkReport(outcomes=[RowOutcome("guest", "1", Outcome.REJECTED, code="a", warnings=("w",))]))
    second.add(report(planned(guest("2")), applied=Applied({"2": 4})))

    both = merged([first, second])

    assert both.counts.by_outcome[Outcome.CREATED] == both.counts.extracted == 1
    assert both.rejections == [Rejection("1", "", "a")]
    assert both.warnings == {"w": 1, "zip: dropped": 1}
    assert both.missing_fields == ("res.partner.x",)

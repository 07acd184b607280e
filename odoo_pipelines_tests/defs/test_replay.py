"""What was rejected is tried again in its newest version, once its time has come; nothing is tried in vain for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.pipeline.extraction import Extraction
from odoo_pipelines.pipeline.mapping import map_partition
from odoo_pipelines.pipeline.replay import add_replay
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.stores import tables
from odoo_pipelines.stores.conflicts import ConflictFilter
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.stores.rows import from_columns, mapped_schema, to_columns
from odoo_pipelines.stores.state import RunRef
from odoo_pipelines.systems.base import Flow, MappedRow, RejectedRow
from odoo_pipelines.systems.records import (
    BOTH_CHANGED,
    REPLAY,
    Batch,
    Conflict,
    Counts,
    Outcome,
    Record,
    RowOutcome,
)
from odoo_pipelines_sandbox.pms.events import Edit, edit
from odoo_pipelines_tests.defs.feed import Feed, NewSession, booking
from odoo_pipelines_tests.defs.stage import BOOKINGS, INTEGRATION, Stage, flow_named, history_start, stream_named

PARTITION = "2026-01-01"
TIME, LATER = "2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"
ORDERS, PARTNERS, PAYMENTS = (flow_named(name) for name in ("orders", "partners", "payments"))
REFUSED = RowRejectedError("check_in", "invalid_date", "check_in: 'soon' is no date")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def guest(external_id: Any, updated_at: str, **fields: Any) -> dict[str, Any]:
    return {"id": external_id, "updated_at": updated_at, "first_name": "Ann", **fields}


def extract(session: Session, feed: Feed, rows: Sequence[Any], stream: str = "bookings") -> None:
    feed.pages = [[*rows]]
    Extraction(session, stream_named(stream)).extract(Window(PARTITION))


def mapped_before(session: Session, flow: Flow, *rows: MappedRow | RejectedRow, done: bool = True) -> None:
    """A mapped batch as an earlier mapping made it, and a load that has done it."""
    path = session.batches.path_for("pms", "mapped", flow.name, PARTITION, "earlier")
    with session.batches.writer(path, mapped_schema(flow.target)) as writer:
        writer.write([to_columns(row, flow.target) for row in rows])
    batch = Batch(0, "pms", "mapped", flow.name, PARTITION, "earlier", path, len(rows), None)
    raw = session.state.pending("pms", "external", [*flow.mappers], f"mapped/{flow.name}")
    consumed = [each.id for each in raw]
    known = session.state.register(batch, consumer=f"mapped/{flow.name}", consumed=consumed)
    if done:
        session.state.register(batch, consumer=f"odoo/{flow.load_name}", consumed=[known.id])


def commit(session: Session, flow: Flow, *outcomes: RowOutcome, records: Sequence[Record] = ()) -> None:
    run, counts = RunRef("earlier", "pms", flow.name), Counts()
    for each in outcomes:
        counts.add(each.outcome, each.weight)
    session.state.start(run, "delta")
    session.state.commit_chunk(run, records, outcomes, counts)


def rejected(session: Session, flow: Flow, entity: str, external_id: str, payload: Any, *, due: bool = True) -> None:
    """A dead letter, which a person has asked to be tried again."""
    code, text = REFUSED.code, json.dumps(payload)
    commit(session, flow, RowOutcome(entity, external_id, Outcome.REJECTED, code=code, payload=text))
    if due:
        session.state.request_replay(LetterFilter("pms", flow.name))


def refused_row(external_id: str, updated_at: str | None = TIME, entity: str = "booking") -> RejectedRow:
    return RejectedRow(entity, external_id, updated_at and at(updated_at), REFUSED, "{}")  # type: ignore[arg-type]


def replayed(session: Session, flow: Flow = ORDERS) -> list[MappedRow | RejectedRow]:
    """The rows of the replay batches."""
    found = session.state.batches("pms", "mapped", [flow.name], [REPLAY])
    return [
        from_columns(row, flow.target)
        for batch in found
        for rows in session.batches.rows(batch.path, 100)
        for row in rows
    ]


def waiting(session: Session, flow: Flow = ORDERS) -> list[tuple[str, bool]]:
    """Letters, and whether they are due."""
    return [
        (each.external_id, each.next_try is not None) for each in session.state.letters(LetterFilter("pms", flow.name))
    ]


class TestRejectedByTheMapping:
    def test_the_newest_raw_row_is_mapped_again_by_the_present_mapping(
        self, new_session: NewSession, feed: Feed
    ) -> None:
        session = new_session("retry")
        extract(session, feed, [booking("b1", TIME, total_price=5)])
        extract(session, feed, [booking("b1", LATER, total_price=7), booking("b2", LATER)])
        mapped_before(session, ORDERS, refused_row("b1"), refused_row("b1", LATER))
        rejected(session, ORDERS, "booking", "b1", {"id": "b1"})
        assert add_replay(session, ORDERS).rows == 1
        [row] = replayed(session)
        assert (row.external_id, row.updated_at) == ("b1", at(LATER))
        assert isinstance(row, MappedRow)
        [batch] = session.state.pending("pms", "mapped", ["orders"], "odoo/sale_order")
        assert (batch.partition, batch.rows, batch.complete) == (REPLAY, 1, False)
        assert waiting(session) == [("b1", True)]

    def test_where_no_batch_has_the_row_any_more_its_payload_is_mapped(self, new_session: NewSession) -> None:
        session = new_session("retry")
        rejected(session, ORDERS, "booking", "b1", booking("b1", TIME))
        add_replay(session, ORDERS)
        assert [(type(row), row.external_id) for row in replayed(session)] == [(MappedRow, "b1")]

    def test_a_row_that_is_refused_again_keeps_its_letter(self, new_session: NewSession, feed: Feed) -> None:
        session = new_session("retry")
        row = booking("b1", TIME, check_in="soon")
        extract(session, feed, [row])
        mapped_before(session, ORDERS, refused_row("b1"))
        rejected(session, ORDERS, "booking", "b1", row)
        assert add_replay(session, ORDERS).rejected == 1
        [again] = replayed(session)
        assert isinstance(again, RejectedRow)
        assert json.loads(again.payload) == row
        assert waiting(session) == [("b1", True)]

    def test_a_row_that_was_mapped_anew_in_this_run_is_not_mapped_twice(
        self, new_session: NewSession, feed: Feed
    ) -> None:
        session = new_session("retry")
        rejected(session, ORDERS, "booking", "b1", {"id": "b1"})
        extract(session, feed, [booking("b1", LATER, check_in="soon")])
        map_partition(session, ORDERS, PARTITION)
        assert add_replay(session, ORDERS).rows_in == 0


class TestWithoutAReadableId:
    def test_the_payload_is_mapped_and_the_letter_ends_when_that_succeeds(self, new_session: NewSession) -> None:
        """As with a mapping that has learned to read another form of id."""
        session = new_session("retry")
        rejected(session, ORDERS, "booking", "", booking("b1", TIME))
        add_replay(session, ORDERS)
        assert [row.external_id for row in replayed(session)] == ["b1"]
        assert waiting(session) == []

    def test_a_payload_that_is_refused_again_keeps_its_letter(self, new_session: NewSession) -> None:
        session = new_session("retry")
        rejected(session, ORDERS, "booking", "", {"no": "id"})
        add_replay(session, ORDERS)
        [row] = replayed(session)
        assert isinstance(row, RejectedRow)
        commit(session, ORDERS, RowOutcome("booking", "", Outcome.REJECTED, payload=row.payload))
        [letter] = session.state.letters(LetterFilter("pms", "orders"))
        assert letter.attempts == 2


class TestRejectedByTheLoad:
    def test_the_newest_mapped_row_is_taken_whatever_batch_it_is_in(self, new_session: NewSession) -> None:
        """A guest that only bookings carry; an old partition may have been mapped again after the newest."""
        session = new_session("retry")
        newest = MappedRow("guest", "g1", at(LATER), {"name": "Ann New"}, weight=3)
        mapped_before(session, PARTNERS, newest, MappedRow("guest", "g2", at(LATER), {"name": "Bob"}))
        mapped_before(session, PARTNERS, replace(newest, updated_at=at(TIME), values={"name": "Ann Old"}))
        mapped_before(session, PARTNERS, replace(newest, values={"name": "Unknown Guest"}, only_create=True))
        rejected(session, PARTNERS, "guest", "g1", {"values": {"name": "Ann Old"}, "lines": None, "state": None})
        assert add_replay(session, PARTNERS).rows == 1
        [row] = replayed(session, PARTNERS)
        assert isinstance(row, MappedRow)
        assert (row.values["name"], row.weight) == ("Ann New", 1)

    def test_its_own_raw_row_is_mapped_again_if_it_is_no_older(self, new_session: NewSession, feed: Feed) -> None:
        """The fix may have been another mapping."""
        session = new_session("retry")
        extract(session, feed, [guest("g1", TIME, last_name="Mapped Now")], "guests")
        mapped_before(session, PARTNERS, MappedRow("guest", "g1", at(TIME), {"name": "Mapped Before"}))
        rejected(session, PARTNERS, "guest", "g1", {"values": {}, "lines": None, "state": None})
        add_replay(session, PARTNERS)
        [row] = replayed(session, PARTNERS)
        assert isinstance(row, MappedRow)
        assert row.values["name"] == "Ann Mapped Now"

    def test_a_payment_is_found_by_its_id_and_its_refund_comes_along(self, new_session: NewSession, feed: Feed) -> None:
        session = new_session("retry")
        paid = {"id": 9, "booking_id": 1, "amount": "12.50", "transaction_id": "tx-1", "status": "refunded"}
        extract(session, feed, [{**paid, "updated_at": TIME}], "payments")
        rejected(session, PAYMENTS, "payment", "9", {**paid, "amount": "-"})
        add_replay(session, PAYMENTS)
        assert [row.key for row in replayed(session, PAYMENTS)] == [("payment", "9"), ("refund", "9")]

    @pytest.mark.parametrize("known_as", ["9", "booking:1/tx-1", "transaction:tx-1"])
    def test_a_payment_of_which_only_the_letter_is_left_is_mapped_again(
        self, new_session: NewSession, known_as: str
    ) -> None:
        session = new_session("retry")
        paid = {"id": 9, "booking_id": 1, "amount": "12.50", "transaction_id": "tx-1"}
        rejected(session, PAYMENTS, "payment", known_as, paid)
        assert add_replay(session, PAYMENTS).rows == 1
        assert [row.key for row in replayed(session, PAYMENTS)] == [("payment", "9"), ("refund", "9")]

    def test_a_row_that_waits_to_be_loaded_anyway_is_not_loaded_twice(
        self, new_session: NewSession, feed: Feed
    ) -> None:
        session = new_session("retry")
        rejected(session, ORDERS, "booking", "b1", {"values": {}, "lines": None, "state": None})
        extract(session, feed, [booking("b1", LATER)])
        map_partition(session, ORDERS, PARTITION)
        assert add_replay(session, ORDERS).rows_in == 0
        assert waiting(session) == [("b1", True)]

    def test_a_letter_whose_record_is_in_odoo_in_a_newer_version_is_over(self, new_session: NewSession) -> None:
        session = new_session("retry")
        mapped_before(session, PARTNERS, MappedRow("guest", "g1", at(TIME), {"name": "Ann"}))
        rejected(session, PARTNERS, "guest", "g1", {"values": {}, "lines": None, "state": None})
        newer = Record("guest", "g1", "res.partner", 70, "h", {}, at(LATER))
        commit(session, PARTNERS, records=[newer])
        assert add_replay(session, PARTNERS).rows_in == 0
        assert waiting(session, PARTNERS) == []

    def test_a_letter_whose_row_nobody_has_any_more_waits_for_a_person(self, new_session: NewSession) -> None:
        session = new_session("retry")
        rejected(session, ORDERS, "booking", "b1", {"values": {}, "lines": None, "state": None})
        assert add_replay(session, ORDERS).rows_in == 0
        assert waiting(session) == [("b1", False)]


class TestPartsOfOtherRecords:
    """A booking that cannot be read gives no guest: its letter in that flow is no guest's."""

    BROKEN = booking("b1", TIME) | {"guest": {"id": {}}}

    def unreadable(self, session: Session, feed: Feed) -> None:
        extract(session, feed, [self.BROKEN])
        mapped_before(session, PARTNERS, refused_row("b1"))
        rejected(session, PARTNERS, "booking", "b1", self.BROKEN, due=False)

    def test_it_ends_when_a_newer_version_is_mapped(self, new_session: NewSession, feed: Feed) -> None:
        session = new_session()
        self.unreadable(session, feed)
        extract(session, feed, [booking("b2", LATER)])
        map_partition(session, PARTNERS, PARTITION)
        assert waiting(session, PARTNERS) == [("b1", False)]
        extract(session, feed, [booking("b1", LATER)])
        map_partition(session, PARTNERS, PARTITION)
        assert waiting(session, PARTNERS) == []

    def test_a_replay_ends_it_too(self, new_session: NewSession, feed: Feed) -> None:
        session = new_session("retry")
        extract(session, feed, [booking("b1", TIME, guest={"id": "g1", "first_name": "Ann"})])
        mapped_before(session, PARTNERS, refused_row("b1"))
        rejected(session, PARTNERS, "booking", "b1", {"id": "b1"})
        add_replay(session, PARTNERS)
        assert [(row.entity, row.external_id) for row in replayed(session, PARTNERS)] == [("guest", "g1")]
        assert waiting(session, PARTNERS) == []

    def test_a_guest_with_the_same_id_is_another_record(self, new_session: NewSession, feed: Feed) -> None:
        session = new_session("retry")
        rejected(session, PARTNERS, "guest", "1", guest("1", TIME), due=False)
        extract(session, feed, [booking("1", LATER, guest={"id": "g1", "first_name": "Bob"})])
        map_partition(session, PARTNERS, PARTITION)
        assert waiting(session, PARTNERS) == [("1", False)]


class TestWhen:
    @pytest.mark.parametrize(("mode", "due"), [("retry", False), ("delta", True), ("full", True), ("partition", True)])
    def test_letters_are_taken_up_by_a_retry_when_they_are_due(
        self, new_session: NewSession, mode: str, *, due: bool
    ) -> None:
        session = new_session(mode)
        rejected(session, ORDERS, "booking", "b1", booking("b1", TIME), due=due)
        assert add_replay(session, ORDERS).rows_in == 0
        assert replayed(session) == []

    def test_while_a_replay_waits_to_be_loaded_no_other_one_is_made(self, new_session: NewSession) -> None:
        session = new_session("retry")
        rejected(session, ORDERS, "booking", "b1", booking("b1", TIME))
        add_replay(session, ORDERS)
        rejected(session, ORDERS, "booking", "b2", booking("b2", TIME))
        assert add_replay(session, ORDERS).rows_in == 0
        assert [row.external_id for row in replayed(session)] == ["b1"]

    @pytest.mark.parametrize("mode", ["delta", "full", "partition", "retry"])
    def test_records_whose_conflict_was_resolved_are_taken_up_by_every_run(
        self, new_session: NewSession, mode: str
    ) -> None:
        session = new_session(mode)
        mapped_before(session, PARTNERS, MappedRow("guest", "g1", at(TIME), {"name": "Ann"}))
        question = Conflict("name", BOTH_CHANGED, external="Ann", odoo="Anna")
        commit(session, PARTNERS, RowOutcome("guest", "g1", Outcome.CONFLICT, compared=True, conflicts=(question,)))
        assert add_replay(session, PARTNERS).rows_in == 0
        session.state.resolve([1], "external")
        assert add_replay(session, PARTNERS).rows == 1
        assert [row.external_id for row in replayed(session, PARTNERS)] == ["g1"]


class TestRuns:
    def test_a_refused_order_goes_through_when_odoo_takes_it(self, stage: Stage) -> None:
        broken = str(long_unchanged(stage)["id"])
        stage.odoo_fault(kind="bad_row", model="sale.order", contains=broken, times=None)
        assert stage.counts(stage.sync("full"))["rejected"] == 1
        stage.odoo_faults_end()
        assert "created" not in stage.counts(stage.sync("retry"))
        assert stage.state.request_replay(LetterFilter("pms", "orders")) == 1
        retried = stage.sync("retry")
        assert retried.success
        assert stage.counts(retried)["created"] == 1
        assert stage.state.letters(LetterFilter("pms", "orders")) == []
        assert stage.pending("orders") == []
        assert stage.odoo("sale.order", "search_count", domain=[]) == BOOKINGS

    def test_an_order_whose_guest_was_refused_follows_the_guest(self, stage: Stage, engine: sa.Engine) -> None:
        wanted = long_unchanged(stage)
        stage.odoo_fault(kind="bad_row", model="res.partner", contains=str(wanted["guest"]["id"]), times=None)
        assert stage.counts(stage.sync("full"))["rejected"] >= 1
        [letter, *_] = stage.state.letters(LetterFilter("pms", "orders"))
        assert (letter.transient, letter.next_try is not None) == (True, True)
        stage.odoo_faults_end()
        stage.state.request_replay(LetterFilter("pms", "partners"))
        time_passes(engine)
        retried = stage.sync("retry")
        assert stage.counts(retried, "partners")["created"] == 1
        assert stage.counts(retried)["created"] >= 1
        assert stage.state.letters(LetterFilter("pms")) == []

    def test_an_answer_to_a_conflict_is_applied_by_the_next_delta(self, stage: Stage, tmp_path: Path) -> None:
        """Nothing else brings the record: it has not changed since."""
        settings = INTEGRATION % history_start()
        (tmp_path / "integrations.yaml").write_text(f"{settings}    policy: manual\n    overlap_minutes: 0\n")
        guest = long_unchanged(stage)["guest"]
        other = next(each["id"] for each in stage.served("guests") if each["id"] != guest["id"])
        assert stage.sync("full").success
        [partner] = stage.odoo("res.partner", "search", domain=[["x_external_guest_id", "=", str(guest["id"])]])
        stage.odoo("res.partner", "write", ids=[partner], vals={"phone": "+43 1 234"})
        for changed in (guest["id"], other):
            edit(stage.pms.sandbox.world, Edit(stream="guests", id=changed, fields={"phone": "+43 1 567"}))
            time.sleep(1.1)  # change times have seconds: what changed last is what a delta reads again
        assert stage.counts(stage.sync("full"), "partners")["conflict"] >= 1
        [question] = stage.state.conflicts(ConflictFilter("pms"))
        stage.state.resolve([question.id], "value", "+43 1 999")
        stage.state.mark_vanished("pms", "guest", [str(guest["id"])])
        assert stage.sync("delta").success
        assert not stage.state.batches("pms", "mapped", ["partners"], [REPLAY]), "it has no row any more"
        stage.state.unmark_vanished("pms", "guest", [str(guest["id"])])
        assert stage.sync("delta").success
        assert stage.state.batches("pms", "mapped", ["partners"], [REPLAY])
        assert stage.odoo("res.partner", "read", ids=[partner], fields=["phone"])[0]["phone"] == "+43 1 999"
        assert stage.state.resolutions("pms", "partners") == {}

    def test_what_is_refused_again_waits_with_one_more_attempt(self, stage: Stage) -> None:
        stage.edit(long_unchanged(stage)["id"], check_in="soon")
        stage.sync("full")
        stage.state.request_replay(LetterFilter("pms", "orders"))
        assert stage.counts(stage.sync("retry"))["rejected"] == 1
        [letter] = stage.state.letters(LetterFilter("pms", "orders"))
        assert (letter.attempts, letter.next_try) == (2, None)


def long_unchanged(stage: Stage) -> dict[str, Any]:
    """A booking that no delta reads again."""
    confirmed = [row for row in stage.served() if row["status"] == "confirmed"]
    return min(confirmed, key=lambda row: str(row["updated_at"]))


def time_passes(engine: sa.Engine) -> None:
    """Until every letter that is tried again by itself is due."""
    table = tables.dead_letter
    with engine.begin() as connection:
        connection.execute(sa.update(table).where(table.c.next_try.is_not(None)).values(next_try=sa.func.now()))

"""A booking that says of its guest what it has said before brings no news, however often it changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from odoo_pipelines.pipeline.extraction import Extraction
from odoo_pipelines.pipeline.mapping import map_partition
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.stores.rows import from_columns
from odoo_pipelines.stores.state import RunRef
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.records import Batch, Counts, Outcome, Record, RowOutcome
from odoo_pipelines_tests.defs.feed import Feed, NewSession, booking
from odoo_pipelines_tests.defs.stage import flow_named, stream_named

PARTITION = "2026-01-01"
PARTNERS = flow_named("partners")
OLD, NEW = {"id": 7, "first_name": "Ann", "email": "old@x.com"}, {"id": 7, "first_name": "Ann", "email": "new@x.com"}


def said(session: Session, feed: Feed, *rows: dict[str, Any], loaded: bool = True) -> list[tuple[int, bool]]:
    """For each row of the guest that a run makes of bookings: the day of its change time, and whether it is no news."""
    feed.pages = [list(rows)]
    Extraction(session, stream_named("bookings")).extract(Window(PARTITION))
    map_partition(session, PARTNERS, PARTITION)
    batch = session.state.batches("pms", "mapped", ["partners"])[-1]
    if loaded:
        session.state.done("odoo/res_partner", [batch.id])
    found = [from_columns(row, PARTNERS.target) for some in session.batches.rows(batch.path, 10) for row in some]
    return [(row.updated_at.day, row.repeated) for row in found if isinstance(row, MappedRow) and row.updated_at]


def at(day: int, guest: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return booking("b1", f"2026-01-{day:02}T00:00:00Z", guest=guest, **fields)


def test_only_a_changed_copy_of_the_guest_is_news(new_session: NewSession, feed: Feed) -> None:
    assert said(new_session("full"), feed, at(1, OLD)) == [(1, False)]
    assert said(new_session("delta"), feed, at(2, OLD, status="cancelled")) == [(1, True)]
    assert said(new_session("delta"), feed, at(3, NEW)) == [(3, False)]
    assert said(new_session("delta"), feed, at(4, NEW)) == [(3, True)]
    assert said(new_session("delta"), feed, at(5, OLD)) == [(5, False)]


def test_without_a_change_time_it_counts_since_it_was_seen(new_session: NewSession, feed: Feed) -> None:
    silent = booking("b1", None, guest=OLD)
    assert said(new_session("full"), feed, silent) == []
    [[(row)]] = [said(new_session("delta"), feed, silent)]
    assert row == (datetime.now(UTC).day, True)


def test_each_booking_speaks_for_itself(new_session: NewSession, feed: Feed) -> None:
    said(new_session("full"), feed, at(1, OLD))
    other = booking("b2", "2026-01-02T00:00:00Z", guest=OLD)
    assert said(new_session("delta"), feed, other) == [(2, False)]


def test_a_booking_that_gets_another_guest_brings_news_of_them(new_session: NewSession, feed: Feed) -> None:
    said(new_session("full"), feed, at(1, OLD))
    assert said(new_session("delta"), feed, at(2, {**OLD, "id": 8})) == [(2, False)]


def test_while_a_batch_waits_to_be_loaded_nothing_is_taken_for_known(new_session: NewSession, feed: Feed) -> None:
    said(new_session("full"), feed, at(1, OLD), loaded=False)
    assert said(new_session("delta"), feed, at(2, OLD)) == [(1, False)]


def test_what_is_mapped_again_is_news_as_it_was(new_session: NewSession, feed: Feed) -> None:
    session = new_session("full")
    said(session, feed, at(1, OLD))
    map_partition(session, PARTNERS, PARTITION)
    batch = session.state.batches("pms", "mapped", ["partners"])[-1]
    [[row]] = session.batches.rows(batch.path, 10)
    assert row["repeated"] is False


def test_of_a_booking_that_an_older_version_has_loaded_a_delta_takes_no_news(
    new_session: NewSession, feed: Feed
) -> None:
    session = new_session("delta")
    run = RunRef("earlier", "pms", "orders")
    session.state.start(run, "delta")
    record = Record("booking", "b1", "sale.order", 4, "h", {}, None)
    session.state.commit_chunk(run, [record], [RowOutcome("booking", "b1", Outcome.CREATED)], Counts())
    earlier = Batch(0, "pms", "external", "bookings", PARTITION, "earlier", "earlier", 0, None)
    session.state.register(earlier, watermark=("bookings", datetime(2026, 1, 1, tzinfo=UTC)))
    for flow in ("partners", "products", "orders"):
        session.state.done(f"mapped/{flow}", [1])
    assert said(new_session("delta"), feed, at(2, OLD), at(2, OLD)) == [(2, True)]
    assert said(new_session("delta"), feed, at(3, NEW)) == [(3, False)]


def test_rows_of_the_guests_own_record_are_never_taken_for_repetitions(new_session: NewSession, feed: Feed) -> None:
    for mode in ("full", "delta"):
        session = new_session(mode)
        feed.pages = [[{**OLD, "updated_at": "2026-01-02T00:00:00Z"}]]
        Extraction(session, stream_named("guests")).extract(Window(PARTITION))
        map_partition(session, PARTNERS, PARTITION)
        batch = session.state.batches("pms", "mapped", ["partners"])[-1]
        [[row]] = session.batches.rows(batch.path, 10)
        assert (row["repeated"], row["inside"]) == (False, "")

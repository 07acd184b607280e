"""An extraction keeps every row that the pages carried, and the watermark never passes a row that is in no batch."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from odoo_pipelines.errors import ExternalRequestError, RowCountError
from odoo_pipelines.pipeline.extraction import Extraction
from odoo_pipelines.pipeline.mapping import map_partition
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.stores.batches import BatchStore, BatchWriter
from odoo_pipelines.stores.rows import raw_schema
from odoo_pipelines.systems.clocks import FROM_THE_FUTURE
from odoo_pipelines.systems.records import WHOLE, Batch
from odoo_pipelines_tests.defs.feed import Feed, NewSession, booking
from odoo_pipelines_tests.defs.stage import flow_named, stream_named

JANUARY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FEBRUARY = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
MARCH = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
AHEAD = dt.datetime(2031, 6, 1, tzinfo=dt.UTC)
FIRST = Window("2026-01-01", None, FEBRUARY)
MIDDLE = Window("2026-02-01", FEBRUARY, MARCH)
LAST = Window("2026-03-01", MARCH, None)
BOOKINGS = stream_named("bookings")


def day(number: float) -> dt.datetime:
    """Days since the beginning of January."""
    return JANUARY + dt.timedelta(days=number)


def watermark(session: Session) -> dt.datetime | None:
    return session.state.watermark("pms", "bookings")


def _push_watermark(session: Session, to: dt.datetime) -> None:
    """As a version did that believed the server's clock, whatever it said."""
    written = session.batches.path_for("pms", "external", "bookings", "2026-01-01", "earlier")
    with session.batches.writer(written, raw_schema()) as writer:
        writer.write([])
    batch = Batch(0, "pms", "external", "bookings", "2026-01-01", "earlier", written, 0, None)
    session.state.register(batch, watermark=("bookings", to))


def batches(session: Session) -> list[Batch]:
    return session.state.batches("pms", "external", ["bookings"])


def stored(session: Session) -> list[dict[str, Any]]:
    """All rows of all batches, as batches keep them."""
    return [row for batch in batches(session) for rows in session.batches.rows(batch.path, 100) for row in rows]


def files(session: Session) -> list[Path]:
    return [path for path in Path(session.settings.data).rglob("*") if path.is_file()]


class TestWatermark:
    def test_a_walk_from_the_beginning_moves_it_to_the_newest_row(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(3)), booking(2, day(35))], [booking(3, day(40))]]
        session = new_session("full")
        walk = Extraction(session, BOOKINGS)
        for window in (FIRST, MIDDLE, LAST):
            walk.extract(window)
        assert watermark(session) == day(40)

    def test_a_single_month_by_hand_does_not_move_it(self, new_session: NewSession, feed: Feed) -> None:
        """What lies before that month may not be in any batch yet."""
        feed.pages = [[booking(1, day(3)), booking(2, day(35))]]
        session = new_session()
        assert Extraction(session, BOOKINGS).extract(MIDDLE).rows == 1
        assert watermark(session) is None

    def test_a_month_by_hand_that_joins_what_is_covered_moves_it(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(30)), booking(2, day(31.5)), booking(3, day(50))]]
        session = new_session()
        walk = Extraction(session, BOOKINGS)
        walk.extract(FIRST)
        walk.extract(MIDDLE)
        assert watermark(session) == day(50)

    def test_a_gap_stops_it_until_somebody_fills_it(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(3)), booking(2, day(35)), booking(3, day(70))]]
        session = new_session()
        Extraction(session, BOOKINGS).extract(FIRST)
        Extraction(session, BOOKINGS).extract(LAST)
        assert watermark(session) == day(3)

    def test_an_empty_month_in_between_is_no_gap(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(3)), booking(3, day(70))]]
        session = new_session("full")
        walk = Extraction(session, BOOKINGS)
        assert [walk.extract(window).rows for window in (FIRST, MIDDLE, LAST)] == [1, 0, 1]
        assert watermark(session) == day(70)

    def test_an_old_month_extracted_again_does_not_move_it_back(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(3)), booking(2, day(35))]]
        walk = Extraction(new_session("full"), BOOKINGS)
        walk.extract(FIRST)
        walk.extract(MIDDLE)
        session = new_session()
        Extraction(session, BOOKINGS).extract(FIRST)
        assert watermark(session) == day(35)

    def test_rows_out_of_order_count_with_the_newest_of_the_whole_walk(
        self, new_session: NewSession, feed: Feed
    ) -> None:
        feed.pages = [[booking(1, day(20))], [booking(2, day(5)), booking(3, day(12))]]
        session = new_session("full")
        extracted = Extraction(session, BOOKINGS).extract(FIRST)
        assert (extracted.newest, watermark(session)) == (day(20), day(20))

    def test_a_change_time_in_the_future_does_not_move_it_past_what_the_server_has_seen(
        self, new_session: NewSession, feed: Feed
    ) -> None:
        now = dt.datetime.now(dt.UTC)
        feed.pages = [[booking(1, day(3)), booking(2, dt.datetime(2999, 1, 1, tzinfo=dt.UTC))]]
        session = new_session("full")
        extracted = Extraction(session, BOOKINGS).extract(Window("2026-01-01"))
        moved = watermark(session)
        assert extracted.newest == dt.datetime(2999, 1, 1, tzinfo=dt.UTC)
        assert moved is not None
        assert abs(moved - now) < dt.timedelta(minutes=5)

    def test_a_change_time_in_the_future_is_stored_as_the_servers_time_and_no_mapping_sees_it(
        self, new_session: NewSession, feed: Feed
    ) -> None:
        feed.pages = [[booking(1, dt.datetime(2031, 1, 1, tzinfo=dt.UTC)), booking(2, day(3))]]
        session = new_session("full")
        Extraction(session, BOOKINGS).extract(Window("2026-01-01"))
        map_partition(session, flow_named("orders"), "2026-01-01")
        [batch] = session.state.batches("pms", "mapped", ["orders"])
        [rows] = session.batches.rows(batch.path, 10)
        times = {row["external_id"]: (row["updated_at"], row["warnings"]) for row in rows}
        assert times["2"] == (day(3), [])
        assert abs(times["1"][0] - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)
        assert times["1"][1] == [FROM_THE_FUTURE]
        assert [row["updated_at"] for row in stored(session)] == [times["1"][0], day(3)]
        assert batches(session)[0].newest == times["1"][0]
        assert {row["seen_at"] for row in rows} == {row["seen_at"] for row in stored(session)}

    def test_a_clock_that_is_a_little_ahead_is_believed(self, new_session: NewSession, feed: Feed) -> None:
        ahead = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=2)).replace(microsecond=0)
        feed.pages = [[booking(1, ahead)]]
        session = new_session("full")
        Extraction(session, BOOKINGS).extract(Window("2026-01-01"))
        assert [row["updated_at"] for row in stored(session)] == [ahead]

    def test_a_server_whose_clock_is_ahead_does_not_push_it_past_our_time(
        self, new_session: NewSession, feed: Feed
    ) -> None:
        feed.clock, feed.pages = AHEAD, [[booking(1, AHEAD)]]
        session = new_session("full")
        Extraction(session, BOOKINGS).extract(Window("2026-01-01"))
        moved = watermark(session)
        assert moved is not None
        assert moved <= dt.datetime.now(dt.UTC)
        feed.clock, feed.pages = None, [[booking(2, dt.datetime.now(dt.UTC))]]
        assert Extraction(new_session(), BOOKINGS).extract(Window("2026-01-01")).rows == 1

    @pytest.mark.parametrize("mode", ["delta", "full"])
    def test_one_that_a_former_version_has_pushed_into_the_future_is_brought_back_with_a_warning(
        self, new_session: NewSession, feed: Feed, caplog: pytest.LogCaptureFixture, mode: str
    ) -> None:
        feed.pages = [[booking(1, day(3))]]
        session = new_session("full")
        Extraction(session, BOOKINGS).extract(Window("2026-01-01"))
        now = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(minutes=1)
        _push_watermark(session, AHEAD)
        feed.pages = [[booking(2, now), booking(3, now - dt.timedelta(hours=20))]]
        session = new_session(mode)
        assert Extraction(session, BOOKINGS).extract(Window("2026-01-01")).rows == 2
        assert watermark(session) == now
        assert "bookings: the watermark was in the future (2031-06-01" in caplog.text
        caplog.clear()
        Extraction(new_session(mode), BOOKINGS).extract(Window("2026-01-01"))
        assert caplog.text == ""

    def test_one_that_is_brought_back_stays_where_nothing_new_comes(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(3))]]
        Extraction(new_session("full"), BOOKINGS).extract(Window("2026-01-01"))
        _push_watermark(session := new_session(), AHEAD)
        Extraction(session, BOOKINGS).extract(Window("2026-01-01"))
        back = watermark(session)
        assert back is not None
        assert abs(dt.datetime.now(dt.UTC) - back - dt.timedelta(days=1)) < dt.timedelta(minutes=5)

    def test_rows_without_a_readable_time_do_not_move_it(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, "yesterday"), booking(2, None)]]
        session = new_session("full")
        assert Extraction(session, BOOKINGS).extract(FIRST).rows == 2
        assert watermark(session) is None


class TestDelta:
    def test_it_starts_at_the_watermark_less_the_overlap(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(3))]]
        Extraction(new_session("full"), BOOKINGS).extract(Window("2026-01-01"))
        Extraction(new_session("delta"), BOOKINGS).extract(Window("2026-01-01"))
        assert feed.asked[1]["updated_since"] == (day(3) - dt.timedelta(minutes=5)).isoformat().replace("+00:00", "Z")

    def test_it_never_reads_less_than_the_rest_of_the_window(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(3))]]
        Extraction(new_session("full"), BOOKINGS).extract(Window("2026-01-01"))
        Extraction(new_session("delta"), BOOKINGS).extract(LAST)
        assert feed.asked[1]["updated_since"] == "2026-03-01T00:00:00Z"

    def test_windows_that_are_covered_are_not_asked_for(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(3)), booking(2, day(70))]]
        walk = Extraction(new_session("full"), BOOKINGS)
        for window in (FIRST, MIDDLE, LAST):
            walk.extract(window)
        feed.asked.clear()
        assert Extraction(new_session("delta"), BOOKINGS).extract(FIRST).rows == 0
        assert feed.asked == []

    def test_without_a_watermark_it_reads_everything(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(3)), booking(2, day(35))]]
        session = new_session("delta")
        walk = Extraction(session, BOOKINGS)
        walk.extract(FIRST)
        walk.extract(MIDDLE)
        assert (watermark(session), [batch.complete for batch in batches(session)]) == (day(35), [True, True])

    def test_its_batch_is_a_part_of_the_partition_and_a_full_one_is_all_of_it(
        self, new_session: NewSession, feed: Feed
    ) -> None:
        feed.pages = [[booking(1, day(3))]]
        Extraction(new_session("full"), BOOKINGS).extract(FIRST)
        session = new_session("delta")
        Extraction(session, BOOKINGS).extract(FIRST)
        assert [batch.complete for batch in batches(session)] == [True, False]

    def test_a_stream_without_partitions_is_read_from_its_watermark_too(
        self, new_session: NewSession, feed: Feed
    ) -> None:
        feed.pages = [[{"id": 7, "updated_at": "2026-01-04T00:00:00Z", "name": "Double"}]]
        Extraction(new_session("full"), stream_named("rooms")).extract(Window())
        session = new_session("delta")
        Extraction(session, stream_named("rooms")).extract(Window())
        assert [asked.get("updated_since") for asked in feed.asked] == [None, "2026-01-03T23:55:00Z"]
        found = session.state.batches("pms", "external", ["rooms"])
        assert [(batch.partition, batch.complete) for batch in found] == [(WHOLE, True), (WHOLE, False)]

    def test_an_end_is_asked_for_only_where_the_endpoint_knows_one(self, new_session: NewSession, feed: Feed) -> None:
        session = new_session("full")
        Extraction(session, BOOKINGS).extract(MIDDLE)
        Extraction(session, stream_named("rooms")).extract(MIDDLE)
        assert ["updated_before" in asked for asked in feed.asked] == [True, False]


class TestBatch:
    def test_every_row_of_every_page_is_in_it(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(number, day(number / 10)) for number in range(at, at + 5)] for at in range(0, 50, 5)]
        session = new_session("full")
        extracted = Extraction(session, BOOKINGS).extract(FIRST)
        assert (extracted.rows, extracted.pages) == (50, 10)
        assert [json.loads(row["payload"]) for row in stored(session)] == [row for page in feed.pages for row in page]
        [batch] = batches(session)
        assert (batch.rows, batch.newest, batch.partition) == (50, day(4.9), "2026-01-01")
        assert batch.path == extracted.path

    def test_no_rows_give_no_batch(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[], [], []]
        session = new_session("full")
        extracted = Extraction(session, BOOKINGS).extract(FIRST)
        assert (extracted.rows, extracted.path, batches(session), files(session)) == (0, "", [], [])

    def test_a_partition_that_has_become_empty_says_so_once(self, new_session: NewSession, feed: Feed) -> None:
        """Or its rows of before would be mapped again as if they were still there."""
        feed.pages = [[booking(1, day(3))]]
        Extraction(new_session("full"), BOOKINGS).extract(FIRST)
        feed.pages = []
        for _ in range(2):
            session = new_session("full")
            assert Extraction(session, BOOKINGS).extract(FIRST).rows == 0
        assert [(batch.rows, batch.complete) for batch in batches(session)] == [(1, True), (0, True)]
        assert watermark(session) == day(3)

    def test_a_delta_without_rows_says_nothing_about_its_partition(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(3))]]
        Extraction(new_session("full"), BOOKINGS).extract(FIRST)
        feed.pages = []
        session = new_session("delta")
        Extraction(session, BOOKINGS).extract(FIRST)
        assert len(batches(session)) == 1

    def test_empty_pages_between_others_end_nothing(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[], [booking(1, day(1))], [], [booking(2, day(2))], []]
        assert Extraction(new_session("full"), BOOKINGS).extract(FIRST).rows == 2

    def test_a_failure_in_the_middle_leaves_no_batch_and_no_watermark(
        self, new_session: NewSession, feed: Feed
    ) -> None:
        feed.pages = [[booking(1, day(1))], [booking(2, day(2))], [booking(3, day(3))]]
        feed.broken_page = 2
        session = new_session("full")
        with pytest.raises(ExternalRequestError):
            Extraction(session, BOOKINGS).extract(FIRST)
        assert (batches(session), watermark(session), files(session)) == ([], None, [])

    def test_what_came_before_a_failure_is_kept_and_the_next_run_goes_on_from_there(
        self, new_session: NewSession, feed: Feed
    ) -> None:
        feed.pages = [[booking(1, day(3)), booking(2, day(35))]]
        session = new_session("delta")
        walk = Extraction(session, BOOKINGS)
        walk.extract(FIRST)
        feed.broken_page = 0
        with pytest.raises(ExternalRequestError):
            walk.extract(MIDDLE)
        assert watermark(session) == day(3)
        feed.broken_page = None
        session = new_session("delta")
        walk = Extraction(session, BOOKINGS)
        for window in (FIRST, MIDDLE, LAST):
            walk.extract(window)
        assert {row["external_id"] for row in stored(session)} == {"1", "2"}
        assert watermark(session) == day(35)

    @pytest.mark.parametrize("row", [None, 7, "text", [], {}, {"id": None}, {"id": [1], "updated_at": {}}, True, 1.5])
    def test_rows_that_no_model_can_read_are_kept_as_they_came(
        self, new_session: NewSession, feed: Feed, row: Any
    ) -> None:
        feed.pages = [[booking(1, day(1)), row]]
        session = new_session("full")
        assert Extraction(session, BOOKINGS).extract(FIRST).rows == 2
        kept = stored(session)[1]
        assert (json.loads(kept["payload"]), kept["external_id"], kept["updated_at"]) == (row, "", None)

    def test_files_have_their_name_only_when_they_are_complete(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(1))]]
        session = new_session("full")
        extracted = Extraction(session, BOOKINGS).extract(FIRST)
        assert [str(path.relative_to(session.settings.data)) for path in files(session)] == [extracted.path]


class TestAccounts:
    """Rows are counted where the answers are parsed, in the file, and where they are read again."""

    def test_a_row_that_is_not_written_fails_the_extraction(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(1)), booking(2, day(2))]]
        session = new_session("full")
        session.batches = Forgetful(session.settings.data)
        with pytest.raises(RowCountError, match=r"carried 2 rows, 1 were written, the file holds 1"):
            Extraction(session, BOOKINGS).extract(FIRST)
        assert (batches(session), watermark(session)) == ([], None)

    def test_a_file_with_another_number_in_its_footer_fails_it_too(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(1, day(1)), booking(2, day(2))]]
        session = new_session("full")
        session.batches = Truncated(session.settings.data)
        with pytest.raises(RowCountError, match=r"carried 2 rows, 2 were written, the file holds 1"):
            Extraction(session, BOOKINGS).extract(FIRST)
        assert batches(session) == []

    def test_rows_that_a_mapping_does_not_read_fail_it(
        self, new_session: NewSession, feed: Feed, engine: sa.Engine
    ) -> None:
        feed.pages = [[booking(1, day(1)), booking(2, day(2))]]
        session = new_session("full")
        Extraction(session, BOOKINGS).extract(FIRST)
        with engine.begin() as connection:
            connection.execute(sa.text("update odoo_pipelines.batch set rows = rows + 1"))
        with pytest.raises(RowCountError, match=r"3 rows were extracted, but the mapping read 2"):
            map_partition(session, flow_named("orders"), FIRST.partition)
        assert session.state.batches("pms", "mapped", ["orders"]) == []


class Forgetful(BatchStore):
    """Loses the first row of every page."""

    @contextmanager
    def writer(self, path: str, schema: pa.Schema) -> Iterator[BatchWriter]:
        with super().writer(path, schema) as writer:
            yield cast("BatchWriter", _Losing(writer))


class _Losing:
    def __init__(self, writer: BatchWriter) -> None:
        self._writer = writer

    @property
    def rows(self) -> int:
        return self._writer.rows

    def write(self, rows: list[dict[str, Any]]) -> None:
        self._writer.write(rows[1:])


class Truncated(BatchStore):
    """Its files have lost a row since they were written."""

    def row_count(self, path: str) -> int:
        return super().row_count(path) - 1


MOMENTS = st.integers(0, 90 * 24).map(lambda hours: JANUARY + dt.timedelta(hours=hours))


@given(moments=st.lists(MOMENTS, max_size=30), size=st.integers(1, 7))
@profile(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_full_walk_keeps_every_row_in_its_own_partition(
    new_session: NewSession, feed: Feed, moments: list[dt.datetime], size: int
) -> None:
    rows = [booking(number, moment) for number, moment in enumerate(moments)]
    feed.pages = [rows[at : at + size] for at in range(0, len(rows), size)]
    walk = Extraction(new_session("full"), BOOKINGS)
    extracted = [walk.extract(window) for window in (FIRST, MIDDLE, LAST)]
    assert [each.rows for each in extracted] == [
        sum(moment < FEBRUARY for moment in moments),
        sum(FEBRUARY <= moment < MARCH for moment in moments),
        sum(moment >= MARCH for moment in moments),
    ]

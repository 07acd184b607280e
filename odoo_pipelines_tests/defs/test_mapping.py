"""Every row that goes into a mapping comes out of it; batches are mapped once, and again on demand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.pipeline.extraction import Extraction
from odoo_pipelines.pipeline.mapping import Mapped, fold, map_partition
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.stores.rows import from_columns
from odoo_pipelines.systems.base import MappedRow, RejectedRow
from odoo_pipelines.systems.records import WHOLE, Batch
from odoo_pipelines_tests.defs.feed import Feed, NewSession, booking
from odoo_pipelines_tests.defs.stage import flow_named, stream_named

PARTITION = "2026-01-01"
ORDERS, PARTNERS, PRODUCTS = flow_named("orders"), flow_named("partners"), flow_named("products")


def extract(session: Session, stream: str = "bookings", partition: str = PARTITION) -> None:
    Extraction(session, stream_named(stream)).extract(Window(partition))


def mapped_batches(session: Session, flow: str = "orders", partition: str = PARTITION) -> list[Batch]:
    return session.state.batches("pms", "mapped", [flow], [partition])


def rows_of(session: Session, batch: Batch, flow: str = "orders") -> list[MappedRow | RejectedRow]:
    found = session.batches.rows(batch.path, 100)
    return [from_columns(row, flow_named(flow).target) for rows in found for row in rows]


def numbers(mapped: Mapped) -> tuple[int, int, int]:
    return mapped.rows_in, mapped.rows, mapped.rejected


class TestAccounts:
    def test_every_row_is_mapped_or_rejected(self, new_session: NewSession, feed: Feed) -> None:
        good, bad = booking(1, "2026-01-05T00:00:00Z"), booking(2, "2026-01-05T00:00:01Z", check_in="soon")
        feed.pages = [[good, bad, None, {"no": "id"}]]
        session = new_session("full")
        extract(session)
        mapped = map_partition(session, ORDERS, PARTITION)
        assert numbers(mapped) == (4, 1, 3)
        [batch] = mapped_batches(session)
        assert (batch.rows, batch.path) == (4, mapped.path)
        assert sum(mapped.rejections.values()) == 3

    @pytest.mark.parametrize(
        "row",
        [
            None,
            [],
            "text",
            {"id": None, "updated_at": "2026-01-05T00:00:00Z"},
            booking(2, "2026-01-05T00:00:00Z", check_in="soon"),
            booking(2, "2026-01-05T00:00:00Z", adults=10**30),
            booking(2, "2026-01-05T00:00:00Z", rooms=[{"id": "r", "room_type_id": 1, "price_per_night": -1}]),
        ],
    )
    def test_a_rejected_row_keeps_its_payload_and_says_why(self, new_session: NewSession, feed: Feed, row: Any) -> None:
        feed.pages = [[row]]
        session = new_session("full")
        extract(session)
        assert numbers(map_partition(session, ORDERS, PARTITION))[0] == 1
        [batch] = mapped_batches(session)
        [kept] = rows_of(session, batch)
        if isinstance(kept, RejectedRow):
            assert json.loads(kept.payload) == row
            assert kept.error.field
            assert kept.error.code
            assert kept.error.reason
        else:
            assert kept.external_id == "2"

    @pytest.mark.parametrize("points", [2**31, 2**63, 10**30, -(10**30)])
    def test_a_number_that_no_column_can_hold_stops_no_other_row(
        self, new_session: NewSession, feed: Feed, points: int
    ) -> None:
        time = "2026-01-05T00:00:00Z"
        feed.pages = [[{"id": 1, "updated_at": time, "loyalty_points": points}, {"id": 2, "updated_at": time}]]
        session = new_session("full")
        extract(session, "guests")
        mapped = map_partition(session, PARTNERS, PARTITION)
        assert mapped.rows_in == mapped.rows + mapped.rejected == 2
        assert mapped.rows >= 1

    def test_values_that_were_dropped_are_counted_by_kind(self, new_session: NewSession, feed: Feed) -> None:
        guest = {"updated_at": "2026-01-05T00:00:00Z", "email": "not an address"}
        feed.pages = [[{"id": 1, **guest}, {"id": 2, **guest}]]
        session = new_session("full")
        extract(session, "guests")
        assert list(map_partition(session, PARTNERS, PARTITION).warnings.values()) == [2]

    def test_rows_of_several_streams_meet_in_one_batch(self, new_session: NewSession, feed: Feed) -> None:
        session = new_session("full")
        feed.pages = [[{"id": 1, "updated_at": "2026-01-05T00:00:00Z", "first_name": "Ann"}]]
        extract(session, "guests")
        feed.pages = [[booking(9, "2026-01-06T00:00:00Z", guest={"id": 2, "first_name": "Bob"})]]
        extract(session, "bookings")
        mapped = map_partition(session, PARTNERS, PARTITION)
        assert (mapped.sources, mapped.rows) == (2, 2)
        [batch] = mapped_batches(session, "partners")
        assert batch.complete

    def test_a_batch_that_lacks_one_of_its_streams_is_not_complete(self, new_session: NewSession, feed: Feed) -> None:
        session = new_session("full")
        feed.pages = [[{"id": 1, "updated_at": "2026-01-05T00:00:00Z", "first_name": "Ann"}]]
        extract(session, "guests")
        map_partition(session, PARTNERS, PARTITION)
        [batch] = mapped_batches(session, "partners")
        assert not batch.complete

    def test_streams_without_partitions_are_mapped_on_their_own(self, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[{"id": 1, "updated_at": "2026-01-05T00:00:00Z", "name": "Double", "price_per_night": 80}]]
        session = new_session("full")
        extract(session, "rooms", WHOLE)
        assert map_partition(session, PRODUCTS, WHOLE).rows == 1
        [batch] = mapped_batches(session, "products", WHOLE)
        assert batch.complete


class TestOnce:
    @pytest.fixture
    def session(self, new_session: NewSession, feed: Feed) -> Session:
        """A full extraction that is mapped."""
        feed.pages = [[booking(1, "2026-01-05T00:00:00Z")]]
        session = new_session("full")
        extract(session)
        assert map_partition(session, ORDERS, PARTITION).rows == 1
        return session

    def test_nothing_new_gives_no_batch(self, session: Session, new_session: NewSession) -> None:
        assert numbers(map_partition(new_session("delta"), ORDERS, PARTITION)) == (0, 0, 0)
        assert len(mapped_batches(session := new_session("delta"))) == 1
        assert session.state.pending("pms", "external", ["bookings"], "mapped/orders") == []

    def test_each_flow_takes_a_batch_for_itself(self, session: Session) -> None:
        assert map_partition(session, PARTNERS, PARTITION).rows_in == 1

    def test_what_came_since_is_mapped_alone(self, session: Session, new_session: NewSession, feed: Feed) -> None:
        feed.pages = [[booking(2, "2026-01-06T00:00:00Z")]]
        session = new_session("delta")
        extract(session)
        assert map_partition(session, ORDERS, PARTITION).rows_in == 1

    def test_by_hand_all_of_the_partition_is_mapped_again_without_the_external_system(
        self, session: Session, new_session: NewSession, feed: Feed
    ) -> None:
        feed.pages = [[booking(2, "2026-01-06T00:00:00Z")]]
        session = new_session("delta")
        extract(session)
        map_partition(session, ORDERS, PARTITION)
        feed.asked.clear()
        session = new_session("partition")
        mapped = map_partition(session, ORDERS, PARTITION)
        assert (mapped.sources, mapped.rows_in, feed.asked) == (2, 2, [])
        assert mapped_batches(session)[-1].complete

    def test_a_batch_with_all_of_its_partition_makes_earlier_ones_superfluous(
        self, session: Session, new_session: NewSession
    ) -> None:
        session = new_session("full")
        extract(session)
        extract(session)
        mapped = map_partition(session, ORDERS, PARTITION)
        assert (mapped.sources, mapped.rows_in) == (1, 1)
        assert session.state.pending("pms", "external", ["bookings"], "mapped/orders") == []

    def test_other_partitions_are_left_alone(self, session: Session) -> None:
        assert map_partition(session, ORDERS, "2026-02-01").sources == 0


ROWS = st.builds(
    lambda external_id, name, only_create: MappedRow(
        "product", external_id, None, {"name": name}, only_create=only_create
    ),
    st.sampled_from("abc"),
    st.sampled_from(["Single", "Double"]),
    st.booleans(),
)
REJECTED = st.just(RejectedRow("product", "a", None, RowRejectedError("name", "missing", "name is missing"), "{}"))


class TestFold:
    @given(rows=st.lists(ROWS | REJECTED, max_size=30))
    def test_the_weights_are_the_rows(self, rows: list[MappedRow | RejectedRow]) -> None:
        assert sum(row.weight if isinstance(row, MappedRow) else 1 for row in fold(rows)) == len(rows)

    @given(rows=st.lists(ROWS, max_size=30))
    def test_no_value_is_lost(self, rows: list[MappedRow]) -> None:
        """But of rows that only say that a record exists, one is enough."""
        folded = {(row.external_id, row.values["name"]) for row in fold(rows) if isinstance(row, MappedRow)}
        assert {(row.external_id, row.values["name"]) for row in rows if not row.only_create} <= folded

    @given(rows=st.lists(ROWS, max_size=30))
    def test_folding_twice_changes_nothing(self, rows: list[MappedRow]) -> None:
        assert fold(fold(rows)) == fold(rows)

    @given(rows=st.lists(ROWS, min_size=1, max_size=30))
    def test_the_last_word_on_a_record_stays_the_last(self, rows: list[MappedRow]) -> None:
        """Where no change time tells which row is newer, their order does."""
        told = {row.external_id: row.values for row in rows if not row.only_create}
        kept = {row.external_id: row.values for row in fold(rows) if isinstance(row, MappedRow) and not row.only_create}
        assert kept == told

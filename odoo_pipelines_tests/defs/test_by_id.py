"""What a new row names comes with it: fetched one by one, once, and never taken for fetched before it is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from odoo_pipelines.defs.dry_run import run_dry
from odoo_pipelines.errors import (
    ExternalAuthenticationError,
    ExternalProtocolError,
    ExternalUnavailableError,
    RowCountError,
    StateError,
)
from odoo_pipelines.http.connection import ExternalConnection
from odoo_pipelines.pipeline.by_id import Fetched, fetch_by_id, fetch_named
from odoo_pipelines.pipeline.extraction import Extraction
from odoo_pipelines.pipeline.mapping import map_partition, partitions_to_map
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.rest.client import ExternalClient
from odoo_pipelines.settings import load_settings
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.limits import unlimited
from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.systems.records import BY_ID, Batch, Counts, Outcome, Record, RowOutcome
from odoo_pipelines_sandbox.pms.events import Edit, edit
from odoo_pipelines_tests.defs.feed import Feed, NewSession, booking
from odoo_pipelines_tests.defs.stage import Stage, flow_named, stream_named

BOOKINGS, PAYMENTS = stream_named("bookings"), stream_named("payments")
CHANGED = "2026-03-01T12:00:00Z"
HOSTILE = ["a/b", "../../rooms", "Zoë 7", "a?b=c#d", "%2F", "a%20b", "x" * 200, "'; drop table booking"]


@dataclass
class Hotel(Feed):
    """A PMS whose lists and single records a test can shape.

    Attributes:
        bookings: answers to GET by id; what is missing is a 404.
        statuses: of answers without a body, by id.
        payments: the list.
        listed: bookings that the list shows.
        fetched: ids that were asked for, as the server understood them.
    """

    bookings: dict[str, Any] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    payments: list[Any] = field(default_factory=list)
    listed: list[Any] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def sells(self, *bookings: str) -> None:
        """Takes a payment for each booking, none of which any list shows."""
        self.bookings |= {external_id: booking(external_id, CHANGED) for external_id in bookings}
        self.payments += [payment(number, external_id) for number, external_id in enumerate(bookings, 1)]

    async def answer(self, request: Request) -> Response:
        _, stream, *rest = request.scope["raw_path"].decode().split("/")
        if not rest:
            return JSONResponse({"data": self.payments if stream == "payments" else self.listed})
        [external_id] = map(unquote, rest)  # an id with a slash in it is one segment
        self.fetched.append(external_id)
        if external_id in self.statuses:
            return JSONResponse({}, self.statuses[external_id])
        found = self.bookings.get(external_id)
        return JSONResponse({"error": "no"}, 404) if found is None else JSONResponse(found)


@pytest.fixture
def feed() -> Hotel:
    return Hotel()


@pytest.fixture
def hotel(feed: Hotel) -> Hotel:
    return feed


def payment(number: int, booking_id: Any, **fields: Any) -> dict[str, Any]:
    taken = {"amount": 10, "transaction_id": f"tx-{number}", "payment_method": "cash", "updated_at": CHANGED}
    return {"id": number, "booking_id": booking_id, **taken, **fields}


def extract(session: Session, stream: Any = PAYMENTS) -> None:
    Extraction(session, stream).extract(Window())


def synced(session: Session) -> Fetched:
    """What a sync does until the mappings."""
    extract(session)
    return fetch_named(session, BOOKINGS)


def batches(session: Session, partition: str = BY_ID) -> list[Batch]:
    return session.state.batches("pms", "external", ["bookings"], [partition])


def stored(session: Session) -> list[Any]:
    """Payloads of all bookings that were fetched one by one."""
    found = (row for batch in batches(session) for rows in session.batches.rows(batch.path, 100) for row in rows)
    return [json.loads(row["payload"]) for row in found]


def waiting(session: Session) -> list[Batch]:
    """Batches of payments whose bookings have still to be looked for."""
    return session.state.pending("pms", "external", ["payments"], "external/bookings_by_id")


class TestWhatIsFetched:
    def test_a_payment_brings_its_booking_once(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.sells("7", "8")
        session = new_session("delta")
        fetched = synced(session)
        assert (fetched.asked, fetched.rows, fetched.not_found) == (2, 2, 0)
        assert stored(session) == [hotel.bookings["7"], hotel.bookings["8"]]
        [batch] = batches(session)
        assert (batch.rows, batch.partition, batch.complete) == (2, BY_ID, False)
        assert waiting(session) == []

        assert fetch_named(new_session("delta"), BOOKINGS) == Fetched()
        assert sorted(hotel.fetched) == ["7", "8"]

    def test_many_payments_of_one_booking_ask_for_it_once(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.sells("7", "7", "7")
        assert synced(new_session()).asked == 1
        assert hotel.fetched == ["7"]

    def test_a_booking_that_is_in_odoo_is_not_asked_for(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.sells("7", "8")
        session = new_session()
        run = RunRef("earlier", "pms", "orders")
        session.state.start(run, "full")
        record = Record("booking", "7", "sale.order", 70, "hash", {}, None)
        counts = Counts()
        counts.add(Outcome.CREATED)
        session.state.commit_chunk(run, [record], [RowOutcome("booking", "7", Outcome.CREATED)], counts)
        synced(session)
        assert hotel.fetched == ["8"]

    def test_nor_is_one_of_a_list_of_the_same_run(self, new_session: NewSession, hotel: Hotel) -> None:
        """So a full sync fetches nothing but what was booked since it read the list."""
        hotel.sells("7", "8")
        hotel.listed = [hotel.bookings["7"]]
        session = new_session("full")
        extract(session, BOOKINGS)
        synced(session)
        assert hotel.fetched == ["8"]

    def test_nor_one_that_is_mapped_and_waits_for_odoo(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.sells("7", "8")
        hotel.listed = [hotel.bookings["7"]]
        session = new_session("full")
        extract(session, BOOKINGS)
        map_partition(session, flow_named("orders"), "")
        session = new_session("delta")
        synced(session)
        assert hotel.fetched == ["8"]

    def test_payments_that_name_none_are_left_to_their_mapping(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.payments = [payment(1, None), payment(2, {"id": 7}), {"id": None}, "text", None]
        session = new_session()
        assert synced(session).asked == 0
        assert waiting(session) == []

    def test_any_number_of_payments_is_looked_at_in_parts(
        self, new_session: NewSession, hotel: Hotel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("odoo_pipelines.pipeline.by_id.IDS_IN_MEMORY", 2)
        monkeypatch.setattr("odoo_pipelines.pipeline.by_id.READ_ROWS", 2)
        hotel.sells(*map(str, range(7)))
        hotel.listed = [hotel.bookings["3"]]
        session = new_session()
        extract(session, BOOKINGS)
        assert synced(session).rows == 6
        assert sorted(hotel.fetched) == ["0", "1", "2", "4", "5", "6"]

    @pytest.mark.parametrize("external_id", HOSTILE)
    def test_no_id_leads_anywhere_else(self, new_session: NewSession, hotel: Hotel, external_id: str) -> None:
        hotel.sells(external_id)
        session = new_session()
        assert synced(session).rows == 1
        assert hotel.fetched == [external_id]
        assert [row["id"] for row in stored(session)] == [external_id]

    def test_an_id_is_the_same_as_a_number_and_as_a_text(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.bookings = {"7": booking(7, CHANGED)}
        hotel.payments = [payment(1, "7"), payment(2, 7)]
        assert synced(new_session()).rows == 1

    def test_whoever_knows_the_ids_can_ask_for_them(self, new_session: NewSession, hotel: Hotel) -> None:
        """As webhooks do; registering the batch is then part of their own transaction."""
        hotel.sells("7")
        session = new_session()
        fetched = fetch_by_id(session, BOOKINGS, {"7", "8"})
        assert (fetched.asked, fetched.rows, fetched.not_found) == (2, 1, 1)
        assert batches(session) == []


class TestWhatIsNotThere:
    def test_it_is_counted_and_the_others_come(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.sells("7", "8", "9")
        del hotel.bookings["8"]
        session = new_session()
        fetched = synced(session)
        assert (fetched.asked, fetched.rows, fetched.not_found) == (3, 2, 1)
        assert waiting(session) == []

    def test_nothing_at_all_makes_no_batch_and_is_not_asked_for_again(
        self, new_session: NewSession, hotel: Hotel
    ) -> None:
        hotel.payments = [payment(1, "7")]
        session = new_session()
        assert (synced(session).not_found, batches(session), waiting(session)) == (1, [], [])
        fetch_named(new_session("delta"), BOOKINGS)
        assert hotel.fetched == ["7"]

    @pytest.mark.parametrize("status", [400, 410, 414, 422])
    def test_an_id_that_the_server_does_not_take_for_one_stops_no_other(
        self, new_session: NewSession, hotel: Hotel, status: int
    ) -> None:
        hotel.sells("N/A", "8")
        hotel.statuses = {"N/A": status}
        assert synced(new_session()).not_found == 1

    @pytest.mark.parametrize("external_id", [".", ".."])
    def test_nor_does_one_that_no_url_can_name(self, new_session: NewSession, hotel: Hotel, external_id: str) -> None:
        hotel.sells("8", external_id)
        assert synced(new_session()).not_found == 1
        assert hotel.fetched == ["8"]


class TestFailures:
    """Nothing is lost: what was asked for in vain is asked for by the next run."""

    def test_a_refused_key_fails_the_run(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.sells("7", "8")
        hotel.statuses = {"8": 403}
        session = new_session()
        with pytest.raises(ExternalAuthenticationError):
            synced(session)
        self.assert_the_next_run_begins_anew(new_session, hotel)

    def test_an_external_system_that_is_down_fails_it(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.sells(*map(str, range(30)))
        hotel.statuses = dict.fromkeys(hotel.bookings, 503)
        session = new_session()
        extract(session)
        settings = session.integration.connections().external
        connection = ExternalConnection(settings.url, SecretStr("key"))
        session.external = ExternalClient(connection, unlimited(), sleep=lambda _: None)
        with session.external, pytest.raises(ExternalUnavailableError):
            fetch_named(session, BOOKINGS)
        assert len(set(hotel.fetched)) <= 12  # those that had not begun are given up
        self.assert_the_next_run_begins_anew(new_session, hotel)

    def test_a_record_with_another_id_is_an_error_that_says_so(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.sells("7", "8")
        hotel.bookings["8"] = booking("9", CHANGED)
        with pytest.raises(ExternalProtocolError, match=r"GET /bookings/8 was answered with a record that has another"):
            synced(new_session())
        hotel.bookings["8"] = booking("8", CHANGED)
        self.assert_the_next_run_begins_anew(new_session, hotel)

    def test_a_run_that_dies_before_the_batch_is_known_does_it_again(
        self, new_session: NewSession, hotel: Hotel
    ) -> None:
        hotel.sells("7", "8")
        session = new_session()
        extract(session)
        session.state = Dying(session.state._engine)
        with pytest.raises(StateError):
            fetch_named(session, BOOKINGS)
        self.assert_the_next_run_begins_anew(new_session, hotel)

    def test_a_row_that_is_not_in_the_file_fails_it(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.sells("7", "8")
        session = new_session()
        extract(session)
        session.batches = Truncated(session.settings.data)
        with pytest.raises(RowCountError, match="carried 2 rows, 2 were written, the file holds 1"):
            fetch_named(session, BOOKINGS)
        self.assert_the_next_run_begins_anew(new_session, hotel)

    def assert_the_next_run_begins_anew(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.statuses.clear()
        hotel.fetched.clear()
        session = new_session("delta")
        assert batches(session) == []
        assert len(waiting(session)) == 1
        assert fetch_named(session, BOOKINGS).rows == len(hotel.bookings)
        assert sorted(hotel.fetched) == sorted(hotel.bookings)
        assert waiting(session) == []


class Dying(State):
    """A database that goes away at the worst moment."""

    def register(self, *_: Any, **__: Any) -> Batch:
        raise StateError("gone")


class Truncated(BatchStore):
    """Its files have lost a row since they were written."""

    def row_count(self, path: str) -> int:
        return super().row_count(path) - 1


class TestDownstream:
    def test_every_mapping_of_the_stream_takes_what_was_fetched(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.sells("7", "8")
        session = new_session("delta")
        synced(session)
        for flow in map(flow_named, ("partners", "products", "orders")):
            assert BY_ID in partitions_to_map(session, flow, [])
            assert map_partition(session, flow, BY_ID).rows_in == 2
            assert BY_ID not in partitions_to_map(session, flow, [])

    def test_a_later_complete_list_does_not_replace_what_waits(self, new_session: NewSession, hotel: Hotel) -> None:
        """It may have been read before the booking was made."""
        hotel.sells("7")
        session = new_session("full")
        synced(session)
        extract(session, BOOKINGS)
        assert map_partition(session, flow_named("orders"), BY_ID).rows == 1

    def test_the_watermark_of_the_stream_stays(self, new_session: NewSession, hotel: Hotel) -> None:
        """What lies before a single booking may not be in any batch yet."""
        hotel.sells("7")
        session = new_session("delta")
        synced(session)
        assert session.state.watermark("pms", "bookings") is None

    def test_a_record_that_is_none_is_rejected_by_the_mapping(self, new_session: NewSession, hotel: Hotel) -> None:
        hotel.sells("7", "8")
        hotel.bookings["8"] = ["no", "object"]
        session = new_session("delta")
        assert synced(session).rows == 2
        assert map_partition(session, flow_named("orders"), BY_ID).rejected == 1


class TestOnTheSandbox:
    """The present month alone is synced; in it, payments of earlier bookings have changed."""

    @pytest.fixture
    def month(self, stage: Stage) -> str:
        for payment in stage.served("payments"):
            edit(stage.pms.sandbox.world, Edit(stream="payments", id=payment["id"], fields={"gateway": "adyen"}))
        return stage.keys[-1]

    def test_payments_bring_their_bookings_into_odoo(self, stage: Stage, month: str) -> None:
        synced = stage.sync("full", (month, month))
        assert synced.success
        paid = {str(each["booking_id"]) for each in stage.served("payments")}
        listed = {row["external_id"] for row in rows_of(stage, month)}
        fetched = {row["external_id"] for row in rows_of(stage, BY_ID)}
        assert fetched == paid - listed != set()
        orders = stage.odoo("sale.order", "search_read", domain=[], fields=["x_external_id"])
        assert {order["x_external_id"] for order in orders} == paid | listed
        assert stage.counts(synced)["created"] == len(orders)
        assert "rejected" not in stage.counts(synced, "payments")

        assert stage.sync("delta").success
        assert len(stage.state.batches("pms", "external", ["bookings"], [BY_ID])) == 1

    def test_a_dry_run_tells_so_before_and_keeps_nothing(self, stage: Stage, month: str) -> None:
        told = run_dry(load_settings(needed="pms"), stage.integration, "full", month, lambda *_: None)
        assert stage.batches("external", "bookings") == []
        synced = stage.sync("full", (month, month))
        assert {flow: preview.counts.as_dict() for flow, preview in told.items()} == {
            flow: counts.as_dict() for flow, counts in stage.state.run_counts(synced.run_id).items()
        }
        assert rows_of(stage, BY_ID)

    def test_the_run_tells_what_it_asked_for(self, stage: Stage, month: str) -> None:
        synced = stage.sync("full", (month, month))
        [event, *_] = synced.asset_materializations_for_node("pms__external__bookings_by_id")
        rows = len(rows_of(stage, BY_ID))
        numbers = {name: event.metadata[name].value for name in ("dagster/row_count", "asked", "not_found")}
        assert numbers == {"dagster/row_count": rows, "asked": rows, "not_found": 0}

    def test_it_is_upstream_of_all_that_takes_bookings_and_of_nothing_else(self, stage: Stage) -> None:
        [single] = [each for each in stage.assets() if each.key == stage.extracted("bookings_by_id")]
        assert {stage.extracted("bookings"), stage.extracted("payments")} == set(single.dependency_keys)
        downstream = {each.key for each in stage.assets() if single.key in each.dependency_keys}
        assert downstream == {stage.mapped(flow) for flow in ("partners", "products", "orders")}


def rows_of(stage: Stage, partition: str) -> list[dict[str, Any]]:
    """The bookings that were extracted in a partition."""
    found = stage.state.batches("pms", "external", ["bookings"], [partition])
    store = BatchStore(load_settings().data)
    return [row for batch in found for rows in store.rows(batch.path, 100) for row in rows]

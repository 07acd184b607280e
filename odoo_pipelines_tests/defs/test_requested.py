"""A webhook run brings what its events name into Odoo in its newest state, whatever the events say of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from odoo_pipelines.defs.webhooks import evaluate
from odoo_pipelines.errors import ExternalUnavailableError
from odoo_pipelines.http.connection import ExternalConnection
from odoo_pipelines.pipeline.by_id import Fetched
from odoo_pipelines.pipeline.requested import UNAVAILABLE, extract_windows, fetch_single, take_payloads
from odoo_pipelines.pipeline.session import WEBHOOK, Session
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.rest.client import ExternalClient
from odoo_pipelines.stores.inbox import Inbox
from odoo_pipelines.stores.limits import unlimited
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.records import BY_ID, Batch
from odoo_pipelines.webhooks.events import new_event
from odoo_pipelines.webhooks.manual import new_sync
from odoo_pipelines_tests.defs.stage import Stage, stream_named

BOOKINGS, PAYMENTS = stream_named("bookings"), stream_named("payments")
numbers = count(1)


@pytest.fixture
def inbox(engine: sa.Engine) -> Inbox:
    return Inbox(engine)


def receive(inbox: Inbox, event_type: str, data: Mapping[str, Any], *, signed: bool = True, **envelope: Any) -> None:
    """Stores an event as the receiver does."""
    event = {"id": f"evt-{next(numbers)}", "event_type": event_type, "data": data, **envelope}
    inbox.store([new_event("pms", get_system("pms").events, json.dumps(event).encode(), signed=signed)])


def tick(stage: Stage, inbox: Inbox) -> dg.RunRequest | dg.SkipReason:
    return evaluate(stage.integration, inbox, stage.instance)


def run(stage: Stage, inbox: Inbox) -> dg.ExecuteInProcessResult:
    """The run that a tick requests."""
    request = tick(stage, inbox)
    assert isinstance(request, dg.RunRequest), request
    return stage.requested(request)


def done(stage: Stage, inbox: Inbox) -> dg.ExecuteInProcessResult:
    """A run that has to succeed, and the tick that sees it."""
    result = run(stage, inbox)
    assert result.success
    tick(stage, inbox)
    return result


def note_of(stage: Stage, booking: str) -> Any:
    [order] = stage.odoo("sale.order", "search_read", domain=[["x_external_id", "=", booking]], fields=["note"])
    return order["note"]


def claimed(session: Session, inbox: Inbox) -> None:
    """Has a session do what waits."""
    claim = inbox.claim("pms", manual=True) or inbox.claim("pms")
    assert claim
    session.claim_id = claim.id


def waiting(session: Session, stream: str) -> list[Batch]:
    """Batches of single records that are to be mapped."""
    flow = {"bookings": "orders", "payments": "payments"}[stream]
    return session.state.pending("pms", "external", [stream], f"mapped/{flow}", [BY_ID])


def be_down(stage: Stage) -> None:
    """Has the PMS answer nothing else any more."""
    stage.pms_fault(kind="status", status=503, times=None)


class TestARun:
    @pytest.mark.usefixtures("synced")
    def test_brings_a_changed_booking_into_odoo_and_leaves_all_others(self, stage: Stage, inbox: Inbox) -> None:
        watermarks = {stream: stage.watermark(stream) for stream in ("bookings", "guests")}
        changed, unnamed = stage.confirmed(), stage.served()[-1]
        stage.edit(unnamed["id"], special_requests="nobody tells of it")
        stage.edit(changed["id"], special_requests="late arrival")
        receive(inbox, "booking.updated", {"id": changed["id"]})

        result = done(stage, inbox)

        assert stage.counts(result) == {"extracted": 1, "updated": 1}
        assert "late arrival" in note_of(stage, changed["id"])
        assert "nobody" not in str(note_of(stage, unnamed["id"]))
        assert inbox.states("pms") == {"done": 1}
        assert {stream: stage.watermark(stream) for stream in watermarks} == watermarks

    @pytest.mark.usefixtures("synced")
    def test_takes_the_newest_state_for_events_in_any_order_and_any_number(self, stage: Stage, inbox: Inbox) -> None:
        booking = stage.confirmed()
        stage.edit(booking["id"], special_requests="second")
        for at, note in (("12:00", "second"), ("11:00", "first"), ("12:00", "second")):
            old = {**booking, "special_requests": note}
            receive(inbox, "booking.updated", old, occurred_at=f"2026-03-01T{at}:00Z")

        assert stage.counts(done(stage, inbox)) == {"extracted": 1, "updated": 1}
        assert "second" in note_of(stage, booking["id"])
        assert inbox.states("pms") == {"done": 3}

    @pytest.mark.usefixtures("synced")
    def test_of_what_a_delta_has_loaded_meanwhile_changes_nothing(self, stage: Stage, inbox: Inbox) -> None:
        booking = stage.confirmed()
        stage.edit(booking["id"], special_requests="late arrival")
        receive(inbox, "booking.updated", {"id": booking["id"]})
        request = tick(stage, inbox)
        assert isinstance(request, dg.RunRequest)
        stage.sync("delta")
        writes = stage.odoo_statistics()["writes"]

        assert stage.counts(stage.requested(request)) == {"extracted": 1, "unchanged": 1}
        assert stage.odoo_statistics()["writes"] == writes

    @pytest.mark.usefixtures("synced")
    def test_brings_a_payment_and_its_booking_before_any_list_has_shown_it(self, stage: Stage, inbox: Inbox) -> None:
        made = stage.advance(new_bookings=5)
        [payment, *_] = [row for row in stage.served("payments") if row["id"] in made.new_payments]
        receive(inbox, "payment.received", payment)

        done(stage, inbox)

        [paid] = stage.odoo(
            "account.payment",
            "search_read",
            domain=[["x_external_transaction_id", "=", payment["transaction_id"]], ["payment_type", "=", "inbound"]],
            fields=["state", "x_related_booking_id"],
        )
        assert paid["x_related_booking_id"] == payment["booking_id"]
        assert len(stage.odoo("sale.order", "search", domain=[["x_external_id", "=", payment["booking_id"]]])) == 1
        assert inbox.states("pms") == {"done": 1}

    def test_before_the_first_sync_takes_the_booking_and_leaves_the_lists_to_that_sync(
        self, stage: Stage, inbox: Inbox
    ) -> None:
        booking = stage.confirmed()
        receive(inbox, "booking.created", {"id": booking["id"]})
        assert stage.counts(done(stage, inbox)) == {"extracted": 1, "created": 1}
        assert stage.watermark("payments") is None

    @pytest.mark.usefixtures("synced")
    def test_of_a_booking_that_is_gone_is_over(self, stage: Stage, inbox: Inbox) -> None:
        receive(inbox, "booking.updated", {"id": "no-such"})
        assert stage.counts(done(stage, inbox)) == {}
        assert inbox.states("pms") == {"done": 1}

    @pytest.mark.usefixtures("synced")
    def test_that_was_asked_for_by_hand_takes_the_ids_that_it_was_given(self, stage: Stage, inbox: Inbox) -> None:
        booking = stage.confirmed()
        stage.edit(booking["id"], special_requests="late arrival")
        inbox.store([new_sync("pms", "orders", json.dumps({"ids": [booking["id"]]}).encode())])
        assert stage.counts(done(stage, inbox)) == {"extracted": 1, "updated": 1}
        assert inbox.states("pms") == {"done": 1}

    def test_that_was_asked_for_by_hand_is_a_sync_like_any_other(self, stage: Stage, inbox: Inbox) -> None:
        inbox.store([new_sync("pms", "orders", b'{"mode": "delta"}')])
        assert stage.counts(done(stage, inbox))["created"] == len(stage.served())
        assert inbox.states("pms") == {"done": 1}


class TestWhatGoesWrong:
    @pytest.mark.usefixtures("synced")
    def test_a_run_that_fails_has_its_events_tried_again_and_what_it_fetched_is_not_lost(
        self, stage: Stage, inbox: Inbox
    ) -> None:
        booking = stage.confirmed()
        stage.edit(booking["id"], special_requests="late arrival")
        receive(inbox, "booking.updated", {"id": booking["id"]})
        stage.refuse_logins()
        assert not run(stage, inbox).success
        tick(stage, inbox)
        assert inbox.states("pms") == {"failed": 1}

        stage.allow_logins()
        stage.sync("delta")
        assert "late arrival" in note_of(stage, booking["id"])

    @pytest.mark.usefixtures("synced")
    def test_a_run_whose_claim_others_have_taken_over_leaves_the_events_to_them(
        self, stage: Stage, inbox: Inbox
    ) -> None:
        booking = stage.confirmed()
        stage.edit(booking["id"], special_requests="late arrival")
        receive(inbox, "booking.updated", {"id": booking["id"]})
        late = tick(stage, inbox)
        in_time = tick(stage, inbox)  # nobody has seen a run of the first
        assert isinstance(late, dg.RunRequest)
        assert isinstance(in_time, dg.RunRequest)
        assert stage.counts(stage.requested(late)) == {}
        assert stage.counts(stage.requested(in_time)) == {"extracted": 1, "updated": 1}


class TestWithoutTheExternalSystem:
    """The run asks a server that has nothing but 503 to say."""

    @pytest.fixture
    def session(self, stage: Stage) -> Iterator[Session]:
        """Of a webhook run that gives up without waiting."""
        session = stage.session(WEBHOOK)
        external = session.integration.connections().external
        connection = ExternalConnection(external.url, external.api_key)
        with ExternalClient(connection, unlimited(), sleep=lambda _: None) as session.external:
            yield session
        session.close()

    @pytest.fixture(autouse=True)
    def _down(self, stage: Stage) -> None:
        be_down(stage)

    def test_a_newer_payload_is_taken(self, stage: Stage, inbox: Inbox, session: Session) -> None:
        booking = {**stage.confirmed(), "updated_at": "2099-01-01T00:00:00Z"}
        receive(inbox, "booking.updated", {**booking, "updated_at": "2098-01-01T00:00:00Z"})
        receive(inbox, "booking.updated", booking)
        claimed(session, inbox)

        fetched = fetch_single(session, BOOKINGS)

        [batch] = waiting(session, "bookings")
        assert (fetched.rows, batch.rows) == (1, 1)
        [[row]] = session.batches.rows(batch.path, 10)
        assert json.loads(row["payload"]) == booking
        assert inbox.states("pms") == {"claimed": 2}

    def test_an_older_payload_is_not(
        self, stage: Stage, inbox: Inbox, session: Session, request: pytest.FixtureRequest
    ) -> None:
        stage.pms.sandbox.faults.faults.clear()
        request.getfixturevalue("synced")
        be_down(stage)
        receive(inbox, "booking.updated", stage.confirmed())
        claimed(session, inbox)
        assert fetch_single(session, BOOKINGS) == Fetched()
        assert inbox.states("pms") == {"claimed": 1}

    def test_an_event_that_tells_nothing_itself_is_tried_again(
        self, stage: Stage, inbox: Inbox, session: Session, engine: sa.Engine
    ) -> None:
        booking = {**stage.confirmed(), "updated_at": "2099-01-01T00:00:00Z"}
        receive(inbox, "booking.updated", booking)
        receive(inbox, "booking.updated", {"id": "another"})
        claimed(session, inbox)
        assert fetch_single(session, BOOKINGS).rows == 1
        assert inbox.states("pms") == {"claimed": 1, "failed": 1}
        with engine.connect() as connection:
            query = "select reason from odoo_pipelines.webhook_event where state = 'failed'"
            assert connection.scalar(sa.text(query)) == UNAVAILABLE

    def test_what_an_unsigned_event_carries_is_not_taken_and_it_waits(
        self, stage: Stage, inbox: Inbox, session: Session
    ) -> None:
        booking = {**stage.confirmed(), "status": "cancelled", "updated_at": "2099-01-01T00:00:00Z"}
        receive(inbox, "booking.cancelled", booking, signed=False)
        receive(inbox, "payment.received", stage.served("payments")[0], signed=False)
        claimed(session, inbox)
        assert fetch_single(session, BOOKINGS) == Fetched()
        assert take_payloads(session, PAYMENTS) == Fetched()
        assert waiting(session, "bookings") == waiting(session, "payments") == []
        assert inbox.states("pms") == {"failed": 2}

    def test_a_payment_is_taken_from_its_event(self, stage: Stage, inbox: Inbox, session: Session) -> None:
        payment = {**stage.served("payments")[0], "updated_at": "2099-01-01T00:00:00Z"}
        receive(inbox, "payment.received", payment)
        earlier = Batch(0, "pms", "external", "payments", stage.keys[-1], "earlier", "earlier", 0, None)
        stage.state.register(earlier, watermark=("payments", datetime(2026, 1, 1, tzinfo=UTC)))
        claimed(session, inbox)
        assert extract_windows(session, PAYMENTS, [Window(stage.keys[-1])]) == []
        assert [batch.rows for batch in waiting(session, "payments")] == [1]

    def test_what_a_person_asked_for_fails(self, inbox: Inbox, session: Session) -> None:
        inbox.store([new_sync("pms", "orders", b'{"ids": ["7"]}')])
        claimed(session, inbox)
        with pytest.raises(ExternalUnavailableError):
            fetch_single(session, BOOKINGS)

    def test_a_delta_fails(self, stage: Stage, session: Session) -> None:
        session.mode = "delta"
        with pytest.raises(ExternalUnavailableError):
            extract_windows(session, BOOKINGS, [Window(stage.keys[-1])])

"""A payment that an event names is looked for wherever it may be; an event whose payment is nowhere is not done."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from odoo_pipelines.pipeline.requested import NOT_FOUND, extract_windows
from odoo_pipelines.pipeline.session import WEBHOOK, Session
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.stores.inbox import EventFilter
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.records import BY_ID, Batch
from odoo_pipelines.webhooks.events import new_event
from odoo_pipelines_tests.defs.feed import Feed, NewSession
from odoo_pipelines_tests.defs.stage import stream_named

PAYMENTS = stream_named("payments")
NOW = dt.datetime.now(dt.UTC)


def payment(number: int, updated_at: dt.datetime, **fields: Any) -> dict[str, Any]:
    written = updated_at.isoformat()
    return {"id": f"p{number}", "transaction_id": f"p{number}", "booking_id": "b", "updated_at": written, **fields}


def ago(**how_long: float) -> dt.datetime:
    return NOW - dt.timedelta(**how_long)


def receive(session: Session, *data: dict[str, Any], **envelope: Any) -> None:
    """Events come, and the session is to do them."""
    bodies = [json.dumps({"event_type": "payment.received", "data": each, **envelope}).encode() for each in data]
    session.inbox.store([new_event("pms", get_system("pms").events, body) for body in bodies])
    claim = session.inbox.claim("pms")
    assert claim
    session.claim_id = claim.id


def found(session: Session) -> set[str]:
    """What the run has brought to be loaded."""
    extract_windows(session, PAYMENTS, [Window("2026-01-01")])
    batches = session.state.pending("pms", "external", ["payments"], "mapped/payments", [BY_ID])
    rows = [row for batch in batches for some in session.batches.rows(batch.path, 10) for row in some]
    return {json.loads(row["payload"])["id"] for row in rows}


def named(*numbers: int) -> list[dict[str, Any]]:
    """Data that name payments, and tell nothing else of them."""
    return [{"id": f"p{number}", "transaction_id": f"p{number}", "booking_id": "b"} for number in numbers]


def remember(session: Session, watermark: dt.datetime) -> None:
    """A sync has read the payments up to a time."""
    batch = Batch(0, "pms", "external", "payments", "2026-01-01", "earlier", "earlier", 0, None)
    session.state.register(batch, watermark=("payments", watermark))


def test_the_first_payment_ever_is_found_without_a_watermark(new_session: NewSession, feed: Feed) -> None:
    feed.pages = [[payment(1, ago(seconds=1))]]
    session = new_session(WEBHOOK)
    receive(session, *named(1))
    assert found(session) == {"p1"}
    assert session.inbox.states("pms") == {"claimed": 1}
    assert session.state.watermark("pms", "payments") is None


def test_only_the_payments_that_events_name_are_taken(new_session: NewSession, feed: Feed) -> None:
    feed.pages = [[payment(1, ago(seconds=3)), payment(2, ago(seconds=2))], [payment(3, ago(seconds=1))]]
    session = new_session(WEBHOOK)
    remember(session, ago(hours=1))
    receive(session, *named(1, 3))
    assert found(session) == {"p1", "p3"}
    assert len(feed.asked) == 1
    assert session.state.watermark("pms", "payments") == ago(hours=1)


@pytest.mark.parametrize("watermark", [ago(hours=1), None])
def test_one_that_is_dated_before_the_last_sync_is_found_in_all_that_came_before(
    new_session: NewSession, feed: Feed, watermark: dt.datetime | None
) -> None:
    feed.pages = [[payment(1, ago(days=400))], [payment(2, ago(seconds=1))]]
    session = new_session(WEBHOOK)
    if watermark:
        remember(session, watermark)
    receive(session, *named(1, 2), occurred_at=NOW.isoformat())
    assert found(session) == {"p1", "p2"}
    assert ["updated_before" in query for query in feed.asked] == [False, True]


def test_where_the_event_tells_the_change_time_nothing_else_is_asked_for(new_session: NewSession, feed: Feed) -> None:
    feed.pages = [[payment(1, ago(days=9))]]
    session = new_session(WEBHOOK)
    remember(session, ago(hours=1))
    receive(session, payment(1, ago(days=9)))
    assert found(session) == {"p1"}
    assert [dt.datetime.fromisoformat(query["updated_since"]) < ago(days=9) for query in feed.asked] == [True]


def test_a_name_that_tells_less_than_the_list_finds_what_it_can_mean(new_session: NewSession, feed: Feed) -> None:
    feed.pages = [[payment(1, ago(seconds=2)), payment(2, ago(seconds=1)), {"id": "other", "updated_at": None}, None]]
    session = new_session(WEBHOOK)
    receive(session, {"transaction_id": "p1", "booking_id": "b"})
    assert found(session) == {"p1"}


def test_an_event_whose_payment_is_nowhere_is_tried_again_and_says_so(new_session: NewSession, feed: Feed) -> None:
    feed.pages = [[payment(1, ago(seconds=1))]]
    session = new_session(WEBHOOK)
    receive(session, *named(1, 2))
    assert found(session) == {"p1"}
    assert session.inbox.states("pms") == {"claimed": 1, "failed": 1}
    [failed] = session.inbox.events(EventFilter(states=["failed"]), 9)
    assert (failed.external_id, failed.reason) == ("p2", NOT_FOUND)


def test_without_an_event_of_a_payment_nothing_is_asked_for(new_session: NewSession, feed: Feed) -> None:
    session = new_session(WEBHOOK)
    session.inbox.store([new_event("pms", get_system("pms").events, b'{"event": "booking.updated", "id": 7}')])
    claim = session.inbox.claim("pms")
    assert claim
    session.claim_id = claim.id
    assert found(session) == set()
    assert feed.asked == []

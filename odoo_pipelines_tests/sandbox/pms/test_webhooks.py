"""The sandbox tells of what happens in it as the contract says: signed, with one id however often it is sent."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from odoo_pipelines.integration import Integration
from odoo_pipelines.webhooks.signatures import check_signature, read_signature, signing_keys
from odoo_pipelines_sandbox.serving import running
from odoo_pipelines_tests.sandbox.pms.client import Client, sandbox
from odoo_pipelines_tests.sandbox.pms.contract import check_schema

SECRET = "webhook-secret-0817-confidential"
KEYS = signing_keys(Integration.model_validate({"name": "pms", "webhook_secrets": SECRET}))
SECONDS = 20


class Receiver:
    """Takes webhooks, and refuses those of which it was told to.

    Attributes:
        refusals: how many of the next ones are answered 503.
    """

    def __init__(self) -> None:
        self.refusals = 0
        self._taken: queue.Queue[dict[str, Any]] = queue.Queue()
        self.refused: list[dict[str, Any]] = []

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        check_signature(read_signature(request.headers.raw, KEYS, time.time()), body)
        event = json.loads(body)
        if self.refusals:
            self.refusals -= 1
            self.refused.append(event)
            return Response(status_code=503)
        self._taken.put(event)
        return Response()

    def events(self, number: int) -> list[dict[str, Any]]:
        """So many of those that came, in their order."""
        return [self._taken.get(timeout=SECONDS) for _ in range(number)]


@contextmanager
def telling(receiver: Receiver) -> Iterator[Client]:
    """A sandbox that tells a receiver."""
    app = Starlette(routes=[Route("/hook", receiver.answer, methods=["POST"])])
    with running(app) as url, sandbox(bookings=20, webhook_url=f"{url}/hook", webhook_secret=SECRET) as pms:
        yield pms


def test_all_that_happens_to_bookings_and_payments_is_told() -> None:
    receiver = Receiver()
    with telling(receiver) as pms:
        touched = pms.control("advance", changed_bookings=2, new_bookings=3, cancelled=1, changed_guests=1)
        told = {
            "booking.created": touched["new_bookings"],
            "booking.updated": touched["changed_bookings"],
            "booking.cancelled": touched["cancelled"],
            "payment.received": touched["new_payments"],
        }
        events = receiver.events(sum(map(len, told.values())))
        for event_type, ids in told.items():
            assert [event["data"]["id"] for event in events if event["event_type"] == event_type] == ids
        for event in events:
            check_schema("Payment" if event["event_type"] == "payment.received" else "Booking", event["data"])
        assert len({event["id"] for event in events}) == len(events)


def test_an_edit_is_told_with_the_record_as_it_is_served_then() -> None:
    receiver = Receiver()
    with telling(receiver) as pms:
        booking = pms.rows("/bookings")[0]["id"]
        served = pms.control("edit", id=booking, fields={"special_requests": "late arrival"})
        [event] = receiver.events(1)
    assert (event["event_type"], event["data"]) == ("booking.updated", served)


def test_an_event_is_sent_until_it_is_taken_under_the_same_id() -> None:
    receiver = Receiver()
    receiver.refusals = 2
    with telling(receiver) as pms:
        pms.control("advance", new_bookings=0, changed_bookings=1)
        [event] = receiver.events(1)
    assert receiver.refused == [event, event]


def test_nothing_is_told_where_nobody_listens() -> None:
    with sandbox(bookings=5) as pms:
        assert pms.control("advance", changed_bookings=1)["changed_bookings"]

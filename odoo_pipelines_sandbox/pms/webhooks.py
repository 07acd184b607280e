"""Webhooks that the sandbox sends of what happens in it: signed, in order, each until somebody has taken it."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from queue import Queue
from typing import Any

import requests
from pydantic import SecretStr

from odoo_pipelines_sandbox.pms.events import Touched, require
from odoo_pipelines_sandbox.pms.ids import Stream
from odoo_pipelines_sandbox.pms.times import rfc3339
from odoo_pipelines_sandbox.pms.world import World

LONGEST_WAIT_SECONDS = 2.0
_FIRST_WAIT_SECONDS = 0.1
_TIMEOUT_SECONDS = 10

_logger = logging.getLogger(__name__)


class Webhooks:
    """Delivers events one after the other, from a thread that ends with the process.

    Args:
        url: of the receiver; None sends nothing.
        secret: that the events are signed with; None leaves them unsigned.
        now: gives Unix seconds.
    """

    def __init__(self, url: str | None, secret: SecretStr | None, now: Callable[[], float]) -> None:
        self._url = url
        self._secret = secret
        self._now = now
        self._sent = 0
        self._waiting: Queue[bytes] = Queue()
        if url is not None:
            threading.Thread(target=self._deliver_all, args=(url,), name="webhooks", daemon=True).start()

    def tell(self, world: World, touched: Touched) -> None:
        """Sends events of all that has happened; of guests the contract knows none."""
        self._tell(world, "booking.created", "bookings", touched.new_bookings)
        self._tell(world, "booking.updated", "bookings", touched.changed_bookings)
        self._tell(world, "booking.cancelled", "bookings", touched.cancelled)
        self._tell(world, "payment.received", "payments", touched.new_payments)

    def tell_edited(self, world: World, stream: Stream, external_id: str | int) -> None:
        """Sends an event of a record that was edited by hand."""
        self.tell(world, Touched(changed_bookings=[external_id] if stream == "bookings" else []))

    def _tell(self, world: World, event_type: str, stream: Stream, external_ids: Iterable[str | int]) -> None:
        for external_id in external_ids if self._url is not None else ():
            self._sent += 1
            event = {
                "id": f"evt-{world.options.seed}-{int(self._now() * 1000)}-{self._sent}",
                "event_type": event_type,
                "occurred_at": rfc3339(world.clock),
                "data": world.served(stream, require(world, stream, external_id)),
            }
            self._waiting.put(json.dumps(event).encode())

    def _deliver_all(self, url: str) -> None:
        while True:
            body, wait = self._waiting.get(), _FIRST_WAIT_SECONDS
            while not self._is_delivered(url, body):
                time.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    def _is_delivered(self, url: str, body: bytes) -> bool:
        try:
            answer = requests.post(url, data=body, headers=self._headers(body), timeout=_TIMEOUT_SECONDS)
        except requests.RequestException as error:
            _logger.info("webhook not delivered: %s", type(error).__name__)
            return False
        if not answer.ok:
            _logger.info("webhook answered %d", answer.status_code)
        return answer.ok

    def _headers(self, body: bytes) -> dict[str, Any]:
        """Signed anew with every try: a signature is good for a few minutes only."""
        headers = {"Content-Type": "application/json"}
        if self._secret is None:
            return headers
        timestamp = str(int(self._now()))
        signature = hmac.new(self._secret.get_secret_value().encode(), timestamp.encode() + body, hashlib.sha256)
        return {**headers, "X-Webhook-Timestamp": timestamp, "X-Webhook-Signature": signature.hexdigest()}

"""What is told of every request: a structured log line, metrics, a count in the state. Never a body or a secret."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import orjson
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from odoo_pipelines.webhooks.refusals import Refusal
from odoo_pipelines.webhooks.tally import Tally

_KEY = "odoo_pipelines.told"
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class RequestRecord:
    """What is known of a request.

    Attributes:
        integration: name of a configured one.
        event_type: of a request whose signature was right; of a batch all of them, with commas between.
        events: how many it held.
        outcome: such as "accepted"; "" where it was none of webhooks and syncs.
        reason: more about a refusal.
        bytes: of the body, as far as it was read.
        job_id: of the answer; of a batch the first.
        stored: the outcome is in the state already, together with the event.
    """

    integration: str = ""
    event_type: str = ""
    events: int = 0
    outcome: str = ""
    reason: str = ""
    bytes: int = 0
    job_id: str | None = None
    stored: bool = False

    def refused(self, refusal: Refusal, reason: str) -> None:
        """Notes a refusal."""
        self.outcome, self.reason = refusal.outcome, reason


def record_of(request: Request) -> RequestRecord:
    """What is told of this request, for the code that handles it to fill in."""
    return cast("RequestRecord", request.scope[_KEY])


class RequestMetrics:
    """The numbers of requests that Prometheus reads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "odoo_pipelines_requests",
            "Webhooks and manual syncs by what became of them.",
            ("integration", "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "odoo_pipelines_request_seconds",
            "Time until webhooks and manual syncs were answered.",
            registry=registry,
            buckets=_SECONDS,
        )

    def observe(self, known: RequestRecord, seconds: float) -> None:
        """Counts one request."""
        self._requests.labels(known.integration, known.outcome).inc()
        self._seconds.observe(seconds)


class RequestLog:
    """ASGI middleware around everything else.

    Args:
        app: what it is around.
        metrics: of webhooks and manual syncs.
        tally: takes the outcomes that are not stored together with an event.
    """

    def __init__(self, app: ASGIApp, metrics: RequestMetrics, tally: Tally) -> None:
        self._app = app
        self._metrics = metrics
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request, and tells of it however it ends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        known = scope[_KEY] = RequestRecord()
        status, started = 0, time.perf_counter()

        async def send_and_look(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_look)
        finally:
            self._log(scope, known, status, time.perf_counter() - started)

    def _log(self, scope: Scope, known: RequestRecord, status: int, seconds: float) -> None:
        if known.outcome:
            self._metrics.observe(known, seconds)
            if not known.stored:
                self._tally.add(known.integration, known.outcome)
        elif scope["method"] == "GET" and 0 < status < 500:  # noqa: PLR2004 - probes, every few seconds
            return
        fields = {
            "integration": known.integration,
            "event_type": known.event_type,
            "events": known.events,
            "status": status or 500,
            "outcome": known.outcome,
            "reason": known.reason,
            "bytes": known.bytes,
            "ms": round(seconds * 1000, 1),
            "job_id": known.job_id,
        }
        _logger.info("request", extra={"fields": fields})


class JsonLines(logging.Formatter):
    """Log records as one line of JSON each; what a sender wrote cannot begin a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()

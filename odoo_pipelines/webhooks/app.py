"""The receiver's HTTP interface. Everything that it answers is in its OpenAPI, at /docs."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Protocol

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from odoo_pipelines.settings import Settings
from odoo_pipelines.stores.inbox_rows import ACCEPTED, REPEATED, NewEvent, Stored, WaitingEvents
from odoo_pipelines.webhooks import documents
from odoo_pipelines.webhooks.bodies import InFlight, read_body
from odoo_pipelines.webhooks.documents import Accepted, AcceptedBatch, AcceptedSync, Alive, Ready
from odoo_pipelines.webhooks.group_commit import GroupCommit
from odoo_pipelines.webhooks.health import Health
from odoo_pipelines.webhooks.pages import show_documents
from odoo_pipelines.webhooks.receiver import Receiver
from odoo_pipelines.webhooks.refusals import TOO_MANY_SYNCS, UNAVAILABLE, Refusal, RefusedError
from odoo_pipelines.webhooks.request_log import RequestLog, RequestMetrics, RequestRecord, record_of
from odoo_pipelines.webhooks.tally import Place, Tally

_GONE = Refusal("gone", 400, "the body did not come to its end")


class EventStore(Protocol):
    """Where events are kept; blocking, and called in threads."""

    def store(self, events: Sequence[NewEvent], counts: Mapping[Place, int]) -> Sequence[Stored]:
        """Stores events and counts in one transaction; StateError if it cannot."""

    def waiting(self) -> WaitingEvents:
        """What waits to be claimed; StateError if it cannot be told."""


def create_app(settings: Settings, store: EventStore, clock: Callable[[], float] = time.time) -> FastAPI:
    """The receiver as an ASGI application.

    Args:
        settings: of the integrations; those that are not active are unknown to senders.
        store: where events go.
        clock: Unix seconds.

    Raises:
        ConfigurationError: a webhook secret cannot be used.
    """
    registry, tally, threads = CollectorRegistry(), Tally(clock), ThreadPoolExecutor(2, "receiver")
    commits = GroupCommit(store.store, tally, threads)
    health = Health(store.waiting, threads, registry)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with commits:
            await health.look()  # the first one brings the tables up to date, if the database is there
            yield
        threads.shutdown()

    app = FastAPI(
        title="Odoo Pipelines: receiver",
        version="1",
        description=documents.DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(RequestLog, metrics=RequestMetrics(registry), tally=tally)
    _answer_refusals(app)
    _take_requests(app, Receiver(settings, clock), commits)
    _show_health(app, health, registry)
    show_documents(app)
    return app


def _take_requests(app: FastAPI, receiver: Receiver, commits: GroupCommit) -> None:
    in_flight = InFlight()

    @app.post(
        "/api/v1/webhook/{integration_id}",
        summary="One event, or a batch of them",
        response_model=Accepted | AcceptedBatch,
        responses=documents.WEBHOOK_ANSWERS,
        openapi_extra=documents.WEBHOOK,
    )
    async def webhook(request: Request) -> Response:
        known = record_of(request)
        endpoint = receiver.endpoint(request.path_params["integration_id"])
        known.integration = endpoint.name
        signed = receiver.signature(endpoint, request.headers.raw)
        async with read_body(request, in_flight) as body:
            known.bytes = len(body)
            delivery = receiver.events(endpoint, signed, body)
            job_ids = [str(each.job_id) for each in await _store(known, commits, delivery.events)]
            answer = {"job_ids": job_ids} if delivery.is_batch else {"job_id": job_ids[0]}
            return JSONResponse({"status": ACCEPTED, **answer})

    @app.post(
        "/api/v1/sync/{integration}/{flow}",
        summary="A manual sync",
        response_model=AcceptedSync,
        responses=documents.SYNC_ANSWERS,
        openapi_extra=documents.SYNC,
        dependencies=[Depends(HTTPBearer(auto_error=False, scheme_name="bearer"))],  # for the documents only
    )
    async def sync(request: Request) -> Response:
        receiver.check_token(request.headers.raw)
        known = record_of(request)
        endpoint = receiver.endpoint(request.path_params["integration"])
        known.integration = endpoint.name
        receiver.check_flow(endpoint, request.path_params["flow"])
        async with read_body(request, in_flight) as body:
            known.bytes = len(body)
            event = receiver.sync(endpoint, request.path_params["flow"], body)
            [stored] = await _store(known, commits, [event])
            if stored.too_many:
                raise RefusedError(TOO_MANY_SYNCS)
            return JSONResponse({"status": known.outcome, "job_id": known.job_id})


async def _store(known: RequestRecord, commits: GroupCommit, events: Sequence[NewEvent]) -> Sequence[Stored]:
    known.event_type = ",".join(sorted({event.event_type for event in events}))
    known.events = len(events)
    stored = await commits.store(events)
    outcomes = [each.outcome(event) for each, event in zip(stored, events, strict=True)]
    known.outcome, known.stored = min(outcomes, key=_by_weight), True
    known.job_id = str(stored[0].job_id)
    return stored


def _by_weight(outcome: str) -> tuple[bool, bool]:
    """The first of these is what a batch is counted as: accepted, or else repeated only if all of it is."""
    return outcome != ACCEPTED, outcome == REPEATED


def _show_health(app: FastAPI, health: Health, registry: CollectorRegistry) -> None:
    @app.get("/healthz", summary="The process answers", response_model=Alive)
    async def healthz() -> Alive:
        return Alive()

    @app.get("/readyz", summary="The database answers", response_model=Ready, responses=documents.READY_ANSWERS)
    async def readyz() -> Ready | Response:
        waiting = await health.look()
        if waiting is None:
            return _refusal(UNAVAILABLE)
        return Ready(backlog=waiting.count, oldest_pending_seconds=round(waiting.oldest_seconds, 1))

    @app.get("/metrics", summary="For Prometheus", response_class=Response, responses=documents.METRICS_ANSWERS)
    async def metrics() -> Response:
        await health.look()
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _answer_refusals(app: FastAPI) -> None:
    @app.exception_handler(RefusedError)
    async def refused(request: Request, error: RefusedError) -> Response:
        record_of(request).refused(error.refusal, error.reason)
        return _refusal(error.refusal)

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, _: ClientDisconnect) -> Response:
        record_of(request).refused(_GONE, "")
        return _refusal(_GONE)  # which nobody reads

    @app.exception_handler(HTTPException)
    async def no_such_path(_: Request, error: HTTPException) -> Response:
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def _refusal(refusal: Refusal) -> Response:
    return JSONResponse({"error": refusal.message}, refusal.status, refusal.headers)

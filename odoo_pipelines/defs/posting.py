"""Assets of flows whose records are posted one by one: captured in Odoo, sent, and marked in Odoo."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg

from odoo_pipelines.defs.keys import odoo_key
from odoo_pipelines.defs.outbound_assets import sent_asset, source_asset
from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.http.connection import record_path
from odoo_pipelines.integration import Integration
from odoo_pipelines.odoo.capture import Reader
from odoo_pipelines.odoo.retries import Retries
from odoo_pipelines.odoo.writing import Writing
from odoo_pipelines.pipeline.captured import capture, captured_rows, owners_of
from odoo_pipelines.pipeline.posting import Sender
from odoo_pipelines.pipeline.posting_delivery import Delivery
from odoo_pipelines.pipeline.sending import Sent, send_flow
from odoo_pipelines.pipeline.session import FlowState, Session
from odoo_pipelines.rest.client import ExternalClient
from odoo_pipelines.stores.outbound import OutboundState, Posting
from odoo_pipelines.stores.state import RunRef
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.outbound import Message, PostedFlow
from odoo_pipelines.systems.policies import Disaster
from odoo_pipelines.systems.records import Batch


def posting_assets(integration: Integration, flow: PostedFlow) -> list[dg.AssetsDefinition]:
    """What is captured in Odoo, and what the external system is told of it."""
    models = (flow.model, flow.owner.model)
    loads = [
        odoo_key(integration, each) for each in get_system(integration.system).flows if each.target.model in models
    ]
    return [
        source_asset(integration, flow, lambda session: capture(session, _wanted(session, flow)).metadata, deps=loads),
        sent_asset(integration, flow, partial(send_records, flow=flow)),
    ]


def send_records(session: Session, flow: PostedFlow) -> tuple[Sent, dict[str, Any]]:
    """Sends what was captured, and marks it in Odoo."""
    return send_flow(session, flow, partial(_send, session, flow)), {}


def _send(session: Session, flow: PostedFlow, state: FlowState, batches: Sequence[Batch]) -> FlowReport:
    flow = _wanted(session, flow)
    stream = session.system.streams[flow.stream]
    postings = _Postings(session.outbound_state, state.run)
    reader = Reader(session.connected, session.schemas)
    sender = Sender(
        integration=session.integration.name,
        flow=flow,
        reader=reader,
        writing=Writing(session.engine_odoo, Retries(session.sleep)),
        state=state,
        postings=postings,
        owners=owners_of(session, flow, reader),
        delivery=Delivery(
            session.integration.name,
            flow,
            _Recipient(session.external, stream.path),
            postings,
            look_since=partial(_look_since, session, stream.name),
            sleep=session.sleep,
        ),
        still_writer=session.still_writer,
        look_first=session.disaster is not None,
    )
    return sender.send(captured_rows(session, batches))


def _wanted(session: Session, flow: PostedFlow) -> PostedFlow:
    """The flow; where the external system was restored from a backup, with what was sent before, for it may be lost."""
    return replace(flow, domain=flow.sent) if session.disaster is Disaster.PMS_BACKUP else flow


def _look_since(session: Session, stream: str) -> datetime | None:
    """Before the newest record that is known, or before now: whichever of the two clocks is behind."""
    newest = session.state.watermark(session.integration.name, stream)
    overlap = timedelta(minutes=session.integration.overlap_minutes)
    return None if newest is None else min(newest, datetime.now(UTC)) - overlap


@dataclass(frozen=True, slots=True)
class _Recipient:
    """The external system, to which records are posted."""

    client: ExternalClient
    listed_at: str

    def post(self, message: Message, idempotency_key: str) -> tuple[bool, Any]:
        path = record_path(message.collection, *message.segments)
        posted = self.client.post_once(path, message.body, idempotency_key)
        return posted.created, posted.record

    def listed(self, since: datetime | None) -> Iterator[Any]:
        for page in self.client.pages(self.listed_at, updated_since=since):
            yield from page.rows


@dataclass(frozen=True, slots=True)
class _Postings:
    """What the state remembers of one flow's messages."""

    state: OutboundState
    run: RunRef

    def begun(self, odoo_ids: Collection[int]) -> Mapping[int, Sequence[Posting]]:
        return self.state.postings(self.run.integration, self.run.flow, odoo_ids)

    def begun_as(self, keys: Collection[str]) -> Mapping[str, Sequence[Posting]]:
        return self.state.begun_as(self.run.integration, self.run.flow, keys)

    def begin(self, odoo_id: int, key: str, look_since: datetime | None) -> None:
        self.state.begin(self.run, odoo_id, key, look_since)

    def done(self, odoo_id: int, key: str) -> None:
        self.state.done(self.run, odoo_id, key)

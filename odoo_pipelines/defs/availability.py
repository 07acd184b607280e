"""What is left by resource and day: counted in Odoo, and told to the external system."""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import dagster as dg

from odoo_pipelines.defs.keys import odoo_key
from odoo_pipelines.defs.outbound_assets import sent_asset, source_asset
from odoo_pipelines.defs.resources import BY_HAND
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, external_id_of, sync_key
from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.http.connection import record_path
from odoo_pipelines.integration import Integration
from odoo_pipelines.odoo.calls import EVEN_ARCHIVED
from odoo_pipelines.odoo.capture import Reader
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.pipeline.pushing import Push
from odoo_pipelines.pipeline.sending import Sent, send_flow
from odoo_pipelines.pipeline.session import FlowState, Session
from odoo_pipelines.stores.day_rows import day_schema, from_columns, to_columns
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.availability import (
    AvailabilityFlow,
    Counted,
    Day,
    Domain,
    Horizon,
    Resources,
    day_of,
    resource_of,
)
from odoo_pipelines.systems.outbound import Message, OdooRow
from odoo_pipelines.systems.records import WHOLE, Batch, Outcome
from odoo_pipelines.systems.targets import Target

Clock: TypeAlias = Callable[[], datetime]

PAGE_ROWS = 2_000
READ_ROWS = 1_000
_SAMPLE = 20

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def availability_assets(integration: Integration, flow: AvailabilityFlow) -> list[dg.AssetsDefinition]:
    """What is left, counted in Odoo; and what the external system is told of it."""
    loads = [odoo_key(integration, each) for each in get_system(integration.system).flows if _feeds(each.target, flow)]
    return [
        source_asset(integration, flow, partial(count_availability, flow=flow), deps=loads),
        sent_asset(integration, flow, partial(tell_availability, flow=flow)),
    ]


def count_availability(session: Session, flow: AvailabilityFlow, now: Clock = utc_now) -> dict[str, Any]:
    """Counts what is left, in one pass over the lines of orders, and registers it as a batch.

    Returns:
        Metadata: numbers and external ids, never a value of an order.
    """
    odoo = session.connected
    requests = odoo.requests.total
    horizon = Horizon(today_of(session.integration, now), session.integration.availability_days)
    told = session.sent_values(flow.name).all()
    known = {resource_of(key) for key in told if day_of(key) >= horizon.first}
    resources = flow.resources(_products(odoo, session.integration.name, flow), known)
    _warn(flow, resources)
    products = [odoo_id for resource in resources.told for odoo_id in resource.odoo_ids]
    lines = _lines(session, flow, flow.lines(products, horizon)) if products else ()
    counted = flow.count(resources.told, lines, horizon)
    batch = _register(session, flow, counted.days)
    return {
        "dagster/row_count": batch.rows,
        "batch": batch.path,
        "horizon": f"{horizon.first} to {horizon.before}",
        "requests": odoo.requests.total - requests,
        **_counted_metadata(counted),
        **_resources_metadata(resources),
    }


def tell_availability(session: Session, flow: AvailabilityFlow, now: Clock = utc_now) -> tuple[Sent, dict[str, Any]]:
    """Tells the newest numbers, where they are others than those that were told; by hand all of them."""
    today = today_of(session.integration, now)

    def push(state: FlowState, batches: Sequence[Batch]) -> FlowReport:
        pushing = Push(
            flow,
            partial(_put, session),
            session.sent_values(flow.name),
            lambda outcomes, counts: state.commit([], outcomes, counts),
            still_writer=session.still_writer,
            today=today,
            again=session.mode == BY_HAND or session.disaster is not None,
        )
        report = pushing.push(_days(session, batches))
        if batches:
            _end_letters(session, flow, {day.key for day in _days(session, batches) if day.date >= today})
        return report

    sent = send_flow(session, flow, push)
    counts = sent.report.counts.by_outcome
    return sent, {"numbers_told": counts[Outcome.CREATED] + counts[Outcome.UPDATED]}


def today_of(integration: Integration, now: Clock) -> date:
    """The date where the integration is."""
    return now().astimezone(ZoneInfo(integration.time_zone)).date()


def _feeds(target: Target, flow: AvailabilityFlow) -> bool:
    """Whether records that are counted are loaded into this target."""
    return flow.model == target.model or bool(target.lines and target.lines.model == flow.line_model)


def _products(odoo: OdooClient, integration: str, flow: AvailabilityFlow) -> Iterator[tuple[str, OdooRow]]:
    """The resources' records, archived ones included, each with its external id."""
    domain = [(SYNC_KEY_FIELD, "=like", f"{sync_key(integration, flow.resource, '')}%")]
    fields = [SYNC_KEY_FIELD, *flow.fields]
    for row in odoo.search_read(flow.model, domain, fields, order="id", context=EVEN_ARCHIVED):
        external_id = external_id_of(row[SYNC_KEY_FIELD], integration, flow.resource)
        if external_id is not None:  # an underscore in the domain is a wildcard
            yield external_id, row


def _lines(session: Session, flow: AvailabilityFlow, domain: Domain) -> Iterator[OdooRow]:
    """The lines page by page, each from the id where the last ended: one that is added meanwhile shifts no page."""
    reader, last = Reader(session.connected, session.schemas), 0
    while page := reader.search(flow.line_model, [*domain, ("id", ">", last)], flow.line_fields, limit=PAGE_ROWS):
        yield from page
        last = page[-1]["id"]


def _register(session: Session, flow: AvailabilityFlow, days: Sequence[Day]) -> Batch:
    """One batch with everything, so that earlier ones say nothing more."""
    name = session.integration.name
    path = session.batches.path_for(name, "odoo", flow.name, WHOLE, session.run_id)
    with session.batches.writer(path, day_schema()) as writer:
        writer.write([to_columns(day) for day in days])
    batch = Batch(0, name, "odoo", flow.name, WHOLE, session.run_id, path, writer.rows, None, complete=True)
    return session.state.register(batch)


def _days(session: Session, batches: Sequence[Batch]) -> Iterator[Day]:
    for batch in batches:
        for rows in session.batches.rows(batch.path, READ_ROWS):
            yield from map(from_columns, rows)


def _put(session: Session, message: Message) -> None:
    session.external.put(record_path(message.collection, *message.segments), message.body)


def _end_letters(session: Session, flow: AvailabilityFlow, still_told: Collection[str]) -> None:
    """Ends the dead letters of days that are over, and of resources that are not told any more."""
    letters = session.state.letters(LetterFilter(session.integration.name, flow.name))
    over = [letter.record for letter in letters if letter.key not in still_told]
    session.state.end_letters(session.integration.name, flow.name, over=over, lost=[])


def _warn(flow: AvailabilityFlow, resources: Resources) -> None:
    if resources.emptied:
        names = ", ".join(resources.emptied[:_SAMPLE])
        log.warning("%s: no capacity any more, so nothing is left of %s", flow.name, names)
    if resources.gone:
        names = ", ".join(resources.gone[:_SAMPLE])
        log.warning("%s: not in Odoo any more, what was told before stays as it is: %s", flow.name, names)


def _counted_metadata(counted: Counted) -> dict[str, Any]:
    overbooked = [day.key for day in counted.days if day.overbooked]
    return {
        "order_lines": counted.lines,
        "orders_without_dates": counted.undated,
        "overbooked": len(overbooked),
        **_listed("overbooked_sample", overbooked),
    }


def _resources_metadata(resources: Resources) -> dict[str, Any]:
    """What is told, and the ids of what is not, or not any more."""
    return {
        "resources": len(resources.told),
        **_listed("without_capacity", resources.without_capacity),
        **_listed("emptied", resources.emptied),
        **_listed("unnamed", resources.unnamed),
        **_listed("gone", resources.gone),
    }


def _listed(name: str, ids: Sequence[str]) -> dict[str, str]:
    more = len(ids) - _SAMPLE
    return {name: ", ".join(ids[:_SAMPLE]) + (f" and {more} more" if more > 0 else "")} if ids else {}

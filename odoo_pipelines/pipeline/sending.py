"""Sends the batches of a flow out of Odoo and reconciles its row counts: what all outbound flows share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.pipeline.consumers import sending_consumer
from odoo_pipelines.pipeline.loading import marked_as_failed, reconcile_counts
from odoo_pipelines.pipeline.session import FlowState, Session
from odoo_pipelines.stores.batch_registry import since_complete
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.systems.outbound import OutboundFlow
from odoo_pipelines.systems.records import Batch

Send: TypeAlias = Callable[[FlowState, Sequence[Batch]], FlowReport]
"""Sends the rows of batches and commits what became of each."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One flow's sending in one run.

    Attributes:
        report: what became of the rows.
        rows_in: rows of the batches, counted when they were read out of Odoo.
        balanced: every one of them has exactly one outcome.
        dead_letters: rejected rows that wait, by class, whichever run rejected them.
        requests: made to the external system.
        requests_odoo: made to Odoo.
        seconds: that it took.
    """

    report: FlowReport
    rows_in: int
    balanced: bool
    dead_letters: Mapping[str, int]
    requests: int
    requests_odoo: int
    seconds: float


def send_flow(session: Session, flow: OutboundFlow, send: Send) -> Sent:
    """Sends what waits, and closes the accounts.

    Args:
        session: of the run; Odoo must be switched on.
        flow: what is sent.
        send: is given the batches that still say something, oldest first.

    Raises:
        OdooPipelinesError: a side cannot be reached, or refuses everything; what was done so far is remembered.
    """
    started, before = time.monotonic(), _requests(session)
    state = session.flow_state(flow.name)
    waiting = session.state.pending(session.integration.name, "odoo", [flow.name], sending_consumer(flow))
    batches = session.unreadable.readable(since_complete(waiting))
    rows_in = sum(batch.rows for batch in batches)
    state.state.start(state.run, session.mode)
    with marked_as_failed(state):
        report = send(state, batches)
        over = [batch.id for batch in session.unreadable.over(waiting)]
        balanced = reconcile_counts(state, rows_in, sending_consumer(flow), over)
    external, odoo = (after - earlier for after, earlier in zip(_requests(session), before, strict=True))
    return Sent(
        report=report,
        rows_in=rows_in,
        balanced=balanced,
        dead_letters=session.state.count_letters(LetterFilter(session.integration.name, flow.name)),
        requests=external,
        requests_odoo=odoo,
        seconds=time.monotonic() - started,
    )


def _requests(session: Session) -> tuple[int, int]:
    return session.external.requests.total, session.odoo.requests.total if session.odoo else 0

"""Names under which what makes something of batches marks them as done."""

from __future__ import annotations

from odoo_pipelines.systems.base import Flow, Stream
from odoo_pipelines.systems.outbound import OutboundFlow


def mapping_consumer(flow: Flow) -> str:
    """Of a mapping."""
    return f"mapped/{flow.name}"


def load_consumer(flow: Flow) -> str:
    """Of a load."""
    return f"odoo/{flow.load_name}"


def by_id_consumer(stream: Stream) -> str:
    """Of the fetching of records that the rows of other streams name."""
    return f"external/{stream.name}_by_id"


def sending_consumer(flow: OutboundFlow) -> str:
    """Of what is sent to the external system."""
    return f"external/{flow.name}"

"""All assets that lead out of Odoo."""

import dagster as dg

from odoo_pipelines.defs.availability import availability_assets
from odoo_pipelines.defs.posting import posting_assets
from odoo_pipelines.integration import Integration
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.availability import AvailabilityFlow
from odoo_pipelines.systems.outbound import OutboundFlow, PostedFlow


def outbound_assets_of(integration: Integration) -> list[dg.AssetsDefinition]:
    """The assets of an integration that lead out of Odoo."""
    return [asset for flow in get_system(integration.system).outbound for asset in _assets(integration, flow)]


def _assets(integration: Integration, flow: OutboundFlow) -> list[dg.AssetsDefinition]:
    if isinstance(flow, PostedFlow):
        return posting_assets(integration, flow)
    if isinstance(flow, AvailabilityFlow):
        return availability_assets(integration, flow)
    message = f"there is no way to send {flow.name}"
    raise TypeError(message)

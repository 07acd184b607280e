"""Keys and groups of assets: what Dagster shows side by side, and by which names people and jobs find it."""

from enum import StrEnum

import dagster as dg

from odoo_pipelines.integration import Integration
from odoo_pipelines.systems.base import Flow
from odoo_pipelines.systems.outbound import OutboundFlow


class Stage(StrEnum):
    """A stage of the data flow, into Odoo or out of it; its assets are a group."""

    EXTRACT = "extract"
    MAP = "map"
    LOAD = "load"
    EXTRACT_ODOO = "extract_odoo"
    PUSH = "push"


INTO_ODOO = (Stage.EXTRACT, Stage.MAP, Stage.LOAD)
OUT_OF_ODOO = (Stage.EXTRACT_ODOO, Stage.PUSH)


def group(integration: Integration, stage: Stage) -> str:
    """Name of a group, such as "pms_load"."""
    return f"{integration.identifier}_{stage}"


def assets_in(integration: Integration, stages: tuple[Stage, ...]) -> dg.AssetSelection:
    """The assets of some stages."""
    return dg.AssetSelection.groups(*(group(integration, each) for each in stages))


def external_key(integration: Integration, stream: str) -> dg.AssetKey:
    """Key of an extraction."""
    return dg.AssetKey([integration.name, "external", stream])


def mapped_key(integration: Integration, flow: str) -> dg.AssetKey:
    """Key of a mapping."""
    return dg.AssetKey([integration.name, "mapped", flow])


def odoo_key(integration: Integration, flow: Flow) -> dg.AssetKey:
    """Key of a load."""
    return dg.AssetKey([integration.name, "odoo", flow.load_name])


def source_key(integration: Integration, flow: OutboundFlow) -> dg.AssetKey:
    """Key of what is read out of Odoo."""
    return dg.AssetKey([integration.name, "odoo", flow.source])


def sent_key(integration: Integration, flow: OutboundFlow) -> dg.AssetKey:
    """Key of what is pushed to the external system."""
    return external_key(integration, flow.name)

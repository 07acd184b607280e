"""What all assets that lead out of Odoo share: keys, group, checks and numbers."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from odoo_pipelines.defs.assets import asset_of
from odoo_pipelines.defs.checks import account_results, account_specs, accounts_not_checked
from odoo_pipelines.defs.keys import Stage, sent_key, source_key
from odoo_pipelines.defs.metadata import counts_metadata, rejections_metadata
from odoo_pipelines.defs.resources import Sessions
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.sending import Sent
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.outbound import OutboundFlow

SWITCHED_OFF = "ODOO_ENABLED is off"


def source_asset(
    integration: Integration, flow: OutboundFlow, read: Callable[[Session], dict[str, Any]], **arguments: Any
) -> dg.AssetsDefinition:
    """The asset that reads a flow's rows out of Odoo.

    Args:
        integration: that it belongs to.
        flow: described.
        read: registers a batch, and gives the metadata.
        arguments: further ones of `dg.asset`, such as `deps`.
    """

    @asset_of(
        integration,
        get_system(integration.system),
        Stage.EXTRACT_ODOO,
        partitioned=False,
        key=source_key(integration, flow),
        description=f"{flow.description} Read out of Odoo.",
        kinds={"odoo", "parquet"},
        **arguments,
    )
    def source(context: dg.AssetExecutionContext, sessions: dg.ResourceParam[Sessions]) -> dg.MaterializeResult[Any]:
        session = sessions.open(integration.name)
        if not session.integration.odoo_enabled:
            context.log.warning(f"{SWITCHED_OFF}: nothing was read")
            return dg.MaterializeResult(metadata={"skipped": SWITCHED_OFF})
        return dg.MaterializeResult(metadata=read(session))

    return source


def sent_asset(
    integration: Integration, flow: OutboundFlow, send: Callable[[Session], tuple[Sent, dict[str, Any]]]
) -> dg.AssetsDefinition:
    """The asset that tells the external system of a flow's rows.

    Args:
        integration: that it belongs to.
        flow: described.
        send: sends what waits; gives its accounts, and metadata besides theirs.
    """
    key = sent_key(integration, flow)

    @asset_of(
        integration,
        get_system(integration.system),
        Stage.PUSH,
        partitioned=False,
        key=key,
        deps=[source_key(integration, flow)],
        description=f"{flow.description} Sent to {integration.system}.",
        kinds={"python"},
        check_specs=account_specs(key),
    )
    def sent(context: dg.AssetExecutionContext, sessions: dg.ResourceParam[Sessions]) -> dg.MaterializeResult:  # type: ignore[type-arg]
        session = sessions.open(integration.name)
        if not session.integration.odoo_enabled:
            context.log.warning(f"{SWITCHED_OFF}: nothing was sent")
            return dg.MaterializeResult(
                metadata={"skipped": SWITCHED_OFF}, check_results=accounts_not_checked(SWITCHED_OFF)
            )
        accounts, metadata = send(session)
        context.log.info(f"{flow.name}: {accounts.report.counts.as_dict()} in {accounts.requests} requests")
        return dg.MaterializeResult(
            metadata={**sent_metadata(accounts), **metadata},
            check_results=account_results(session.integration, accounts),
        )

    return sent


def sent_metadata(sent: Sent) -> dict[str, Any]:
    """Rows in and outcomes out, rejections without a value, requests to both sides."""
    return {
        **counts_metadata(sent.report.counts),
        "dagster/row_count": sent.report.counts.extracted,
        **rejections_metadata(sent.report.rejections),
        "requests": sent.requests,
        "requests_odoo": sent.requests_odoo,
        "duration_seconds": round(sent.seconds, 3),
    }

"""`odoo-pipelines bootstrap`: what Odoo lacks, shown first and then created; and what an integration needs there."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import TypeAdapter
from rich.console import Console
from rich.markup import escape
from rich.prompt import Confirm

from odoo_pipelines.clients import odoo_client
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.custom_fields import (
    SYNC_KEY,
    BootstrapPlan,
    CustomField,
    CustomFieldType,
    apply_bootstrap,
    plan_bootstrap,
)
from odoo_pipelines.settings import Settings
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.base import System
from odoo_pipelines.systems.targets import TargetField


def run_bootstrap(settings: Settings, name: str, console: Console, *, assume_yes: bool) -> bool:
    """Shows what is missing in Odoo and creates it.

    Returns:
        Whether nothing is missing any more.

    Raises:
        ConfigurationError: loads are switched off for this integration.
        OdooError: Odoo cannot be reached, or refuses.
    """
    integration = settings.integration(name)
    odoo = integration.connections().odoo
    if odoo is None:
        raise ConfigurationError(["ODOO_ENABLED is off: there is no Odoo to prepare"])
    client = odoo_client(odoo, settings)
    plan = plan_for(client, get_system(integration.system))
    _show(plan, console)
    if plan.problems:
        return False
    if plan.is_empty:
        console.print("Nothing is missing.")
        return True
    if not assume_yes and not Confirm.ask("Create them?", console=console, default=False):
        return False
    apply_bootstrap(client, plan)
    console.print("Created.")
    return True


def plan_for(client: OdooClient, system: System) -> BootstrapPlan:
    """What this server lacks for a system; reads only."""
    return plan_bootstrap(client, needed_fields(system), system.product_categories)


def needed_fields(system: System) -> dict[str, tuple[CustomField, ...]]:
    """Custom fields by model: the engine's sync key on every target, lines included, and those of the mappings."""
    fields: dict[str, tuple[CustomField, ...]] = {}
    for flow in system.flows:
        fields[flow.target.model] = (SYNC_KEY, *_custom(flow.target.fields))
        if flow.target.lines:
            fields[flow.target.lines.model] = (SYNC_KEY, *_custom(flow.target.lines.fields))
    return fields


def _custom(fields: Iterable[TargetField]) -> tuple[CustomField, ...]:
    return tuple(CustomField(each.name, _creatable(each), each.label, each.indexed) for each in fields if each.custom)


def _creatable(each: TargetField) -> CustomFieldType:
    return TypeAdapter[CustomFieldType](CustomFieldType).validate_python(each.type)


def _show(plan: BootstrapPlan, console: Console) -> None:
    for problem in plan.problems:
        console.print("[red]problem:[/]", escape(problem), highlight=False, soft_wrap=True)
    for model, fields in plan.fields.items():
        for each in fields:
            index = ", indexed" if each.indexed else ""
            console.print(
                f"field {model}.{each.name} ({each.type}{index}): {each.label}", markup=False, highlight=False
            )
    for category in plan.categories:
        console.print(f"product category {category}", highlight=False)

"""`odoo-pipelines bootstrap`: what Odoo lacks, shown first and then created; and what an integration needs there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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
from odoo_pipelines.odoo.payment_accounts import JournalType, PaymentPlan, apply_payments, plan_payments
from odoo_pipelines.settings import Settings
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.base import System
from odoo_pipelines.systems.targets import TargetField

_PAYMENT = "account.payment"
_CASH = "cash"


@dataclass(frozen=True, slots=True)
class Preparation:
    """What Odoo lacks for an integration.

    Attributes:
        fields: custom fields and product categories.
        payments: journals and their accounts.
    """

    fields: BootstrapPlan
    payments: PaymentPlan

    @property
    def problems(self) -> tuple[str, ...]:
        """What a person has to settle, one sentence each."""
        journals = (f"payment journals: {each.detail}; {each.fix}" for each in self.payments.obstacles)
        return (*self.fields.problems, *journals)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to create or to set."""
        return self.fields.is_empty and self.payments.is_empty

    def apply(self, client: OdooClient) -> None:
        """Creates and sets what is lacking; may be repeated.

        Raises:
            OdooAccessError: a right is missing.
            OdooValidationError: Odoo refuses something.
        """
        apply_bootstrap(client, self.fields)
        apply_payments(client, self.payments)


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
    lacking = lacking_in(client, get_system(integration.system), integration.journals)
    _show(lacking, console)
    if lacking.fields.problems:
        return False
    if lacking.is_empty:
        if not lacking.problems:
            console.print("Nothing is missing.")
        return not lacking.problems
    if not assume_yes and not Confirm.ask("Create them?", console=console, default=False):
        return False
    lacking.apply(client)
    console.print("Created.")
    return not lacking.problems


def lacking_in(client: OdooClient, system: System, journals: Mapping[str, str]) -> Preparation:
    """What this server lacks for a system; reads only.

    Args:
        client: any user's.
        system: that is to be synced.
        journals: codes of journals by payment method or gateway, as the integration sets them.
    """
    fields = plan_bootstrap(client, needed_fields(system), system.product_categories)
    if all(flow.target.model != _PAYMENT for flow in system.flows):
        return Preparation(fields, PaymentPlan())
    types: tuple[JournalType, ...] = ("bank",) if _CASH in journals else ("bank", "cash")
    return Preparation(fields, plan_payments(client, types, journals.values()))


def needed_fields(system: System) -> dict[str, tuple[CustomField, ...]]:
    """Custom fields by model: the engine's sync key on every target, lines included, and those of the mappings."""
    fields: dict[str, tuple[CustomField, ...]] = {}
    for flow in system.flows:
        fields[flow.target.model] = (SYNC_KEY, *_custom((*flow.target.fields, *flow.target.by_hand)))
        if flow.target.lines:
            fields[flow.target.lines.model] = (SYNC_KEY, *_custom(flow.target.lines.fields))
    return fields


def _custom(fields: Iterable[TargetField]) -> tuple[CustomField, ...]:
    return tuple(CustomField(each.name, _creatable(each), each.label, each.indexed) for each in fields if each.custom)


def _creatable(each: TargetField) -> CustomFieldType:
    return TypeAdapter[CustomFieldType](CustomFieldType).validate_python(each.type)


def _show(lacking: Preparation, console: Console) -> None:
    for problem in lacking.problems:
        console.print("[red]problem:[/]", escape(problem), highlight=False, soft_wrap=True)
    for line in (*_field_lines(lacking.fields), *_payment_lines(lacking.payments)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _field_lines(plan: BootstrapPlan) -> Iterable[str]:
    for model, fields in plan.fields.items():
        for each in fields:
            yield f"field {model}.{each.name} ({each.type}{', indexed' if each.indexed else ''}): {each.label}"
    for category in plan.categories:
        yield f"product category {category}"


def _payment_lines(plan: PaymentPlan) -> Iterable[str]:
    for kind in plan.new_journals:
        names = " and ".join(account.name for account in plan.accounts.values())
        yield f"{kind} journal {kind.capitalize()}, with the accounts {names} on its payment methods"
    for method in plan.methods:
        account = plan.accounts[method.payment_type].name
        yield f"account {account} on the {method.payment_type} payment method of journal {method.journal}"

"""What an integration chooses for its flows and fields must be there in its system, or it would silently do nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.integration import Integration
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.base import Flow, System
from odoo_pipelines.systems.not_kept import problems_of
from odoo_pipelines.systems.policies import VanishedPolicy
from odoo_pipelines.systems.targets import Target, TargetField


def check_settings(integrations: Iterable[Integration]) -> None:
    """Holds the settings of integrations against their systems.

    Raises:
        ConfigurationError: naming every unknown system, flow and field, and every policy that a flow cannot have.
    """
    problems = [problem for each in integrations for problem in _problems(each, get_system(each.system))]
    if problems:
        raise ConfigurationError(problems)


def field_names(target: Target) -> list[str]:
    """The names that `fields:` of a flow may have: what is merged, field by field."""
    names = _merged(target.fields)
    if target.lifecycle:
        names.append("state")
    if target.lines:
        lines = target.lines.field
        names += [lines, *(f"{lines}.{name}" for name in _merged(target.lines.fields))]
    return names


def _merged(fields: Iterable[TargetField]) -> list[str]:
    return [each.name for each in fields if not each.only_on_create]


def _problems(integration: Integration, system: System) -> Iterator[str]:
    place = f"integrations.{integration.name}"
    flows = {flow.name: flow for flow in system.flows}
    for name, own in integration.flows.items():
        flow = flows.get(name)
        if flow is None:
            yield f"{place}.flows.{name}: the system '{system.name}' has no such flow; it has {', '.join(flows)}"
            continue
        known = field_names(flow.target)
        for field in own.fields:
            if field not in known:
                yield f"{place}.flows.{name}.fields.{field}: this flow has no such field; it has {', '.join(known)}"
    yield from (f"{place}.not_kept: {each}" for each in problems_of(integration.not_kept, system))
    yield from _without_states(integration, place, system.flows)


def _without_states(integration: Integration, place: str, flows: Iterable[Flow]) -> Iterator[str]:
    """Only what has states can be cancelled."""
    able = ", ".join(flow.name for flow in flows if flow.target.lifecycle)
    for flow in flows:
        if flow.target.lifecycle is None and integration.vanished_policy(flow.name) is VanishedPolicy.CANCEL:
            own = integration.flows.get(flow.name)
            where = f"{place}.flows.{flow.name}.vanished" if own and own.vanished else f"{place}.vanished"
            yield f"{where}: {flow.target.model} of the flow '{flow.name}' cannot be cancelled, only: {able or 'none'}"

"""Whether any sync key of an integration is carried by two records of Odoo, lines included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.errors import OdooUnknownNameError
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.systems.base import Flow

SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """Records by sync key.

    Attributes:
        known: records of the state, each bound to an Odoo record of its own.
        in_odoo: records of Odoo with a sync key of the integration.
        doubled: sync keys that several records or lines carry, a sample; None where the server cannot group (before
            Odoo 18), and the numbers alone have to tell.
    """

    known: int
    in_odoo: int
    doubled: tuple[str, ...] | None

    @property
    def holds(self) -> bool:
        """Whether no record exists twice."""
        return self.in_odoo <= self.known if self.doubled is None else not self.doubled


def examine_uniqueness(session: Session, flow: Flow) -> Uniqueness:
    """Counts a flow's records in the state and in Odoo, and asks Odoo for keys that occur twice."""
    name, model = session.integration.name, flow.target.model
    known = session.state.record_count(name, model)
    if session.odoo is None:
        return Uniqueness(known, 0, ())
    models = [model, *([flow.target.lines.model] if flow.target.lines else [])]
    domains = {each: ours(session, each) for each in models}
    in_odoo = session.odoo.search_count(model, domains[model])
    try:
        doubled = [key for each in models for key in _doubled(session.odoo, each, domains[each])]
    except OdooUnknownNameError:
        return Uniqueness(known, in_odoo, None)
    return Uniqueness(known, in_odoo, tuple(doubled))


def ours(session: Session, model: str) -> list[Any]:
    """The domain of a model's records that carry a sync key of the integration, archived ones included."""
    prefix = session.integration.name.replace("_", r"\_")
    domain: list[Any] = [(SYNC_KEY_FIELD, "=like", f"{prefix}.%")]
    if session.schemas(model).server_name("active"):
        domain.append(("active", "in", [True, False]))
    return domain


def _doubled(odoo: OdooClient, model: str, domain: list[Any]) -> list[str]:
    groups = odoo.call(
        model,
        "formatted_read_group",
        domain=domain,
        groupby=[SYNC_KEY_FIELD],
        aggregates=["__count"],
        having=[("__count", ">", 1)],
        limit=SAMPLE,
    )
    return [str(group[SYNC_KEY_FIELD]) for group in groups]

"""What the parts of the engine share about one flow in one run."""

from __future__ import annotations

from dataclasses import dataclass, field

from odoo_pipelines.engine.planned import PlanOptions
from odoo_pipelines.engine.ports import FlowState, Schemas
from odoo_pipelines.systems.targets import Target


@dataclass(frozen=True, slots=True)
class FlowContext:
    """One flow of one integration in one run.

    Attributes:
        integration: name, the first part of every sync key.
        target: where the rows go.
        schemas: the destination's fields.
        state: what was agreed on before.
        options: what is looked at and what may be done.
    """

    integration: str
    target: Target
    schemas: Schemas
    state: FlowState
    options: PlanOptions = field(default_factory=PlanOptions)

"""Whether Odoo has made of our records what it has to: a posted payment needs its journal entry."""

from __future__ import annotations

from dataclasses import dataclass

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.pipeline.uniqueness import SAMPLE, ours
from odoo_pipelines.systems.base import Flow


@dataclass(frozen=True, slots=True)
class Required:
    """Records of an integration that must have something.

    Attributes:
        records: that came so far.
        lacking: those of them that have it not.
        sample: sync keys of some of these.
    """

    records: int = 0
    lacking: int = 0
    sample: tuple[str, ...] = ()


def examine_requirement(session: Session, flow: Flow) -> Required:
    """Asks Odoo for the records that lack what the flow's target requires; where it requires nothing, for none."""
    requires, model = flow.target.requires, flow.target.model
    if requires is None or session.odoo is None:
        return Required()
    concerned = [*ours(session, model), *requires.where]
    lacking = [*concerned, (requires.field, "=", False)]
    without = session.odoo.search_count(model, lacking)
    sample = session.odoo.search_read(model, lacking, [SYNC_KEY_FIELD], limit=SAMPLE) if without else []
    return Required(
        session.odoo.search_count(model, concerned), without, tuple(str(row[SYNC_KEY_FIELD]) for row in sample)
    )

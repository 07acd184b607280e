"""Ends notes of possible duplicates that a person has settled in Odoo: one of the two records is gone."""

from __future__ import annotations

from odoo_pipelines.odoo.calls import EVEN_ARCHIVED
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.systems.base import Flow

IDS_IN_A_CALL = 5_000


def end_notes(session: Session, flow: Flow) -> None:
    """Asks Odoo, in a run that looks at all of its side, which of the noted records are still there."""
    if not session.verify or not flow.target.adoptions:
        return
    name, model = session.integration.name, flow.target.model
    noted = session.state.noted_records(name, model)
    there: set[int] = set()
    for first in range(0, len(noted), IDS_IN_A_CALL):
        ids = noted[first : first + IDS_IN_A_CALL]
        rows = session.engine_odoo.search_read(model, [("id", "in", ids)], ["id"], context=EVEN_ARCHIVED)
        there |= {row["id"] for row in rows}
    if noted:
        session.state.end_duplicates(name, model, set(noted) - there)

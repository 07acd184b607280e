"""What becomes of a record that somebody has deleted in Odoo. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from odoo_pipelines.engine.base import Base, Kept
from odoo_pipelines.engine.chunks import ChunkRow
from odoo_pipelines.engine.planned import Decided
from odoo_pipelines.engine.rows import ResolvedRow
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.policies import DeletedPolicy
from odoo_pipelines.systems.records import DELETED_IN_ODOO, WHOLE_RECORD, Conflict, Outcome, Record, Resolution

_LEFT = "deleted in Odoo, and left so"


def decide_deleted(
    policy: DeletedPolicy,
    source: ChunkRow,
    row: ResolvedRow,
    record: Record,
    answers: Mapping[str, Resolution],
    *,
    lost: bool = False,
) -> Decided | None:
    """Decides a row whose record is gone.

    Args:
        policy: of the flow.
        source: the row.
        row: its values for Odoo.
        record: what the state knows of it.
        answers: a human's, by field; the whole record's counts while the external row is the one asked about.
        lost: Odoo was restored from a backup: what nobody knew to be deleted before was lost with that.

    Returns:
        None where the record is created again.
    """
    base, answer = Base.of(record.base), answers.get(WHOLE_RECORD)
    kept = base.kept.get(WHOLE_RECORD)
    wanted_again = answer is not None and answer.external == row.row.hash and answer.choice == "external"
    lost = lost and kept is None and WHOLE_RECORD not in base.asked
    if policy is DeletedPolicy.RECREATE or wanted_again or lost:
        return None
    left = Decided(source, Outcome.UNCHANGED, warnings=(*row.warnings, _LEFT), compared=True)
    if policy is DeletedPolicy.IGNORE:
        return left if kept else replace(left, record=_left(row, record, base))
    if kept is not None and kept.external == row.row.hash:
        return left
    if answer is not None and answer.external == row.row.hash and answer.choice == "odoo":
        return replace(left, record=_left(row, record, base))
    return _ask(source, row, record, base)


def _left(row: ResolvedRow, record: Record, base: Base) -> Record:
    """The record, with a note that it was left deleted."""
    noted = replace(base, kept={**base.kept, WHOLE_RECORD: Kept(row.row.hash, None)})
    return replace(record, base=noted.document())


def _ask(source: ChunkRow, row: ResolvedRow, record: Record, base: Base) -> Decided:
    reason = "its record was deleted in Odoo: take 'external' to create it again, or 'odoo' to leave it deleted"
    conflict = Conflict(WHOLE_RECORD, DELETED_IN_ODOO, reason, external=row.row.hash, external_at=row.row.updated_at)
    error = RowRejectedError("", DELETED_IN_ODOO, reason)
    asked = None
    if WHOLE_RECORD not in base.asked:
        asked = replace(record, base=replace(base, asked={**base.asked, WHOLE_RECORD: None}).document())
    return Decided(source, Outcome.CONFLICT, error, row.warnings, asked, conflicts=(conflict,))

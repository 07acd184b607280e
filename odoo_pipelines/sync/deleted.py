"""What becomes of a record that somebody has deleted in Odoo. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.sync.base import Base, Kept
from odoo_pipelines.sync.chunks import ChunkRow
from odoo_pipelines.sync.planned import Decided
from odoo_pipelines.sync.resolve import ResolvedRow
from odoo_pipelines.systems.policies import DeletedPolicy
from odoo_pipelines.systems.records import DELETED_IN_ODOO, WHOLE_RECORD, Conflict, Outcome, Record, Resolution

_LEFT = "deleted in Odoo, and left so"


def decide_deleted(
    policy: DeletedPolicy, source: ChunkRow, row: ResolvedRow, record: Record, answers: Mapping[str, Resolution]
) -> Decided | None:
    """Decides a row whose record is gone.

    Args:
        policy: of the flow.
        source: the row.
        row: its values for Odoo.
        record: what the state knows of it.
        answers: a human's, by field; the whole record's counts while the external row is the one asked about.

    Returns:
        None where the record is created again.
    """
    if policy is DeletedPolicy.RECREATE:
        return None
    answer = answers.get(WHOLE_RECORD)
    if answer is not None and answer.external == row.row.hash and answer.choice == "external":
        return None
    left = Decided(source, Outcome.UNCHANGED, warnings=(*row.warnings, _LEFT), compared=True)
    if policy is DeletedPolicy.IGNORE:
        return left
    base = Base.of(record.base)
    kept = base.kept.get(WHOLE_RECORD)
    if kept is not None and kept.external == row.row.hash:
        return left
    if answer is not None and answer.external == row.row.hash and answer.choice == "odoo":
        decided = replace(base, kept={**base.kept, WHOLE_RECORD: Kept(row.row.hash, None)})
        return replace(left, record=replace(record, base=decided.document()))
    return _ask(source, row)


def _ask(source: ChunkRow, row: ResolvedRow) -> Decided:
    reason = "its record was deleted in Odoo: take 'external' to create it again, or 'odoo' to leave it deleted"
    conflict = Conflict(WHOLE_RECORD, DELETED_IN_ODOO, reason, external=row.row.hash, external_at=row.row.updated_at)
    error = RowRejectedError("", DELETED_IN_ODOO, reason)
    return Decided(source, Outcome.CONFLICT, error, row.warnings, conflicts=(conflict,))

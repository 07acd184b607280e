"""The local diff: what the state alone can tell of a row, without a single request. Pure."""

from __future__ import annotations

from datetime import datetime

from odoo_pipelines.engine.amounts import amount_text
from odoo_pipelines.engine.base import UNKNOWN, Agreement, Base
from odoo_pipelines.engine.rows import ResolvedRow
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.records import Binding, Outcome

NOTHING = Agreement()


def local_outcome(
    row: MappedRow, binding: Binding | None, *, verify: bool, present: bool | None = None, whole: bool = False
) -> Outcome | None:
    """Unchanged, superseded, or None when it has to be looked at.

    Args:
        row: as mapped.
        binding: what is known of its record; None if nothing is.
        verify: Odoo's side is looked at even when the row has not changed.
        present: the row shows the present truth, not only what has changed; None: as `verify` says.
        whole: nothing was left out beside it, see `is_superseded`.
    """
    if row.outdone:
        return Outcome.SUPERSEDED if binding is None else None
    if binding is None:
        # Of what should not be there nothing was ever bound, so only a look at Odoo's side can find it.
        return Outcome.UNCHANGED if row.only_existing and not verify else None
    if row.only_create:
        return None if verify else Outcome.UNCHANGED
    if row.hash == binding.hash:
        return None if verify else Outcome.UNCHANGED
    superseded = is_superseded(row, binding, present=verify if present is None else present, whole=whole)
    return Outcome.SUPERSEDED if superseded else None


def is_superseded(row: MappedRow, known: Binding, *, present: bool, whole: bool) -> bool:
    """Whether what is known of a record counts more than a row that says something else.

    Args:
        row: the one that counts most in its load.
        known: of the record.
        present: the row comes from a walk that shows the present truth, not only what has changed; one that does not
            tell when it was seen shows nothing.
        whole: of that walk nothing was left out, so it is the truth about records inside others, too.
    """
    if present and row.seen_at is not None and (whole or not row.inside):
        return is_newer(known.seen_at, row.seen_at) and not is_newer(row.updated_at, known.updated_at)
    if is_newer(known.updated_at, row.updated_at):
        return True
    if not row.inside or not known.hash or is_newer(row.updated_at, known.updated_at):
        return row.repeated and bool(known.hash)
    return row.repeated or not known.inside


def is_newer(one: datetime | None, other: datetime | None) -> bool:
    """Whether a change time is later than another; an unknown one is neither earlier nor later."""
    return one is not None and other is not None and one > other


def latest(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two change times."""
    return other if one is None or is_newer(other, one) else one


def says_the_same(row: ResolvedRow, base: Base, total: str = "") -> bool:
    """Whether a row holds nothing that differs from what the external system said last.

    Args:
        row: with the values that Odoo should hold.
        base: of its record.
        total: field that holds the total which is compared; "" where none is.
    """
    agreed = base.agreed
    if agreed == NOTHING or base.half_written:
        return False
    said = {name: kept.external for name, kept in base.kept.items()}
    if total and row.row.total is not None and said.get(total, base.total) != amount_text(row.row.total):
        return False
    if any(said.get(name, agreed.values.get(name, UNKNOWN)) != value for name, value in row.values.items()):
        return False
    if row.row.state is not None and said.get("state", agreed.state) != row.row.state:
        return False
    return row.lines is None or (
        not _lines_kept(base)
        and {key: line for key, line in agreed.lines.items() if not key.startswith(row.untold)}
        == {line.key: line.values for line in row.lines}
    )


def _lines_kept(base: Base) -> bool:
    return any("[" in name for name in base.kept)

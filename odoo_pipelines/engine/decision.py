"""Who wins one field on which the external system and Odoo differ. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from odoo_pipelines.engine.base import OURS, UNKNOWN, Kept
from odoo_pipelines.systems.policies import Policy


class Winner(Enum):
    """Whose value a field has afterwards; NOBODY leaves it as it is and asks a human."""

    EXTERNAL = "external"
    ODOO = "odoo"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Times:
    """When each side was last changed.

    Attributes:
        external: change time of the external row; None where it does not tell.
        odoo: `write_date` of the record, "YYYY-MM-DD HH:MM:SS" in UTC; "" where it was not read.
        seen: the earliest `write_date` that the record may have, unless Odoo was set back; "" where it is not known.
    """

    external: datetime | None
    odoo: str
    seen: str = ""

    @property
    def set_back(self) -> bool:
        """Whether Odoo has an older version of the record than it had before, as after a restore from a backup."""
        return "" < self.odoo < self.seen


@dataclass(frozen=True, slots=True)
class Sides:
    """The values of a field that differs.

    Attributes:
        base: value on which both sides last agreed, UNKNOWN, or OURS.
        external: the external side's value.
        odoo: Odoo's, as it is compared.
        asked: Odoo's when a human was asked about it.
        set_back: Odoo's value is older than what it held before: a backup has brought it back, nobody has edited it.
    """

    base: Any
    external: Any
    odoo: Any
    asked: Any = UNKNOWN
    set_back: bool = False

    def external_changed(self, kept: Kept | None) -> bool:
        """Whether the external side has moved since the base, or since an earlier decision for Odoo."""
        return self.external != kept.external if kept else _changed(self.external, self.base)

    def odoo_changed(self, kept: Kept | None) -> bool:
        """Whether Odoo has moved away from the base, or from an earlier decision; what we wrote is no move."""
        if self.base is OURS:
            return False
        if self.set_back:  # nothing but an edit that was known before is one
            return bool(self.odoo == self.asked or (kept is not None and self.odoo == kept.odoo))
        return _changed(self.odoo, self.base) or (kept is not None and self.odoo != kept.odoo)


def winner(policy: Policy, sides: Sides, kept: Kept | None, times: Times) -> Winner:
    """Decides a field whose values differ.

    Where nothing is known of a base, an empty value counts as not changed: whoever has a value has changed it.

    Args:
        policy: of the field.
        sides: its values.
        kept: an earlier decision for Odoo.
        times: of the last changes.
    """
    if policy is Policy.EXTERNAL_WINS:
        return Winner.EXTERNAL
    if kept is not None and (kept.external, kept.odoo) == (sides.external, sides.odoo):
        return Winner.ODOO  # decided before, and neither side has moved
    if not sides.odoo_changed(kept):
        return Winner.EXTERNAL
    if policy is Policy.ODOO_WINS:
        return Winner.ODOO if sides.odoo else Winner.EXTERNAL
    if not sides.external_changed(kept):
        return Winner.ODOO
    return Winner.NOBODY if policy is Policy.MANUAL else _latest(sides, kept, times)


def _changed(value: Any, base: Any) -> bool:
    return bool(value) if base is UNKNOWN else bool(value != base)


def _latest(sides: Sides, kept: Kept | None, times: Times) -> Winner:
    written = kept.at if kept is not None and kept.odoo == sides.odoo else times.odoo
    if times.external is None or not written:
        return Winner.EXTERNAL
    return Winner.EXTERNAL if times.external >= _utc(written) else Winner.ODOO


def _utc(write_date: str) -> datetime:
    return datetime.fromisoformat(write_date).replace(tzinfo=UTC)

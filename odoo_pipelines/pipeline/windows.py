"""Windows of change times: what one extraction asks for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from odoo_pipelines.systems.records import WHOLE


@dataclass(frozen=True, slots=True)
class Window:
    """A range of change times.

    Attributes:
        partition: key, or WHOLE.
        since: inclusive; None from the beginning of history.
        before: exclusive; None to its end.
    """

    partition: str = WHOLE
    since: dt.datetime | None = None
    before: dt.datetime | None = None

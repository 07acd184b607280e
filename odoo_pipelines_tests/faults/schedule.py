"""Which request meets which fault, by chance that can be repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from odoo_pipelines_tests.faults.kinds import LOAD_CONFLICT, SERIALIZATION, Fault
from odoo_pipelines_tests.faults.proxy import JSON2


@dataclass(frozen=True, slots=True)
class Schedule:
    """Chooses by the identity of a request: which one a thread happens to send first plays no part.

    Attributes:
        seed: another one gives another schedule.
        faults: to choose from; calls of Odoo may meet concurrent updates besides.
        share: of requests that something befalls.
    """

    seed: int
    faults: Sequence[Fault]
    share: float

    def __call__(self, path: str, number: int) -> Fault | None:
        dice = Random(f"{self.seed} {path} {number}")  # noqa: S311 - a schedule, not a secret
        if dice.random() >= self.share:
            return None
        concurrent = [SERIALIZATION] if path.startswith(JSON2) else []
        return dice.choice([*self.faults, *concurrent, *([LOAD_CONFLICT] if path.endswith("/load") else [])])

"""Outcomes of requests that are not in the state yet: they get there with the next events, or a few seconds later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import TypeAlias

Place: TypeAlias = tuple[str, date, str]
"""Integration, day and outcome."""


class Tally:
    """Counts refusals in memory: a flood of them must not become a flood of transactions.

    Args:
        clock: Unix seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts: Counter[Place] = Counter()

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, integration: str, outcome: str) -> None:
        """Counts one."""
        self._counts[integration, datetime.fromtimestamp(self._clock(), UTC).date(), outcome] += 1

    def take(self) -> Mapping[Place, int]:
        """What has been counted since the last time."""
        taken, self._counts = self._counts, Counter()
        return taken

    def put_back(self, counts: Mapping[Place, int]) -> None:
        """What could not be stored; it is counted with the rest."""
        self._counts.update(counts)

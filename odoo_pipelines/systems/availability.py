"""How an external system is told how much of what is sold by the day is left on each day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias

from odoo_pipelines.systems.outbound import Message, OdooRow, OutboundFlow


@dataclass(frozen=True, slots=True)
class Horizon:
    """The days that are told.

    Attributes:
        first: today, where the integration is.
        days: how many.
    """

    first: date
    days: int

    @property
    def before(self) -> date:
        """The day after the last."""
        return self.first + timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Day:
    """What is left of one resource on one day.

    Attributes:
        resource: its id in the external system, such as that of a room type.
        date: the day; for a night, the one on which it begins.
        capacity: how many there are.
        taken: how many of them are sold.
    """

    resource: str
    date: date
    capacity: int
    taken: int

    @property
    def available(self) -> int:
        """How many are left; none where more were sold than there are."""
        return max(self.capacity - self.taken, 0)

    @property
    def overbooked(self) -> bool:
        """Whether more were sold than there are."""
        return self.taken > self.capacity

    @property
    def key(self) -> str:
        """What tells it apart from other days and resources."""
        return f"{self.resource}/{self.date.isoformat()}"


def day_of(key: str) -> date:
    """The date in a key."""
    return date.fromisoformat(key.rpartition("/")[2])


def resource_of(key: str) -> str:
    """The resource in a key."""
    return key.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that is sold by the day.

    Attributes:
        external_id: its id in the external system.
        odoo_ids: its products in Odoo.
        capacity: how many there are.
    """

    external_id: str
    odoo_ids: tuple[int, ...]
    capacity: int


@dataclass(frozen=True, slots=True)
class Resources:
    """What is told, and what is not; the latter by external id.

    Attributes:
        told: those with a capacity, and those that have lost it since they were told: nothing is left of them.
        emptied: those of `told` that have lost it.
        without_capacity: never told, for nobody has entered how many there are.
        unnamed: the external system has no id for them.
        gone: told before and not in Odoo any more; what was told stays.
    """

    told: tuple[Resource, ...]
    emptied: tuple[str, ...] = ()
    without_capacity: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """What the lines of orders take.

    Attributes:
        days: every resource on every day of the horizon.
        lines: that were read.
        undated: orders among them whose dates are missing, or end before they begin.
    """

    days: tuple[Day, ...]
    lines: int
    undated: int


Domain: TypeAlias = Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityFlow(OutboundFlow):
    """Numbers by resource and day, each of which is put when it has changed.

    Attributes:
        resource: entity of the resources, whose records in Odoo are found by their sync keys.
        model: of the resources' records.
        fields: of those records that are read.
        resources: what is told, from those records by external id and the ids that were told before.
        line_model: of the lines that take something.
        lines: domain of those that do so within a horizon, from ids of the resources' records.
        line_fields: of the lines that are read; "order_id.state" reads a field of the related record.
        count: adds the lines up, by resource and day.
        message: makes what is put; raises RowRejectedError.
    """

    resource: str
    model: str
    fields: tuple[str, ...]
    resources: Callable[[Iterable[tuple[str, OdooRow]], Collection[str]], Resources]
    line_model: str
    lines: Callable[[Sequence[int], Horizon], Domain]
    line_fields: tuple[str, ...]
    count: Callable[[Sequence[Resource], Iterable[OdooRow], Horizon], Counted]
    message: Callable[[Day], Message]

"""What is left of the rooms: capacity in Odoo, less the rooms of confirmed orders, by room type and night."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from itertools import accumulate
from math import ceil

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.availability import AvailabilityFlow, Counted, Day, Domain, Horizon, Resource, Resources
from odoo_pipelines.systems.outbound import Message, OdooRow
from odoo_pipelines.systems.pms.mapping.products import ROOM_TYPE, is_named_only, own_id

ROOM_NIGHT = "room_night"
_CONFIRMED = ("sale", "done")
"""States of an order that takes rooms; the second is a locked order's before Odoo 17."""
_CHECK_IN, _CHECK_OUT = "order_id.x_check_in_date", "order_id.x_check_out_date"


def room_types(products: Iterable[tuple[str, OdooRow]], told_before: Collection[str]) -> Resources:
    """What is told of, from the products by id of their room type, and the ids that were told of before.

    An archived product has no rooms. Where nobody has entered how many there are, the PMS's own numbers stay. Once ours
    were told, an emptied number is 0: otherwise what was told before would go on being sold.
    """
    found: dict[str, list[OdooRow]] = {}
    for room_type, product in products:
        found.setdefault(room_type, []).append(product)
    capacities = {room_type: max(map(_capacity, same)) for room_type, same in sorted(found.items())}
    unnamed = [each for each, capacity in capacities.items() if capacity and is_named_only(each)]
    told = [
        Resource(room_type, tuple(int(product["id"]) for product in found[room_type]), capacity)
        for room_type, capacity in capacities.items()
        if (capacity or room_type in told_before) and room_type not in unnamed
    ]
    return Resources(
        told=tuple(told),
        emptied=tuple(each.external_id for each in told if not each.capacity),
        without_capacity=tuple(
            each for each, capacity in capacities.items() if not capacity and each not in told_before
        ),
        unnamed=tuple(unnamed),
        gone=tuple(sorted(set(told_before) - found.keys())),
    )


def room_lines(products: Sequence[int], horizon: Horizon) -> Domain:
    """The lines of confirmed orders that take a room in a night of the horizon, or do not say when."""
    return [
        ("product_id", "in", list(products)),
        ("order_id.state", "in", list(_CONFIRMED)),
        *("|", "|", (_CHECK_IN, "=", False), (_CHECK_OUT, "=", False)),
        *("&", (_CHECK_IN, "<", horizon.before.isoformat()), (_CHECK_OUT, ">", horizon.first.isoformat())),
    ]


def count_nights(resources: Sequence[Resource], lines: Iterable[OdooRow], horizon: Horizon) -> Counted:
    """Adds the rooms of all lines up; a night is taken if the guest arrives before it or with it, and leaves later."""
    owners = {product: resource.external_id for resource in resources for product in resource.odoo_ids}
    changes = {resource.external_id: [0] * (horizon.days + 1) for resource in resources}
    read, undated = 0, set[int]()
    for line in lines:
        read += 1
        stay = _stay(line)
        if stay is None:
            undated.add(line["order_id"])
            continue
        first, after = ((min(max(each, horizon.first), horizon.before) - horizon.first).days for each in stay)
        rooms = _rooms(line["product_uom_qty"], (stay[1] - stay[0]).days)
        taken = changes[owners[line["product_id"]]]
        taken[first] += rooms
        taken[after] -= rooms
    days = (
        Day(resource.external_id, horizon.first + timedelta(days=number), resource.capacity, taken)
        for resource in resources
        for number, taken in enumerate(accumulate(changes[resource.external_id][:-1]))
    )
    return Counted(tuple(days), read, len(undated))


def availability_message(night: Day) -> Message:
    """The rooms that are left of a room type in a night."""
    if night.resource in {"", ".", ".."}:
        raise RowRejectedError("x_sync_key", "invalid_id", f"{night.resource!r} is no id of a room type")
    body = {"date": night.date.isoformat(), "available": night.available}
    return Message(night.key, "/room-types", (own_id(night.resource), "availability"), body)


def _capacity(product: OdooRow) -> int:
    return max(int(product["x_room_count"] or 0), 0) if product["active"] else 0


def _stay(line: OdooRow) -> tuple[date, date] | None:
    """Arrival and departure; None where one is missing, or they are the wrong way round."""
    check_in, check_out = line[_CHECK_IN], line[_CHECK_OUT]
    if not check_in or not check_out or check_out < check_in:
        return None
    return date.fromisoformat(check_in), date.fromisoformat(check_out)


def _rooms(quantity: float, nights: int) -> int:
    """A line's quantity is rooms times nights; where people have changed it, a part of a room is a whole one."""
    return ceil(quantity / nights) if nights and quantity > 0 else 0


AVAILABILITY_OUT = AvailabilityFlow(
    name="availability_out",
    source="availability",
    entity=ROOM_NIGHT,
    description="Rooms that are left, by room type and night.",
    resource=ROOM_TYPE,
    model="product.product",
    fields=("x_room_count", "active"),
    resources=room_types,
    line_model="sale.order.line",
    lines=room_lines,
    line_fields=("order_id", "product_id", "product_uom_qty", _CHECK_IN, _CHECK_OUT),
    count=count_nights,
    message=availability_message,
)

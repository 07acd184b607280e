"""What the mapping takes of hostile values a real Odoo takes, too: no row is rejected for what it can do without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from odoo_pipelines.systems.pms.models import ORDER_NEEDS, PAYMENT_NEEDS, Booking, Guest, Payment
from odoo_pipelines_tests.end_to_end.books import snapshot
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.systems.pms.hostile import VALUES, fields, with_value

pytestmark = pytest.mark.odoo  # what Odoo refuses is the point

NOT_IN_JSON = {"half a pair", "huge integer", "long integer", "infinite", "deep"}
HOSTILE = {name: value for name, value in VALUES.items() if name not in NOT_IN_JSON}
KEPT = {"updated_at", "total_amount", "guest.updated_at", "transaction_id"}
"""By which rows are found: the feed's order, the hotel's own sums, and the books."""


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def hotel() -> Iterator[Hotel]:
    """Each hostile value is in every field of one booking, one guest and one payment that these can do without."""
    with open_hotel(len(HOSTILE) + 5) as opened:
        truth = opened.truth()
        for value, booking, guest in zip(HOSTILE.values(), truth["bookings"], truth["guests"], strict=False):
            edit(opened, "bookings", booking, optional(Booking, ORDER_NEEDS), value)
            edit(opened, "guests", guest, optional(Guest, frozenset({"id"})), value)
        for value, payment in zip(HOSTILE.values(), truth["payments"], strict=False):
            edit(opened, "payments", payment, optional(Payment, PAYMENT_NEEDS), value)
        yield opened


def optional(model: Any, needed: frozenset[str]) -> list[tuple[str, ...]]:
    paths = [path for path in fields(model) if ".".join(path) not in needed | KEPT]
    return [path for path in paths if not any(path != other and path == other[: len(path)] for other in paths)]


def edit(hotel: Hotel, stream: str, record: dict[str, Any], paths: list[tuple[str, ...]], value: Any) -> None:
    changed = record
    for path in paths:
        try:
            changed = with_value(changed, path, value)
        except (KeyError, TypeError, IndexError):  # no channel, no extras
            continue
    names = {path[0] for path in paths}
    hotel.edit(record["id"], stream, **{name: changed[name] for name in names if name in changed})


def test_no_row_is_rejected_and_a_second_sync_writes_nothing(
    hotel: Hotel, installation: Installation, site: Site, odoo: Odoo
) -> None:
    installation.connect(hotel, site)
    assert installation.bootstrap().returncode == 0
    first = installation.synced("full")
    refused = [
        (flow, each.external_id, each.field, each.code, each.reason[:200])
        for flow in ("partners", "products", "orders", "payments")
        for each in installation.rejections(installation.name, flow)
    ]
    assert refused == []
    assert first.count("orders", "created") == len(hotel.truth()["bookings"])
    assert len(odoo.rows("sale.order", [("x_sync_key", "=like", f"{installation.name}.%")], ["name"])) == first.count(
        "orders", "created"
    )
    # The guest inside a booking is older than the one of the stream, and differs from it.
    before = snapshot(odoo, installation.name)
    assert installation.synced("full").outcomes() <= {"unchanged", "superseded"}
    assert snapshot(odoo, installation.name) == before

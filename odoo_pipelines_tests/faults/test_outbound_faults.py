"""Faults at every call of a run out of Odoo: each payment arrives once and is marked, now or by the next run."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from odoo_pipelines.clients import state_url
from odoo_pipelines.errors import ExternalUnavailableError, OdooTransientError
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.faults.conftest import Scene
from odoo_pipelines_tests.faults.kinds import BAD_GATEWAY, LOST, NOTHING, PASSING, RESET, Fault
from odoo_pipelines_tests.faults.outages import HALF_HOURS, cut_connections
from odoo_pipelines_tests.faults.proxy import JSON2
from odoo_pipelines_tests.faults.test_outages import LOST_DATABASE
from odoo_pipelines_tests.faults.test_single_faults import first_of_each

POST, MARK = "/bookings/", f"{JSON2}account.payment/w"
_amounts = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Till:
    """Where payments are registered in Odoo, and where they arrive."""

    scene: Scene
    odoo: Odoo

    def register(self) -> dict[str, Any]:
        """Somebody registers a payment and posts it."""
        domain = [("x_sync_key", "=like", f"{self.scene.works.name}.booking.%")]
        order = self.odoo.rows("sale.order", domain, ["x_external_id", "partner_id"])[0]
        values = {"partner_id": order["partner_id"], "x_related_booking_id": order["x_external_id"]}
        [payment] = self.odoo.call("account.payment", "create", [values | {"amount": next(_amounts) + 0.25}])
        self.odoo.call("account.payment", "action_post", [payment])
        return self.held(payment)

    def held(self, payment: int) -> dict[str, Any]:
        names = ["name", "amount", "state", "x_external_synced", "x_sync_key"]
        [row] = self.odoo.rows("account.payment", [("id", "=", payment)], names)
        return row

    def told(self) -> list[tuple[str, float]]:
        """What the PMS was told: transaction ids and amounts."""
        ledger = requests.get(f"{self.scene.hotel.url}/sandbox/ledger", timeout=60).json()["payments"]
        return [(each["transaction_id"], each["amount"]) for each in ledger]

    def assert_told_once(self, *payments: dict[str, Any]) -> None:
        for payment in payments:
            held = self.held(payment["id"])
            assert self.told().count((held["name"], held["amount"])) == 1
            assert held["x_external_synced"] is True
            assert held["x_sync_key"]
        assert len({name for name, _ in self.told()}) == len(self.told())
        assert self.scene.works.send() == {}


@pytest.fixture
def till(scene: Scene, site: Site) -> Till:
    scene.works.calm()
    scene.works.pms.requests.clear()
    scene.works.odoo.requests.clear()
    return Till(scene, Odoo(site))


@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_what_passes_is_got_over_by_the_same_run(till: Till, fault: Fault) -> None:
    works = till.scene.works
    payments = [till.register(), till.register()]
    takes_time = fault.seen == "silence"
    if takes_time:
        works.hurry()
    for proxy in (works.pms, works.odoo):
        proxy.struck.clear()
        proxy.disturb(first_of_each(fault, lambda path: not takes_time or path.startswith((POST, MARK))))
    assert works.send() == {"extracted": 2, "created": 2}
    assert works.pms.struck
    assert len(works.odoo.struck) >= (1 if takes_time else 5)
    works.calm()
    till.assert_told_once(*payments)


def test_an_hour_without_the_pms_delays_payments_and_doubles_none(till: Till) -> None:
    works, payments = till.scene.works, [till.register(), till.register()]
    works.pms.strike(LOST, POST)  # the first one got through
    works.pms.strike(RESET, times=None)
    for _ in range(HALF_HOURS):
        with pytest.raises(ExternalUnavailableError):
            works.send()
    assert len(till.told()) > 0
    works.calm()
    works.send()
    till.assert_told_once(*payments)


def test_an_odoo_that_restarts_before_the_mark_is_told_later_and_nothing_is_posted_again(till: Till) -> None:
    works, payment = till.scene.works, till.register()
    works.odoo.strike(BAD_GATEWAY, MARK, times=None)
    for _ in range(HALF_HOURS):
        with pytest.raises(OdooTransientError):
            works.send()
    works.calm()
    assert works.send() == {"extracted": 1, "unchanged": 1}
    posts = [path for path in works.pms.requests.elements() if path.startswith(POST)]
    assert len(posts) == 1
    till.assert_told_once(payment)


def test_a_restart_of_the_database_after_the_post_ends_the_run_and_doubles_nothing(till: Till) -> None:
    works, payment = till.scene.works, till.register()
    works.pms.strike(NOTHING, POST, effect=lambda: cut_connections(state_url(works.settings)))
    with pytest.raises(LOST_DATABASE):
        works.send()
    works.send()
    till.assert_told_once(payment)

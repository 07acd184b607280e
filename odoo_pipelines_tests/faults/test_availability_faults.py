"""Faults at every call of a run that tells what is left: the PMS has the last numbers, now or after the next run."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
import requests

from odoo_pipelines.clients import state_url
from odoo_pipelines.errors import ExternalUnavailableError, OdooTransientError
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.faults.conftest import Scene
from odoo_pipelines_tests.faults.kinds import BAD_GATEWAY, LOST, NOTHING, PASSING, RESET, Fault
from odoo_pipelines_tests.faults.outages import HALF_HOURS, cut_connections
from odoo_pipelines_tests.faults.test_outages import LOST_DATABASE
from odoo_pipelines_tests.faults.test_single_faults import first_of_each
from odoo_pipelines_tests.faults.works import NIGHTS

PUT = "/room-types/"
_rooms = itertools.count(100)


@dataclass(frozen=True, slots=True)
class House:
    """Rooms of one type in Odoo, and what the PMS was told of them."""

    scene: Scene
    odoo: Odoo
    product: int
    room_type: str

    def build(self) -> dict[str, int]:
        """One room more than ever; gives the numbers that the PMS then has to have."""
        self.odoo.write("product.product", self.product, x_room_count=next(_rooms))
        return {night: number + 1 for night, number in self.told().items()}

    def told(self) -> dict[str, int]:
        """What the PMS holds, by night."""
        ledger = requests.get(f"{self.scene.hotel.url}/sandbox/ledger", timeout=60).json()["availability"]
        return {each["date"]: each["available"] for each in ledger if each["room_type_id"] == self.room_type}

    def assert_told(self, numbers: dict[str, int]) -> None:
        assert self.told() == numbers
        assert self.scene.works.tell() == {"extracted": NIGHTS, "unchanged": NIGHTS}


@pytest.fixture
def house(scene: Scene, site: Site) -> House:
    works, odoo = scene.works, Odoo(site)
    works.calm()
    domain = [("x_sync_key", "=like", f"{works.name}.room_type.%")]
    product = odoo.rows("product.product", domain, ["x_external_room_type_id"])[0]
    house = House(scene, odoo, product["id"], product["x_external_room_type_id"])
    odoo.write("product.product", product["id"], x_room_count=next(_rooms))
    works.tell()
    assert len(house.told()) == NIGHTS
    return house


@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_what_passes_is_got_over_by_the_same_run(house: House, fault: Fault) -> None:
    works, numbers = house.scene.works, house.build()
    takes_time = fault.seen == "silence"
    if takes_time:
        works.hurry()
    for proxy in (works.pms, works.odoo):
        proxy.struck.clear()
        proxy.requests.clear()
        proxy.disturb(first_of_each(fault, lambda path: not takes_time or path.startswith(PUT)))
    assert works.tell() == {"extracted": NIGHTS, "updated": NIGHTS}
    assert works.pms.struck
    assert takes_time or works.odoo.struck
    works.calm()
    house.assert_told(numbers)


def test_an_hour_without_the_pms_delays_the_numbers(house: House) -> None:
    works, numbers = house.scene.works, house.build()
    works.pms.strike(LOST, PUT)  # the first one got through
    works.pms.strike(RESET, times=None)
    for _ in range(HALF_HOURS):
        with pytest.raises(ExternalUnavailableError):
            works.tell()
    assert house.told() != numbers
    works.calm()
    works.tell()
    house.assert_told(numbers)


def test_an_odoo_that_restarts_while_it_is_counted_delays_the_numbers(house: House) -> None:
    works, numbers = house.scene.works, house.build()
    works.odoo.strike(BAD_GATEWAY, times=None)
    for _ in range(HALF_HOURS):
        with pytest.raises(OdooTransientError):
            works.tell()
    works.calm()
    assert works.tell() == {"extracted": NIGHTS, "updated": NIGHTS}
    house.assert_told(numbers)


def test_a_restart_of_the_database_after_a_number_was_put_ends_the_run_and_loses_none(house: House) -> None:
    works, numbers = house.scene.works, house.build()
    works.pms.strike(NOTHING, PUT, effect=lambda: cut_connections(state_url(works.settings)))
    with pytest.raises(LOST_DATABASE):
        works.tell()
    works.tell()
    house.assert_told(numbers)

"""A booking that changes in the PMS is in Odoo by itself, even if any one process is killed on the way.

Receiver, code server and daemon run as they do for a user. No schedule is due meanwhile: all comes by webhook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import requests
from pydantic import SecretStr

from odoo_pipelines.stores.database import connect
from odoo_pipelines.stores.inbox import Inbox
from odoo_pipelines_tests.end_to_end.books import read_books
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.services import Services, eventually
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.faults.kinds import LOST
from odoo_pipelines_tests.faults.proxy import Proxy, proxy_to

pytestmark = pytest.mark.odoo  # minutes, of which most are starts of Dagster
SECRET, TOKEN = "webhook-secret-0817-confidential", "token-0818-confidential"
NEVER = "0 0 29 2 *"


@dataclass(frozen=True)
class Scene:
    """A hotel that sends webhooks, an Odoo behind a proxy, and what runs between them."""

    hotel: Hotel
    odoo: Odoo
    proxy: Proxy
    installation: Installation
    services: Services

    def note(self, booking: str) -> str:
        """What Odoo's order of a booking says at its end."""
        domain = [("x_external_id", "=", booking), ("x_sync_key", "like", f"{self.installation.name}.")]
        [order] = self.odoo.rows("sale.order", domain, ["note"])
        return str(order["note"])

    def edit(self, text: str) -> Callable[[], bool]:
        """Changes a booking at the front desk; gives what tells whether Odoo has it."""
        booking = self.hotel.bookings("confirmed")[0]["id"]
        self.hotel.edit(booking, special_requests=text)
        return lambda: text in self.note(booking)

    def states(self) -> dict[str, int]:
        """How many events are in each state."""
        engine = connect(self.installation.database_url)
        try:
            return Inbox(engine).states(self.installation.name)
        finally:
            engine.dispose()


@pytest.fixture(scope="module")
def in_process() -> bool:
    return False


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def scene(site: Site, odoo: Odoo, installation: Installation) -> Iterator[Scene]:
    installation.environment |= {"WEBHOOK_SECRET": SECRET, "ODOO_PIPELINES_API_TOKEN": TOKEN}
    services = Services(installation.environment, installation.home)
    url = f"{services.receiver_url}/api/v1/webhook/{installation.name}"
    crons = dict.fromkeys(("delta_cron", "full_cron", "retry_cron", "outbound_cron"), NEVER)
    with (
        open_hotel(40, webhook_url=url, webhook_secret=SecretStr(SECRET)) as hotel,
        proxy_to(site.url) as proxy,
    ):
        installation.connect(hotel, site.through(proxy.url), webhook_secrets=["${WEBHOOK_SECRET}"], **crons)
        assert installation.bootstrap().returncode == 0
        installation.synced("full")
        with services:
            services.start_code()
            services.start_receiver()
            services.start_daemon()
            yield Scene(hotel, odoo, proxy, installation, services)


def test_an_edited_booking_is_in_odoo_by_itself(scene: Scene) -> None:
    eventually("the edit is in Odoo", scene.edit("late arrival"))


def test_a_new_booking_and_its_payment_are(scene: Scene) -> None:
    scene.hotel.advance(new_bookings=5, cancelled=2, changed_bookings=3)
    eventually("all is as in the PMS", lambda: not difference(scene))


def test_a_sync_can_be_asked_for_over_http(scene: Scene) -> None:
    """Of guests no webhook tells."""
    scene.hotel.advance(changed_guests=3)
    assert difference(scene)
    answer = requests.post(
        f"{scene.services.receiver_url}/api/v1/sync/{scene.installation.name}/partners",
        json={"mode": "delta"},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=30,
    )
    assert answer.ok, answer.text
    eventually("all is as in the PMS", lambda: not difference(scene))


def test_a_receiver_that_is_killed_loses_nothing(scene: Scene) -> None:
    scene.services.kill("receiver")
    is_there = scene.edit("receiver killed")
    scene.services.start_receiver()
    eventually("the edit is in Odoo", is_there)


def test_a_daemon_that_is_killed_loses_nothing(scene: Scene) -> None:
    is_there = scene.edit("daemon killed")
    eventually("the event is claimed", lambda: scene.states().get("claimed"))
    scene.services.kill("daemon")
    scene.services.start_daemon()
    eventually("the edit is in Odoo", is_there, 120)


def test_a_code_server_that_is_killed_with_its_run_loses_nothing(scene: Scene) -> None:
    """The order is written, but the answer never comes: the run dies with it."""
    scene.proxy.strike(LOST, "/json/2/sale.order/w", effect=lambda: scene.services.kill("code"))
    is_there = scene.edit("code server killed")
    eventually("the run has died", lambda: not scene.services.runs("code"))
    scene.services.start_code()
    eventually("the event is done", lambda: set(scene.states()) == {"done"}, 180)
    assert is_there()


def test_at_the_end_every_event_is_done_and_every_record_there_once(scene: Scene) -> None:
    eventually("all events are done", lambda: set(scene.states()) == {"done"})
    assert difference(scene) == []
    assert scene.installation.synced("full").outcomes() == {"unchanged"}


def difference(scene: Scene) -> list[str]:
    """What Odoo has other than the PMS."""
    books = read_books(scene.odoo, scene.installation.name)
    return list(books.compared_with(expected_books(scene.hotel.truth())))

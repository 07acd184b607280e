"""Payments that were registered in a real Odoo 19 arrive in the PMS once, whatever dies in between; nothing is hidden.

The PMS recognises no repetition: whoever posts a payment to it a second time has made a second payment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest
import requests

from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation, KillPoint, Sync
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.faults.kinds import LOST
from odoo_pipelines_tests.faults.proxy import Proxy, proxy_to

FLOW = "payments_out"
POST, MARK = "/bookings/", "/json/2/account.payment/w"
KILLS = (
    ("pms", KillPoint(POST)),
    ("pms", KillPoint(POST, answered=True)),
    ("odoo", KillPoint(MARK)),
    ("odoo", KillPoint(MARK, answered=True)),
)
"""Before the payment gets through, after it, before it is marked, after it."""
LOCK = 4711
CAPTURE_OVERLAP_SECONDS = 180

pytestmark = pytest.mark.odoo


@dataclass(frozen=True, slots=True)
class Scene:
    """A hotel and a real Odoo, a proxy before each, and an installation between, with all bookings in Odoo."""

    hotel: Hotel
    pms: Proxy
    proxy: Proxy
    odoo: Odoo
    site: Site
    installation: Installation

    def register(self, amount: float, *, booking: str = "", state: str = "in_process", **values: Any) -> int:
        """A clerk registers a payment for a booking and posts it."""
        chosen = booking or self.orders()[0]["x_external_id"]
        [order] = [each for each in self.orders() if each["x_external_id"] == chosen]
        usual = {"partner_id": order["partner_id"], "amount": amount, "x_related_booking_id": chosen}
        payment = int(self.odoo.call("account.payment", "create", [usual | values])[0])
        self.odoo.call("account.payment", "action_post", [payment])
        assert self.held(payment)["state"] == state
        return payment

    def orders(self) -> list[dict[str, Any]]:
        domain = [("x_sync_key", "=like", f"{self.installation.name}.booking.%"), ("state", "=", "sale")]
        return self.odoo.rows("sale.order", domain, ["x_external_id", "partner_id"])

    def held(self, payment: int) -> dict[str, Any]:
        """A payment as Odoo has it."""
        names = ["name", "state", "amount", "move_id", "x_external_synced", "x_external_transaction_id", "x_sync_key"]
        [row] = self.odoo.rows("account.payment", [("id", "=", payment)], names)
        return row

    def ledger(self) -> dict[str, list[float]]:
        """The amounts that the PMS was told, by transaction id."""
        told = requests.get(f"{self.hotel.url}/sandbox/ledger", timeout=60).json()["payments"]
        amounts: dict[str, list[float]] = {}
        for each in told:
            amounts.setdefault(each["transaction_id"], []).append(each["amount"])
        return amounts

    def assert_told_once(self, payment: int) -> None:
        """The PMS has it once, with its amount; Odoo says so, and its journal entry is untouched."""
        held = self.held(payment)
        assert self.ledger()[held["name"]] == [held["amount"]]
        assert held["x_external_synced"] is True
        assert held["x_external_transaction_id"] == held["name"]
        assert held["x_sync_key"].startswith(f"{self.installation.name}.payment.")
        assert (held["state"], bool(held["move_id"])) == ("in_process", True)

    def payments(self) -> int:
        """How many there are in Odoo."""
        return int(self.odoo.call("account.payment", "search_count", []))


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def scene(site: Site, odoo: Odoo, installation: Installation) -> Iterator[Scene]:
    with (
        open_hotel(12, days=30, repeats="ignored") as hotel,
        proxy_to(hotel.url) as pms,
        proxy_to(site.url) as proxy,
    ):
        installation.connect(pms, site.through(proxy.url))
        assert installation.bootstrap().returncode == 0
        installation.synced("full")
        yield Scene(hotel, pms, proxy, odoo, site, installation)


def test_a_payment_arrives_once_and_is_marked(scene: Scene) -> None:
    payment = scene.register(120.5)
    sent = scene.installation.synced("outbound")
    assert numbers(sent) == {"extracted": 1, "created": 1}
    scene.assert_told_once(payment)
    assert numbers(scene.installation.synced("outbound")) == {}


def test_its_echo_makes_no_second_payment(scene: Scene) -> None:
    scene.register(7.25)
    scene.installation.synced("outbound")
    before = scene.payments()
    echo = scene.installation.synced("delta")
    assert (echo.count("payments", "created"), echo.count("payments", "rejected")) == (0, 0)
    assert scene.payments() == before
    assert numbers(scene.installation.synced("outbound")) == {}


@pytest.mark.parametrize(("side", "point"), KILLS, ids=[f"{side} {point}" for side, point in KILLS])
def test_a_run_that_is_killed_sends_no_second_payment(scene: Scene, side: str, point: KillPoint) -> None:
    payment = scene.register(33.33)
    before = scene.payments()
    scene.installation.killed_sync("outbound", scene.pms if side == "pms" else scene.proxy, point)
    scene.installation.synced("outbound")
    scene.assert_told_once(payment)
    scene.installation.synced("delta")
    assert scene.payments() == before


def test_where_its_echo_comes_before_the_mark_the_payment_is_marked_by_the_echo(scene: Scene) -> None:
    payment = scene.register(22.22)
    before = scene.payments()
    scene.installation.killed_sync("outbound", scene.pms, KillPoint(POST, answered=True))
    scene.installation.synced("delta")
    scene.assert_told_once(payment)
    assert scene.installation.synced("outbound").count(FLOW, "created") == 0
    scene.assert_told_once(payment)
    assert scene.payments() == before


def test_a_lost_answer_is_looked_up_in_the_same_run(scene: Scene) -> None:
    payment = scene.register(44.44)
    scene.pms.strike(LOST, POST)
    assert numbers(scene.installation.synced("outbound")) == {"extracted": 1, "created": 1}
    scene.assert_told_once(payment)


def test_a_payment_that_is_reset_in_between_is_not_sent_and_later_is(scene: Scene) -> None:
    payment = scene.register(55.55)
    scene.odoo.call("account.payment", "action_draft", [payment])
    scene.installation.synced("outbound")
    assert scene.held(payment)["name"] not in scene.ledger()
    scene.odoo.call("account.payment", "action_post", [payment])
    scene.installation.synced("outbound")
    scene.assert_told_once(payment)


def test_what_the_pms_refuses_is_shown_with_its_own_words(scene: Scene) -> None:
    payment = scene.register(66.66)
    scene.odoo.write("account.payment", payment, x_related_booking_id="bk_00000099")
    assert numbers(scene.installation.synced("outbound")) == {"extracted": 1, "rejected": 1}
    [letter] = scene.installation.rejections(scene.installation.name, FLOW)
    assert (letter.code, letter.reason) == ("refused_with_404", "no such record")
    scene.odoo.call("account.payment", "action_cancel", [payment])
    scene.installation.synced("outbound")
    assert scene.installation.rejections(scene.installation.name, FLOW) == []


@pytest.mark.parametrize("overlap", [0, CAPTURE_OVERLAP_SECONDS])
def test_a_transaction_that_was_open_while_others_were_captured_hides_nothing(scene: Scene, overlap: int) -> None:
    """Its `write_date` is older than what was captured meanwhile: without the overlap it is passed over."""
    scene.installation.connect(scene.pms, scene.site.through(scene.proxy.url), capture_overlap_seconds=overlap)
    booking = scene.orders()[0]["x_external_id"]
    late = scene.register(77.0 + overlap)
    scene.odoo.write("account.payment", late, x_related_booking_id=False)
    with held_open(scene, late, booking):
        early = scene.register(88.0 + overlap)
        scene.installation.synced("outbound")
        scene.assert_told_once(early)
    scene.installation.synced("outbound")
    assert (scene.held(late)["name"] in scene.ledger()) is bool(overlap)


@contextmanager
def held_open(scene: Scene, payment: int, booking: str) -> Iterator[None]:
    """Odoo writes a payment's booking in a transaction that begins before the block and ends after it."""
    if "ODOO_TEST_URL" in os.environ:
        pytest.skip("the database of a server that is not ours cannot be reached")
    write = f"record.write({{'x_related_booking_id': '{booking}'}})"
    wait = f"env.cr.execute('select pg_advisory_xact_lock({LOCK})')"
    [model] = scene.odoo.rows("ir.model", [("model", "=", "account.payment")], ["id"])
    action = {"name": "Slow", "model_id": model["id"], "state": "code", "code": f"{write}\n{wait}"}
    [action_id] = scene.odoo.call("ir.actions.server", "create", [action])
    context = {"active_model": "account.payment", "active_id": payment, "active_ids": [payment]}
    with closing(odoo_database(scene.site)) as gate, gate.cursor() as cursor, ThreadPoolExecutor(1) as clerk:
        cursor.execute("select pg_advisory_lock(%s)", [LOCK])
        writing = clerk.submit(Odoo(scene.site).call, "ir.actions.server", "run", [action_id], context=context)
        try:
            while not writing.done() and not is_awaited(cursor):
                pass
            cursor.execute("select pg_sleep(1)")  # what is written from now on has a later second
            yield
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", [LOCK])
        writing.result()


def odoo_database(site: Site) -> psycopg2.extensions.connection:
    """Odoo's own database, which tools/odoo19 runs."""
    port = int(os.environ.get("ODOO_PGPORT", "5544"))
    connection = psycopg2.connect(host="127.0.0.1", port=port, user="odoo", password="odoo", dbname=site.database)
    connection.autocommit = True
    return connection


def is_awaited(cursor: psycopg2.extensions.cursor) -> bool:
    """Whether somebody waits for the lock."""
    cursor.execute("select 1 from pg_locks where locktype = 'advisory' and objid = %s and not granted", [LOCK])
    return cursor.fetchone() is not None


def numbers(sync: Sync) -> dict[str, int]:
    """What became of the payments, without zeros."""
    return {word: count for word, count in sync.flows[FLOW].items() if count}

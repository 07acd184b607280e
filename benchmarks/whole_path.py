"""The whole path of an event, with all processes running: from an edit in the PMS until Odoo has it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import requests
import sqlalchemy as sa

from benchmarks.bench import ROOT, Bench
from benchmarks.report import Measurement, Results
from benchmarks.senders import send_at_full_speed, signed_requests
from benchmarks.sites import Site, SiteKind, open_site
from benchmarks.timed import timed_each
from odoo_pipelines.commands.instance import CONFIGURATION
from odoo_pipelines.commands.processes import Processes, free_port
from odoo_pipelines.defs.webhooks import INTERVAL_SECONDS
from odoo_pipelines.settings import DEFAULT_INTEGRATION
from odoo_pipelines.stores.database import connect
from odoo_pipelines.stores.inbox import Inbox

SECRET = "benchmark"
WHOLE_PATH = "whole path"
PATH = f"/api/v1/webhook/{DEFAULT_INTEGRATION}"
PATIENCE_SECONDS = 600.0
_POLL_SECONDS = 0.1
_NEVER = "0 0 29 2 *"
_HOTEL = 3
"""Bookings of the PMS for one that may still be changed everywhere: others are paid, invoiced or cancelled."""
_INTEGRATION = """
integrations:
  pms:
    webhook_secrets: ["${WEBHOOK_SECRET}"]
    external: {url: "${PMS_URL}", api_key: "${PMS_API_KEY}", requests_per_second: 200}
    odoo: {url: "${ODOO_URL}", db: "${ODOO_DB}", username: "${ODOO_USERNAME}", api_key: "${ODOO_API_KEY}"}
    delta_cron: "%(never)s"
    full_cron: "%(never)s"
    retry_cron: "%(never)s"
    outbound_cron: "%(never)s"
"""


@dataclass(frozen=True, slots=True)
class PathMeasurement(Measurement):
    """One that also says how many runs it took."""

    runs: int | None = None

    def __str__(self) -> str:
        return f"{self.work}: {self.runs} runs"


@dataclass(frozen=True, slots=True)
class Installation:
    """A PMS and an Odoo that are in step, and everything that runs between them.

    Attributes:
        pms: URL of the sandbox.
        site: the stand-in for Odoo.
        engine: of the state.
        processes: the receiver, and `dagster dev`.
        port: of the receiver.
        bookings: ids of those that are changed.
    """

    pms: str
    site: Site
    engine: sa.Engine
    processes: Processes
    port: int
    bookings: Sequence[str]

    def edit(self, bookings: Sequence[str], note: str) -> None:
        """Writes a note into bookings of the PMS, which tells nobody."""
        with requests.Session() as session:
            for each in bookings:
                order = {"id": each, "fields": {"special_requests": note}}
                session.post(f"{self.pms}/sandbox/edit", json=order, timeout=60).raise_for_status()

    def send(self, events: int, bookings: Sequence[str], prefix: str, connections: int = 1) -> None:
        """Sends events about bookings, and returns when the last one was accepted."""
        told = signed_requests(PATH, SECRET, events, bookings, prefix)
        sent = asyncio.run(send_at_full_speed(self.port, told, connections))
        if sent.refused:
            raise RuntimeError(f"{sent.refused} events were refused")

    def arrived(self, note: str) -> int:
        """How many orders in Odoo have a note."""
        return self.site.client.search_count("sale.order", [("note", "like", note)])

    def is_idle(self) -> bool:
        """Whether all events are done."""
        return set(Inbox(self.engine).states(DEFAULT_INTEGRATION)) == {"done"}

    def runs_for(self, prefix: str) -> int:
        """How many runs were requested for the events that were sent with a prefix."""
        query = sa.text("select count(distinct claim_id) from odoo_pipelines.webhook_event where event_key like :key")
        with self.engine.connect() as connection:
            return int(connection.execute(query, {"key": f"id:{prefix}%"}).scalar_one())

    def wait(self, what: str, look: Callable[[], bool]) -> None:
        """Waits until something is true."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not look():
            self.processes.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {PATIENCE_SECONDS:.0f} s: {what}")
            time.sleep(_POLL_SECONDS)


@contextmanager
def open_installation(bench: Bench, bookings: int) -> Iterator[Installation]:
    """All of it on this machine, after a first full sync and a first event."""
    pms, port, config = bench.hotel(_HOTEL * bookings), free_port(), bench.home / "integrations.yaml"
    config.write_text(_INTEGRATION % {"never": _NEVER}, encoding="utf-8")
    (bench.home / CONFIGURATION).symlink_to(ROOT / CONFIGURATION)
    settings = {"ODOO_PIPELINES_CONFIG": str(config), "WEBHOOK_SECRET": SECRET}
    with open_site(bench, SiteKind.STANDIN) as site:
        environment = bench.environment(pms, **site.environment(), **settings)
        with Processes(environment, bench.home / "installation") as processes:
            processes.run("bootstrap", _cli("bootstrap", "--yes"), quiet=True)
            processes.run("sync", _cli("sync", "--mode", "full"), quiet=True)
            processes.start("receiver", _cli("serve", "--port", str(port)))
            dagster = [sys.executable, "-m", "dagster", "dev", "-m", "odoo_pipelines.definitions"]
            processes.start("dagster", [*dagster, "--host", "127.0.0.1", "--port", str(free_port())])
            engine = connect(bench.database_url)
            installation = Installation(pms, site, engine, processes, port, confirmed(pms)[:bookings])
            _warm_up(installation)
            yield installation
            engine.dispose()


def measure_burst(installation: Installation, events: int, connections: int, turn: int, results: Results) -> None:
    """Edits all bookings, tells of each several times, and waits for the last one from the last accepted event on."""
    prefix, bookings = f"burst-{turn}-", installation.bookings
    note = f"note of burst {turn}"
    installation.edit(bookings, note)
    installation.send(events, bookings, prefix, connections)
    started = time.perf_counter()
    installation.wait("all bookings are in Odoo", lambda: installation.arrived(note) == len(bookings))
    seconds = time.perf_counter() - started
    installation.wait("all events are done", installation.is_idle)
    work, runs = f"{events:,} events, until the last booking is there", installation.runs_for(prefix)
    results.add(PathMeasurement(work, WHOLE_PATH, len(bookings), seconds, runs=runs))


def measure_single(installation: Installation, number: int, results: Results) -> None:
    """One event after the other, each at another moment of the sensor's interval."""
    times = []
    for turn in range(number):
        time.sleep(turn * INTERVAL_SECONDS / number)
        note = f"note of single {turn}."
        started = time.perf_counter()
        _tell_one(installation, turn, note)
        times.append(time.perf_counter() - started)
        installation.wait("its event is done", installation.is_idle)
    results.add(timed_each("a single event", WHOLE_PATH, number, times))


def _tell_one(installation: Installation, turn: int, note: str) -> None:
    booking = [installation.bookings[turn % len(installation.bookings)]]
    installation.edit(booking, note)
    installation.send(1, booking, note)
    installation.wait("the booking is in Odoo", lambda: installation.arrived(note) == 1)


def confirmed(pms: str) -> list[str]:
    """Ids of bookings that are still to come."""
    answer = requests.get(f"{pms}/sandbox/oracle", timeout=60)
    answer.raise_for_status()
    return [str(each["id"]) for each in answer.json()["bookings"] if each["status"] == "confirmed"]


def _warm_up(installation: Installation) -> None:
    ready = f"http://127.0.0.1:{installation.port}/readyz"
    installation.wait("the receiver is ready", lambda: _answers(ready))
    _tell_one(installation, 0, "note to warm up")
    installation.wait("its event is done", installation.is_idle)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def _cli(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "odoo_pipelines.cli", *arguments]

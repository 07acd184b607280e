"""An installation whose runs take place in this process, between two proxies, with patience that costs no time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from odoo_pipelines.commands.bootstrap import lacking_in
from odoo_pipelines.defs.availability import count_availability, tell_availability
from odoo_pipelines.defs.jobs import Mode
from odoo_pipelines.defs.partitions import partitions_of, windows
from odoo_pipelines.defs.posting import send_records
from odoo_pipelines.errors import OdooPipelinesError
from odoo_pipelines.http.connection import ExternalConnection
from odoo_pipelines.integration import ExternalSettings, Integration, OdooSettings
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.pipeline.captured import capture
from odoo_pipelines.pipeline.extraction import Extraction
from odoo_pipelines.pipeline.loading import load_flow
from odoo_pipelines.pipeline.mapping import map_partition
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.rest.client import ExternalClient
from odoo_pipelines.settings import DatabaseSettings, Settings
from odoo_pipelines.stores.limits import unlimited
from odoo_pipelines.systems.base import System
from odoo_pipelines.systems.pms.availability import AVAILABILITY_OUT
from odoo_pipelines.systems.pms.flows import SYSTEM
from odoo_pipelines.systems.pms.outbound import PAYMENTS_OUT
from odoo_pipelines.systems.policies import UnlockPolicy
from odoo_pipelines.systems.records import WHOLE
from odoo_pipelines_tests.end_to_end.hotel import KEY
from odoo_pipelines_tests.end_to_end.site import Site
from odoo_pipelines_tests.environment import unset_all
from odoo_pipelines_tests.faults.kinds import RETRY_AFTER
from odoo_pipelines_tests.faults.outages import Disk
from odoo_pipelines_tests.faults.proxy import Proxy

PAGE_SIZE, CHUNK_SIZE = 10, 8
"""Small, so that a run consists of many requests."""
NIGHTS = 4
"""Of which the PMS is told how many rooms are left."""
TIME_OUT = 60.0
"""Seconds that the clients wait for an answer where none is lost: the machine may be busy."""
RUNS = 12
"""That may fail before one has to succeed."""


class Retries:
    """Pauses between tries: written down instead of slept through, but a server that is down comes back meanwhile.

    Attributes:
        pauses: in seconds.
    """

    def __init__(self, *proxies: Proxy) -> None:
        self.pauses: list[float] = []
        self._proxies = proxies

    def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)
        for proxy in self._proxies:
            proxy.come_up()

    @property
    def asked_for(self) -> int:
        """Pauses as long as a server asked for, and not longer."""
        return sum(RETRY_AFTER <= pause < RETRY_AFTER + 1 for pause in self.pauses)


@dataclass
class Works:
    """One integration between a hotel and an Odoo.

    Attributes:
        settings: of the installation.
        integration: the only one.
        pms: proxy before the hotel.
        odoo: proxy before Odoo.
        short_time_out: seconds after which the clients give up in a hurry.
        pause: between the tries of all runs.
        failures: classes of the errors that ended runs.
        before_mapping: called when everything is extracted.
        time_out: seconds that the clients wait for an answer.
    """

    settings: Settings
    integration: Integration
    pms: Proxy
    odoo: Proxy
    short_time_out: float
    pause: Retries
    failures: Counter[str] = field(default_factory=Counter)
    before_mapping: Callable[[], None] = field(default=lambda: None)
    time_out: float = TIME_OUT

    @property
    def name(self) -> str:
        """Of the integration."""
        return self.integration.name

    @property
    def files(self) -> set[str]:
        """Batch files, whatever they are called, below the root."""
        root = self.settings.home / "data"
        return {str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()}

    def run(self, mode: Mode = "delta") -> Counter[str]:
        """One run; gives its outcomes.

        Raises:
            OdooPipelinesError: it failed, as a run in Dagster would.
        """
        with self._session(mode) as session:
            partitions = partitions_of(self.integration)
            keys = partitions.get_partition_keys()
            for stream in SYSTEM.streams.values():
                walk = Extraction(session, stream)
                for window in windows(partitions, keys) if stream.partitioned else [Window()]:
                    walk.extract(window)
            self.before_mapping()
            for flow in SYSTEM.flows:
                for key in (WHOLE, *keys):
                    map_partition(session, flow, key)
            loads = [load_flow(session, flow, [WHOLE, *keys], lambda *_: None) for flow in SYSTEM.flows]
        return sum((Counter(load.report.counts.as_dict()) for load in loads), Counter())

    def send(self) -> Counter[str]:
        """One run out of Odoo; gives the outcomes of the payments.

        Raises:
            OdooPipelinesError: it failed, as a run in Dagster would.
        """
        with self._session("outbound") as session:
            capture(session, PAYMENTS_OUT)
            sent, _ = send_records(session, PAYMENTS_OUT)
        return Counter({word: count for word, count in sent.report.counts.as_dict().items() if count})

    def tell(self) -> Counter[str]:
        """One run that counts what is left in Odoo and tells of it; gives the outcomes of the numbers.

        Raises:
            OdooPipelinesError: it failed, as a run in Dagster would.
        """
        with self._session("outbound") as session:
            count_availability(session, AVAILABILITY_OUT)
            sent, _ = tell_availability(session, AVAILABILITY_OUT)
        return Counter({word: count for word, count in sent.report.counts.as_dict().items() if count})

    def run_until_done(self, mode: Mode = "delta") -> None:
        """Runs that fail, until one does not."""
        for _ in range(RUNS):
            try:
                self.run(mode)
            except OdooPipelinesError as error:
                self.failures[type(error).__name__] += 1
            else:
                return
        pytest.fail(f"{RUNS} runs failed: {dict(self.failures)}")

    def hurry(self) -> None:
        """Answers that never come are waited for a short time only."""
        self.time_out = self.short_time_out

    def calm(self) -> None:
        """No faults any more, and all the time that an answer takes."""
        self.time_out = TIME_OUT
        self.before_mapping = lambda: None
        Disk.full = False
        self.pms.calm()
        self.odoo.calm()

    @contextmanager
    def _session(self, mode: Mode) -> Iterator[Session]:
        session = Session(
            self.settings,
            self.integration,
            uuid4().hex,
            mode,
            partitions_of(self.integration).get_partition_keys(),
            self.pause,
        )
        sides = self.integration.connections()
        assert sides.odoo is not None
        external = ExternalConnection(
            sides.external.url, sides.external.api_key, read_timeout=self.time_out, page_size=PAGE_SIZE
        )
        session.external = ExternalClient(external, unlimited(), sleep=self.pause)
        odoo = OdooConnection(
            sides.odoo.url, sides.odoo.db, sides.odoo.username, sides.odoo.api_key, read_timeout=self.time_out
        )
        session.odoo = OdooClient(odoo, sleep=self.pause)
        try:
            yield session
        finally:
            session.external.close()
            session.close()


@contextmanager
def open_works(hotel: Proxy, odoo: Proxy, site: Site, home: Path, database: DatabaseSettings) -> Iterator[Works]:
    """An installation with an Odoo that is prepared and empty."""
    name = f"pms{uuid4().hex[:8]}"
    integration = Integration(
        name=name,
        external=ExternalSettings(url=hotel.url, api_key=SecretStr(KEY), page_size=PAGE_SIZE),
        odoo=OdooSettings(
            url=odoo.url, db=site.database, username=site.login, api_key=SecretStr(site.api_key), chunk_size=CHUNK_SIZE
        ),
        history_start=(datetime.now(UTC) - timedelta(days=40)).date(),
        unlock_orders=UnlockPolicy.ALWAYS,
        availability_days=NIGHTS,
    )
    settings = Settings({name: integration}, database, f"disk://{home}/data", home)
    with pytest.MonkeyPatch.context() as monkeypatch:
        unset_all(monkeypatch)
        prepare(site, SYSTEM)
        yield Works(settings, integration, hotel, odoo, 5.0 if site.real else 0.4, Retries(hotel, odoo))


def prepare(site: Site, system: System) -> None:
    """Makes the custom fields, categories and journals."""
    client = OdooClient(OdooConnection(site.url, site.database, site.login, SecretStr(site.api_key)))
    lacking_in(client, system, {}).apply(client)

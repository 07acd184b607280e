"""A whole installation for one test: sandbox PMS, Odoo stand-in, a database of its own and a Dagster instance."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests
import sqlalchemy as sa
from pydantic import SecretStr

from odoo_pipelines.commands.bootstrap import needed_fields
from odoo_pipelines.defs.assets import assets_of
from odoo_pipelines.defs.build import build_definitions
from odoo_pipelines.defs.jobs import Mode, job_name, range_tags, run_tags
from odoo_pipelines.defs.keys import external_key, mapped_key, odoo_key
from odoo_pipelines.defs.partitions import partitions_of
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.settings import load_settings
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.base import Flow, Stream
from odoo_pipelines.systems.records import Batch
from odoo_pipelines_sandbox.odoo.app import create_app as create_odoo
from odoo_pipelines_sandbox.odoo.server import Options, Server
from odoo_pipelines_sandbox.pms.app import SandboxApp
from odoo_pipelines_sandbox.pms.app import create_app as create_pms
from odoo_pipelines_sandbox.pms.events import Advance, Edit, Touched, advance, edit
from odoo_pipelines_sandbox.pms.faults import Fault
from odoo_pipelines_sandbox.pms.options import SandboxOptions
from odoo_pipelines_sandbox.serving import running
from odoo_pipelines_tests.environment import unset_all

PMS_KEY = "pms-key-0815-confidential"
ODOO_KEY = "odoo-key-4711-confidential"
BOOKINGS = 12
HISTORY_DAYS = 60
"""Of the sandbox; the pipelines begin later, so that the first partition has to take what lies before it."""
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
INTEGRATION = """
integrations:
  pms:
    external: {url: "${PMS_URL}", api_key: "${PMS_API_KEY}"}
    odoo: {url: "${ODOO_URL}", db: odoo, username: admin, api_key: "${ODOO_API_KEY}"}
    journals: {cash: BNK1}
    history_start: %s
"""


@dataclass
class Stage:
    """One integration on the sandbox and the stand-in.

    Attributes:
        pms: the sandbox, to change its data and to make it misbehave.
        odoo_url: of the stand-in.
        odoo_server: the stand-in itself.
        state: what the pipelines remember.
        instance: where runs are recorded; their events are not, until `keep_events` is called.
        progress: what runs told of their progress.
    """

    pms: SandboxApp
    odoo_url: str
    odoo_server: Server
    state: State
    instance: dg.DagsterInstance
    progress: list[tuple[str, int, int]] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)
    _built: tuple[Integration, dg.Definitions] | None = None

    @property
    def keys(self) -> list[str]:
        """All partitions."""
        return list(partitions_of(self.integration).get_partition_keys())

    @property
    def integration(self) -> Integration:
        return load_settings().integration("pms")

    def sync(self, mode: Mode, keys: tuple[str, str] | None = None) -> dg.ExecuteInProcessResult:
        """Runs a job as its schedule would, or over a range of partitions."""
        integration = self.integration
        tags = range_tags(*keys) if keys else run_tags(integration, mode)
        return self._execute(job_name(integration, mode), tags)

    def requested(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Runs what a sensor asks for."""
        assert request.job_name
        return self._execute(request.job_name, request.tags)

    def materialize(self, *keys: dg.AssetKey, partition: str | None = None) -> dg.ExecuteInProcessResult:
        """What the button of the UI does."""
        tags = range_tags(partition, partition) if partition else {}
        job = dg.define_asset_job("by_hand", selection=dg.AssetSelection.assets(*keys))
        definitions = dg.Definitions.merge(self._definitions(), dg.Definitions(jobs=[job]))
        return self._run(definitions.resolve_job_def("by_hand"), tags)

    def extracted(self, stream: str) -> dg.AssetKey:
        return external_key(self.integration, stream)

    def mapped(self, flow: str) -> dg.AssetKey:
        return mapped_key(self.integration, flow)

    def loaded(self, flow: str) -> dg.AssetKey:
        return odoo_key(self.integration, flow_named(flow))

    def assets(self) -> list[dg.AssetsDefinition]:
        """All assets."""
        return assets_of(self.integration)

    def keep_events(self) -> None:
        """Has an instance of its own record all that happens from now on."""
        self.instance = self._stack.enter_context(dg.DagsterInstance.ephemeral())

    def session(self, mode: str = "partition", run_id: str = "a-run") -> Session:
        """What an asset works with; to be closed."""
        settings = load_settings(needed="pms")
        integration = settings.integration("pms")
        return Session(settings, integration, run_id, mode, partitions_of(integration).get_partition_keys())

    def edit(self, booking: str | int, **fields: Any) -> None:
        """Changes a booking in the PMS."""
        edit(self.pms.sandbox.world, Edit(id=booking, fields=fields))

    def advance(self, **order: Any) -> Touched:
        """Lets time pass in the PMS."""
        return advance(self.pms.sandbox.world, Advance(**order))

    def served(self, stream: str = "bookings") -> list[dict[str, Any]]:
        """What the PMS holds now."""
        oracle = requests.get(f"{load_settings().integrations['pms'].external.url}/sandbox/oracle", timeout=10)  # type: ignore[union-attr]
        rows: list[dict[str, Any]] = oracle.json()[stream]
        return rows

    def confirmed(self) -> dict[str, Any]:
        """A booking that may still change."""
        return next(row for row in self.served() if row["status"] == "confirmed")

    def odoo(self, model: str, method: str, **parameters: Any) -> Any:
        """Asks the stand-in."""
        answer = requests.post(
            f"{self.odoo_url}/json/2/{model}/{method}",
            json=parameters,
            headers={"Authorization": f"bearer {ODOO_KEY}", "X-Odoo-Database": "odoo"},
            timeout=10,
        )
        assert answer.ok, answer.text
        return answer.json()

    def odoo_fault(self, **fault: Any) -> None:
        """Makes the stand-in misbehave."""
        requests.post(f"{self.odoo_url}/sandbox/faults", json=fault, timeout=10).raise_for_status()

    def odoo_faults_end(self) -> None:
        """Makes the stand-in behave again."""
        requests.delete(f"{self.odoo_url}/sandbox/faults", timeout=10).raise_for_status()

    def odoo_statistics(self) -> dict[str, Any]:
        """What the stand-in was asked: `requests`, `reads`, `writes`."""
        statistics: dict[str, Any] = requests.get(f"{self.odoo_url}/sandbox/stats", timeout=10).json()
        return statistics

    def pms_fault(self, **fault: Any) -> None:
        """Makes the PMS misbehave."""
        self.pms.sandbox.faults.faults.append(Fault(**fault))

    def refuse_logins(self) -> None:
        """Lets no run into Odoo, until `allow_logins`."""
        os.environ["ODOO_API_KEY"] = "wrong"

    def allow_logins(self) -> None:
        """Lets runs into Odoo again."""
        os.environ["ODOO_API_KEY"] = ODOO_KEY

    def batches(self, layer: Any, name: str) -> list[Batch]:
        return self.state.batches("pms", layer, [name])

    def pending(self, flow: str) -> list[Batch]:
        """Mapped batches that the load has still to do."""
        target = flow_named(flow).target
        return self.state.pending("pms", "mapped", [flow], f"odoo/{target.asset_name}")

    def watermark(self, stream: str = "bookings") -> dt.datetime | None:
        return self.state.watermark("pms", stream)

    def counts(self, result: dg.ExecuteInProcessResult, flow: str = "orders") -> dict[str, int]:
        """The numbers of a run that are not zero."""
        return {word: count for word, count in self.state.run_counts(result.run_id)[flow].as_dict().items() if count}

    def _definitions(self) -> dg.Definitions:
        if self._built is None or self._built[0] != self.integration:
            definitions = build_definitions([self.integration], lambda *told: self.progress.append(told))
            self._built = self.integration, definitions
        return self._built[1]

    def _execute(self, job: str, tags: Mapping[str, str]) -> dg.ExecuteInProcessResult:
        return self._run(self._definitions().resolve_job_def(job), tags)

    def _run(self, job: dg.JobDefinition, tags: Mapping[str, str]) -> dg.ExecuteInProcessResult:
        return job.execute_in_process(run_config=QUIET, instance=self.instance, tags=dict(tags), raise_on_error=False)


def history_start() -> dt.date:
    """The first day of last month: two partitions."""
    return (dt.datetime.now(dt.UTC).date().replace(day=1) - dt.timedelta(days=1)).replace(day=1)


def change_this_month(pms: SandboxApp) -> None:
    """Has a booking and a guest change in the last partition, which would be empty in the first days of a month."""
    now = dt.datetime.fromtimestamp(pms.sandbox.world.clock / 1000, dt.UTC)
    began = dt.datetime(now.year, now.month, 1, tzinfo=dt.UTC)
    between = int((began + (now - began) / 2).timestamp() * 1000)
    for stream in ("bookings", "guests"):
        feed = pms.sandbox.world.feeds[stream]
        for newest in feed.newest(1):
            feed.touch(newest, max(feed.updated_at(newest), between))


def flow_named(name: str) -> Flow:
    return next(flow for flow in get_system("pms").flows if flow.name == name)


def stream_named(name: str) -> Stream:
    return get_system("pms").streams[name]


@contextmanager
def staged(
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    engine: sa.Engine,
    instance: dg.DagsterInstance,
    options: Mapping[str, Any],
) -> Iterator[Stage]:
    """Serves both sides and points the environment to them.

    Args:
        monkeypatch: of the test.
        home: an empty directory.
        engine: of a migrated database.
        instance: where runs are recorded.
        options: of the sandbox PMS, besides its key.
    """
    pms = create_pms(
        SandboxOptions(**{"bookings": BOOKINGS, "days": HISTORY_DAYS, "api_key": SecretStr(PMS_KEY), **options})
    )
    change_this_month(pms)
    odoo = create_odoo(Options(api_key=ODOO_KEY, custom_fields=_custom_fields()))
    with running(pms) as pms_url, running(odoo) as odoo_url, ExitStack() as stack:
        unset_all(monkeypatch)
        config = home / "integrations.yaml"
        config.write_text(INTEGRATION % history_start())
        environment = {
            "DAGSTER_HOME": str(home),
            "ODOO_PIPELINES_DATABASE_URL": engine.url.render_as_string(hide_password=False),
            "ODOO_PIPELINES_CONFIG": str(config),
            "PMS_URL": pms_url,
            "PMS_API_KEY": PMS_KEY,
            "ODOO_URL": odoo_url,
            "ODOO_API_KEY": ODOO_KEY,
        }
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        stage = Stage(pms, odoo_url, odoo.state.server, State(engine), instance, _stack=stack)
        stage.odoo("product.category", "create", vals_list=[{"name": each} for each in _categories()])
        yield stage


def _categories() -> Sequence[str]:
    return get_system("pms").product_categories


def _custom_fields() -> dict[str, dict[str, str]]:
    fields = needed_fields(get_system("pms"))
    return {model: {each.name: each.type for each in some} for model, some in fields.items()}

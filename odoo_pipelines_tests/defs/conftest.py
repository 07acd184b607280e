"""A stage for every test that asks for one; `parametrize("pms", [{...}], indirect=True)` changes its PMS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from odoo_pipelines.defs.partitions import partitions_of
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.settings import load_settings
from odoo_pipelines_tests.defs.feed import Feed, NewSession, served
from odoo_pipelines_tests.defs.snapshot import Snapshot
from odoo_pipelines_tests.defs.stage import Stage, staged
from odoo_pipelines_tests.environment import unset_all


@pytest.fixture
def pms(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """Options of the sandbox PMS."""
    return getattr(request, "param", {})


@pytest.fixture
def stage(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    engine: sa.Engine,
    instance: dg.DagsterInstance,
    pms: Mapping[str, Any],
) -> Iterator[Stage]:
    """A whole installation of the test's own."""
    with staged(monkeypatch, tmp_path, engine, instance, pms) as stage:
        yield stage


@pytest.fixture(scope="session")
def snapshots() -> dict[str, Snapshot]:
    """What full syncs have left behind, by the options of the PMS."""
    return {}


@pytest.fixture
def synced(
    stage: Stage,
    engine: sa.Engine,
    pms: Mapping[str, Any],
    snapshots: dict[str, Snapshot],
    tmp_path_factory: pytest.TempPathFactory,
) -> dg.ExecuteInProcessResult:
    """The stage begins as a full sync has left it; only the first test of a worker waits for that sync."""
    known = snapshots.get(repr(pms))
    if known:
        known.restore(stage, engine)
        return known.result
    result = stage.sync("full")
    assert result.success
    snapshots[repr(pms)] = Snapshot.of(stage, engine, result, tmp_path_factory.mktemp("synced") / "data")
    return result


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def new_session(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_database_url: str, feed: Feed
) -> Iterator[NewSession]:
    """Makes sessions of one run after the other."""
    unset_all(monkeypatch)
    with served(feed) as url, ExitStack() as stack:
        environment = {"ODOO_ENABLED": "false", "PMS_URL": url, "PMS_API_KEY": "key", "DAGSTER_HOME": str(tmp_path)}
        for variable, value in {**environment, "ODOO_PIPELINES_DATABASE_URL": fresh_database_url}.items():
            monkeypatch.setenv(variable, value)

        def make(mode: str = "partition") -> Session:
            stack.close()
            settings = load_settings(needed="pms")
            integration = settings.integration("pms")
            keys = partitions_of(integration).get_partition_keys()
            session = Session(settings, integration, f"run-{mode}", mode, keys)
            stack.callback(session.close)
            return session

        yield make

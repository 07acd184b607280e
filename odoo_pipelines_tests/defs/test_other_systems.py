"""Systems of other shapes than the PMS: two flows into one model, no partitions, nothing into Odoo."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from odoo_pipelines.defs.build import build_definitions
from odoo_pipelines.defs.jobs import delta_range, job_name, jobs_of, run_tags, schedules_of
from odoo_pipelines.defs.partitions import partitions_of
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.consumers import load_consumer
from odoo_pipelines.systems import get_system
from odoo_pipelines_tests.environment import unset_all
from odoo_pipelines_tests.systems.installed import Install, installing

MEMBERS = """
from odoo_pipelines.systems.base import Flow, MappedRow, Stream, System
from odoo_pipelines.systems.payload import RecordPayload, Text
from odoo_pipelines.systems.targets import Target, TargetField


class Person(RecordPayload):
    name: Text = None


def contact(person, options):
    return [MappedRow("person", person.id, None, {"name": person.name})]


CONTACT = Target("res.partner", (TargetField("name", "char"),))
STREAMS = {name: Stream(name, f"/{name}", Person, partitioned=False) for name in ("members", "guests")}
FLOWS = [Flow(name, name, {name: contact}, CONTACT) for name in STREAMS]
SYSTEM = System("club", STREAMS, FLOWS)
"""
ONLY_OUT = """
from odoo_pipelines.systems.base import System
from odoo_pipelines.systems.pms.flows import SYSTEM as PMS

SYSTEM = System("club", {}, (), outbound=PMS.outbound)
"""
CLUB = Integration(name="club", system="club", history_start=dt.date(2026, 1, 1))


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_database_url: str) -> None:
    unset_all(monkeypatch)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", fresh_database_url)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    with installing(tmp_path, monkeypatch) as function:
        yield function


def test_two_flows_into_one_model_are_loaded_by_assets_of_their_own(install: Install) -> None:
    install("club", MEMBERS)
    definitions = build_definitions([CLUB], lambda _name, _done, _all: None)
    dg.Definitions.validate_loadable(definitions)
    keys = {key.to_user_string() for asset in definitions.assets or () for key in getattr(asset, "keys", ())}
    assert {"club/odoo/res_partner", "club/odoo/res_partner_guests"} <= keys
    consumers = [load_consumer(flow) for flow in get_system("club").flows]
    assert consumers == ["odoo/res_partner", "odoo/res_partner_guests"]


def test_the_flows_of_the_pms_keep_the_names_under_which_batches_are_done() -> None:
    consumers = [load_consumer(flow) for flow in get_system("pms").flows]
    assert consumers == ["odoo/res_partner", "odoo/product_product", "odoo/sale_order", "odoo/account_payment"]


def test_a_delta_of_streams_without_partitions_runs_over_the_present_one(install: Install) -> None:
    install("club", MEMBERS)
    present = partitions_of(CLUB).get_partition_keys()[-1]
    assert delta_range(CLUB) == (present, present)


def test_a_system_that_only_takes_has_only_outbound_jobs(install: Install) -> None:
    install("club", ONLY_OUT)
    dg.Definitions.validate_loadable(build_definitions([CLUB], lambda _name, _done, _all: None))
    names = [job_name(CLUB, mode) for mode in ("outbound", "outbound_full")]
    assert [job.name for job in jobs_of(CLUB)] == names
    assert [schedule.job_name for schedule in schedules_of(CLUB)] == names
    assert run_tags(CLUB, "outbound") == {}
    with pytest.raises(ConfigurationError, match="--mode delta: the system 'club' brings nothing into Odoo"):
        run_tags(CLUB, "delta")

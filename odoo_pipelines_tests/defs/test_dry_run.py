"""Dry runs of whole syncs: nothing is written anywhere, and the sync that follows does what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import dagster as dg
import orjson
import pytest
import requests
import sqlalchemy as sa

from odoo_pipelines.defs.dry_run import FlowPreview, dry_run_job, run_dry
from odoo_pipelines.defs.jobs import Mode
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.settings import load_settings
from odoo_pipelines.stores.tables import metadata
from odoo_pipelines_tests.defs.stage import BOOKINGS, QUIET, Stage
from odoo_pipelines_tests.end_to_end.books import Snapshot, snapshot
from odoo_pipelines_tests.end_to_end.predictions import unforeseen
from odoo_pipelines_tests.end_to_end.site import Odoo

ALL = 10_000


class Reader:
    """The stand-in as `snapshot` reads it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def rows(self, model: str, domain: Sequence[Any], fields: Sequence[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._stage.odoo(
            model, "search_read", domain=domain, fields=fields, load=None, order="id", context={"active_test": False}
        )
        return found


def in_odoo(stage: Stage) -> Snapshot:
    return snapshot(cast("Odoo", Reader(stage)), "pms")


def in_state(engine: sa.Engine) -> dict[str, list[str]]:
    """Every row of every table."""
    with engine.connect() as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(sa.select(table)))
            for table in metadata.sorted_tables
        }


def files(home: Path) -> list[str]:
    return sorted(str(path) for path in (home / "data").rglob("*"))


def dry_run(stage: Stage, mode: Mode, partition: str | None = None) -> dict[str, FlowPreview]:
    settings = load_settings(needed="pms")
    told = lambda *told: stage.progress.append(told)  # noqa: E731
    return run_dry(settings, stage.integration, mode, partition, told, sample=ALL)


def counts(flows: dict[str, FlowPreview]) -> dict[str, dict[str, int]]:
    return {name: flow.counts.as_dict() for name, flow in flows.items()}


def document(flows: dict[str, FlowPreview]) -> Any:
    """As `--json` prints it."""
    return orjson.loads(
        orjson.dumps({name: {"sample": [asdict(each) for each in f.sample]} for name, f in flows.items()})
    )


def disturb(stage: Stage) -> None:
    """Changes some bookings in the PMS, and some records in Odoo."""
    changing = [each for each in stage.served() if each["status"] == "confirmed"]
    stage.edit(changing[0]["id"], special_requests="A <quiet> room", rooms=changing[0]["rooms"][1:], extras=[])
    stage.edit(changing[1]["id"], status="cancelled", guest={**changing[1]["guest"], "email": "new@example.com"})
    stage.edit(changing[2]["id"], rooms=[{**changing[2]["rooms"][0], "quantity": 7}])
    [order, *_] = stage.odoo("sale.order", "search", domain=[["x_external_id", "=", changing[3]["id"]]])
    stage.odoo("sale.order", "write", ids=[order], vals={"client_order_ref": "by hand"})
    [partner, *_] = stage.odoo("res.partner", "search", domain=[["x_external_guest_id", "!=", False]])
    stage.odoo("res.partner", "write", ids=[partner], vals={"x_external_guest_id": "by hand", "zip": "0815"})


class TestPromise:
    def test_the_sync_does_exactly_what_the_dry_run_said(self, stage: Stage) -> None:
        runs: tuple[tuple[Mode, bool], ...] = (("full", False), ("delta", True), ("full", True))
        for mode, disturbed in runs:
            if disturbed:
                disturb(stage)
            before = in_odoo(stage)
            said = dry_run(stage, mode)
            assert in_odoo(stage) == before
            done = stage.sync(mode)
            assert {name: each.as_dict() for name, each in stage.state.run_counts(done.run_id).items()} == counts(said)
            assert unforeseen(document(said), "pms", before, in_odoo(stage)) == []

    @pytest.mark.parametrize("loaded", [False, True])
    def test_not_a_byte_of_the_state_the_batches_and_odoo_changes(
        self, stage: Stage, engine: sa.Engine, tmp_path: Path, request: pytest.FixtureRequest, *, loaded: bool
    ) -> None:
        if loaded:
            request.getfixturevalue("synced")
            disturb(stage)
        before = in_state(engine), files(tmp_path), in_odoo(stage), stage.odoo_statistics()["writes"]
        assert dry_run(stage, "full")["orders"].counts.extracted
        assert dry_run(stage, "delta")["orders"].counts.extracted
        after = in_state(engine), files(tmp_path), in_odoo(stage), stage.odoo_statistics()["writes"]
        assert after == before

    @pytest.mark.usefixtures("synced")
    def test_what_would_be_done_about_vanished_records_is_shown_and_not_done(
        self, stage: Stage, tmp_path: Path, engine: sa.Engine
    ) -> None:
        config = tmp_path / "integrations.yaml"
        config.write_text(
            f"{config.read_text()}    vanished_share_limit: 1\n    flows: {{orders: {{vanished: cancel}}}}\n"
        )
        url = stage.integration.connections().external.url
        gone = stage.confirmed()["id"]
        requests.post(f"{url}/sandbox/delete", json={"stream": "bookings", "id": gone}, timeout=10).raise_for_status()
        before = in_odoo(stage), in_state(engine)
        said = dry_run(stage, "full")
        assert (in_odoo(stage), in_state(engine)) == before
        [shown] = said["orders"].sample
        assert (shown.external_id, shown.code) == (gone, "vanished_cancelled")
        assert stage.sync("full").success
        assert unforeseen(document(said), "pms", before[0], in_odoo(stage)) == []

    def test_one_partition_is_rehearsed_alone(self, stage: Stage) -> None:
        said = dry_run(stage, "full", stage.keys[-1])
        assert 0 < said["orders"].counts.extracted < BOOKINGS

    def test_a_run_that_would_fail_fails_and_leaves_nothing(self, stage: Stage, engine: sa.Engine) -> None:
        before = in_state(engine)
        stage.pms_fault(kind="status", status=400, path="/guests", times=None)
        with pytest.raises(Exception, match="/guests"):
            dry_run(stage, "full")
        assert in_state(engine) == before

    def test_with_loads_switched_off_there_is_nothing_to_rehearse(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ODOO_ENABLED", "false")
        integration = stage.integration.model_copy(update={"odoo_enabled": False})
        with pytest.raises(ConfigurationError, match="ODOO_ENABLED is off"):
            run_dry(load_settings(), integration, "full", None, lambda *_: None)


class TestJob:
    def test_the_launchpad_chooses_mode_and_partition(self, stage: Stage) -> None:
        result = self.launch(stage, mode="full", partition=stage.keys[-1])
        assert result.success
        assert 0 < self.metadata(result)["orders_extracted"].value < BOOKINGS

    @pytest.mark.usefixtures("synced")
    def test_it_shows_numbers_and_names_of_fields_but_no_value(self, stage: Stage) -> None:
        disturb(stage)
        told = self.metadata(self.launch(stage, mode="delta"))
        assert told["orders_updated"].value == 3
        fields = {record.data["kind"]: record.data["rows"] for record in told["orders_fields"].value.records}
        assert fields["order_line.product_uom_qty"] == 1
        assert "quiet" not in repr(told)

    def test_no_asset_has_been_materialized(self, stage: Stage) -> None:
        stage.keep_events()
        result = self.launch(stage, mode="full")
        assert not [event for event in result.all_events if event.is_step_materialization]
        assert stage.instance.get_latest_materialization_event(stage.loaded("orders")) is None

    def test_it_takes_its_turn_with_the_syncs(self, stage: Stage) -> None:
        job = dry_run_job(stage.integration)
        assert {node.definition.pool for node in job.nodes} == {"odoo_pipelines/pms"}  # type: ignore[attr-defined]

    def test_a_mode_that_does_not_exist_is_refused(self, stage: Stage) -> None:
        with pytest.raises(dg.DagsterInvalidConfigError):
            self.launch(stage, mode="sideways")

    def launch(self, stage: Stage, **choices: Any) -> dg.ExecuteInProcessResult:
        config = {**QUIET, "ops": {"dry_run_pms": {"config": choices}}}
        return dry_run_job(stage.integration).execute_in_process(
            run_config=config, instance=stage.instance, raise_on_error=False
        )

    def metadata(self, result: dg.ExecuteInProcessResult) -> Any:
        [event] = [event for event in result.all_events if event.is_successful_output]
        return event.step_output_data.metadata

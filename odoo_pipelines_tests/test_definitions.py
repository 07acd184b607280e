"""What Dagster sees: everything of every active integration, also before anything is configured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from odoo_pipelines.defs.build import build_definitions
from odoo_pipelines.defs.resources import log_progress
from odoo_pipelines.integration import Integration
from odoo_pipelines.settings import load_settings
from odoo_pipelines_tests.environment import VARIABLES, unset_all

ROOT = Path(__file__).resolve().parents[1]
INBOUND = {
    "external/rooms",
    "external/guests",
    "external/bookings",
    "external/bookings_by_id",
    "external/payments",
    "mapped/partners",
    "mapped/products",
    "mapped/orders",
    "mapped/payments",
    "odoo/res_partner",
    "odoo/product_product",
    "odoo/sale_order",
    "odoo/account_payment",
}
OUTBOUND = {"odoo/payments", "external/payments_out", "odoo/availability", "external/availability_out"}
ASSETS = INBOUND | OUTBOUND


def definitions(*integrations: Integration) -> dg.Definitions:
    found = build_definitions(integrations, log_progress)
    dg.Definitions.validate_loadable(found)
    return found


def specs(*integrations: Integration) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions(*integrations).resolve_all_asset_specs()}


def test_with_nothing_configured_they_load_and_show_the_integration_to_come(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unset_all(monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert set(specs(*load_settings().integrations.values())) == {f"pms/{asset}" for asset in ASSETS}


def test_two_integrations_stand_side_by_side() -> None:
    grand, beach = Integration(name="grand-hotel"), Integration(name="beach", partition="day")
    found = definitions(grand, beach)
    assert set(specs(grand, beach)) == {f"{name}/{asset}" for name in ("grand-hotel", "beach") for asset in ASSETS}
    assert {job.name for job in found.jobs or ()} >= {
        f"{name}_{job}" for name in ("grand_hotel", "beach") for job in ("delta_sync", "full_sync", "dry_run")
    }
    assert len(list(found.schedules or ())) == len({schedule.name for schedule in found.schedules or ()})


def test_an_inactive_integration_has_nothing_at_all() -> None:
    found = definitions(Integration(name="pms"), Integration(name="beach", active=False))
    assert not [key for key in specs(Integration(name="beach", active=False)) if key.startswith("beach")]
    names = [job.name for job in found.jobs or ()] + [schedule.name for schedule in found.schedules or ()]
    assert not [name for name in names if name.startswith("beach")]


def test_every_asset_is_in_the_pool_of_its_integration() -> None:
    """One without it could write at the same time as another."""
    graph = definitions(Integration(name="grand-hotel")).resolve_asset_graph()
    pools = {key.to_user_string(): graph.get(key).pools for key in graph.materializable_asset_keys}
    assert pools == {f"grand-hotel/{asset}": {"odoo_pipelines/grand-hotel"} for asset in ASSETS}


def test_every_asset_tells_what_it_is_whose_and_how_fresh_it_should_be() -> None:
    for key, spec in specs(Integration(name="grand-hotel")).items():
        assert spec.description, key
        assert spec.owners, key
        assert spec.kinds, key
        assert spec.freshness_policy is not None, key
        assert spec.tags["odoo_pipelines/integration"] == "grand-hotel", key


def test_the_assets_of_each_stage_are_a_group_of_the_integration() -> None:
    stages = {key.partition("/")[2]: spec.group_name for key, spec in specs(Integration(name="grand-hotel")).items()}
    out = {key: "push" if key.startswith("external/") else "extract_odoo" for key in OUTBOUND}
    layers = {"external": "extract", "mapped": "map", "odoo": "load"}
    inbound = {key: layers[key.partition("/")[0]] for key in ASSETS if key not in OUTBOUND}
    assert stages == {key: f"grand_hotel_{stage}" for key, stage in {**inbound, **out}.items()}


def test_what_nobody_syncs_is_not_called_stale() -> None:
    found = specs(Integration(name="pms", auto_sync=False))
    assert {spec.freshness_policy for spec in found.values()} == {None}


def test_lineage_leads_from_the_streams_to_odoo() -> None:
    parents = {
        key: {dep.asset_key.to_user_string() for dep in spec.deps}
        for key, spec in specs(Integration(name="pms")).items()
    }
    assert parents["pms/external/bookings"] == set()
    bookings = {"pms/external/bookings", "pms/external/bookings_by_id"}
    assert parents["pms/mapped/partners"] == {"pms/external/guests", *bookings}
    assert parents["pms/mapped/products"] == {"pms/external/rooms", *bookings}
    assert parents["pms/odoo/sale_order"] == {
        "pms/mapped/orders",
        "pms/odoo/res_partner",
        "pms/odoo/product_product",
    }


def test_what_goes_out_of_odoo_follows_what_was_loaded() -> None:
    parents = {
        key: {dep.asset_key.to_user_string() for dep in spec.deps}
        for key, spec in specs(Integration(name="pms")).items()
    }
    assert parents["pms/odoo/payments"] == {"pms/odoo/sale_order", "pms/odoo/account_payment"}
    assert parents["pms/external/payments_out"] == {"pms/odoo/payments"}
    assert parents["pms/odoo/availability"] == {"pms/odoo/product_product", "pms/odoo/sale_order"}
    assert parents["pms/external/availability_out"] == {"pms/odoo/availability"}


def test_only_rooms_and_what_goes_out_have_no_partitions_and_backfills_take_several_at_a_time() -> None:
    found = specs(Integration(name="pms"))
    whole = {f"pms/{asset}" for asset in (*OUTBOUND, "external/rooms")}
    assert {key for key, spec in found.items() if spec.partitions_def is None} == whole
    graph = definitions(Integration(name="pms")).resolve_asset_graph()
    policies = {graph.get(key).backfill_policy for key in graph.materializable_asset_keys}
    assert policies == {dg.BackfillPolicy.multi_run(12), None}


def test_a_clean_checkout_is_valid(tmp_path: Path, empty_database_url: str) -> None:
    for name in ("workspace.yaml", "pyproject.toml", "dagster.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "odoo_pipelines", tmp_path / "odoo_pipelines", ignore=ignored)
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment["ODOO_PIPELINES_DATABASE_URL"] = empty_database_url
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:odoo_pipelines", "-m", "dagster", "definitions", "validate"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Validation successful for code location odoo_pipelines" in done.stdout + done.stderr

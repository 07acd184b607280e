"""The benchmarks run, in sizes that measure nothing; what one runs in earnest, another only starts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import SecretStr
from typer.testing import CliRunner

from benchmarks import bench as benches
from benchmarks import load, mapping, memory
from benchmarks.bench import open_bench
from benchmarks.end_to_end import measure_end_to_end
from benchmarks.report import Results
from benchmarks.sites import Site
from benchmarks.step import EXTRACTION, FLOWS
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.settings import inherited_environment
from odoo_pipelines_tests.programs import Programs

STEP_TOLD = (0, '{"rows": 30, "seconds": 0.5}')
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def _shared_server(monkeypatch: pytest.MonkeyPatch, fresh_database_url: str) -> None:
    """Benchmarks in this process use the tests' database server; one in a process of its own starts one."""

    def shared(home: Path, **_: float) -> str:
        home.mkdir()
        return fresh_database_url

    monkeypatch.setattr(benches, "ensure_server", shared)


def run(benchmark: str, results: Path, *arguments: str) -> dict[str, Any]:
    """What a benchmark wrote."""
    command = [sys.executable, "-m", f"benchmarks.{benchmark}", "--json", str(results), *arguments]
    done = subprocess.run(  # noqa: S603
        command, cwd=ROOT, env=inherited_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    assert document["machine"]["cores"] >= 1
    return document


def run_here(benchmark: Callable[..., None], results: Path, *arguments: str) -> dict[str, Any]:
    """The same in this process, where programs can be replaced."""
    command = typer.Typer()
    command.command()(benchmark)
    done = CliRunner().invoke(command, ["--json", str(results), *arguments])
    assert done.exit_code == 0, done.output
    document: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    return document


@pytest.mark.usefixtures("_shared_server")
def test_load_measures_the_engine_beside_create_and_load(tmp_path: Path) -> None:
    sizes = ("--partners", "40", "--orders", "20", "--rounds", "1", "--bookings", "0", "--no-peer")
    document = run_here(load.main, tmp_path / "results.json", "--odoo", "standin", *sizes)
    measured = {(each["work"], each["by"]): each for each in document["measurements"]}
    for flow, rows in (("partners", 40), ("orders", 20)):
        for by in ("raw create", "raw load", "engine"):
            assert measured[f"{flow}: first load", by]["rows"] == rows
        assert measured[f"{flow}: unchanged, delta", "engine"]["writes"] == 0
        assert measured[f"{flow}: unchanged, full", "engine"]["writes"] == 0
        assert measured[f"{flow}: 5 % changed in 2 fields, delta", "engine"]["writes"] == 1
    for kind in ("unfit", "refused"):
        assert measured[f"partners: first load, 10 {kind} rows", "engine"]["rows"] == 40


@pytest.mark.usefixtures("_shared_server")
def test_the_whole_way_is_measured_through_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = Programs(monkeypatch, tmp_path, {"sync": (0, '{"status": "success"}')})
    connection = OdooConnection("http://odoo.example", "odoo", "admin", SecretStr("key"))
    results = Results("load", {})
    with open_bench() as bench:
        measure_end_to_end(bench, Site(connection, OdooClient(connection)), 20, results)
    assert [(each.work, each.rows, each.by) for each in results.measurements] == [
        ("end to end: first full sync", 20, "odoo-pipelines sync"),
        ("end to end: unchanged, full", 20, "odoo-pipelines sync"),
        ("end to end: unchanged, delta", 20, "odoo-pipelines sync"),
        ("end to end: 5 % changed, delta", 20, "odoo-pipelines sync"),
    ]
    syncs = [["sync", "--mode", mode, "--json"] for mode in ("full", "full", "delta", "delta")]
    assert programs.calls("odoo_pipelines.cli") == syncs


@pytest.mark.usefixtures("_shared_server")
def test_mapping_measures_every_flow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = Programs(monkeypatch, tmp_path, dict.fromkeys((EXTRACTION, *FLOWS), STEP_TOLD))
    document = run_here(mapping.main, tmp_path / "results.json", "--bookings", "30", "--rounds", "1")
    assert [(each["work"], each["rows"]) for each in document["measurements"]] == [
        ("extraction", 30),
        ("mapping to partners", 30),
        ("mapping to products", 30),
        ("mapping to orders", 30),
    ]
    assert programs.calls("benchmarks.step") == [["extraction"], ["partners"], ["products"], ["orders"]]


@pytest.mark.usefixtures("_shared_server")
def test_memory_measures_the_peak_of_every_step(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of one flow's mapping: each step is a process, and the flows differ in their name only."""
    monkeypatch.setattr(memory, "FLOWS", FLOWS[:1])
    document = run_here(memory.main, tmp_path / "results.json", "--bookings", "30")
    peaks = [each["peak_mb"] for each in document["measurements"]]
    assert len(peaks) == 2
    assert all(20 < peak < 1_000 for peak in peaks)


def test_webhooks_measures_a_receiver_and_its_inbox(tmp_path: Path) -> None:
    sizes = ("--events", "50", "--connections", "4", "--rate", "50", "--seconds", "1", "--rounds", "1")
    document = run("webhooks", tmp_path / "results.json", "--part", "receiver", *sizes)
    measured = {each["work"]: each for each in document["measurements"]}
    assert measured["burst of 50"]["rows"] == measured["50 per second"]["rows"] == 50
    assert measured["1 claims"]["rows"] == 300
    assert all(0 < each["p50_ms"] <= each["p99_ms"] <= each["max_ms"] for each in measured.values())

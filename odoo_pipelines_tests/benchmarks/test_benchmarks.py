"""The benchmarks run, in sizes that measure nothing; what one runs in earnest, another only starts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import SecretStr
from typer.testing import CliRunner

from benchmarks import mapping
from benchmarks.bench import open_bench
from benchmarks.end_to_end import measure_end_to_end
from benchmarks.report import Results
from benchmarks.sites import Site
from benchmarks.step import EXTRACTION, FLOWS
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.settings import inherited_environment
from odoo_pipelines_tests.programs import Programs

ROOT = Path(__file__).resolve().parents[2]


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


def test_load_measures_the_engine_beside_create_and_load(tmp_path: Path) -> None:
    sizes = ("--partners", "40", "--orders", "20", "--rounds", "1", "--bookings", "0", "--no-peer")
    document = run("load", tmp_path / "results.json", "--odoo", "standin", *sizes)
    measured = {(each["work"], each["by"]): each for each in document["measurements"]}
    for flow, rows in (("partners", 40), ("orders", 20)):
        for by in ("raw create", "raw load", "engine"):
            assert measured[f"{flow}: first load", by]["rows"] == rows
        assert measured[f"{flow}: unchanged, delta", "engine"]["writes"] == 0
        assert measured[f"{flow}: unchanged, full", "engine"]["writes"] == 0
        assert measured[f"{flow}: 5 % changed in 2 fields, delta", "engine"]["writes"] == 1
    for kind in ("unfit", "refused"):
        assert measured[f"partners: first load, 10 {kind} rows", "engine"]["rows"] == 40


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


def test_mapping_measures_every_flow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = (0, '{"rows": 30, "seconds": 0.5}')
    programs = Programs(monkeypatch, tmp_path, dict.fromkeys((EXTRACTION, *FLOWS), told))
    benchmark = typer.Typer()
    benchmark.command()(mapping.main)
    results = tmp_path / "results.json"
    done = CliRunner().invoke(benchmark, ["--bookings", "30", "--rounds", "1", "--json", str(results)])
    assert done.exit_code == 0, done.output
    document = json.loads(results.read_text(encoding="utf-8"))
    assert [(each["work"], each["rows"]) for each in document["measurements"]] == [
        ("extraction", 30),
        ("mapping to partners", 30),
        ("mapping to products", 30),
        ("mapping to orders", 30),
    ]
    assert programs.calls("benchmarks.step") == [["extraction"], ["partners"], ["products"], ["orders"]]


def test_memory_measures_the_peak_of_every_step(tmp_path: Path) -> None:
    document = run("memory", tmp_path / "results.json", "--bookings", "30")
    peaks = [each["peak_mb"] for each in document["measurements"]]
    assert len(peaks) == 4
    assert all(20 < peak < 1_000 for peak in peaks)

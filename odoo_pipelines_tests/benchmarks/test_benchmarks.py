"""Every benchmark runs from a shell, in sizes that measure nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from odoo_pipelines.settings import inherited_environment

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


def test_load_measures_the_engine_beside_create_and_load_and_the_whole_way(tmp_path: Path) -> None:
    sizes = ("--partners", "40", "--orders", "20", "--rounds", "1", "--bookings", "20")
    document = run("load", tmp_path / "results.json", "--odoo", "standin", *sizes)
    measured = {(each["work"], each["by"]): each for each in document["measurements"]}
    for flow, rows in (("partners", 40), ("orders", 20)):
        for by in ("raw create", "raw load", "engine"):
            assert measured[f"{flow}: first load", by]["rows"] == rows
        assert measured[f"{flow}: unchanged, delta", "engine"]["writes"] == 0
        assert measured[f"{flow}: unchanged, full", "engine"]["writes"] == 0
        assert measured[f"{flow}: 5 % changed in 2 fields, delta", "engine"]["writes"] == 1
    assert [work for work, by in measured if by == "odoo-pipelines sync"] == [
        "end to end: first full sync",
        "end to end: unchanged, full",
        "end to end: unchanged, delta",
        "end to end: 5 % changed, delta",
    ]


def test_mapping_measures_every_flow(tmp_path: Path) -> None:
    document = run("mapping", tmp_path / "results.json", "--bookings", "30", "--rounds", "1")
    assert [(each["work"], each["rows"]) for each in document["measurements"]] == [
        ("extraction", 30),
        ("mapping to partners", 30),
        ("mapping to products", 30),
        ("mapping to orders", 30),
    ]


def test_memory_measures_the_peak_of_every_step(tmp_path: Path) -> None:
    document = run("memory", tmp_path / "results.json", "--bookings", "30")
    peaks = [each["peak_mb"] for each in document["measurements"]]
    assert len(peaks) == 4
    assert all(20 < peak < 1_000 for peak in peaks)

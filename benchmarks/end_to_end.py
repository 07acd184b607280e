"""The whole way through the command line: PMS, batches, mapping, Odoo, with Dagster's own work in it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping

import requests

from benchmarks.bench import ROOT, Bench
from benchmarks.report import Measurement, Results
from benchmarks.rows import CHANGED_EVERY
from benchmarks.sites import Site


def measure_end_to_end(bench: Bench, site: Site, bookings: int, results: Results) -> None:
    """Syncs a sandbox PMS three times: into nothing, unchanged, and 5 % changed; rows are bookings."""
    pms = bench.hotel(bookings)
    environment = bench.environment(pms, **site.environment())
    results.add(_sync("end to end: first full sync", "full", bookings, environment))
    results.add(_sync("end to end: unchanged, full", "full", bookings, environment))
    results.add(_sync("end to end: unchanged, delta", "delta", bookings, environment))
    changed = max(1, bookings // CHANGED_EVERY)
    answer = requests.post(f"{pms}/sandbox/advance", json={"changed_bookings": changed}, timeout=60)
    answer.raise_for_status()
    results.add(_sync("end to end: 5 % changed, delta", "delta", bookings, environment))


def _sync(work: str, mode: str, bookings: int, environment: Mapping[str, str]) -> Measurement:
    command = [sys.executable, "-m", "odoo_pipelines.cli", "sync", "--mode", mode, "--json"]
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode or json.loads(done.stdout)["status"] != "success":
        raise RuntimeError(f"{work} failed: {done.stderr[-2000:]}")
    return Measurement(work, "odoo-pipelines sync", bookings, seconds)

"""Peak memory of extraction and mapping: it must not grow with the number of bookings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.bench import open_bench
from benchmarks.report import Measurement, Results
from benchmarks.step import EXTRACTION, FLOWS, run_measured, run_step


def main(
    bookings: Annotated[list[int] | None, typer.Option(help="May be given several times.")] = None,
    json: Annotated[Path | None, typer.Option(help="File for the results.")] = None,
    *,
    job: Annotated[bool, typer.Option("--job", help="The whole Dagster job in one process, too.")] = False,
) -> None:
    """Runs every step over 100,000 and over 1,000,000 bookings."""
    sizes = bookings or [100_000, 1_000_000]
    console = Console()
    results = Results("memory", {"bookings": sizes, "job": job})
    for size in sizes:
        with console.status(f"{size:,} bookings"):
            _measure(size, results, job=job)
    results.show(console)
    if json:
        results.write(json)


def _measure(bookings: int, results: Results, *, job: bool) -> None:
    with open_bench() as bench:
        environment = bench.environment(bench.hotel(bookings), ODOO_ENABLED="false")
        for step in (EXTRACTION, *FLOWS):
            results.add(run_step(step, bookings, environment))
        if job:
            command = [sys.executable, "-m", "odoo_pipelines.cli", "sync", "--mode", "full", "--json"]
            _, seconds, peak = run_measured(command, environment)
            by = f"{bookings:,} bookings"
            results.add(Measurement("Dagster job: all of it, all streams", by, bookings, seconds, peak_mb=peak))


if __name__ == "__main__":
    typer.run(main)

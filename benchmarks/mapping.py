"""Bookings per second through each mapping, from batch file to batch file, in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.bench import open_bench
from benchmarks.report import Results
from benchmarks.step import EXTRACTION, FLOWS, run_step


def main(
    bookings: Annotated[int, typer.Option(min=1)] = 20_000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    json: Annotated[Path | None, typer.Option(help="File for the results.")] = None,
) -> None:
    """Maps the same bookings again and again, for each flow in turn, in fresh processes."""
    console = Console()
    results = Results("mapping", {"bookings": bookings, "rounds": rounds})
    with open_bench() as bench, console.status("mapping"):
        environment = bench.environment(bench.hotel(bookings))
        results.add(run_step(EXTRACTION, bookings, environment))
        for _ in range(rounds):
            for flow in FLOWS:
                results.add(run_step(flow, bookings, environment))
    results.show(console)
    if json:
        results.write(json)


if __name__ == "__main__":
    typer.run(main)

"""Steps of the pipelines, each in a process of its own: nothing is warm, and the peak of its memory is its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from benchmarks.bench import ROOT
from benchmarks.report import Measurement

EXTRACTION = "extraction"
FLOWS = ("partners", "products", "orders")
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


def main(step: Annotated[str, typer.Argument(help="`extraction`, or the name of a flow.")]) -> None:
    """Extracts all bookings, or maps them for one flow; prints rows and seconds as JSON."""
    from benchmarks.pipeline import extract, map_flow, open_session  # noqa: PLC0415 - whoever starts us needs it not

    with open_session(os.environ) as session:
        started = time.perf_counter()
        rows = extract(session).rows if step == EXTRACTION else map_flow(session, step).rows_in
        typer.echo(json.dumps({"rows": rows, "seconds": time.perf_counter() - started}))


def run_step(step: str, bookings: int, environment: Mapping[str, str]) -> Measurement:
    """Runs a step over all bookings in a fresh process.

    Raises:
        RuntimeError: it failed, or other rows went through than there are.
    """
    output, _, peak = run_measured([sys.executable, "-m", "benchmarks.step", step], environment)
    told = json.loads(output)
    if told["rows"] != bookings:
        raise RuntimeError(f"{step}: {told['rows']} of {bookings} bookings went through")
    work = step if step == EXTRACTION else f"mapping to {step}"
    return Measurement(work, f"{bookings:,} bookings", bookings, told["seconds"], peak_mb=peak)


def run_measured(command: Sequence[str], environment: Mapping[str, str]) -> tuple[str, float, float]:
    """What a command printed, the seconds that it took, and the most resident memory that it had, in 10^6 bytes."""
    started = time.perf_counter()
    with subprocess.Popen(command, env=dict(environment), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed")
    return output, seconds, usage.ru_maxrss * _MAXRSS_BYTES / 1e6


if __name__ == "__main__":
    typer.run(main)

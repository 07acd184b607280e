"""What was measured, as a table for people and as a document for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Measurement:
    """One thing done once.

    Attributes:
        work: what, such as "partners: first load".
        by: who, such as "engine" or "raw load".
        rows: how many.
        seconds: that it took.
        reads: requests that could change nothing; None where they were not counted.
        writes: requests that could change records.
        peak_mb: most resident memory of the process, in 10^6 bytes.
    """

    work: str
    by: str
    rows: int
    seconds: float
    reads: int | None = None
    writes: int | None = None
    peak_mb: float | None = None

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds


@dataclass(slots=True)
class Results:
    """All measurements of one benchmark.

    Attributes:
        name: of the benchmark.
        parameters: that it was run with.
        measurements: in the order in which they were made.
    """

    name: str
    parameters: dict[str, Any]
    measurements: list[Measurement] = field(default_factory=list)

    def add(self, measurement: Measurement) -> None:
        """Takes a measurement."""
        self.measurements.append(measurement)

    def rate(self, work: str, by: str) -> float | None:
        """Median of the rows per second; None where nobody did that."""
        rates = [each.rate for each in self.measurements if (each.work, each.by) == (work, by)]
        return median(rates) if rates else None

    def show(self, console: Console, *, beside: Sequence[str] = ()) -> None:
        """Prints a line for each work and doer, with the ratios of its rate to those of the doers `beside`."""
        console.print(_table(self, beside))

    def write(self, path: Path) -> None:
        """Writes everything as JSON, with the machine on which it was measured."""
        document = {
            "benchmark": self.name,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": _machine(),
            "parameters": self.parameters,
            "measurements": [{**asdict(each), "rows_per_second": round(each.rate, 1)} for each in self.measurements],
        }
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _table(results: Results, beside: Sequence[str]) -> Table:
    table = Table(title=results.name, box=None, padding=(0, 2, 0, 0))
    table.add_column("work")
    table.add_column("by")
    for heading in ("rows", "seconds", "rows/s", "compared", "reads", "writes", "peak MB"):
        table.add_column(heading, justify="right")
    groups: dict[tuple[str, str], list[Measurement]] = {}
    for each in results.measurements:
        groups.setdefault((each.work, each.by), []).append(each)
    for (work, by), some in groups.items():
        table.add_row(work, by, *_cells(some), _ratios(results, work, by, beside), *_worst(some))
    return table


def _cells(some: Sequence[Measurement]) -> tuple[str, str, str]:
    seconds, rate = median(each.seconds for each in some), median(each.rate for each in some)
    return f"{some[0].rows:,}", f"{seconds:.2f}", f"{rate:,.0f}"


def _ratios(results: Results, work: str, by: str, beside: Sequence[str]) -> str:
    own, others = results.rate(work, by), [(other, results.rate(work, other)) for other in beside if other != by]
    return ", ".join(f"{own / rate:.2f} x {other}" for other, rate in others if own and rate)


def _worst(some: Sequence[Measurement]) -> tuple[str, str, str]:
    """The largest of the numbers that no bad moment of the machine excuses."""
    return (
        _largest([each.reads for each in some]),
        _largest([each.writes for each in some]),
        _largest([each.peak_mb for each in some]),
    )


def _largest(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{max(known):,.0f}" if known else ""


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_average": round(os.getloadavg()[0], 2),
        "platform": platform.platform(),
        "python": platform.python_version(),
    }

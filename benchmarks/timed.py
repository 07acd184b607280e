"""Measurements that also say how long single ones took."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.report import Measurement
from benchmarks.senders import Sent


@dataclass(frozen=True, slots=True)
class TimedMeasurement(Measurement):
    """One with the times of single ones, in milliseconds."""

    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None

    def __str__(self) -> str:
        return f"{self.work}: p50 {self.p50_ms:,.1f} ms, p99 {self.p99_ms:,.1f} ms, max {self.max_ms:,.1f} ms"


def timed(work: str, by: str, sent: Sent) -> TimedMeasurement:
    """What became of a number of requests, as a measurement."""
    p50, p99, longest = (sent.percentile(share) for share in (0.5, 0.99, 1.0))
    return TimedMeasurement(work, by, sent.accepted, sent.seconds, p50_ms=p50, p99_ms=p99, max_ms=longest)


def timed_each(work: str, by: str, rows: int, seconds: list[float]) -> TimedMeasurement:
    """The same for things that were done one after the other."""
    return timed(work, by, Sent(rows, 0, sum(seconds), sorted(seconds)))

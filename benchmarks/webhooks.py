"""Signed events per second that one receiver accepts durably, its latencies at a steady rate, the cost of claims."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import requests
import sqlalchemy as sa
import typer
from rich.console import Console

from benchmarks.bench import Bench, open_bench
from benchmarks.report import Measurement, Results
from benchmarks.senders import Sent, send_at_a_rate, send_at_full_speed, signed_requests
from odoo_pipelines.commands.processes import Processes, free_port
from odoo_pipelines.settings import DEFAULT_INTEGRATION
from odoo_pipelines.stores.database import connect
from odoo_pipelines.stores.inbox import Inbox

SECRET = "benchmark"
BOOKINGS = 2_000
_PATH = f"/api/v1/webhook/{DEFAULT_INTEGRATION}"
_STARTUP_SECONDS = 60.0
_WARM_UP = 200


@dataclass(frozen=True, slots=True)
class TimedMeasurement(Measurement):
    """One that also says how long single ones took, in milliseconds."""

    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None


def main(
    *,
    events: Annotated[int, typer.Option(min=1, help="Sent as fast as they are answered.")] = 10_000,
    connections: Annotated[int, typer.Option(min=1)] = 64,
    rate: Annotated[int, typer.Option(min=1, help="Events per second of the steady stream.")] = 200,
    seconds: Annotated[int, typer.Option(min=1, help="How long the steady stream goes on.")] = 30,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    json: Annotated[Path | None, typer.Option(help="File for the results.")] = None,
) -> None:
    """Starts a receiver and sends it signed events of 4 KiB."""
    console = Console()
    asked = {"events": events, "connections": connections, "rate": rate, "seconds": seconds, "rounds": rounds}
    results = Results("webhooks", dict(asked))
    with open_bench() as bench, _receiver(bench) as port, console.status("sending"):
        _sent(send_at_full_speed(port, _requests(_WARM_UP, "warm-up"), connections))
        for turn in range(rounds):
            burst = _sent(send_at_full_speed(port, _requests(events, f"burst-{turn}"), connections))
            results.add(_measurement(f"burst of {events:,}", "one receiver", burst))
            steady = _sent(send_at_a_rate(port, _requests(rate * seconds, f"steady-{turn}"), rate, connections))
            results.add(_measurement(f"{rate} per second", "one receiver", steady))
        _require_all_stored(bench, _WARM_UP + rounds * (events + rate * seconds))
        results.add(_claim_all(bench))
    results.show(console)
    for each in results.measurements:
        if isinstance(each, TimedMeasurement):
            console.print(f"{each.work}: p50 {each.p50_ms:.1f} ms, p99 {each.p99_ms:.1f} ms, max {each.max_ms:.1f} ms")
    if json:
        results.write(json)


@contextmanager
def _receiver(bench: Bench) -> Iterator[int]:
    port = free_port()
    environment = bench.environment("http://127.0.0.1:1", PMS_WEBHOOK_SECRETS=SECRET)
    command = [sys.executable, "-m", "odoo_pipelines.cli", "serve", "--port", str(port)]
    with Processes(environment, bench.home / "receiver") as processes:
        processes.start("receiver", command)
        deadline = time.monotonic() + _STARTUP_SECONDS
        while not _ready(port):
            processes.check()
            if time.monotonic() > deadline:
                raise TimeoutError("the receiver does not answer")
            time.sleep(0.1)
        yield port


def _ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def _requests(number: int, prefix: str) -> list[bytes]:
    return signed_requests(_PATH, SECRET, number, BOOKINGS, f"{prefix}-")


def _sent(sending: Coroutine[Any, Any, Sent]) -> Sent:
    sent = asyncio.run(sending)
    if sent.refused:
        raise RuntimeError(f"{sent.refused} events were refused")
    return sent


def _measurement(work: str, by: str, sent: Sent) -> TimedMeasurement:
    p50, p99, longest = (sent.percentile(share) for share in (0.5, 0.99, 1.0))
    return TimedMeasurement(work, by, sent.accepted, sent.seconds, p50_ms=p50, p99_ms=p99, max_ms=longest)


def _require_all_stored(bench: Bench, expected: int) -> None:
    engine = connect(bench.database_url)
    with engine.connect() as connection:
        stored = connection.execute(sa.text("select count(*) from odoo_pipelines.webhook_event")).scalar_one()
    engine.dispose()
    if stored != expected:
        raise RuntimeError(f"{stored} events are stored, not {expected}")


def _claim_all(bench: Bench) -> TimedMeasurement:
    """Claims everything, one claim after the other: the first ones with all the backlog, the last with none."""
    engine = connect(bench.database_url)
    inbox, times, claimed = Inbox(engine), [], 0
    backlog = inbox.waiting().count
    while claimed < backlog:
        started = time.perf_counter()
        claim = inbox.claim(DEFAULT_INTEGRATION)
        times.append(time.perf_counter() - started)
        claimed += len(claim.events) if claim else 0
    engine.dispose()
    return _measurement(f"{len(times)} claims", "inbox", Sent(claimed, 0, sum(times), sorted(times)))


if __name__ == "__main__":
    typer.run(main)

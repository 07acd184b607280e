"""Signed events: how many one receiver accepts durably, the cost of claims and ticks, and the whole path into Odoo."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import requests
import sqlalchemy as sa
import typer
from rich.console import Console

from benchmarks.bench import Bench, open_bench
from benchmarks.report import Results
from benchmarks.senders import Sent, send_at_a_rate, send_at_full_speed, signed_requests
from benchmarks.ticks import BOOKINGS, measure_ticks
from benchmarks.timed import TimedMeasurement, timed, timed_each
from benchmarks.whole_path import (
    PATH,
    SECRET,
    PathMeasurement,
    measure_burst,
    measure_single,
    open_installation,
)
from odoo_pipelines.commands.processes import Processes, free_port
from odoo_pipelines.settings import DEFAULT_INTEGRATION
from odoo_pipelines.stores.database import connect
from odoo_pipelines.stores.inbox import Inbox

BACKLOGS = [0, 10_000, 200_000]
_STARTUP_SECONDS = 60.0
_WARM_UP = 200


class Part(StrEnum):
    """What is measured."""

    RECEIVER = "receiver"
    TICKS = "ticks"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class Sending:
    """How much is sent to a receiver; the options of the command line say more."""

    events: int
    connections: int
    rate: int
    seconds: int
    rounds: int


def main(
    *,
    part: Annotated[list[Part] | None, typer.Option(help="Only this part; may be repeated.")] = None,
    events: Annotated[int, typer.Option(min=1, help="Sent as fast as they are answered.")] = 10_000,
    connections: Annotated[int, typer.Option(min=1)] = 64,
    rate: Annotated[int, typer.Option(min=1, help="Events per second of the steady stream.")] = 200,
    seconds: Annotated[int, typer.Option(min=1, help="How long the steady stream goes on.")] = 30,
    rounds: Annotated[int, typer.Option(min=1, help="Of the receiver, and of the burst on the whole path.")] = 3,
    waiting: Annotated[
        list[int] | None,
        typer.Option(min=0, help="Events at a tick; may be repeated.", show_default="0, 10000, 200000"),
    ] = None,
    bookings: Annotated[int, typer.Option(min=1, help="On the whole path.")] = 2_000,
    singles: Annotated[int, typer.Option(min=1, help="Single events on the whole path.")] = 20,
    json: Annotated[Path | None, typer.Option(help="File for the results.")] = None,
) -> None:
    """Sends signed events of 4 KiB: to a receiver alone, and through all processes into a stand-in for Odoo."""
    console, parts, backlogs = Console(), part or list(Part), waiting or BACKLOGS
    sending = Sending(events, connections, rate, seconds, rounds)
    others = {"parts": parts, "waiting": backlogs, "bookings": bookings, "singles": singles}
    results = Results("webhooks", {**asdict(sending), **others})
    if Part.RECEIVER in parts:
        with open_bench() as bench, console.status("sending to a receiver"):
            _measure_receiver(bench, sending, results)
    if Part.TICKS in parts:
        with open_bench() as bench, console.status("ticking"):
            measure_ticks(bench, backlogs, results)
    if Part.PATH in parts:
        with open_bench() as bench, console.status("on the whole path"), open_installation(bench, bookings) as whole:
            measure_single(whole, singles, results)
            for turn in range(rounds):
                measure_burst(whole, events, connections, turn, results)
    results.show(console)
    for each in results.measurements:
        if isinstance(each, TimedMeasurement | PathMeasurement):
            console.print(str(each))
    if json:
        results.write(json)


def _measure_receiver(bench: Bench, sending: Sending, results: Results) -> None:
    events, rate, connections = sending.events, sending.rate, sending.connections
    stream = rate * sending.seconds
    with _receiver(bench) as port:
        _sent(send_at_full_speed(port, _requests(_WARM_UP, "warm-up"), connections))
        for turn in range(sending.rounds):
            burst = _sent(send_at_full_speed(port, _requests(events, f"burst-{turn}"), connections))
            results.add(timed(f"burst of {events:,}", "one receiver", burst))
            steady = _sent(send_at_a_rate(port, _requests(stream, f"steady-{turn}"), rate, connections))
            results.add(timed(f"{rate} per second", "one receiver", steady))
        _require_all_stored(bench, _WARM_UP + sending.rounds * (events + stream))
        results.add(_claim_all(bench))


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
    return signed_requests(PATH, SECRET, number, [str(each) for each in range(BOOKINGS)], f"{prefix}-")


def _sent(sending: Coroutine[Any, Any, Sent]) -> Sent:
    sent = asyncio.run(sending)
    if sent.refused:
        raise RuntimeError(f"{sent.refused} events were refused")
    return sent


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
    return timed_each(f"{len(times)} claims", "inbox", claimed, times)


if __name__ == "__main__":
    typer.run(main)

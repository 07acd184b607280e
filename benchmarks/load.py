"""Rows per second into Odoo: the engine beside raw `create` and `load` on the same server, in the same minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import rows
from benchmarks.bench import Bench, open_bench
from benchmarks.contenders import Engine, Raw, Tools
from benchmarks.end_to_end import measure_end_to_end
from benchmarks.report import Measurement, Results
from benchmarks.sites import Site, SiteKind, open_site
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.database import connect, migrate
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.targets import PARTNER, PRODUCT, SALE_ORDER
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines.systems.targets import Target

BESIDE = "raw load"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is loaded, and how.

    Attributes:
        partners: rows.
        orders: rows, with two lines each.
        rounds: how often all of it is done; medians are shown.
        batch: records in one call.
        threads: calls at a time.
        bookings: of the run through the command line; 0 leaves that out.
    """

    partners: int
    orders: int
    rounds: int
    batch: int
    threads: int
    bookings: int


def main(  # noqa: PLR0917 - typer makes options of them; nobody calls this by position
    odoo: Annotated[SiteKind, typer.Option(help="A real Odoo 19, or the stand-in.")] = SiteKind.ODOO19,
    partners: Annotated[int, typer.Option(min=20)] = 5_000,
    orders: Annotated[int, typer.Option(min=20, help="Orders with two lines each.")] = 1_000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    batch: Annotated[int, typer.Option(min=1, help="Records in one call.")] = 500,
    threads: Annotated[int, typer.Option(min=1, help="Calls at a time.")] = 2,
    bookings: Annotated[int, typer.Option(help="Bookings of the end-to-end run; 0 leaves it out.")] = 2_000,
    json: Annotated[Path | None, typer.Option(help="File for the results.")] = None,
) -> None:
    """Measures first load, unchanged rerun and 5 % changed, of partners and orders."""
    sizes = Sizes(partners, orders, rounds, batch, threads, bookings)
    console = Console()
    results = Results("load", {"odoo": odoo.value, **{name: getattr(sizes, name) for name in Sizes.__slots__}})
    with open_bench() as bench, open_site(bench, odoo) as site, console.status("loading"):
        _measure(bench, site, sizes, results)
        if bookings:
            measure_end_to_end(bench, site, bookings, results)
    results.show(console, beside=BESIDE)
    if json:
        results.write(json)


def _measure(bench: Bench, site: Site, sizes: Sizes, results: Results) -> None:
    engine = connect(bench.database_url)
    migrate(engine)
    tools = Tools(site.client, State(engine), BatchStore(bench.home / "batches"), sizes.batch, sizes.threads)
    for number in range(sizes.rounds):
        _round(tools, number, sizes, results)
    engine.dispose()


def _round(tools: Tools, number: int, sizes: Sizes, results: Results) -> None:
    """One integration of its own: its partners first, then what orders need, then the orders."""
    name = f"round-{number}"
    guests, sold = rows.partners(sizes.partners), rows.products(sizes.orders)
    booked = rows.orders(sizes.orders, sizes.partners)
    _measure_flow(_Flow(tools, name, PARTNER, guests, rows.changed_partners(guests)), "partners", number, results)
    goods = Engine(tools, name, PRODUCT)
    goods.load("products", goods.prepare(sold), {Outcome.CREATED: len(sold)})
    _measure_flow(_Flow(tools, name, SALE_ORDER, booked, rows.changed_orders(booked)), "orders", number, results)


@dataclass(frozen=True, slots=True)
class _Flow:
    tools: Tools
    integration: str
    target: Target
    first: list[MappedRow]
    changed: list[MappedRow]


def _measure_flow(flow: _Flow, name: str, number: int, results: Results) -> None:
    engine, raw = Engine(flow.tools, flow.integration, flow.target), Raw(flow.tools, flow.integration, flow.target)
    batch, changed_batch, count = engine.prepare(flow.first), engine.prepare(flow.changed), len(flow.first)
    work = f"{name}: first load"
    contenders: Sequence[Callable[[], Measurement]] = (
        lambda: raw.create(work, flow.first),
        lambda: raw.load(work, flow.first),
        lambda: engine.load(work, batch, {Outcome.CREATED: count}),
    )
    # Nobody always goes first, and nobody always finds the fuller table.
    for contender in (*contenders[number % 3 :], *contenders[: number % 3]):
        results.add(contender())
    same, updated = {Outcome.UNCHANGED: count}, len(range(0, count, rows.CHANGED_EVERY))
    results.add(engine.load(f"{name}: unchanged, delta", batch, same))
    results.add(engine.load(f"{name}: unchanged, full", batch, same, verify=True))
    outcomes = {Outcome.UPDATED: updated, Outcome.UNCHANGED: count - updated}
    results.add(engine.load(f"{name}: 5 % changed in 2 fields, delta", changed_batch, outcomes))


if __name__ == "__main__":
    typer.run(main)

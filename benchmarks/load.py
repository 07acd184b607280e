"""Rows per second into Odoo: the engine beside raw `create` and `load` on the same server, in the same minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import rows
from benchmarks.bench import Bench, open_bench
from benchmarks.contenders import Engine, Raw, Tools
from benchmarks.end_to_end import measure_end_to_end
from benchmarks.peer import PEER, Peer
from benchmarks.report import Measurement, Results
from benchmarks.sites import Site, SiteKind, open_site
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.database import connect, migrate
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.targets import PARTNER, PRODUCT, SALE_ORDER
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines.systems.targets import Target

CLEAN = "engine, clean rows"
BESIDE = ("raw load", PEER, CLEAN)
POISON = 10


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
        peer: the other importer takes part.
    """

    partners: int
    orders: int
    rounds: int
    batch: int
    threads: int
    bookings: int
    peer: bool


def main(  # noqa: PLR0917 - typer makes options of them; nobody calls this by position
    odoo: Annotated[SiteKind, typer.Option(help="A real Odoo 19, or the stand-in.")] = SiteKind.ODOO19,
    partners: Annotated[int, typer.Option(min=20)] = 5_000,
    orders: Annotated[int, typer.Option(min=20, help="Orders with two lines each.")] = 1_000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    batch: Annotated[int, typer.Option(min=1, help="Records in one call.")] = 500,
    threads: Annotated[int, typer.Option(min=1, help="Calls at a time.")] = 2,
    bookings: Annotated[int, typer.Option(help="Bookings of the end-to-end run; 0 leaves it out.")] = 2_000,
    peer: Annotated[bool, typer.Option(help=f"Compare with {PEER}, from the registry.")] = True,  # noqa: FBT002
    json: Annotated[Path | None, typer.Option(help="File for the results.")] = None,
) -> None:
    """Measures first load, unchanged rerun and 5 % changed, of partners and orders."""
    sizes = Sizes(partners, orders, rounds, batch, threads, bookings, peer)
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
    uid = site.client.authenticate()
    peer = Peer(bench.home, site.connection, uid, sizes.batch, sizes.threads) if sizes.peer else None
    for number in range(sizes.rounds):
        _round(tools, peer, number, sizes, results)
    engine.dispose()


def _round(tools: Tools, peer: Peer | None, number: int, sizes: Sizes, results: Results) -> None:
    """One integration of its own: its partners first, then what orders need, then the orders."""
    name = f"round-{number}"
    guests, sold = rows.partners(sizes.partners), rows.products(sizes.orders)
    booked = rows.orders(sizes.orders, sizes.partners)
    contacts = _Flow(tools, name, PARTNER, guests, rows.changed_partners(guests))
    _measure_flow(contacts, "partners", number, results)
    if peer:
        _measure_peer(contacts, "partners", peer, results)
    _measure_poison(contacts, "partners", results)
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
    results.add(engine.load(_unchanged(name), batch, same))
    results.add(engine.load(f"{name}: unchanged, full", batch, same, verify=True))
    outcomes = {Outcome.UPDATED: updated, Outcome.UNCHANGED: count - updated}
    results.add(engine.load(_changed(name), changed_batch, outcomes))


def _measure_peer(flow: _Flow, name: str, peer: Peer, results: Results) -> None:
    """The same file once more, which is what an importer without a memory is given."""
    raw = Raw(flow.tools, flow.integration, flow.target)
    peer.load(f"{name}: first load", flow.target.model, raw.cells(flow.first))
    results.add(peer.load(_unchanged(name), flow.target.model, raw.cells(flow.first)))
    results.add(peer.load(_changed(name), flow.target.model, raw.cells(flow.changed)))


def _measure_poison(flow: _Flow, name: str, results: Results) -> None:
    """A few rows that cannot go through, in a first load of all."""
    count = len(flow.first)
    clean = Engine(flow.tools, f"{flow.integration}-clean", flow.target)
    measured = clean.load("", clean.prepare(flow.first), {Outcome.CREATED: count})
    without = {Outcome.CREATED: count - POISON, Outcome.REJECTED: POISON}
    untold = replace(flow.target, fields=tuple(replace(each, required=False) for each in flow.target.fields))
    for kind, values, target, outcomes in (
        ("unfit", rows.UNFIT, flow.target, {Outcome.CREATED: count}),
        ("nameless", rows.NAMELESS, flow.target, without),
        ("refused", rows.NAMELESS, untold, without),
    ):
        work = f"{name}: first load, {POISON} {kind} rows"
        engine = Engine(flow.tools, f"{flow.integration}-{kind}", target)
        batch = engine.prepare(rows.poisoned_partners(flow.first, POISON, values))
        results.add(replace(measured, work=work, by=CLEAN))
        results.add(engine.load(work, batch, outcomes))


def _unchanged(name: str) -> str:
    return f"{name}: unchanged, delta"


def _changed(name: str) -> str:
    return f"{name}: 5 % changed in 2 fields, delta"


if __name__ == "__main__":
    typer.run(main)

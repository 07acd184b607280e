"""Whatever happens on both sides and in between: in the end the PMS's ledger and Odoo's are the same, to the cent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odoo_pipelines_sandbox.pms.options import Repeats
from odoo_pipelines_tests.end_to_end.histories import History
from odoo_pipelines_tests.end_to_end.in_process import InProcess
from odoo_pipelines_tests.end_to_end.on_the_wire import OnTheWire, open_exchange
from odoo_pipelines_tests.end_to_end.site import Site
from odoo_pipelines_tests.faults.conftest import shared_database

REPEATS: tuple[Repeats, ...] = ("recognised", "by_key", "by_transaction", "ignored")
SHORT, MORE = range(1), range(1, 10)
EVENTS_ON_THE_WIRE = 6


@pytest.fixture(scope="module")
def exchange(
    site: Site, server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OnTheWire]:
    """One for all histories on the wire: each goes on where the last one ended."""
    home = tmp_path_factory.mktemp("exchange")
    with shared_database(server_url, template) as database, open_exchange(site, database, home) as opened:
        yield opened


@pytest.mark.parametrize("seed", range(200))
def test_after_any_history_the_ledgers_are_the_same(seed: int) -> None:
    history = History(InProcess(seed, REPEATS[seed % len(REPEATS)]), seed)
    history.happen()
    history.assert_the_ledgers_agree()


def test_the_histories_are_hard_enough_to_tell_something() -> None:
    exchanges = [InProcess(seed, "ignored") for seed in range(10)]
    questions = set[str]()
    for seed, exchange in enumerate(exchanges):
        History(exchange, seed).happen()
        questions |= exchange.questions()
    assert sum(each.died for each in exchanges) >= 20
    assert sum(each.sent for each in exchanges) >= 30
    assert questions


@pytest.mark.parametrize("seed", SHORT)
def test_with_faults_on_the_wire_and_deaths_between_post_and_mark_they_are_so_too(
    exchange: OnTheWire, seed: int
) -> None:
    _play(exchange, seed)


@pytest.mark.parametrize("site", [pytest.param("odoo19", marks=pytest.mark.odoo)], indirect=True)
@pytest.mark.parametrize("seed", MORE)
def test_they_are_so_after_many_histories_of_a_real_odoo(exchange: OnTheWire, seed: int) -> None:
    _play(exchange, seed)


def _play(exchange: OnTheWire, seed: int) -> None:
    history = History(exchange, seed)
    history.happen(EVENTS_ON_THE_WIRE)
    history.assert_the_ledgers_agree()

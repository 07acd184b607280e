"""The engine with its real collaborators: the client over HTTP against the stand-in, and the state on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import pytest
import requests
import sqlalchemy as sa
from fastapi import FastAPI

from odoo_pipelines.stores.database import connect
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_sandbox.odoo.app import create_app
from odoo_pipelines_sandbox.odoo.server import Options
from odoo_pipelines_sandbox.serving import running
from odoo_pipelines_tests.conftest import _database, _empty
from odoo_pipelines_tests.engine.fakes import KilledError
from odoo_pipelines_tests.engine.runs import AFTER, BEFORE, INTEGRATION, Content, Run, content, custom_fields
from odoo_pipelines_tests.snapshots import OdooSnapshot, StateSnapshot

TIMEOUT = 30
SHARES = 4
NewState: TypeAlias = Callable[[], State]


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Options(custom_fields=custom_fields()))


@pytest.fixture(scope="module")
def server(app: FastAPI) -> Iterator[str]:
    with running(app) as url:
        yield url


@pytest.fixture(scope="module")
def new_state(server_url: str, template: str) -> Iterator[NewState]:
    """Makes empty states, each of which ends the one before."""
    with _database(server_url, template) as url, ExitStack() as stack:

        def new() -> State:
            stack.close()
            _empty(url)
            engine = connect(url)
            stack.callback(engine.dispose)
            return State(engine)

        yield new


def reset(url: str) -> None:
    requests.post(f"{url}/sandbox/reset", timeout=TIMEOUT).raise_for_status()


@pytest.fixture
def odoo(server: str) -> str:
    """A fresh stand-in."""
    reset(server)
    return server


@pytest.fixture(scope="module")
def go_back(app: FastAPI, server: str, new_state: NewState) -> NewState:
    """Brings Odoo and the state to where a run of BEFORE leaves them."""
    reset(server)
    state = new_state()
    Run(server, state)(BEFORE)
    odoo = app.state.server
    in_odoo, in_state = OdooSnapshot.of(odoo.db), StateSnapshot.of(cast("sa.Engine", state._engine))

    def back() -> State:
        odoo.calls.clear()
        in_odoo.restore(odoo.db)
        state = new_state()
        in_state.restore(cast("sa.Engine", state._engine))
        return state

    return back


@dataclass(frozen=True)
class Undisturbed:
    """What Odoo holds after an undisturbed run, and the methods that it called."""

    content: Content
    calls: list[str]

    @property
    def first_calls(self) -> list[int]:
        """Number of the first call of each method; every other call is killed on the fakes, in `test_crashes`."""
        return sorted(self.calls.index(method) for method in set(self.calls))


@pytest.fixture(scope="module")
def undisturbed(server: str, go_back: NewState) -> Undisturbed:
    run = Run(server, go_back())
    run(AFTER)
    return Undisturbed(content(server), run.calls)


def test_bookings_become_contacts_products_and_orders_that_amount_to_the_same(odoo: str, state: State) -> None:
    reports = Run(odoo, state)(BEFORE)

    assert {name: report.counts.by_outcome[Outcome.CREATED] for name, report in reports.items()} == {
        "partners": 3,
        "products": 2,
        "orders": 3,
        "payments": 3,
    }
    assert [
        (row["memo"], row["payment_type"], row["state"], row["move_id"]) for row in content(odoo)["account.payment"]
    ] == [
        ("tx-1", "inbound", "in_process", True),
        ("tx-3", "inbound", "in_process", True),
        ("tx-3", "outbound", "in_process", True),
    ]
    assert {order["date_order"] for order in content(odoo)["sale.order"]} == {"2026-04-01 10:11:12"}


def test_the_same_again_needs_no_request_and_verifying_writes_nothing(odoo: str, state: State) -> None:
    Run(odoo, state)(BEFORE)
    again, verifying = Run(odoo, state), Run(odoo, state)

    again(BEFORE)
    reports = verifying(BEFORE, verify=True)

    assert again.calls == []
    assert verifying.writes == []
    assert verifying.calls
    assert {report.counts.by_outcome[Outcome.UNCHANGED] for report in reports.values()} >= {3}


def test_an_empty_state_over_a_filled_odoo_finds_everything_again(odoo: str, new_state: NewState) -> None:
    Run(odoo, new_state())(BEFORE)
    before, state = content(odoo), new_state()

    run = Run(odoo, state)
    run(BEFORE)

    assert run.writes == []
    assert content(odoo) == before
    assert state.record_count(INTEGRATION, "sale.order") == 3


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "serialization_failure"])
@pytest.mark.parametrize(
    "place",
    [
        "res.partner/load",
        "res.partner/web_save_multi",
        "product.product/load",
        "sale.order/load",
        "sale.order/action_confirm",
        "sale.order/action_lock",
        "sale.order.line/load",
        "sale.order.line/unlink",
        "account.payment/load",
        "account.payment/action_post",
    ],
)
def test_a_fault_on_the_wire_changes_nothing_about_the_end(
    undisturbed: Undisturbed, server: str, go_back: NewState, place: str, kind: str
) -> None:
    state = go_back()
    model, _, method = place.partition("/")
    fault = {"kind": kind, "model": model, "method": method}
    requests.post(f"{server}/sandbox/faults", json=fault, timeout=TIMEOUT).raise_for_status()

    Run(server, state)(AFTER)

    assert place in requests.get(f"{server}/sandbox/stats", timeout=TIMEOUT).json()["calls"]
    assert content(server) == undisturbed.content


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("share", range(SHARES))
def test_a_run_killed_at_any_kind_of_call_and_started_again_ends_as_if_it_had_run_once(
    undisturbed: Undisturbed, server: str, go_back: NewState, share: int, when: Literal["before", "after"]
) -> None:
    for call in undisturbed.first_calls[share::SHARES]:
        state = go_back()
        with pytest.raises(KilledError):
            Run(server, state, call, when)(AFTER)

        Run(server, state)(AFTER, resumed=True)

        assert content(server) == undisturbed.content, f"killed {when} call {call}"
        verifying = Run(server, state)
        verifying(AFTER, verify=True)
        assert verifying.writes == []

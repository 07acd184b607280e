"""Whole runs with the real collaborators: the Odoo client over HTTP, and the state on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias, cast

from pydantic import SecretStr

from odoo_pipelines.commands.bootstrap import needed_fields
from odoo_pipelines.engine.context import FlowContext
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.engine.loader import Concurrency, FlowLoader
from odoo_pipelines.engine.planned import PlanOptions
from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.odoo.calls import Odoo
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines.odoo.model import CallOptions, OdooModel
from odoo_pipelines.odoo.reference_data import ReferenceData
from odoo_pipelines.odoo.schema import Schemas
from odoo_pipelines.pipeline.session import FlowState
from odoo_pipelines.stores.state import RunRef, State
from odoo_pipelines.systems.base import Flow, MappedRow, MappingOptions
from odoo_pipelines.systems.pms.flows import SYSTEM
from odoo_pipelines.systems.targets import CompareTotal, TargetField
from odoo_pipelines_tests.engine.claims import RowClaims
from odoo_pipelines_tests.engine.fakes import READS, KilledError
from odoo_pipelines_tests.engine.sales import hashed
from odoo_pipelines_tests.systems.pms.payloads import booking, extra, guest, payment, room

INTEGRATION = "hotel"
LINKS = {"partner_id": "res.partner", "product_id": "product.product"}
JOURNALS = {"cash": "BNK1"}
NAMED_BY_ODOO: dict[str, Callable[[Any], Any]] = {"memo": lambda memo: memo.rpartition(" - ")[2], "move_id": bool}
"""What differs where an order or an entry was made again, and what is compared of it."""
Content: TypeAlias = dict[str, list[dict[str, Any]]]
MODELS = ("res.partner", "product.product", "sale.order", "sale.order.line")


def custom_fields() -> dict[str, dict[str, str]]:
    return {model: {each.name: each.type for each in fields} for model, fields in needed_fields(SYSTEM).items()}


@dataclass
class Run:
    """One run of all flows after the other.

    Attributes:
        url: of the stand-in.
        state: which survives the runs.
        calls: methods called so far.
        kill_at: number of the call at which the process dies.
        when: before or after the call takes effect.
        given: the client, where it is not that of the stand-in.
        options: of the mappings.
        compare_total: what the bookings' totals are.
    """

    url: str
    state: State
    kill_at: int | None = None
    when: Literal["before", "after"] = "before"
    calls: list[str] = field(default_factory=list)
    given: OdooClient | None = None
    options: MappingOptions = field(default_factory=lambda: MappingOptions(journals=JOURNALS))
    compare_total: CompareTotal = "with_tax"

    def __call__(
        self, payloads: Iterable[dict[str, Any]], *, verify: bool = False, resumed: bool = False
    ) -> dict[str, FlowReport]:
        bookings = [*payloads]
        told = {"bookings": bookings, "payments": [one for each in bookings for one in each.get("payments", ())]}
        return {flow.name: self._load(flow, told, verify=verify, resumed=resumed) for flow in SYSTEM.flows}

    @cached_property
    def _client(self) -> OdooClient:
        return self.given or client_of(self.url)

    @cached_property
    def _schemas(self) -> Schemas:
        return Schemas(self._client)

    @cached_property
    def _reference_data(self) -> ReferenceData:
        return ReferenceData(self._client, self._schemas, self._client.company_id())

    def _load(
        self, flow: Flow, payloads: Mapping[str, list[dict[str, Any]]], *, verify: bool, resumed: bool
    ) -> FlowReport:
        [stream] = flow.mappers.keys() & payloads.keys()
        parsed = [SYSTEM.streams[stream].payload.parse(each) for each in payloads[stream]]
        rows: list[MappedRow] = [hashed(row) for each in parsed for row in flow.mappers[stream](each, self.options)]
        run = RunRef("run", INTEGRATION, flow.name)
        self.state.start(run, "delta")
        context = FlowContext(
            INTEGRATION,
            flow.target.comparing(self.compare_total),
            self._schemas,
            FlowState(self.state, run),
            PlanOptions(verify=verify),
        )
        model = OdooModel(
            context,
            cast("Odoo", Killable(self._client, self)),
            self._reference_data,
            RowClaims(rows),
            calls=CallOptions(chunk_size=100, sleep=lambda _: None),
        )
        loader = FlowLoader(context, model, still_writer=lambda: None, concurrency=Concurrency(ahead=0))
        report = loader.load(rows, resumed=resumed)
        assert self.state.finish(run, sum(row.weight for row in rows), consumer="test", batch_ids=[]).balanced
        return report

    @property
    def writes(self) -> list[str]:
        return [method for method in self.calls if method not in READS]


class Killable:
    """A client whose process can die around a call."""

    def __init__(self, client: OdooClient, run: Run) -> None:
        self._client = client
        self._run = run

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if not callable(method):
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            number = len(self._run.calls)
            self._run.calls.append(args[1] if name == "call" else name)
            if (number, self._run.when) == (self._run.kill_at, "before"):
                raise KilledError
            answer = method(*args, **kwargs)
            if (number, self._run.when) == (self._run.kill_at, "after"):
                raise KilledError
            return answer

        return call


def client_of(url: str) -> OdooClient:
    return OdooClient(OdooConnection(url, "odoo", "admin", SecretStr("sandbox-api-key")), sleep=lambda _: None)


def content(url: str) -> Content:
    """Everything that the flows write, relations by sync key: what was made again after a crash has another id."""
    client = client_of(url)
    keys = {model: _sync_keys(client, model) for model in MODELS}
    found: Content = {}
    for target in (flow.target for flow in SYSTEM.flows):
        more = [
            *(target.lifecycle.read if target.lifecycle else ()),
            *([target.requires.field] if target.requires else []),
        ]
        found[target.model] = _rows(client, target.model, [*_names(target.fields), *more], keys)
        if target.lines:
            found[target.lines.model] = _rows(client, target.lines.model, _names(target.lines.fields), keys)
    return found


def _sync_keys(client: OdooClient, model: str) -> dict[int, str]:
    rows = client.search_read(model, [], [SYNC_KEY_FIELD], context={"active_test": False})
    return {row["id"]: row[SYNC_KEY_FIELD] for row in rows}


def _names(fields: Iterable[TargetField]) -> list[str]:
    return [each.name for each in fields if each.name != "mobile"]


def _rows(client: OdooClient, model: str, names: list[str], keys: dict[str, dict[int, str]]) -> list[dict[str, Any]]:
    rows = client.search_read(model, [(SYNC_KEY_FIELD, "!=", False)], [SYNC_KEY_FIELD, *names])
    for row in rows:
        del row["id"]
        row.update({name: keys[linked].get(row[name]) for name, linked in LINKS.items() if name in row})
        row.update({name: shown(row[name]) for name, shown in NAMED_BY_ODOO.items() if name in row})
    return sorted(rows, key=lambda row: str(row[SYNC_KEY_FIELD]))


def paid(booking_id: int, transaction: str, **changes: Any) -> dict[str, Any]:
    """A payment of a booking, in dollars."""
    return payment(id=transaction, booking_id=booking_id, transaction_id=transaction, currency="USD", **changes)


BEFORE = [
    booking(
        id=1,
        guest=guest(id=1, email="one@example.com"),
        status="confirmed",
        currency="USD",
        total_amount="276.90",
        payments=[paid(1, "tx-1"), paid(1, "tx-2", payment_method="cash", status="failed")],
    ),
    booking(
        id=2,
        guest=guest(id=2, email="two@example.com"),
        status="provisional",
        currency="USD",
        payments=[paid(2, "tx-3", status="refunded")],
    ),
    booking(id=3, guest=guest(id=3, email="three@example.com"), status="checked_in", currency="USD"),
]
LATER = {"currency": "USD", "updated_at": "2026-05-02T00:00:00Z"}
NEWER = {"updated_at": "2026-05-02T00:00:00Z"}
AFTER = [
    booking(
        id=1,
        guest=guest(id=1, email="one@example.com", first_name="Eva", **NEWER),
        status="checked_out",
        payments=[paid(1, "tx-1", status="refunded", **NEWER), paid(1, "tx-2", payment_method="cash", **NEWER)],
        **LATER,
    ),
    booking(
        id=2,
        guest=guest(id=2, email="two@example.com", first_name="Eve", **NEWER),
        status="confirmed",
        rooms=[room(id="r2", quantity=2)],
        **LATER,
    ),
    booking(
        id=3,
        guest=guest(id=3, email="three@example.com"),
        status="checked_in",
        rooms=[room(check_out="2026-05-09", quantity=3), room(id="r3", room_type_id=6, room_type_name="Suite")],
        extras=[],
        **LATER,
    ),
    booking(
        id=4,
        guest=guest(id=4, email="four@example.com"),
        status="checked_out",
        extras=[extra(name="Spa")],
        payments=[paid(4, "tx-4", gateway="erp", **NEWER)],
        **LATER,
    ),
]

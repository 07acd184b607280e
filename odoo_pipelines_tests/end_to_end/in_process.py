"""An exchange without a network: the sandbox PMS and the Odoo stand-in called directly, the state in memory.

Every call, commit and note is an effect, around which an answer may be lost or the process may die.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import orjson
from pydantic import SecretStr

from odoo_pipelines.commands.bootstrap import lacking_in, needed_fields
from odoo_pipelines.defs.jobs import Mode
from odoo_pipelines.engine.context import FlowContext
from odoo_pipelines.engine.loader import Concurrency, FlowLoader
from odoo_pipelines.engine.planned import PlanOptions
from odoo_pipelines.errors import ExternalRequestError, ExternalUnavailableError, OdooPipelinesError
from odoo_pipelines.odoo.capture import CapturedRow, Reader, by_version, captured, since
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection, OdooVersion
from odoo_pipelines.odoo.faults import Call as FailedCall
from odoo_pipelines.odoo.faults import lost_answer, named_fault
from odoo_pipelines.odoo.model import CallOptions, OdooModel
from odoo_pipelines.odoo.reference_data import ReferenceData
from odoo_pipelines.odoo.retries import Retries
from odoo_pipelines.odoo.schema import Schemas
from odoo_pipelines.odoo.transport import READ_METHODS
from odoo_pipelines.odoo.writing import Writing
from odoo_pipelines.pipeline.posting import Sender
from odoo_pipelines.pipeline.posting_delivery import Delivery
from odoo_pipelines.pipeline.posting_owners import Owners
from odoo_pipelines.stores.rows import row_hash
from odoo_pipelines.systems.base import Flow, MappedRow, MappingOptions, RejectedRow
from odoo_pipelines.systems.outbound import Message
from odoo_pipelines.systems.pms.flows import SYSTEM
from odoo_pipelines.systems.pms.outbound import PAYMENTS_OUT
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_sandbox.odoo.errors import OdooFault
from odoo_pipelines_sandbox.odoo.server import Call, Options, Server
from odoo_pipelines_sandbox.pms import events
from odoo_pipelines_sandbox.pms.ledger import PaymentInput
from odoo_pipelines_sandbox.pms.options import Repeats, SandboxOptions
from odoo_pipelines_sandbox.pms.state import Sandbox
from odoo_pipelines_tests.end_to_end.ledgers import transactions_of
from odoo_pipelines_tests.engine.claims import RowClaims
from odoo_pipelines_tests.engine.fakes import KilledError
from odoo_pipelines_tests.engine.memory import MemoryState
from odoo_pipelines_tests.engine.posting_world import Remembered

INTEGRATION = "pms"
BOOKINGS = 4
ADMIN = 2
START = 1_767_600_000
OVERLAP = timedelta(minutes=5)
CAPTURE_OVERLAP = timedelta(seconds=180)
LONG, SHORT = 150, 45
"""Effects of runs: where a death may be."""


class Trouble:
    """What befalls a run: by chance lost answers, and a death.

    Args:
        dice: None for no trouble.
    """

    def __init__(self, dice: Random | None = None) -> None:
        self._dice = dice or Random(0)  # noqa: S311
        self._share = dice.choice([0.0, 0.0, 0.05, 0.2]) if dice else 0.0
        self._death = (
            dice.choice([-1, dice.randrange(LONG), *(dice.randrange(SHORT) for _ in range(3))]) if dice else -1
        )
        self._effects = 0

    def befall(self, loss: Callable[[], Exception] | None = None) -> None:
        """Before or after an effect; one whose answer cannot be lost can only be the last."""
        self._effects += 1
        if self._effects == self._death:
            raise KilledError
        if loss and self._dice.random() < self._share:
            raise loss()


@dataclass
class StandIn:
    """The stand-in as a protocol of the client: JSON in and out, and one transaction a call.

    Attributes:
        server: the stand-in.
        trouble: of the run.
    """

    server: Server
    trouble: Trouble = field(default_factory=Trouble)
    name: str = "json2"

    def authenticate(self) -> int:
        """The administrator."""
        return ADMIN

    def call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None,
        kwargs: Mapping[str, Any],
        context: Mapping[str, Any],
    ) -> Any:
        """Calls a method, or loses its answer."""
        failed = FailedCall(model, method, ids or (), kwargs)
        loss = None if method == "fields_get" else (lambda: lost_answer("ConnectionError", failed))
        self.trouble.befall(loss)
        given = orjson.loads(orjson.dumps({"ids": list(ids or ()), "kwargs": kwargs, "context": context}))
        try:
            answer = self.server._result(
                Call(ADMIN, model, method, given["ids"], (), given["kwargs"], given["context"]), None
            )
        except OdooFault as fault:
            raise named_fault(fault.name, fault.message, failed) from None
        self.trouble.befall(loss if method not in READ_METHODS else None)
        return orjson.loads(orjson.dumps(answer))


class Client(OdooClient):
    """The client over that protocol."""

    def __init__(self, standin: StandIn) -> None:
        super().__init__(OdooConnection("http://odoo", "odoo", "admin", SecretStr("key")), sleep=lambda _: None)
        self._transport, self._version = standin, OdooVersion(19, 0, "19.0")


@dataclass
class Office:
    """Odoo, as people use it."""

    server: Server

    def rows(self, model: str, domain: Sequence[Any], fields: Sequence[str]) -> list[dict[str, Any]]:
        """Records, oldest first; many2one fields are ids."""
        kwargs = {"domain": list(domain), "fields": list(fields), "order": "id", "load": None}
        found = self._call(Call(ADMIN, model, "search_read", (), (), kwargs, {"active_test": False}))
        return [dict(row) for row in found]

    def call(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a method."""
        on_records = method != "create"
        ids, others = (args[0], args[1:]) if on_records else ((), args)
        return self._call(Call(ADMIN, model, method, ids, others, kwargs, {}))

    def _call(self, call: Call) -> Any:
        return orjson.loads(orjson.dumps(self.server._result(call, None)))


@dataclass
class HotelDesk:
    """The sandbox PMS, as the people at its desk use it."""

    sandbox: Sandbox

    def payments(self) -> list[dict[str, Any]]:
        """All payments as they are served now, oldest change first."""
        world = self.sandbox.world
        return [world.served("payments", index) for _, index in world.keys("payments", (-(2**62), 0), None)]

    def booking(self, external_id: str) -> dict[str, Any] | None:
        """One booking."""
        index = self.sandbox.world.find("bookings", external_id)
        return None if index is None else self.sandbox.world.served("bookings", index)

    def edit(self, external_id: str, stream: str, **fields: Any) -> None:
        """Changes a record."""
        order = events.Edit.model_validate({"stream": stream, "id": external_id, "fields": fields})
        events.edit(self.sandbox.world, order)

    def book(self) -> None:
        """Somebody books, and perhaps pays."""
        events.advance(self.sandbox.world, events.Advance(new_bookings=2))


@dataclass
class Recipient:
    """The sandbox PMS, as payments are posted to it."""

    sandbox: Sandbox
    desk: HotelDesk
    trouble: Trouble

    def post(self, message: Message, idempotency_key: str) -> tuple[bool, Any]:
        """What its endpoint does."""
        self.trouble.befall(lambda: ExternalUnavailableError("refused", in_doubt=False))
        self.trouble.befall(lambda: ExternalUnavailableError("no answer", in_doubt=True))
        body = PaymentInput.model_validate_json(orjson.dumps(message.body))
        index = self.sandbox.world.find("bookings", message.segments[0])
        if index is None:
            raise ExternalRequestError("refused with 404", status=404, reason="no such record")
        known = self.sandbox.ledger.recorded(body.transaction_id, idempotency_key)
        if known is None:
            told = self.sandbox.world.record_payment(index, body.model_dump(exclude_none=True))
            self.sandbox.ledger.record(told, idempotency_key)
        self.trouble.befall(lambda: ExternalUnavailableError("the answer was lost", in_doubt=True))
        return known is None, known or told

    def listed(self, since: datetime | None) -> Iterator[Any]:
        """What the list of payments gives."""
        self.trouble.befall(lambda: ExternalUnavailableError("down"))
        for payment in self.desk.payments():
            if since is None or datetime.fromisoformat(payment["updated_at"]) >= since:
                yield payment


@dataclass
class Postings:
    """What is remembered of messages."""

    befall: Callable[[], None] = lambda: None
    known: dict[int, list[Remembered]] = field(default_factory=dict)

    def begun(self, odoo_ids: Collection[int]) -> Mapping[int, Sequence[Remembered]]:
        """The messages that were begun."""
        return {each: self.known[each] for each in odoo_ids if each in self.known}

    def begun_as(self, keys: Collection[str]) -> Mapping[str, Sequence[Remembered]]:
        """The messages that were begun under each key."""
        return {key: [one for some in self.known.values() for one in some if one.key == key] for key in keys}

    def begin(self, odoo_id: int, key: str, look_since: datetime | None) -> None:
        """Notes one."""
        self.befall()
        self.known.setdefault(odoo_id, []).append(Remembered(key, look_since))
        self.befall()

    def done(self, odoo_id: int, key: str) -> None:
        """Notes that it got through."""
        self.befall()
        for each in self.known[odoo_id]:
            each.done = each.done or each.key == key
        self.befall()


@dataclass
class Batch:
    """Payments of one extraction, mapped."""

    rows: list[MappedRow | RejectedRow]
    begun: bool = False


class InProcess:
    """A PMS and an Odoo with a few bookings in both, and runs between them.

    Args:
        seed: of the bookings.
        repeats: how the PMS treats a payment that is posted again.

    Attributes:
        died: runs that trouble has ended.
    """

    integration = INTEGRATION

    def __init__(self, seed: int, repeats: Repeats) -> None:
        self.died = 0
        options = SandboxOptions(bookings=BOOKINGS, seed=seed, days=20, repeats=repeats)
        self._sandbox = Sandbox(options, lambda: float(START))
        self._server = Server(Options(custom_fields=_custom_fields(), clock=self._now))
        self._standin = StandIn(self._server)
        self._client = Client(self._standin)
        self._schemas = Schemas(self._client)
        self._state, self._postings = MemoryState(), Postings()
        self._waiting: list[Batch] = []
        self._captured: list[CapturedRow] = []
        self._seen_to: datetime | None = None
        self._captured_to: datetime | None = None
        self._last: dict[tuple[str, str, str], Outcome] = {}
        self.pms = HotelDesk(self._sandbox)
        self.odoo = Office(self._server)
        lacking_in(self._client, SYSTEM, {}).apply(self._client)
        self._load_bookings([self._sandbox.world.served("bookings", index) for index in range(BOOKINGS)])

    def run(self, mode: Mode, trouble: Random | None = None) -> bool:
        """A run, which trouble may end; gives whether it got to its end."""
        self._begin(Trouble(trouble))
        try:
            if mode in ("delta", "full"):
                self._inbound(full=mode == "full")
            else:
                self._outbound(full=mode == "outbound_full")
        except (KilledError, OdooPipelinesError):
            if trouble is None:
                raise
            self.died += 1
            return False
        finally:
            self._begin(Trouble())
        return True

    @property
    def sent(self) -> int:
        """Payments that the PMS was posted."""
        return len(self._sandbox.ledger.payments)

    def questions(self) -> set[str]:
        """Transactions whose last word is a conflict or a rejection."""
        asked = (Outcome.CONFLICT, Outcome.REJECTED)
        waiting = {key for (_, _, key), outcome in self._last.items() if outcome in asked}
        return transactions_of(waiting, self.pms.payments())

    def _begin(self, trouble: Trouble) -> None:
        self._standin.trouble = trouble
        self._state.before, self._state.after = [trouble.befall], [trouble.befall]
        self._postings.befall = trouble.befall

    def _now(self) -> datetime:
        """Odoo's time: that of the PMS."""
        return datetime.fromtimestamp(self._sandbox.world.clock / 1000, UTC)

    def _inbound(self, *, full: bool) -> None:
        start = None if full or self._seen_to is None else self._seen_to - OVERLAP
        self._standin.trouble.befall(lambda: ExternalUnavailableError("down"))
        payloads = list(Recipient(self._sandbox, self.pms, self._standin.trouble).listed(start))
        mapped = _mapped(_flow("payments"), "payments", payloads)
        self._waiting = (
            [Batch(mapped)] if full and not any(b.begun for b in self._waiting) else [*self._waiting, Batch(mapped)]
        )
        self._seen_to = self._now()
        self._load_bookings(self._unknown_bookings())
        begun, fresh = (
            [row for batch in self._waiting if batch.begun is was for row in batch.rows] for was in (True, False)
        )
        for batch in self._waiting:
            batch.begun = True
        self._load(_flow("payments"), begun, verify=full, resumed=True)
        self._load(_flow("payments"), fresh, verify=full)
        self._waiting = []

    def _unknown_bookings(self) -> list[dict[str, Any]]:
        """Those that payments name and nobody knows."""
        named = {str(payment["booking_id"]) for payment in self.pms.payments()}
        unknown = sorted(each for each in named if ("booking", each) not in self._state.kept)
        return [booking for each in unknown if (booking := self.pms.booking(each))]

    def _load_bookings(self, bookings: Sequence[dict[str, Any]]) -> None:
        for flow in SYSTEM.flows if bookings else ():
            if "bookings" in flow.mappers:
                self._load(flow, _mapped(flow, "bookings", bookings), resumed=True)

    def _load(
        self, flow: Flow, rows: Sequence[MappedRow | RejectedRow], *, verify: bool = False, resumed: bool = False
    ) -> None:
        if not rows:
            return
        told = len(self._state.outcomes)
        context = FlowContext(INTEGRATION, flow.target, self._schemas, self._state, PlanOptions(verify=verify))
        model = OdooModel(
            context,
            self._client,
            ReferenceData(self._client, self._schemas, 1),
            RowClaims(rows),
            calls=CallOptions(chunk_size=100, sleep=lambda _: None),
            reached=lambda _: self._standin.trouble.befall(),
        )
        loader = FlowLoader(
            context,
            model,
            still_writer=lambda: None,
            concurrency=Concurrency(ahead=0),
            reached=lambda _: self._standin.trouble.befall(),
        )
        loader.load(rows, resumed=resumed)
        self._remember(flow.name, told)

    def _remember(self, flow: str, first: int) -> None:
        for each in self._state.outcomes[first:]:
            if each.outcome is not Outcome.SUPERSEDED:
                self._last[flow, each.entity, each.external_id] = each.outcome

    def _outbound(self, *, full: bool) -> None:
        reader = Reader(self._client, self._schemas)
        owners = Owners(reader, INTEGRATION, PAYMENTS_OUT.owner, alone=True)
        newest = reader.newest(PAYMENTS_OUT.model, PAYMENTS_OUT.domain)
        pages = captured(reader, PAYMENTS_OUT, None if full else since(self._captured_to, CAPTURE_OVERLAP))
        rows = [CapturedRow.of(PAYMENTS_OUT, row) for page in pages for row in page]
        self._captured += by_version(rows, (row.payload for row in self._captured))
        self._captured_to = newest or self._captured_to
        self._standin.trouble.befall()
        told = len(self._state.outcomes)
        self._sender(reader, owners).send(self._captured)
        self._remember("payments_out", told)
        self._captured = []

    def _sender(self, reader: Reader, owners: Owners) -> Sender:
        recipient = Recipient(self._sandbox, self.pms, self._standin.trouble)
        look_since = None if self._seen_to is None else self._seen_to - OVERLAP
        return Sender(
            integration=INTEGRATION,
            flow=PAYMENTS_OUT,
            reader=reader,
            writing=Writing(self._client, Retries(lambda _: None)),
            state=self._state,
            postings=self._postings,
            owners=owners,
            delivery=Delivery(
                INTEGRATION,
                PAYMENTS_OUT,
                recipient,
                self._postings,
                look_since=lambda: look_since,
                sleep=lambda _: None,
            ),
            still_writer=lambda: None,
        )


def _flow(name: str) -> Flow:
    return next(flow for flow in SYSTEM.flows if flow.name == name)


def _mapped(flow: Flow, stream: str, payloads: Sequence[dict[str, Any]]) -> list[MappedRow | RejectedRow]:
    """Rows as they come out of a batch."""
    model, mapper = SYSTEM.streams[stream].payload, flow.mappers[stream]
    rows = [row for each in payloads for row in mapper(model.parse(each), MappingOptions())]
    return [replace(row, hash=row_hash(row)) for row in rows]


@cache
def _custom_fields() -> dict[str, dict[str, str]]:
    return {model: {each.name: each.type for each in fields} for model, fields in needed_fields(SYSTEM).items()}

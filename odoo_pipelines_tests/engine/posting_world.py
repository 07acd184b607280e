"""Payments in an Odoo and a PMS in memory, with a sender between them that may die or lose answers anywhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, sync_key
from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.errors import ExternalRequestError, ExternalUnavailableError
from odoo_pipelines.odoo.capture import CapturedRow, Reader, captured
from odoo_pipelines.odoo.retries import Retries
from odoo_pipelines.odoo.writing import Writing
from odoo_pipelines.pipeline.posting import Sender
from odoo_pipelines.pipeline.posting_delivery import Delivery
from odoo_pipelines.pipeline.posting_owners import Owners
from odoo_pipelines.systems.outbound import Message
from odoo_pipelines.systems.pms.outbound import PAYMENTS_OUT
from odoo_pipelines.systems.records import Counts, Outcome, Record, RowOutcome
from odoo_pipelines_tests.engine.fakes import KilledError

EUR, USD = 1, 2
BANK, CASH = 1, 2
ANN, BOB = 10, 11
Row = dict[str, Any]
Recognises = Literal["both", "key", "transaction", "nothing"]
Effect = Callable[[str], None]
_RELATIONS = {"journal_id": "account.journal", "partner_id": "res.partner"}


@dataclass
class Schema:
    """As much of a schema as reading needs."""

    def relation(self, name: str) -> str:
        return _RELATIONS[name]


@dataclass
class MemoryOdoo:
    """Tables of records; `effect` is told before and after everything that lasts."""

    effect: Effect
    tables: dict[str, dict[int, Row]] = field(default_factory=dict)
    xmlids: dict[int, str] = field(default_factory=dict)
    second: int = 0

    def call(self, _model: str, _method: str, ids: Sequence[int] | None = None, **_: Any) -> Any:
        return {str(each): self.xmlids.get(each, "") for each in ids or ()}

    def put(self, model: str, odoo_id: int, **values: Any) -> int:
        """Somebody writes a record; each write takes a second."""
        self.second += 1
        written = f"2026-03-01 {self.second // 3600:02}:{self.second // 60 % 60:02}:{self.second % 60:02}"
        known = self.tables.setdefault(model, {}).get(odoo_id, {"id": odoo_id})
        self.tables[model][odoo_id] = known | {"write_date": written} | values
        return odoo_id

    def search_read(self, model: str, domain: Sequence[Any], fields: Sequence[str], **window: Any) -> list[Row]:
        rows = [row for row in self.tables.get(model, {}).values() if _holds(row, list(domain))]
        for term in reversed((window.get("order") or "id").split(", ")):
            name, _, direction = term.partition(" ")
            rows.sort(key=lambda row: row[name], reverse=direction == "desc")
        return [{name: row[name] for name in ("id", *fields)} for row in rows[: window.get("limit")]]

    def read(self, model: str, ids: Sequence[int], fields: Sequence[str]) -> list[Row]:
        return [
            {name: self.tables[model][each][name] for name in ("id", *fields)}
            for each in ids
            if each in self.tables[model]
        ]

    def write(self, model: str, ids: Sequence[int], vals: Mapping[str, Any]) -> None:
        self.effect("mark")
        for odoo_id in ids:
            self.put(model, odoo_id, **vals)
        self.effect("marked")

    def web_save_multi(self, model: str, ids: Sequence[int], vals_list: Sequence[Mapping[str, Any]]) -> None:
        self.effect("mark")
        for odoo_id, vals in zip(ids, vals_list, strict=True):
            self.put(model, odoo_id, **vals)
        self.effect("marked")


@dataclass
class MemoryPms:
    """Payments by whoever posts them; a repetition is recognised as the server likes."""

    effect: Effect
    recognises: Recognises = "both"
    bookings: set[str] = field(default_factory=lambda: {"b1", "b2", "b3"})
    payments: list[Row] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    asked: list[datetime | None] = field(default_factory=list)
    lists: bool = True

    def post(self, message: Message, idempotency_key: str) -> tuple[bool, Any]:
        self.effect("post")
        booking = message.segments[0]
        if booking not in self.bookings:
            raise ExternalRequestError("refused with 404", status=404, reason="no such booking")
        for known, key in zip(self.payments, self.keys, strict=True):
            by_key = key == idempotency_key and self.recognises in ("both", "key")
            if by_key or (known["transaction_id"] == message.key and self.recognises in ("both", "transaction")):
                return False, known
        payment = {"id": len(self.payments) + 1, "booking_id": booking, **message.body}
        self.payments.append(payment)
        self.keys.append(idempotency_key)
        self.effect("posted")
        return True, payment

    def listed(self, since: datetime | None) -> Iterator[Any]:
        self.effect("look")
        self.asked.append(since)
        yield from self.payments if self.lists else ()


@dataclass
class Remembered:
    """One message that was begun."""

    key: str
    look_since: datetime | None
    done: bool = False


@dataclass
class MemoryState:
    """What survives a run."""

    effect: Effect
    postings: dict[int, list[Remembered]] = field(default_factory=dict)
    outcomes: list[RowOutcome] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    def commit(self, records: Sequence[Record], outcomes: Sequence[RowOutcome], counts: Counts) -> None:
        self.effect("commit")
        self.outcomes += outcomes
        self.counts = counts
        self.effect("committed")

    def begun(self, odoo_ids: Collection[int]) -> Mapping[int, Sequence[Remembered]]:
        return {each: self.postings[each] for each in odoo_ids if each in self.postings}

    def begun_as(self, keys: Collection[str]) -> Mapping[str, Sequence[Remembered]]:
        return {key: [one for some in self.postings.values() for one in some if one.key == key] for key in keys}

    def begin(self, odoo_id: int, key: str, look_since: datetime | None) -> None:
        self.effect("begin")
        self.postings.setdefault(odoo_id, []).append(Remembered(key, look_since))
        self.effect("begun")

    def done(self, odoo_id: int, key: str) -> None:
        self.effect("done")
        for each in self.postings[odoo_id]:
            each.done = each.done or each.key == key
        self.effect("was done")


class World:
    """One integration with orders of two bookings, and whatever payments a test registers.

    Attributes:
        deaths: numbers of the effects at which the process dies, counted over all runs.
        losses: by the name of an effect, how many more of them end in a lost connection.
        happened: the names of all effects so far.
    """

    def __init__(self, recognises: Recognises = "both", integration: str = "pms") -> None:
        self.integration = integration
        self.alone = True
        self.deaths: set[int] = set()
        self.losses: dict[str, int] = {}
        self.happened: list[str] = []
        self.slept: list[float] = []
        self.odoo = MemoryOdoo(self._effect)
        self.pms = MemoryPms(self._effect, recognises)
        self.state = MemoryState(self._effect)
        for journal, kind in ((BANK, "bank"), (CASH, "cash")):
            self.odoo.put("account.journal", journal, type=kind)
        for partner in (ANN, BOB):
            self.odoo.put("res.partner", partner, commercial_partner_id=partner)
        self.order(1, "b1", ANN)
        self.order(2, "b2", BOB)

    def order(self, odoo_id: int, booking: str, partner: int, integration: str = "", currency: int = EUR) -> None:
        key = sync_key(integration or self.integration, "booking", booking)
        values = {"x_external_id": booking, "partner_id": partner, "currency_id": currency, SYNC_KEY_FIELD: key}
        self.odoo.put("sale.order", odoo_id, **values)

    def payment(self, odoo_id: int, booking: str = "b1", **values: Any) -> int:
        """Somebody registers and posts a payment."""
        usual = {
            "name": f"PBNK1/2026/{odoo_id:05}",
            "amount": 120.5,
            "currency_id": EUR,
            "date": "2026-03-01",
            "state": "in_process",
            "journal_id": BANK,
            "partner_id": ANN,
            "payment_type": "inbound",
            "partner_type": "customer",
            "x_related_booking_id": booking,
            "x_external_synced": False,
            "x_external_transaction_id": False,
            SYNC_KEY_FIELD: False,
        }
        return self.odoo.put("account.payment", odoo_id, **usual | values)

    def change(self, odoo_id: int, **values: Any) -> None:
        """Somebody writes to a payment."""
        self.odoo.put("account.payment", odoo_id, **values)

    def held(self, odoo_id: int) -> Row:
        """The payment in Odoo."""
        return self.odoo.tables["account.payment"][odoo_id]

    def capture(self) -> list[CapturedRow]:
        """All that is still to be sent."""
        pages = captured(self._reader(), PAYMENTS_OUT, None)
        return [CapturedRow.of(PAYMENTS_OUT, row) for page in pages for row in page]

    def run(self, rows: Sequence[CapturedRow] | None = None) -> FlowReport:
        """A run, over what was captured before or what there is now."""
        return self._sender().send(self.capture() if rows is None else rows)

    def run_until_alive(self, rows: Sequence[CapturedRow]) -> int:
        """Runs that die, and one that does not, all over the same batch; gives how many died."""
        for died in range(10):
            try:
                self.run(rows)
            except KilledError:
                continue
            return died
        raise AssertionError("no run survives")

    def ended(self) -> dict[str, Outcome]:
        """The last outcome of each payment, by name."""
        return {each.external_id: each.outcome for each in self.state.outcomes if each.external_id}

    def rejected(self) -> dict[str, str]:
        """The codes of what was rejected."""
        return {each.external_id: each.code for each in self.state.outcomes if each.outcome is Outcome.REJECTED}

    def _effect(self, name: str) -> None:
        number = len(self.happened)
        self.happened.append(name)
        if number in self.deaths:
            raise KilledError
        if self.losses.get(name, 0):
            self.losses[name] -= 1
            raise ExternalUnavailableError("no answer", in_doubt=name in ("post", "posted"))

    def _reader(self) -> Reader:
        return Reader(self.odoo, lambda _: Schema())  # type: ignore[arg-type]

    def _sender(self) -> Sender:
        reader = self._reader()
        return Sender(
            integration=self.integration,
            flow=PAYMENTS_OUT,
            reader=reader,
            writing=Writing(self.odoo, Retries(self.slept.append)),  # type: ignore[arg-type]
            state=self.state,
            postings=self.state,
            owners=Owners(reader, self.integration, PAYMENTS_OUT.owner, alone=self.alone),
            delivery=Delivery(
                self.integration,
                PAYMENTS_OUT,
                self.pms,
                self.state,
                look_since=lambda: datetime(2026, 3, 1, tzinfo=UTC),
                sleep=self.slept.append,
            ),
            still_writer=lambda: None,
        )


def _holds(row: Row, terms: list[Any]) -> bool:
    held = True
    while terms:
        held = _first_holds(row, terms) and held
    return held


def _first_holds(row: Row, terms: list[Any]) -> bool:
    term = terms.pop(0)
    if term == "|":
        one, other = _first_holds(row, terms), _first_holds(row, terms)
        return one or other
    name, operator, value = term
    if operator == "in":
        return row[name] in value
    if operator in (">", ">="):
        return bool(row[name] > value or (operator == ">=" and row[name] == value))
    return bool((row[name] == value) == (operator == "="))

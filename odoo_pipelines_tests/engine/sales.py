"""A small Odoo with contacts, products and orders, that behaves as Odoo 19 does where the engine has to care."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from odoo_pipelines.engine.context import FlowContext
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.engine.loader import Concurrency, FlowLoader
from odoo_pipelines.engine.planned import PlanOptions
from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.errors import OdooValidationError
from odoo_pipelines.odoo.fields import FieldSchema
from odoo_pipelines.odoo.model import CallOptions, OdooModel
from odoo_pipelines.odoo.reference_data import ReferenceData
from odoo_pipelines.odoo.schema import ModelSchema
from odoo_pipelines.stores.rows import row_hash
from odoo_pipelines.systems.base import MappedLine, MappedRow, RejectedRow, Value
from odoo_pipelines.systems.pms.targets import PARTNER, PRODUCT, SALE_ORDER
from odoo_pipelines.systems.policies import FlowPolicies, UnlockPolicy
from odoo_pipelines.systems.targets import Target, TargetField
from odoo_pipelines_tests.engine.claims import RowClaims
from odoo_pipelines_tests.engine.fakes import FakeOdoo, Row
from odoo_pipelines_tests.engine.memory import MemoryState

INTEGRATION = "hotel"
DAY = datetime(2026, 1, 1, tzinfo=UTC)
ODOO_NOW = "2030-01-01 00:00:00"
_RELATIONS = {"partner_id": "res.partner", "product_id": "product.product"}
_LINE_PROTECTED = {"product_id", "name", "price_unit", "product_uom_qty", "tax_ids"}


def _field(each: TargetField) -> FieldSchema:
    relation = each.lookup.model if each.lookup else _RELATIONS.get(each.name, "")
    return FieldSchema(each.name, each.type, relation=relation, decimals=2 if each.name == "product_uom_qty" else None)


def _schema(model: str, fields: Iterable[TargetField], **more: str) -> ModelSchema:
    own = {each.name: _field(each) for each in fields if each.name != "mobile"}
    usual = {SYNC_KEY_FIELD: "char", "write_date": "datetime"} | more
    return ModelSchema(model, own | {name: FieldSchema(name, kind) for name, kind in usual.items()})


def _reference(model: str, **relations: str) -> ModelSchema:
    chars = {name: FieldSchema(name, "char") for name in ("name", "code", "lang", "type_tax_use")}
    links = {name: FieldSchema(name, "many2one", relation=relation) for name, relation in relations.items()}
    more = {"active": FieldSchema("active", "boolean"), "rounding": FieldSchema("rounding", "float")}
    more |= {name: FieldSchema(name, "many2many") for name in ("rate_ids", "item_ids")}
    return ModelSchema(model, chars | links | more)


assert SALE_ORDER.lines
SCHEMAS = {
    "res.partner": _schema(
        "res.partner",
        PARTNER.fields,
        active="boolean",
        email_normalized="char",
        phone_sanitized="char",
        parent_id="many2one",
        type="selection",
        is_company="boolean",
    ),
    "product.product": _schema("product.product", PRODUCT.fields, active="boolean"),
    "sale.order": _schema(
        "sale.order",
        SALE_ORDER.fields,
        state="selection",
        locked="boolean",
        amount_total="monetary",
        amount_untaxed="monetary",
        currency_id="many2one",
    ),
    "sale.order.line": ModelSchema(
        "sale.order.line",
        dict(_schema("sale.order.line", SALE_ORDER.lines.fields, qty_invoiced="float").fields)
        | {"order_id": FieldSchema("order_id", "many2one", relation="sale.order")},
    ),
    "res.company": _reference("res.company", currency_id="res.currency", partner_id="res.partner"),
    "product.pricelist": _reference("product.pricelist", currency_id="res.currency"),
    "res.users": _reference("res.users", partner_id="res.partner"),
    **{model: _reference(model) for model in ("res.country", "res.lang", "res.currency", "account.tax")},
    "product.category": _reference("product.category"),
}


@dataclass
class SalesOdoo(FakeOdoo):
    """Contacts and orders. Its currency is the euro, its languages are American English and Austrian German.

    Attributes:
        locks_confirmed: its setting "Lock Confirmed Sales".
    """

    schemas: Any = field(default_factory=lambda: SCHEMAS)
    locks_confirmed: bool = False
    one2many: Any = field(default_factory=lambda: {("sale.order", "order_line"): ("sale.order.line", "order_id")})

    def __post_init__(self) -> None:
        euro = self.seed("res.currency", name="EUR", rounding=0.01)
        dollar = self.seed("res.currency", name="USD", rounding=0.01, rate_ids=[1])
        self.seed("res.currency", name="JPY", rounding=1.0)
        self.seed("product.pricelist", name="US", currency_id=dollar)
        self.seed("res.country", code="AT")
        for code in ("en_US", "de_AT"):
            self.seed("res.lang", code=code)
        office = self.seed("res.partner", name="Office", lang="en_US", **{SYNC_KEY_FIELD: "office"})
        self.company = self.seed("res.company", name="Hotel", currency_id=euro, partner_id=office)

    def on_create(self, model: str, row: Row) -> None:
        if model == "res.partner":
            row.setdefault("type", "contact")
        if model == "sale.order":
            row |= {"state": "draft", "locked": False, "date_order": ODOO_NOW} | row
        if model == "sale.order.line" and "price_unit" in row:
            row.setdefault("technical_price_unit", row["price_unit"])

    def check_write(self, model: str, row: Row, vals: Row) -> None:
        if model == "sale.order" and "pricelist_id" in vals and row["state"] == "sale":
            raise OdooValidationError("refused", model=model, odoo_message="the pricelist is fixed")
        if model == "sale.order.line":
            order = self.tables["sale.order"][row["order_id"]]
            if order["locked"] and _LINE_PROTECTED & vals.keys():
                raise OdooValidationError("refused", model=model, odoo_message="the order is locked")
            if order["state"] == "sale" and vals.get("product_id", row["product_id"]) != row["product_id"]:
                raise OdooValidationError("refused", model=model, odoo_message="the product is fixed")
            if "price_unit" not in vals:
                vals.pop("technical_price_unit", None)
                if "product_uom_qty" in vals and row["technical_price_unit"] == row["price_unit"]:
                    vals["price_unit"] = vals["technical_price_unit"] = 0.0  # back to the list price

    def check_unlink(self, model: str, row: Row) -> None:
        if model == "sale.order.line" and self.tables["sale.order"][row["order_id"]]["state"] == "sale":
            raise OdooValidationError("refused", model=model, odoo_message="set the quantity to 0 instead")

    def unlink(self, model: str, ids: Sequence[int]) -> None:
        lines = self.tables.get("sale.order.line", {}) if model == "sale.order.line" else {}
        orders = {lines[each]["order_id"]: self._total(lines[each]["order_id"]) for each in ids if each in lines}
        super().unlink(model, ids)
        for order, total in orders.items():
            if self._total(order) != total:
                self._store("sale.order", order, self.tables["sale.order"][order])

    def _store(self, model: str, row_id: int, row: Row) -> None:
        """An order is written together with its lines, where its total changes."""
        before = self._total(row["order_id"]) if model == "sale.order.line" else 0
        super()._store(model, row_id, row)
        if model == "sale.order.line" and self._total(row["order_id"]) != before:
            written = self.tables[model][row_id]["write_date"]
            order = self.tables["sale.order"][row["order_id"]]
            self.tables["sale.order"][row["order_id"]] = order | {"write_date": written}

    def _total(self, order: int) -> Any:
        return self.computed("sale.order", {"id": order})["amount_total"]

    def computed(self, model: str, row: Row) -> Row:
        if model == "res.partner":
            email, phone = row.get("email") or "", row.get("phone") or ""
            users = [user for user in self.tables.get("res.users", {}).values() if user["partner_id"] == row["id"]]
            companies = [each for each in self.tables["res.company"].values() if each["partner_id"] == row["id"]]
            return {
                "email_normalized": email.lower() or False,
                "phone_sanitized": phone.replace(" ", "") or False,
                "user_ids.active": users[0]["active"] if users else None,
                "ref_company_ids": bool(companies),
            }
        if model == "sale.order":
            lines = [line for line in self.tables.get("sale.order.line", {}).values() if line["order_id"] == row["id"]]
            total = sum(
                line["product_uom_qty"] * line["price_unit"] * (1 - (line.get("discount") or 0) / 100) for line in lines
            )
            return {"amount_total": total, "amount_untaxed": total}
        return {}

    def act(self, model: str, method: str, ids: Sequence[int]) -> None:
        needed, change = _ACTIONS[method]
        for order in ids:
            row = self._row(model, order)
            if not needed(row):
                raise OdooValidationError("refused", model=model, method=method, odoo_message=f"{method} not possible")
            locked = {"locked": True} if method == "action_confirm" and self.locks_confirmed else {}
            self._store(model, order, row | change | locked)

    def content(self) -> dict[str, list[Row]]:
        """What people see; ids, and the order in which records were made, are left out."""
        models = ("res.partner", "product.product", "sale.order", "sale.order.line")
        return {model: sorted((self._named(row) for row in self.rows(model)), key=repr) for model in models}

    def _named(self, row: Row) -> Row:
        """A row with relations by sync key: a record that was made again after a crash may have another id."""
        links = {name: self.tables.get(model, {}).get(row.get(name, 0), {}) for name, model in _LINKS.items()}
        named = {name: linked.get(SYNC_KEY_FIELD) for name, linked in links.items()}
        return {name: value for name, value in row.items() if name not in {"id", "write_date"}} | named


_LINKS = {"partner_id": "res.partner", "product_id": "product.product", "order_id": "sale.order"}
_ACTIONS: dict[str, tuple[Callable[[Row], bool], Row]] = {
    "action_confirm": (lambda row: row["state"] in {"draft", "sent"}, {"state": "sale", "date_order": ODOO_NOW}),
    "action_cancel": (lambda row: not row["locked"], {"state": "cancel"}),
    "action_draft": (lambda row: row["state"] in {"cancel", "sent", "draft"}, {"state": "draft"}),
    "action_lock": (lambda _: True, {"locked": True}),
    "action_unlock": (lambda _: True, {"locked": False}),
    "action_archive": (lambda _: True, {"active": False}),
    "action_unarchive": (lambda _: True, {"active": True}),
}


@dataclass
class World:
    """An Odoo, a state, and runs from the one side to the other."""

    odoo: SalesOdoo = field(default_factory=SalesOdoo)
    state: MemoryState = field(default_factory=MemoryState)
    slept: list[float] = field(default_factory=list)
    now: float = 0.0
    policies: FlowPolicies = field(default_factory=FlowPolicies)
    still_writer: Callable[[], None] = lambda: None

    def loader(
        self,
        target: Target,
        *,
        verify: bool = False,
        unlock: UnlockPolicy = UnlockPolicy.OWN,
        chunk_size: int = 500,
        in_flight: int = 2,
        integration: str = INTEGRATION,
        rows: Sequence[MappedRow | RejectedRow] = (),
    ) -> FlowLoader:
        """A new run of one flow, which knows beforehand which rows are to come."""
        context = self.context(target, PlanOptions(verify, unlock, self.policies), integration)
        model = self.model(context, rows, chunk_size, in_flight)
        return FlowLoader(context, model, self.still_writer, Concurrency(in_flight, ahead=0))

    def context(
        self, target: Target, options: PlanOptions | None = None, integration: str = INTEGRATION
    ) -> FlowContext:
        """One flow in a new run."""
        return FlowContext(integration, target, self.odoo.schema, self.state, options or PlanOptions())

    def model(
        self,
        context: FlowContext,
        rows: Sequence[MappedRow | RejectedRow] = (),
        chunk_size: int = 500,
        connections: int = 2,
    ) -> OdooModel:
        """Where the rows of a flow go."""
        return OdooModel(
            context,
            self.odoo,
            ReferenceData(self.odoo, self.odoo.schema, self.odoo.company),
            RowClaims(rows),
            calls=CallOptions(chunk_size, connections, self.slept.append, lambda: self.now),
        )

    def load(self, target: Target, *rows: MappedRow | RejectedRow, resumed: bool = False, **options: Any) -> FlowReport:
        """Runs one flow; the log of calls starts anew."""
        self.odoo.calls.clear()
        return self.loader(target, rows=rows, **options).load(rows, resumed=resumed)

    def guests(self, *rows: MappedRow | RejectedRow, **options: Any) -> FlowReport:
        """Loads guests."""
        return self.load(PARTNER, *rows, **options)

    def products(self, *rows: MappedRow | RejectedRow, **options: Any) -> FlowReport:
        """Loads room types."""
        return self.load(PRODUCT, *rows, **options)

    def orders(self, *rows: MappedRow | RejectedRow, **options: Any) -> FlowReport:
        """Loads bookings."""
        return self.load(SALE_ORDER, *rows, **options)

    def with_guest_and_room(self) -> World:
        """What orders refer to is there."""
        self.guests(guest("g1"))
        self.products(product("double"), product("single"))
        self.odoo.calls.clear()
        return self

    def order(self) -> Row:
        """The only order."""
        [order] = self.odoo.rows("sale.order")
        return order

    def lines(self) -> dict[str, Row]:
        """Lines of the only order, by their sync key or else their name."""
        return {line[SYNC_KEY_FIELD] or line["name"]: line for line in self.odoo.rows("sale.order.line")}


def counts(world: World, *rows: MappedRow | RejectedRow, **options: Any) -> dict[str, int]:
    """Loads guests, and tells which outcomes occurred how often."""
    found = world.guests(*rows, **options).counts
    assert found.balanced
    return {outcome.value: count for outcome, count in found.by_outcome.items() if count}


def moment(days: float | None) -> datetime | None:
    """So many days into the year."""
    return None if days is None else DAY + timedelta(days=days)


def hashed(row: MappedRow) -> MappedRow:
    """The row as it comes out of a batch."""
    return replace(row, hash=row_hash(row))


def guest(
    external_id: str, at: float | None = 1, *, weight: int = 1, only_create: bool = False, **values: Value
) -> MappedRow:
    """A guest; by default only with a name."""
    given: dict[str, Value] = {"name": f"Guest {external_id}", **values}
    return hashed(MappedRow("guest", external_id, moment(at), given, weight=weight, only_create=only_create))


def product(external_id: str, at: float | None = 1, *, only_create: bool = False, **values: Value) -> MappedRow:
    """A room type."""
    given: dict[str, Value] = {"name": f"Room {external_id}", "type": "service", "list_price": 50.0, **values}
    return hashed(MappedRow("room_type", external_id, moment(at), given, only_create=only_create))


def room(
    line_id: str, quantity: float = 2.0, price: float = 80.0, room_type: str = "double", **more: Value
) -> MappedLine:
    """A room line of an order."""
    values: dict[str, Value] = {
        "product_id": f"room_type/{room_type}",
        "name": f"Stay {line_id}",
        "product_uom_qty": quantity,
        "price_unit": price,
        "discount": 0.0,
        "technical_price_unit": -1.0,
        **more,
    }
    return MappedLine("booking_room", line_id, values)


def booking(
    external_id: str,
    at: float | None = 1,
    *,
    state: str | None = "sale",
    lines: Sequence[MappedLine] | None = (),
    total: str | None = None,
    **values: Value,
) -> MappedRow:
    """A booking of the guest g1."""
    given: dict[str, Value] = {"partner_id": "g1", "date_order": "2026-02-03 04:05:06", **values}
    rows = None if lines is None else tuple(lines)
    return hashed(MappedRow("booking", external_id, moment(at), given, rows, state, total))

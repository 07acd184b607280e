"""What an integration has in Odoo, in the words of the hotel, so that it can be laid beside what it should have."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, TypeAlias

from odoo_pipelines_tests.end_to_end.site import Odoo

Entry: TypeAlias = dict[str, Any]
Snapshot: TypeAlias = dict[str, dict[int, Entry]]

MODELS = ("res.partner", "product.product", "sale.order", "sale.order.line", "account.payment")
PARTNER = (
    *("name", "email", "phone", "country_id", "lang", "street", "street2", "city", "zip", "customer_rank"),
    *("x_external_guest_id", "x_date_of_birth", "x_document_type", "x_document_number", "x_nationality"),
    *("x_vip_status", "x_loyalty_points"),
)
PRODUCT = ("name", "type", "list_price", "x_is_room", "x_external_room_type_id", "x_max_occupancy", "categ_id")
ORDER = (
    *("partner_id", "client_order_ref", "date_order", "note", "state", "locked", "amount_total", "currency_id"),
    *("x_external_id", "x_external_reference", "x_check_in_date", "x_check_out_date", "x_number_of_nights"),
    *("x_number_of_guests", "x_booking_channel", "x_external_status"),
)
LINE = (
    *("order_id", "product_id", "name", "product_uom_qty", "price_unit", "tax_ids"),
    *("x_room_number", "x_rate_plan", "x_adults", "x_children"),
)
PAYMENT = (
    *("payment_type", "partner_type", "partner_id", "amount", "currency_id", "date", "memo", "journal_id", "state"),
    *("x_external_transaction_id", "x_payment_gateway", "x_related_booking_id", "x_external_synced"),
)
FIELDS = dict(zip(MODELS, (PARTNER, PRODUCT, ORDER, LINE, PAYMENT), strict=True))
RANK = "customer_rank"
"""Odoo counts it up with every payment that is posted."""
_FLAGS = frozenset({"x_vip_status", "x_is_room", "locked", "x_external_synced"})


@dataclass(frozen=True, slots=True)
class Books:
    """Records by the hotel's own ids; extras, which have none, by name.

    Attributes:
        guests: partners.
        rooms: products that are rooms.
        extras: the other products.
        bookings: orders, each with its lines under "lines".
        payments: by transaction id, each with the amount of its journal entry, if that is posted, under "entry".
        refunds: likewise.
    """

    guests: dict[str, Entry] = field(default_factory=dict)
    rooms: dict[str, Entry] = field(default_factory=dict)
    extras: dict[str, Entry] = field(default_factory=dict)
    bookings: dict[str, Entry] = field(default_factory=dict)
    payments: dict[str, Entry] = field(default_factory=dict)
    refunds: dict[str, Entry] = field(default_factory=dict)

    def compared_with(self, expected: Books) -> list[str]:
        """Every difference, in a line each."""
        return [
            f"{kind} {key}: {text}"
            for kind in self.__slots__
            for key, text in _differences(getattr(self, kind), getattr(expected, kind))
        ]


def read_books(odoo: Odoo, integration: str) -> Books:
    """Reads everything that carries a sync key of an integration.

    Raises:
        AssertionError: two records carry the same key.
    """
    partners, products, orders = (_keyed(odoo, model, integration) for model in MODELS[:3])
    countries = _names(odoo, "res.country", "code", [row["country_id"] for row in partners])
    paid = _payments(odoo, integration, {row["id"]: row["x_external_id"] for row in orders})
    currencies = _names(odoo, "res.currency", "name", [row["currency_id"] for row in (*orders, *paid)])
    categories = _names(odoo, "product.category", "name", [row["categ_id"] for row in products])
    guests = {row["id"]: row["x_external_guest_id"] for row in partners}
    sold = {row["id"]: ("room", row["x_external_room_type_id"]) if row["x_is_room"] else ("extra", row["name"])
            for row in products}  # fmt: skip
    lines = _lines(odoo, [row["id"] for row in orders], sold)
    rooms, extras = ([row for row in products if row["x_is_room"] is is_room] for is_room in (True, False))
    return Books(
        guests=_by(
            "x_external_guest_id",
            [_named(row, country_id=countries) | {RANK: min(row[RANK], 1)} for row in partners],
        ),
        rooms=_by("x_external_room_type_id", [_named(row, categ_id=categories) for row in rooms]),
        extras=_by("name", [_named(row, categ_id=categories) for row in extras]),
        bookings=_by(
            "x_external_id",
            [
                _named(row, partner_id=guests, currency_id=currencies)
                | {"note": _text(row["note"]), "amount_total": round(row["amount_total"], 2), "lines": lines[row["id"]]}
                for row in orders
            ],
        ),
        **{
            kind: _by(
                "x_external_transaction_id",
                [
                    _named(row, partner_id=guests, currency_id=currencies)
                    for row in paid
                    if row["payment_type"] == direction
                ],
            )
            for kind, direction in (("payments", "inbound"), ("refunds", "outbound"))
        },
    )


def snapshot(odoo: Odoo, integration: str) -> Snapshot:
    """Every record of an integration with its write_date, by model and Odoo's id."""
    names = {model: [each for each in FIELDS[model] if each != RANK] + ["x_sync_key", "write_date"] for model in MODELS}
    domain = [("x_sync_key", "=like", f"{integration}.%")]
    return {model: {row["id"]: row for row in odoo.rows(model, domain, names[model])} for model in MODELS}


def touched(before: Snapshot, after: Snapshot) -> dict[str, set[str]]:
    """Sync keys of the records that were written, created or deleted, by model; a line touches its order."""
    keys = {model: {each: row["x_sync_key"] for each, row in rows.items()} for model, rows in _both(before, after)}
    ids = {
        model: {each for each in rows if before[model].get(each) != after[model].get(each)}
        for model, rows in _both(before, after)
    }
    lines = {**before["sale.order.line"], **after["sale.order.line"]}
    ids["sale.order"] |= {lines[line]["order_id"] for line in ids["sale.order.line"]}
    return {model: {keys[model][each] for each in ids[model]} for model in MODELS}


def _both(before: Snapshot, after: Snapshot) -> list[tuple[str, dict[int, Entry]]]:
    return [(model, {**before[model], **after[model]}) for model in MODELS]


def _keyed(odoo: Odoo, model: str, integration: str, *more: str) -> list[Entry]:
    rows = odoo.rows(model, [("x_sync_key", "=like", f"{integration}.%")], [*FIELDS[model], "x_sync_key", *more])
    _assert_unique(model, rows)
    return [_cleaned(row) for row in rows]


def _payments(odoo: Odoo, integration: str, bookings: Mapping[int, str]) -> list[Entry]:
    """Payments and refunds; in the memo the order's name is replaced by the booking's id."""
    rows = _keyed(odoo, "account.payment", integration, "move_id")
    names = {booking: name for order, name in _names(odoo, "sale.order", "name", [*bookings]).items()
             for booking in [bookings[order]]}  # fmt: skip
    entries = {
        row["id"]: row["amount_total"] if row["state"] == "posted" else None
        for row in odoo.rows(
            "account.move", [("id", "in", [row["move_id"] for row in rows])], ["state", "amount_total"]
        )
    }
    journals = _names(odoo, "account.journal", "code", [row["journal_id"] for row in rows])
    for row in rows:
        row["memo"] = str(row["memo"]).replace(names.get(row["x_related_booking_id"], "?"), row["x_related_booking_id"])
        row["entry"] = entries.get(row.pop("move_id"))
    return [_named(row, journal_id=journals) for row in rows]


def _lines(odoo: Odoo, orders: Sequence[int], sold: Mapping[int, tuple[str, str]]) -> dict[int, list[Entry]]:
    rows = odoo.rows("sale.order.line", [("order_id", "in", list(orders))], [*LINE, "x_sync_key"])
    _assert_unique("sale.order.line", [row for row in rows if row["x_sync_key"]])
    lines: dict[int, list[Entry]] = defaultdict(list)
    for row in rows:
        if row["product_uom_qty"]:  # a line that may not be deleted any more is emptied
            line = _named(_cleaned(row), product_id=sold)
            lines[line.pop("order_id")].append(line)
    return defaultdict(list, {order: sorted(some, key=repr) for order, some in lines.items()})


def _assert_unique(model: str, rows: Sequence[Entry]) -> None:
    twice = [key for key, count in Counter(row["x_sync_key"] for row in rows).items() if count > 1]
    assert not twice, f"{model}: {len(twice)} keys occur twice, such as {twice[:3]}"


def _names(odoo: Odoo, model: str, name: str, ids: Sequence[int | None]) -> dict[int, str]:
    wanted = sorted({each for each in ids if each})
    return {row["id"]: row[name] for row in odoo.rows(model, [("id", "in", wanted)], [name])}


def _cleaned(row: Entry) -> Entry:
    return {
        name: None if value == "" or (value is False and name not in _FLAGS) else value
        for name, value in row.items()
        if name != "x_sync_key"
    }


def _named(row: Entry, **names: Mapping[int, Any]) -> Entry:
    plain = {name: value for name, value in row.items() if name != "id"}
    return plain | {name: known.get(row[name], row[name]) for name, known in names.items()}


def _by(name: str, rows: Sequence[Entry]) -> dict[str, Entry]:
    found = {row[name]: row for row in rows}
    assert len(found) == len(rows), f"{name} occurs twice"
    return found


def _text(html: str | None) -> str | None:
    if html is None:
        return None
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.parts) or None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "br":
            self.parts.append("\n")


def _differences(actual: Mapping[str, Entry], expected: Mapping[str, Entry]) -> list[tuple[str, str]]:
    missing = [(key, "is missing in Odoo") for key in sorted(expected.keys() - actual.keys(), key=str)]
    surplus = [(key, "should not be in Odoo") for key in sorted(actual.keys() - expected.keys(), key=str)]
    differing = [
        (key, f"{name} is {actual[key].get(name)!r}, should be {value!r}")
        for key in sorted(expected.keys() & actual.keys())
        for name, value in expected[key].items()
        if actual[key].get(name) != value
    ]
    return [*missing, *surplus, *differing]

"""The models of Odoo that the PMS fills: every field with its type, its source and its traps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from odoo_pipelines.systems.people import EMAIL, PHONE, adopted_person
from odoo_pipelines.systems.person_names import Form, person_name
from odoo_pipelines.systems.pms.mapping.orders import BOOKING
from odoo_pipelines.systems.pms.mapping.partners import GUEST, UNKNOWN_NAME
from odoo_pipelines.systems.pms.mapping.products import EXTRA, ROOM_TYPE
from odoo_pipelines.systems.targets import (
    ANY_ENTITY,
    Action,
    Adoption,
    AutoLock,
    Demand,
    Follower,
    Identity,
    Inheritance,
    Lifecycle,
    LineTarget,
    Lookup,
    Proposal,
    Target,
    TargetField,
    Transition,
)


def _guest(*names: str) -> tuple[str, ...]:
    return tuple(f"{place}.{name}" for place in ("guests", "bookings.guest") for name in names)


def _booking(*names: str) -> tuple[str, ...]:
    return tuple(f"bookings.{name}" for name in names)


_PLACEHOLDER = person_name(UNKNOWN_NAME)


def guest_name(written: str) -> Form | None:
    """The form in which names of guests are compared; the placeholder is nobody's name."""
    form = person_name(written)
    return None if form == _PLACEHOLDER else form


PARTNER = Target(
    model="res.partner",
    right="Contact / Creation",
    fields=(
        # A rule of the database (check_name), which is met by sending only: then Odoo tries all rows of the call again.
        TargetField(
            "name", "char", needed=True, required=True, personal=True, sources=_guest("first_name", "last_name")
        ),
        TargetField("email", "char", personal=True, sources=_guest("email")),
        TargetField("phone", "char", personal=True, sources=_guest("phone", "mobile")),
        TargetField("mobile", "char", optional=True, personal=True, sources=_guest("mobile")),
        TargetField(
            "country_id",
            "many2one",
            lookup=Lookup("res.country", "code"),
            personal=True,
            sources=_guest("country", "country_code"),
        ),
        TargetField("lang", "selection", language=True, personal=True, sources=_guest("language")),
        TargetField("street", "char", personal=True, sources=_guest("address.street")),
        TargetField("street2", "char", personal=True, sources=_guest("address.street2")),
        TargetField("city", "char", personal=True, sources=_guest("address.city")),
        TargetField("zip", "char", personal=True, sources=_guest("address.postal_code")),
        # Odoo counts this up itself with every invoice.
        TargetField("customer_rank", "integer", only_on_create=True),
        TargetField(
            "x_external_guest_id",
            "char",
            needed=True,
            label="External guest ID",
            indexed=True,
            personal=True,
            sources=_guest("id"),
        ),
        TargetField("x_date_of_birth", "date", label="Date of birth", personal=True, sources=_guest("date_of_birth")),
        TargetField("x_document_type", "char", label="Document type", personal=True, sources=_guest("document_type")),
        TargetField(
            "x_document_number", "char", label="Document number", personal=True, sources=_guest("document_number")
        ),
        TargetField("x_nationality", "char", label="Nationality", personal=True, sources=_guest("nationality")),
        TargetField("x_vip_status", "boolean", label="VIP", personal=True, sources=_guest("vip_status")),
        TargetField(
            "x_loyalty_points", "integer", label="Loyalty points", personal=True, sources=_guest("loyalty_points")
        ),
    ),
    adoptions=(adopted_person(GUEST, EMAIL, PHONE, form=guest_name),),
    # Who marries keeps a first name, and whoever moves has another telephone number only.
    identities=(Identity(GUEST, ("name", "email", "phone", "x_date_of_birth"), needs=3, parts={"name": guest_name}),),
    # A contact of a company has the company's address: Odoo overwrites it with every change of that.
    inherits=Inheritance("parent_id", ("type", "contact"), ("street", "street2", "city", "zip", "country_id")),
)

_SERVICE = Demand("type", value="service", code="no_service")
"""A thing that is kept in stock would be delivered with every booking."""

PRODUCT = Target(
    model="product.product",
    right="Products / Create",
    fields=(
        TargetField(
            "name", "char", needed=True, sources=("rooms.name", "bookings.rooms.room_type_name", "bookings.extras.name")
        ),
        TargetField("type", "selection", needed=True),
        TargetField(
            "list_price", "float", needed=True, sources=("rooms.price_per_night", "bookings.extras.price_per_unit")
        ),
        TargetField("categ_id", "many2one", lookup=Lookup("product.category", "name"), only_on_create=True),
        TargetField("x_is_room", "boolean", needed=True, label="Is a room"),
        TargetField(
            "x_external_room_type_id",
            "char",
            needed=True,
            label="External room type ID",
            indexed=True,
            sources=("rooms.id", "bookings.rooms.room_type_id"),
        ),
        TargetField(
            "x_max_occupancy",
            "integer",
            label="Maximum occupancy",
            sources=("rooms.max_occupancy", "bookings.rooms.max_occupancy"),
        ),
    ),
    by_hand=(TargetField("x_room_count", "integer", label="Number of rooms"),),
    adoptions=(
        Adoption(
            ROOM_TYPE,
            proposals=(Proposal("name", "name"),),
            form=str,
            demands=(
                _SERVICE,
                Demand("x_is_room", value=True, code="no_room"),
                Demand("x_external_room_type_id", value=False, code="another_room_type"),
            ),
        ),
        Adoption(
            EXTRA,
            proposals=(Proposal("name", "name"),),
            form=str,
            demands=(_SERVICE, Demand("x_is_room", value=False, code="room")),
        ),
    ),
)

_ORDER_LINES = LineTarget(
    field="order_line",
    model="sale.order.line",
    parent="order_id",
    fields=(
        TargetField(
            "product_id",
            "many2one",
            references=ANY_ENTITY,
            sources=_booking("rooms.room_type_id", "rooms.room_type_name", "extras.name"),
        ),
        TargetField(
            "name",
            "text",
            needed=True,
            sources=_booking("rooms.room_type_name", "check_in", "check_out", "extras.name"),
        ),
        TargetField(
            "product_uom_qty",
            "float",
            needed=True,
            sources=_booking("rooms.quantity", "check_in", "check_out", "extras.quantity"),
        ),
        TargetField(
            "price_unit", "float", needed=True, sources=_booking("rooms.price_per_night", "extras.price_per_unit")
        ),
        TargetField(
            "tax_ids",
            "many2many",
            lookup=Lookup(
                "account.tax",
                "name",
                required=True,
                fix="create the sales tax, or correct `taxes` of the integration",
                also=(("type_tax_use", "=", "sale"),),
            ),
        ),
        TargetField("discount", "float", needed=True),
        TargetField("technical_price_unit", "float", optional=True, only_on_create=True),
        TargetField("x_room_number", "char", label="Room number", sources=_booking("rooms.room_number")),
        TargetField("x_rate_plan", "char", label="Rate plan", sources=_booking("rooms.rate_plan_name")),
        TargetField("x_adults", "integer", label="Adults", sources=_booking("rooms.adults")),
        TargetField("x_children", "integer", label="Children", sources=_booking("rooms.children")),
    ),
    quantity="product_uom_qty",
    invoiced="qty_invoiced",
    identity=("product_id",),
    always_writable=("x_room_number", "x_rate_plan", "x_adults", "x_children"),
    rewritten_together=(
        ("product_id", ("name", "price_unit", "tax_ids", "technical_price_unit", "discount")),
        ("product_uom_qty", ("price_unit", "technical_price_unit", "discount")),
    ),
)


def order_state(values: Mapping[str, Any]) -> str:
    """Names the state of an order: draft, sale, locked or cancel. A quotation that was sent is still a draft."""
    if values["state"] == "sale":
        return "locked" if values["locked"] else "sale"
    return "draft" if values["state"] == "sent" else str(values["state"])


def untaxed_lines_total(lines: Iterable[Mapping[str, Any]]) -> Decimal | None:
    """What lines without taxes amount to; None where one has taxes, or Odoo chooses them."""
    total = Decimal(0)
    for line in lines:
        if line["tax_ids"] is False or line["tax_ids"]:
            return None
        quantity, price, discount = (Decimal(str(line[name] or 0)) for name in _FACTORS)
        total += quantity * price * (1 - discount / 100)
    return total


_FACTORS = ("product_uom_qty", "price_unit", "discount")
_LIFECYCLE = Lifecycle(
    read=("state", "locked"),
    state_of=order_state,
    values_in={
        "draft": {"state": "draft", "locked": False},
        "sale": {"state": "sale", "locked": False},
        "locked": {"state": "sale", "locked": True},
        "cancel": {"state": "cancel", "locked": False},
    },
    transitions=(
        Transition("draft", "sale", (Action("action_confirm"),), overwrites=("date_order",)),
        Transition("draft", "cancel", (Action("action_cancel"),)),
        Transition("sale", "locked", (Action("action_lock"),), allowed_when_invoiced=True),
        Transition("sale", "cancel", (Action("action_cancel"),)),
        Transition("locked", "sale", (Action("action_unlock"),), allowed_when_invoiced=True),
        Transition("cancel", "draft", (Action("action_draft"),)),
    ),
    read_only=("locked",),
    # Odoo lets the other fields of a locked order change, too, but the rate of the currency hangs on the date, and the
    # addresses hang on the customer.
    always_writable=(
        "client_order_ref",
        "note",
        "x_external_id",
        "x_external_reference",
        "x_check_in_date",
        "x_check_out_date",
        "x_number_of_nights",
        "x_number_of_guests",
        "x_booking_channel",
        "x_external_status",
    ),
    lines_kept=("sale", "locked"),
    fixed=("pricelist_id",),
    edited_in=("draft",),
    initial="draft",
    auto_lock=AutoLock("sale.group_auto_done_setting", state="sale", becomes="locked"),
)

SALE_ORDER = Target(
    model="sale.order",
    right="Sales / User: All Documents",
    fields=(
        TargetField("partner_id", "many2one", references=GUEST, sources=_booking("guest.id")),
        TargetField("client_order_ref", "char", sources=_booking("booking_reference")),
        TargetField("date_order", "datetime", sources=_booking("created_at")),
        TargetField("note", "html", personal=True, sources=_booking("special_requests")),
        TargetField(
            "pricelist_id",
            "many2one",
            lookup=Lookup(
                "product.pricelist",
                "currency_id.name",
                required=True,
                fix="create a pricelist in the booking's currency",
                none_for_company="currency_id.name",
                preferred=(("item_ids", "=", False),),  # rules of a pricelist are made for prices that Odoo computes
                currency=True,
            ),
            sources=_booking("currency"),
        ),
        TargetField("x_external_id", "char", needed=True, label="External ID", indexed=True, sources=_booking("id")),
        TargetField("x_external_reference", "char", label="External reference", sources=_booking("booking_reference")),
        TargetField("x_check_in_date", "date", needed=True, label="Check-in", sources=_booking("check_in")),
        TargetField("x_check_out_date", "date", needed=True, label="Check-out", sources=_booking("check_out")),
        TargetField("x_number_of_nights", "integer", label="Nights", sources=_booking("check_in", "check_out")),
        TargetField(
            "x_number_of_guests",
            "integer",
            label="Guests",
            sources=_booking("adults", "children", "rooms.adults", "rooms.children"),
        ),
        TargetField("x_booking_channel", "char", label="Booking channel", sources=_booking("channel.source")),
        TargetField("x_external_status", "char", label="External status", sources=_booking("status")),
    ),
    lines=_ORDER_LINES,
    identities=(
        Identity(
            BOOKING,
            ("partner_id", "client_order_ref"),
            needs=1,
            period=("x_check_in_date", "x_check_out_date"),
        ),
    ),
    lifecycle=_LIFECYCLE,
    followers=(
        Follower(
            "account.payment",
            key="x_related_booking_id",
            field="partner_id",
            where=(("state", "in", ("in_process", "paid", "posted")),),
            told="posted payments keep the former partner; in Odoo reset them to draft, change it, and post them again",
        ),
    ),
    total="amount_total",
    untaxed_total="amount_untaxed",
    total_currency="currency_id",
    total_void_in=("cancel",),
    lines_total=untaxed_lines_total,
    lines_total_of=("product_uom_qty", "price_unit", "discount", "tax_ids"),
)

"""The table of the PMS: what is read, what becomes of it, and where it goes."""

from __future__ import annotations

from odoo_pipelines.systems.base import ById, Flow, Stream, System
from odoo_pipelines.systems.pms.availability import AVAILABILITY_OUT
from odoo_pipelines.systems.pms.events import EVENTS
from odoo_pipelines.systems.pms.mapping.orders import BOOKING, orders_of_booking
from odoo_pipelines.systems.pms.mapping.partners import GUEST, partners_of_booking, partners_of_guest
from odoo_pipelines.systems.pms.mapping.payments import payments_of_payment
from odoo_pipelines.systems.pms.mapping.products import (
    EXTRA_CATEGORY,
    ROOM_CATEGORY,
    ROOM_TYPE,
    products_of_booking,
    products_of_room_type,
)
from odoo_pipelines.systems.pms.models import Booking, Guest, Payment, RoomType
from odoo_pipelines.systems.pms.outbound import PAYMENTS_OUT
from odoo_pipelines.systems.pms.payment_keys import PAYMENT, payment_id
from odoo_pipelines.systems.pms.payment_target import ACCOUNT_PAYMENT
from odoo_pipelines.systems.pms.targets import PARTNER, PRODUCT, SALE_ORDER

_STREAMS = (
    Stream("rooms", "/rooms", RoomType, partitioned=False, windowed=False, description="Room types on sale."),
    Stream("guests", "/guests", Guest, partitioned=True, description="Guests, oldest change first."),
    Stream(
        "bookings",
        "/bookings",
        Booking,
        partitioned=True,
        by_id=ById("/bookings", named_by={"payments": lambda payment: payment.booking_id}),
        description="Bookings, oldest change first.",
    ),
    Stream(
        "payments",
        "/payments",
        Payment,
        partitioned=True,
        id_of=payment_id,
        description="Payments taken and given back, oldest change first.",
    ),
)

SYSTEM = System(
    name="pms",
    streams={stream.name: stream for stream in _STREAMS},
    flows=(
        Flow(
            name="partners",
            entity=GUEST,
            mappers={"guests": partners_of_guest, "bookings": partners_of_booking},
            target=PARTNER,
            description="Guests, and the guests inside bookings, as contacts.",
        ),
        Flow(
            name="products",
            entity=ROOM_TYPE,
            mappers={"rooms": products_of_room_type, "bookings": products_of_booking},
            target=PRODUCT,
            description="Room types, and the room types and extras inside bookings, as services.",
        ),
        Flow(
            name="orders",
            entity=BOOKING,
            mappers={"bookings": orders_of_booking},
            target=SALE_ORDER,
            after=("partners", "products"),
            description="Bookings as sale orders, their rooms and extras as lines.",
        ),
        Flow(
            name="payments",
            entity=PAYMENT,
            mappers={"payments": payments_of_payment},
            target=ACCOUNT_PAYMENT,
            after=("orders",),
            description="Payments and refunds of bookings, posted.",
        ),
    ),
    outbound=(PAYMENTS_OUT, AVAILABILITY_OUT),
    events=EVENTS,
    product_categories=(ROOM_CATEGORY, EXTRA_CATEGORY),
    probe="/rooms",
)

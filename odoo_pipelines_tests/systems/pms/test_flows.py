from __future__ import annotations

from typing import Any, get_args

import pytest

from odoo_pipelines.systems.base import Flow, MappedRow
from odoo_pipelines.systems.payload import Payload
from odoo_pipelines.systems.pms.flows import SYSTEM
from odoo_pipelines.systems.pms.mapping.orders import STATES
from odoo_pipelines.systems.pms.payment_target import ACCOUNT_PAYMENT, payment_state
from odoo_pipelines.systems.pms.targets import SALE_ORDER, order_state
from odoo_pipelines.systems.targets import TargetField
from odoo_pipelines_tests.systems.pms.payloads import DEFAULTS, booking, guest, payment

PAYLOADS: dict[str, Any] = {
    "rooms": {"id": 5, "name": "Deluxe", "price_per_night": 1, "max_occupancy": 2},
    "guests": guest(mobile="+436601234567"),
    "bookings": booking(guest=guest(mobile="+436601234567")),
    "payments": payment(),
}
FLOWS = pytest.mark.parametrize("flow", SYSTEM.flows, ids=lambda flow: flow.name)


def rows_of(flow: Flow) -> list[MappedRow]:
    return [
        row
        for stream, mapper in flow.mappers.items()
        for row in mapper(SYSTEM.streams[stream].payload.parse(PAYLOADS[stream]), DEFAULTS)
    ]


def fields_of(flow: Flow) -> tuple[TargetField, ...]:
    return flow.target.fields + (flow.target.lines.fields if flow.target.lines else ())


@FLOWS
def test_a_flow_takes_known_streams_and_waits_for_flows_before_it(flow: Flow) -> None:
    names = [other.name for other in SYSTEM.flows]
    assert set(flow.mappers) <= set(SYSTEM.streams)
    assert set(flow.after) <= set(names[: names.index(flow.name)])


@FLOWS
def test_the_mappings_fill_exactly_the_fields_of_their_target(flow: Flow) -> None:
    rows = rows_of(flow)
    lines = [line for row in rows for line in row.lines or ()]
    assert {name for row in rows for name in row.values} == {field.name for field in flow.target.fields}
    if flow.target.lines:
        assert {name for line in lines for name in line.values} == {field.name for field in flow.target.lines.fields}
    else:
        assert lines == []


@FLOWS
def test_exactly_the_custom_fields_have_a_label(flow: Flow) -> None:
    assert all(field.custom == field.name.startswith("x_") for field in fields_of(flow))


@FLOWS
def test_every_source_is_a_field_of_its_stream(flow: Flow) -> None:
    for source in (source for field in fields_of(flow) for source in field.sources):
        stream, *path = source.split(".")
        model: type[Payload] = SYSTEM.streams[stream].payload
        for name in path:
            assert name in model.model_fields, source
            model = _model_in(model.model_fields[name].annotation) or model


def _model_in(annotation: Any) -> type[Payload] | None:
    """The payload model in an annotation such as `list[BookedRoom] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Payload):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


@FLOWS
def test_matches_and_rewritten_fields_are_fields_of_the_target(flow: Flow) -> None:
    names = {field.name for field in flow.target.fields}
    assert {match.value for match in flow.target.matches} <= names
    for adoption in flow.target.adoptions:
        assert {adoption.name, *(each.value for each in adoption.proposals)} <= names
    if flow.target.lines:
        together = [name for first, others in flow.target.lines.rewritten_together for name in (first, *others)]
        assert {flow.target.lines.quantity, *together} <= {field.name for field in flow.target.lines.fields}


def test_everything_a_guest_tells_is_personal() -> None:
    partners = SYSTEM.flows[0].target
    assert [field.name for field in partners.fields if not field.personal] == ["customer_rank"]


def test_every_line_refers_to_an_entity_that_the_products_bring() -> None:
    products = {(row.entity, row.external_id) for row in rows_of(SYSTEM.flows[1])}
    orders = rows_of(SYSTEM.flows[2])
    referred = {tuple(str(line.values["product_id"]).split("/", 1)) for row in orders for line in row.lines or ()}
    assert referred <= products


def test_the_product_categories_are_those_that_products_ask_for() -> None:
    assert set(SYSTEM.product_categories) == {row.values["categ_id"] for row in rows_of(SYSTEM.flows[1])}


@FLOWS
def test_the_fields_that_people_fill_in_are_custom_and_no_mapping_fills_them(flow: Flow) -> None:
    assert all(field.custom and not field.sources for field in flow.target.by_hand)
    assert not {field.name for field in flow.target.by_hand} & {field.name for field in flow.target.fields}


@FLOWS
def test_a_value_is_borrowed_from_records_that_are_loaded_before(flow: Flow) -> None:
    before = {(each.entity, each.target.model) for each in SYSTEM.flows if each.name in flow.after}
    related_records = {(field.related.entity, field.related.model) for field in fields_of(flow) if field.related}
    assert related_records <= before


# The life of a payment


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ("draft", "draft"),
        *((state, "posted") for state in ("in_process", "paid", "posted")),
        *((state, "cancel") for state in ("canceled", "rejected", "cancelled")),
    ],
)
def test_a_payment_is_a_draft_posted_or_cancelled_whatever_the_version_calls_it(state: str, name: str) -> None:
    assert payment_state({"state": state}) == name


def test_nothing_leads_out_of_a_posted_payment_and_only_its_custom_fields_stay_free() -> None:
    lifecycle = ACCOUNT_PAYMENT.lifecycle
    assert lifecycle is not None
    assert "posted" not in {step.source for step in lifecycle.transitions}
    assert set(lifecycle.always_writable) == {field.name for field in ACCOUNT_PAYMENT.fields if field.custom}


def test_what_would_cost_a_payment_its_entry_is_never_written_to_a_draft() -> None:
    compared = {field.name for field in ACCOUNT_PAYMENT.fields if not field.only_on_create and not field.custom}
    assert compared == {"amount", "currency_id"}


# The life of an order


@pytest.mark.parametrize(
    ("state", "locked", "name"),
    [
        ("draft", False, "draft"),
        ("sent", False, "draft"),
        ("sale", False, "sale"),
        ("sale", True, "locked"),
        ("draft", True, "draft"),
        ("cancel", False, "cancel"),
    ],
)
def test_state_and_lock_name_the_state_of_an_order(state: str, locked: bool, name: str) -> None:
    assert order_state({"state": state, "locked": locked}) == name


@pytest.mark.parametrize("source", sorted(set(STATES.values())))
@pytest.mark.parametrize("target", sorted(set(STATES.values())))
def test_every_state_can_be_reached_from_every_other(source: str, target: str) -> None:
    lifecycle = SALE_ORDER.lifecycle
    assert lifecycle is not None
    reached = {source}
    for _ in lifecycle.transitions:
        reached |= {step.target for step in lifecycle.transitions if step.source in reached}
    assert target in reached

"""A flow or a field that is mistyped in the settings is an error with the known names, not a policy without effect."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines.defs.build import build_definitions
from odoo_pipelines.defs.resources import log_progress
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.settings_check import check_settings, field_names
from odoo_pipelines.systems import get_system

ORDERS = next(flow for flow in get_system("pms").flows if flow.name == "orders")


def hotel(**settings: Any) -> Integration:
    return Integration.model_validate({"name": "grand-hotel", **settings})


def problems(*integrations: Integration) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        check_settings(integrations)
    return caught.value.problems


def test_every_field_that_is_merged_can_have_a_policy() -> None:
    fields = dict.fromkeys(field_names(ORDERS.target), "manual")
    check_settings([hotel(flows={"orders": {"fields": fields}})])
    assert {"date_order", "state", "order_line", "order_line.price_unit"} <= set(fields)


@pytest.mark.parametrize("field", ["price_unit", "order_line.technical_price_unit", "x_sync_key", "amount_total"])
def test_what_is_not_merged_can_have_none(field: str) -> None:
    [problem] = problems(hotel(flows={"orders": {"fields": {field: "manual"}}}))
    assert problem.startswith(f"integrations.grand-hotel.flows.orders.fields.{field}: this flow has no such field")
    assert "client_order_ref, date_order, " in problem


def test_of_a_payment_what_is_written_once_has_no_policy_and_its_state_has_one() -> None:
    check_settings([hotel(flows={"payments": {"fields": {"amount": "manual", "state": "odoo_wins"}}})])
    [problem] = problems(hotel(flows={"payments": {"fields": {"partner_id": "manual"}}}))
    assert problem.endswith(
        "it has amount, currency_id, x_external_transaction_id, x_payment_gateway, x_related_booking_id, "
        "x_external_synced, state"
    )


def test_an_unknown_flow_is_named_with_the_known_ones() -> None:
    assert problems(hotel(flows={"order": {"policy": "manual"}})) == (
        "integrations.grand-hotel.flows.order: the system 'pms' has no such flow; it has partners, products, "
        "orders, payments",
    )


def test_only_a_flow_with_states_can_cancel_what_has_vanished() -> None:
    check_settings([hotel(flows={"orders": {"vanished": "cancel"}})])
    assert problems(hotel(flows={"partners": {"vanished": "cancel"}})) == (
        "integrations.grand-hotel.flows.partners.vanished: res.partner of the flow 'partners' cannot be cancelled, "
        "only: orders, payments",
    )


def test_a_policy_for_all_flows_must_fit_those_that_do_not_have_their_own() -> None:
    found = problems(hotel(vanished="cancel", flows={"products": {"vanished": "archive"}, "partners": {}}))
    assert [problem.partition(": ")[0] for problem in found] == ["integrations.grand-hotel.vanished"]
    assert "'partners'" in found[0]


def test_all_faults_of_all_integrations_are_told_at_once() -> None:
    one, other = hotel(flows={"x": {}, "y": {}}), Integration.model_validate({"name": "spa", "flows": {"z": {}}})
    assert [problem.partition(": ")[0] for problem in problems(one, other)] == [
        "integrations.grand-hotel.flows.x",
        "integrations.grand-hotel.flows.y",
        "integrations.spa.flows.z",
    ]


def test_the_definitions_are_not_loaded_with_a_fault() -> None:
    with pytest.raises(ConfigurationError, match="no such flow"):
        build_definitions([hotel(flows={"order": {}})], log_progress)


def test_nobody_asks_what_an_inactive_integration_chooses() -> None:
    assert build_definitions([hotel(flows={"order": {}}, active=False)], log_progress)

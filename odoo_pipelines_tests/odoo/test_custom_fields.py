from __future__ import annotations

import pytest

from odoo_pipelines.errors import OdooAccessError, OdooTransientError, OdooValidationError
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.custom_fields import (
    SYNC_KEY,
    BootstrapPlan,
    CustomField,
    apply_bootstrap,
    plan_bootstrap,
)
from odoo_pipelines_tests.odoo.server import DROPPED, FakeOdoo, Reply, fault, result

VIP = CustomField("x_vip_status", "char", "VIP status")
FIELDS_GET = "/json/2/res.partner/fields_get"
CREATE = "/json/2/ir.model.fields/create"
CATEGORIES = "/json/2/product.category"
TAKEN = fault(422, "odoo.exceptions.ValidationError", "Field names must be unique per model.")


def described(**types: str) -> Reply:
    return result({name: {"type": type_, "store": True} for name, type_ in {"name": "char", **types}.items()})


@pytest.fixture
def partner(odoo: FakeOdoo) -> FakeOdoo:
    odoo.script(FIELDS_GET, described())
    odoo.script("/json/2/ir.model/search_read", result([{"id": 81, "model": "res.partner"}]))
    odoo.script(CREATE, result([901, 902]))
    return odoo


def wanted() -> BootstrapPlan:
    return BootstrapPlan(fields={"res.partner": (SYNC_KEY, VIP)}, categories=(), problems=())


def test_the_plan_names_what_is_missing_and_changes_nothing(partner: FakeOdoo, client: OdooClient) -> None:
    partner.script(FIELDS_GET, described(x_sync_key="char"))
    partner.script(f"{CATEGORIES}/fields_get", described())
    partner.script(f"{CATEGORIES}/search_read", result([{"id": 4, "name": "Rooms"}]))

    plan = plan_bootstrap(client, {"res.partner": (SYNC_KEY, VIP)}, ["Rooms", "Extras", "Extras"])

    assert plan == BootstrapPlan(fields={"res.partner": (VIP,)}, categories=("Extras",), problems=())
    assert client.requests.writes == 0


def test_nothing_is_planned_where_all_is_there(partner: FakeOdoo, client: OdooClient) -> None:
    partner.script(FIELDS_GET, described(x_sync_key="char", x_vip_status="char"))

    assert plan_bootstrap(client, {"res.partner": (SYNC_KEY, VIP)}).is_empty


def test_a_field_of_another_type_is_a_problem_for_a_person(partner: FakeOdoo, client: OdooClient) -> None:
    partner.script(FIELDS_GET, described(x_sync_key="integer", x_vip_status="char"))

    plan = plan_bootstrap(client, {"res.partner": (SYNC_KEY, VIP)})

    assert plan.is_empty
    assert plan.problems == ("res.partner.x_sync_key: is of type integer in Odoo and should be char",)


def test_a_computed_field_is_a_problem_for_a_person(partner: FakeOdoo, client: OdooClient) -> None:
    partner.script(FIELDS_GET, result({"x_vip_status": {"type": "char", "store": False}}))

    assert plan_bootstrap(client, {"res.partner": (VIP,)}).problems == (
        "res.partner.x_vip_status: is computed in Odoo and should be stored",
    )


def test_a_model_that_odoo_lacks_is_a_problem_for_a_person(partner: FakeOdoo, client: OdooClient) -> None:
    unknown = fault(404, "werkzeug.exceptions.NotFound", "the model does not exist")
    partner.script("/json/2/sale.order/fields_get", unknown)
    partner.script(f"{CATEGORIES}/fields_get", unknown)

    plan = plan_bootstrap(client, {"sale.order": (SYNC_KEY,), "res.partner": (VIP,)}, ["Rooms"])

    assert (plan.fields, plan.categories) == ({"res.partner": (VIP,)}, ())
    assert plan.problems == (
        "sale.order: Odoo has no such model; install its app",
        "product.category: Odoo has no such model; install its app",
    )


def test_the_fields_of_a_model_are_created_in_one_call(partner: FakeOdoo, client: OdooClient) -> None:
    apply_bootstrap(client, wanted())

    [sent] = partner.to(CREATE)
    sync_key, vip = sent.body["vals_list"]
    assert sync_key == {
        "name": "x_sync_key",
        "model_id": 81,
        "ttype": "char",
        "field_description": "Sync key",
        "index": True,
        "copied": False,
    }
    assert (vip["name"], vip["index"], vip["copied"]) == ("x_vip_status", False, False)


def test_what_another_bootstrap_has_created_meanwhile_is_left_alone(partner: FakeOdoo, client: OdooClient) -> None:
    partner.script(CREATE, TAKEN, result([902]))
    partner.script(FIELDS_GET, described(x_sync_key="char"))

    apply_bootstrap(client, wanted())

    assert [vals["name"] for vals in partner.to(CREATE)[-1].body["vals_list"]] == ["x_vip_status"]


@pytest.mark.parametrize("answer", [TAKEN, DROPPED])
def test_fields_that_are_there_after_all_are_not_created_again(
    partner: FakeOdoo, client: OdooClient, answer: Reply
) -> None:
    partner.script(CREATE, answer)
    partner.script(FIELDS_GET, described(x_sync_key="char", x_vip_status="char"))

    apply_bootstrap(client, wanted())

    assert len(partner.to(CREATE)) == 1


@pytest.mark.parametrize(("answer", "kind"), [(TAKEN, OdooValidationError), (DROPPED, OdooTransientError)])
def test_fields_that_cannot_be_created_are_an_error_after_three_tries(
    partner: FakeOdoo, client: OdooClient, answer: Reply, kind: type[Exception]
) -> None:
    partner.script(CREATE, answer)

    with pytest.raises(kind):
        apply_bootstrap(client, wanted())

    assert len(partner.to(CREATE)) == 3


def test_a_missing_right_is_told_at_once(partner: FakeOdoo, client: OdooClient) -> None:
    partner.script(CREATE, fault(403, "odoo.exceptions.AccessError", "You are not allowed"))

    with pytest.raises(OdooAccessError):
        apply_bootstrap(client, wanted())

    assert len(partner.to(CREATE)) == 1


def test_categories_are_created_under_external_ids(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(f"{CATEGORIES}/load", result({"ids": [4, 5], "messages": []}))

    apply_bootstrap(client, BootstrapPlan({}, ("Rooms", "Zimmer & Säle"), ()))

    [sent] = odoo.to(f"{CATEGORIES}/load")
    [(first, rooms), (second, halls)] = sent.body["data"]
    assert (sent.body["fields"], rooms, halls) == (["id", "name"], "Rooms", "Zimmer & Säle")
    assert first.startswith("__odoo_pipelines__.product_category_")
    assert first != second
    assert " " not in second


def test_a_refused_category_is_an_error(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(f"{CATEGORIES}/load", result({"ids": False, "messages": [{"type": "error", "message": "No."}]}))
    odoo.script(f"{CATEGORIES}/has_access", result(value=True))

    with pytest.raises(OdooValidationError) as caught:
        apply_bootstrap(client, BootstrapPlan({}, ("Rooms",), ()))

    assert caught.value.odoo_message == "No."

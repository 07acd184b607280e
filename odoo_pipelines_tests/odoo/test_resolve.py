from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from odoo_pipelines.engine.destination import MISSING_REFERENCE
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.engine.rows import ResolvedRow
from odoo_pipelines.odoo.fields import FieldSchema
from odoo_pipelines.odoo.reference_data import ReferenceData
from odoo_pipelines.odoo.references import References
from odoo_pipelines.odoo.resolve import Resolver
from odoo_pipelines.odoo.schema import ModelSchema
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.targets import PARTNER, SALE_ORDER
from odoo_pipelines.systems.targets import Lookup, Target, TargetField
from odoo_pipelines_tests.engine.sales import INTEGRATION, SCHEMAS, World, booking, guest, room


@pytest.fixture
def world() -> World:
    return World().with_guest_and_room()


def resolver(world: World, target: Target) -> Resolver:
    data = ReferenceData(world.odoo, world.odoo.schema, world.odoo.company)
    return Resolver(
        integration=INTEGRATION,
        target=target,
        schemas=world.odoo.schema,
        reference_data=data,
        references=References(INTEGRATION, world.odoo, world.state),
    )


def resolve(world: World, target: Target, row: MappedRow) -> ResolvedRow:
    resolved, rejected = resolver(world, target).resolve([row])
    assert not rejected, rejected
    return resolved[0]


def rejection(world: World, target: Target, row: MappedRow) -> tuple[str, str, str]:
    resolved, [(_, error)] = resolver(world, target).resolve([row])
    assert not resolved
    return error.field, error.code, error.reason


def test_names_become_ids_and_values_take_odoos_form(world: World) -> None:
    row = resolve(world, PARTNER, guest("1", country_id="AT", lang="de", zip=None, x_vip_status=None))

    assert row.values == {
        "name": "Guest 1",
        "country_id": 1,
        "lang": "de_AT",
        "zip": False,
        "x_vip_status": False,
        SYNC_KEY_FIELD: "hotel.guest.1",
    }


def test_references_are_found_in_the_state_also_where_the_value_names_its_entity(world: World) -> None:
    row = resolve(world, SALE_ORDER, booking("1", lines=[room("7")]))
    assert row.lines

    assert row.values["partner_id"] == world.state.kept["guest", "g1"].odoo_id
    assert row.lines[0].values["product_id"] == world.state.kept["room_type", "double"].odoo_id
    assert row.lines[0].values[SYNC_KEY_FIELD] == row.lines[0].key == "hotel.booking_room.1.7.room_type%2Fdouble"


def test_a_room_of_another_type_is_another_line(world: World) -> None:
    keys = [
        resolve(world, SALE_ORDER, booking("1", lines=[room("7", room_type=kind)])).lines
        for kind in ("double", "single")
    ]

    assert len({line.key for lines in keys for line in lines or ()}) == 2


def test_a_reference_that_is_not_in_odoo_rejects_the_row_for_now(world: World) -> None:
    field, code, reason = rejection(world, SALE_ORDER, booking("1", partner_id="nobody"))

    assert (field, code) == ("partner_id", MISSING_REFERENCE)
    assert "guest 'nobody'" in reason


def test_reference_data_that_is_required_rejects_the_row_and_says_what_to_do(world: World) -> None:
    field, code, reason = rejection(world, SALE_ORDER, booking("1", pricelist_id="CHF"))

    assert (field, code) == ("pricelist_id", "unknown_to_odoo")
    assert "create a pricelist in the booking's currency" in reason


def test_reference_data_that_is_not_required_is_left_out_with_a_warning(world: World) -> None:
    row = resolve(world, PARTNER, guest("1", country_id="XX"))

    assert "country_id" not in row.values
    assert row.warnings == ("country_id: unknown to Odoo",)


def test_the_companys_currency_needs_no_pricelist_and_others_are_as_good_as_the_first(world: World) -> None:
    assert resolve(world, SALE_ORDER, booking("1", pricelist_id="EUR")).values["pricelist_id"] is False

    row = resolve(world, SALE_ORDER, booking("1", pricelist_id="USD"))
    assert (row.values["pricelist_id"], row.equivalents) == (1, {"pricelist_id": (1,)})


def test_taxes_by_name_become_ids_and_one_that_is_missing_rejects_the_row(world: World) -> None:
    tax = world.odoo.seed("account.tax", name="10%", type_tax_use="sale")
    row = resolve(world, SALE_ORDER, booking("1", lines=[room("1", tax_ids=["10%"])]))
    assert row.lines
    assert row.lines[0].values["tax_ids"] == [tax]

    assert rejection(world, SALE_ORDER, booking("1", lines=[room("1", tax_ids=["99%"])]))[1] == "unknown_to_odoo"


TAG = Lookup("res.partner.category", "name")
TAGGED = Target(
    "res.partner",
    (
        TargetField("name", "char"),
        TargetField("category_id", "many2many", lookup=TAG),
        TargetField("friend_ids", "many2many", references="guest"),
    ),
)


def tagged(**values: list[str]) -> MappedRow:
    return MappedRow("member", "1", None, {"name": "Ada", **values})


@pytest.fixture
def with_tags(world: World) -> World:
    """Contacts have tags, of which there are two, and friends."""
    tags = FieldSchema("category_id", "many2many", relation=TAG.model)
    friends = FieldSchema("friend_ids", "many2many", relation="res.partner")
    contact = SCHEMAS["res.partner"]
    fields = {**contact.fields, "category_id": tags, "friend_ids": friends}
    tag = ModelSchema(TAG.model, {"name": FieldSchema("name", "char")})
    world.odoo.schemas = {**SCHEMAS, "res.partner": replace(contact, fields=fields), TAG.model: tag}
    for name in ("Client", "School"):
        world.odoo.seed(TAG.model, name=name)
    return world


def test_of_several_names_those_that_odoo_lacks_are_left_out_with_a_warning(with_tags: World) -> None:
    row = resolve(with_tags, TAGGED, tagged(category_id=["School", "Unheard of"]))
    assert (row.values["category_id"], row.warnings) == ([2], ("category_id: 1 of 2 unknown to Odoo",))


def test_where_odoo_has_none_of_them_the_field_is_left_alone(with_tags: World) -> None:
    row = resolve(with_tags, TAGGED, tagged(category_id=["Unheard of"]))
    assert "category_id" not in row.values
    assert row.warnings == ("category_id: 1 of 1 unknown to Odoo",)


def test_no_names_at_all_empty_the_field(with_tags: World) -> None:
    assert resolve(with_tags, TAGGED, tagged(category_id=[])).values["category_id"] == []


def test_a_field_may_refer_to_several_records_and_waits_for_all_of_them(with_tags: World) -> None:
    friend = with_tags.state.kept["guest", "g1"].odoo_id
    assert resolve(with_tags, TAGGED, tagged(friend_ids=["g1"])).values["friend_ids"] == [friend]
    field, code, reason = rejection(with_tags, TAGGED, tagged(friend_ids=["g1", "nobody"]))
    assert (field, code) == ("friend_ids", MISSING_REFERENCE)
    assert "guest 'nobody'" in reason


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": 5}, "wrong_type"),
        ({"name": None}, "required"),
    ],
)
def test_a_value_that_a_row_cannot_do_without_rejects_its_row_only(
    world: World, values: dict[str, Any], code: str
) -> None:
    resolved, [(row, error)] = resolver(world, PARTNER).resolve([guest("bad", **values), guest("good")])

    assert (row.external_id, error.code) == ("bad", code)
    assert [each.row.external_id for each in resolved] == ["good"]


@pytest.mark.parametrize(
    ("values", "code"),
    [({"x_date_of_birth": "31/12/1999"}, "invalid_date"), ({"zip": "a\0"}, "null_character")],
)
def test_any_other_value_that_does_not_fit_its_field_is_left_out_with_a_warning(
    world: World, values: dict[str, Any], code: str
) -> None:
    row = resolve(world, PARTNER, guest("1", **values))
    [name] = values
    assert (name in row.values, row.warnings) == (False, (f"{name}: {code}",))


def test_fields_that_are_absent_stay_absent_and_lines_that_are_not_told_stay_untold(world: World) -> None:
    row = resolve(world, SALE_ORDER, booking("1", lines=None))

    assert row.values.keys() == {"partner_id", "date_order", SYNC_KEY_FIELD}
    assert row.lines is None


def test_a_field_that_the_server_lacks_is_left_out_and_reported_unless_it_is_optional(world: World) -> None:
    fields = dict(world.odoo.schemas["res.partner"].fields)
    del fields["street2"]
    world.odoo.schemas = {**world.odoo.schemas, "res.partner": ModelSchema("res.partner", fields)}

    row = resolve(world, PARTNER, guest("1", street2="Top 1", mobile="+43 1"))

    assert row.values.keys() == {"name", SYNC_KEY_FIELD}
    assert resolver(world, PARTNER).missing_fields == ["res.partner.street2"]


def test_lines_for_a_model_that_takes_none_are_a_fault_of_the_mapping(world: World) -> None:
    with pytest.raises(TypeError, match="takes no lines"):
        resolver(world, PARTNER).resolve([booking("1", lines=[room("1")])])


def test_a_chunk_looks_up_every_kind_of_reference_data_once(world: World) -> None:
    rows = [guest(str(number), country_id="AT" if number % 2 else "XX", lang="de") for number in range(50)]

    resolver(world, PARTNER).resolve(rows)

    assert sorted(call.model for call in world.odoo.calls) == ["res.country", "res.lang"]

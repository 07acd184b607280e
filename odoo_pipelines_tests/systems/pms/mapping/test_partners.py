from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.mapping.partners import partners_of_booking, partners_of_guest
from odoo_pipelines.systems.pms.models import Guest
from odoo_pipelines_tests.systems.pms.payloads import DEFAULTS, booking, guest, map_booking, without


def partner(payload: dict[str, Any]) -> MappedRow:
    (row,) = partners_of_guest(Guest.parse(payload), DEFAULTS)
    return row


def partner_in(payload: dict[str, Any]) -> MappedRow:
    (row,) = map_booking(partners_of_booking, payload)
    return row


def test_a_guest_becomes_a_partner() -> None:
    assert partner(guest()) == MappedRow(
        entity="guest",
        external_id="7",
        updated_at=datetime(2026, 4, 1, 8, tzinfo=UTC),
        values={
            "name": "Ann Example",
            "email": "ann@example.com",
            "phone": "+436601234567",
            "country_id": "AT",
            "lang": "pt-BR",
            "street": "Ring 1",
            "street2": "Top 2",
            "city": "Wien",
            "zip": "1010",
            "customer_rank": 1,
            "x_external_guest_id": "7",
            "x_date_of_birth": "1980-05-06",
            "x_document_type": "passport",
            "x_document_number": "P123",
            "x_nationality": "AT",
            "x_vip_status": True,
            "x_loyalty_points": 120,
        },
    )


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        (" Ann ", " Example ", "Ann Example"),
        ("Ann", None, "Ann"),
        ("", "Example", "Example"),
        (None, None, "Unknown Guest"),
        (" ", "", "Unknown Guest"),
    ],
)
def test_the_name_is_made_of_what_there_is(first: str | None, last: str | None, name: str) -> None:
    assert partner(guest(first_name=first, last_name=last)).values["name"] == name


def test_what_the_payload_does_not_carry_is_left_alone() -> None:
    assert partner({"id": 7}).values == {"name": "Unknown Guest", "customer_rank": 1, "x_external_guest_id": "7"}
    assert set(partner(guest(address={"city": "Wien"})).values) & {"street", "street2", "city", "zip"} == {"city"}


def test_null_and_blank_empty_the_field() -> None:
    blank = dict.fromkeys(guest(), None) | {"id": 7, "email": " ", "country": ""}
    values = partner(blank).values
    assert values.pop("name") == "Unknown Guest"
    assert {name for name, value in values.items() if value is None} == set(values) - {
        "customer_rank",
        "x_external_guest_id",
    }
    assert {"street", "zip", "email", "phone", "country_id", "x_date_of_birth"} <= set(values)


def test_zero_and_false_are_values() -> None:
    values = partner(guest(vip_status=False, loyalty_points=0)).values
    assert (values["x_vip_status"], values["x_loyalty_points"]) == (False, 0)


def test_the_email_is_trimmed_and_lower_cased() -> None:
    assert partner(guest(email=" Ann@Example.COM ")).values["email"] == "ann@example.com"


@pytest.mark.parametrize(
    ("changes", "field", "warning"),
    [
        ({"email": "not an address"}, "email", "email: invalid_email"),
        ({"phone": "call me"}, "phone", "phone: invalid_phone"),
        ({"mobile": "call me"}, "mobile", "mobile: invalid_phone"),
        ({"country": "Austria", "phone": "+436601234567"}, "country_id", "country: invalid_country_code"),
        ({"date_of_birth": "unknown"}, "x_date_of_birth", "date_of_birth: invalid_date"),
        ({"vip_status": "maybe"}, "x_vip_status", "vip_status: invalid_flag"),
        ({"loyalty_points": "abc"}, "x_loyalty_points", "loyalty_points: invalid_number"),
        ({"address": "Ring 1"}, "street", "address: not_an_object"),
        ({"language": ["de"]}, "lang", "language: invalid_text"),
    ],
)
def test_a_bad_optional_value_is_dropped_with_a_warning_and_the_rest_goes_on(
    changes: dict[str, Any], field: str, warning: str
) -> None:
    row = partner(guest(**changes))
    assert field not in row.values
    assert row.warnings == (warning,)
    assert row.values["name"] == "Ann Example"


def test_no_warning_holds_a_value() -> None:
    row = partner(guest(email="secret", phone="secret", country="secret", date_of_birth="secret", vip_status="secret"))
    assert len(row.warnings) == 5
    assert not any("secret" in warning for warning in row.warnings)


@pytest.mark.parametrize("key", ["country", "country_code"])
def test_the_country_is_a_code_under_either_name_and_reads_the_phones(key: str) -> None:
    payload = without(guest(phone="0660 1234567"), "country") | {key: "at"}
    assert partner(payload).values | {"country_id": "AT", "phone": "+436601234567"} == partner(payload).values


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"phone": "+4312345678", "mobile": "+436601234567"}, {"phone": "+4312345678", "mobile": "+436601234567"}),
        ({"phone": None, "mobile": "+436601234567"}, {"phone": "+436601234567", "mobile": "+436601234567"}),
        ({"phone": "call me", "mobile": "+436601234567"}, {"phone": "+436601234567", "mobile": "+436601234567"}),
        ({"mobile": "+436601234567"}, {"phone": "+436601234567", "mobile": "+436601234567"}),
        ({"phone": "+4312345678", "mobile": None}, {"phone": "+4312345678", "mobile": None}),
        ({"phone": None, "mobile": None}, {"phone": None, "mobile": None}),
        ({"phone": None, "mobile": "call me"}, {}),
        ({"phone": None}, {"phone": None}),
        ({"mobile": None}, {"mobile": None}),
    ],
)
def test_the_phone_is_the_phone_or_else_the_mobile(numbers: dict[str, Any], expected: dict[str, Any]) -> None:
    values = partner(without(guest(), "phone") | numbers).values
    assert {name: values[name] for name in ("phone", "mobile") if name in values} == expected


@pytest.mark.parametrize("payload", [None, [], "guest", {}, {"id": ""}, {"id": True}, {"first_name": "Ann"}])
def test_a_guest_that_cannot_be_identified_is_rejected(payload: Any) -> None:
    with pytest.raises(RowRejectedError, match=r"^(payload|id): "):
        partner(payload)


# The guest inside a booking


def test_the_guest_inside_a_booking_maps_as_its_own_record_does() -> None:
    assert partner_in(booking()) == partner(guest())


def test_the_guest_inside_a_booking_is_as_old_as_the_booking_if_it_does_not_tell() -> None:
    assert partner_in(booking(guest=without(guest(), "updated_at"))).updated_at == datetime(2026, 4, 2, tzinfo=UTC)


def test_a_nameless_guest_inside_a_booking_creates_a_partner_but_never_renames_one() -> None:
    row = partner_in(booking(guest={"id": 7, "email": "ann@example.com"}))
    assert row.only_create
    assert row.values["name"] == "Unknown Guest"
    assert not partner_in(booking(guest={"id": 7, "first_name": None})).only_create


def test_warnings_of_the_guest_inside_a_booking_name_their_place_and_no_other() -> None:
    row = partner_in(booking(check_in="soon", guest=guest(email="bad", vip_status="maybe")))
    assert row.warnings == ("guest.vip_status: invalid_flag", "guest.email: invalid_email")


@pytest.mark.parametrize("bad", [None, "Ann", {}, {"id": None}, {"first_name": "Ann"}])
def test_a_booking_without_a_readable_guest_brings_no_partner(bad: Any) -> None:
    assert map_booking(partners_of_booking, booking(guest=bad)) == []


def test_a_booking_that_is_no_order_still_brings_its_guest() -> None:
    assert partner_in(booking(check_in="soon", status="dreamt", rooms="none")).external_id == "7"

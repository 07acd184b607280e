"""create, read, write, unlink, search: values on their way into Odoo and back."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines_tests.conformance.wire import QUIET, Refusal, Wire, unique

GONE = 999_999_999


def test_reading_a_missing_record_gives_nothing(odoo: Wire) -> None:
    assert odoo.json2("res.partner", "read", ids=[GONE], fields=["name"]) == []
    assert odoo.rpc("res.partner", "read", [GONE], ["name"]) == []


@pytest.mark.parametrize(("method", "params"), [("write", {"vals": {"name": "x"}}), ("unlink", {})])
def test_writing_a_missing_record_is_404(odoo: Wire, method: str, params: dict[str, Any]) -> None:
    refused = odoo.json2("res.partner", method, ids=[GONE], **params)
    assert (refused.status, refused.name) == (404, "odoo.exceptions.MissingError")
    assert f"res.partner({GONE},)" in refused.message


def test_a_relation_to_a_missing_record_is_404_and_names_the_target(odoo: Wire, partner: int) -> None:
    refused = odoo.write("res.partner", partner, country_id=GONE)
    assert (refused.status, refused.name) == (404, "odoo.exceptions.MissingError")
    assert "res.country" in refused.message


@pytest.mark.parametrize(
    ("method", "params", "name", "message"),
    [
        ("write", {"ids": [1], "vals": {"nope": 1}}, "builtins.KeyError", "nope"),
        ("create", {"vals_list": {"nope": 1}}, "builtins.ValueError", "Invalid field 'nope' in 'res.partner'"),
        ("read", {"ids": [1], "fields": ["nope"]}, "builtins.ValueError", "Invalid field 'nope' on 'res.partner'"),
        (
            "search",
            {"domain": [["nope", "=", 1]]},
            "builtins.ValueError",
            "Invalid field res.partner.nope in condition ('nope', '=', 1)",
        ),
    ],
)
def test_an_unknown_field_is_500(odoo: Wire, method: str, params: dict[str, Any], name: str, message: str) -> None:
    assert odoo.json2("res.partner", method, **params) == Refusal(500, name, message)


def test_a_contact_without_name_is_422(odoo: Wire) -> None:
    refused = odoo.json2("res.partner", "create", vals_list={"name": False})
    message = "The operation cannot be completed: Contacts require a name"
    assert refused == Refusal(422, "odoo.exceptions.ValidationError", message)


def test_a_missing_mandatory_value_is_422(odoo: Wire) -> None:
    refused = odoo.json2("sale.order", "create", vals_list={})
    assert (refused.status, refused.name) == (422, "odoo.exceptions.ValidationError")
    assert "Missing required value for the field 'Customer' (partner_id)" in refused.message


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("type", "zzz", "Wrong value for res.partner.type: 'zzz'"),
        ("customer_rank", "many", "invalid literal for int() with base 10: 'many'"),
        ("name", "a\0b", "A string literal cannot contain NUL (0x00) characters."),
    ],
)
def test_a_bad_value_is_500(odoo: Wire, partner: int, field: str, value: Any, message: str) -> None:
    assert odoo.write("res.partner", partner, **{field: value}) == Refusal(500, "builtins.ValueError", message)


@pytest.mark.parametrize(
    "value", ["2026-11-01T10:00:00", "2026-11-01 10:00:00Z", "2026-11-01 10:00:00.5", "31/12/2025"]
)
def test_a_datetime_in_another_format_is_500(odoo: Wire, partner: int, value: str) -> None:
    refused = odoo.json2("sale.order", "create", vals_list={"partner_id": partner, "date_order": value})
    assert (refused.status, refused.name) == (500, "builtins.ValueError")


def test_an_integer_too_large_is_an_error_of_the_database(odoo: Wire, partner: int) -> None:
    refused = odoo.write("res.partner", partner, customer_rank=2**31)
    assert refused.status == 500
    assert refused.name.startswith("psycopg2.")


@pytest.mark.parametrize("value", ["France", "75", [75, "France"], {"id": 75}, 75.0, True])
def test_a_many2one_that_is_no_int_silently_empties_the_field(odoo: Wire, value: Any) -> None:
    contact = odoo.create("res.partner", name="F", country_id=75)
    assert odoo.write("res.partner", contact, country_id=value) is True
    assert odoo.value("res.partner", contact, "country_id") is False


@pytest.mark.parametrize(
    ("field", "written", "read"),
    [
        ("street", "  two spaces\t\n ", "  two spaces\t\n "),
        ("street", "", ""),
        ("street", False, False),
        ("street", True, "True"),
        ("street", {"a": 1}, "{'a': 1}"),
        ("street", "long " * 60, "long " * 60),
        ("name", "", ""),
        ("email", " Ann.X@Example.COM ", " Ann.X@Example.COM "),
        ("website", "Example.com/x", "http://Example.com/x"),
        ("lang", "de_DE", "de_DE"),
        ("customer_rank", 1.7, 1),
        ("customer_rank", False, 0),
        ("comment", "<p>a &amp; b<br>c</p>", "<p>a &amp; b<br>c</p>"),
        ("comment", "<p>a<br/>b &lt;c&gt; \"d\" 'e'</p>", "<p>a<br>b &lt;c&gt; \"d\" 'e'</p>"),
        ("comment", "a & b", "<span>a &amp; b</span>"),
        ("comment", "one\r\ntwo", "<span>one\ntwo</span>"),
        ("comment", "<p>x\u00a0y</p>", "<p>x&nbsp;y</p>"),
        ("comment", "<p>a</p><script>alert(1)</script><p>b</p>", "<p>a</p><p>b</p>"),
        ("comment", "<p>one</p><p>two</p>", "<p>one</p><p>two</p>"),
        ("comment", False, False),
    ],
)
def test_values_come_back_as_odoo_keeps_them(odoo: Wire, partner: int, field: str, written: Any, read: Any) -> None:
    assert odoo.write("res.partner", partner, **{field: written}) is True
    assert odoo.value("res.partner", partner, field) == read


@pytest.mark.parametrize(
    ("field", "written", "read"),
    [
        ("list_price", 99.999, 99.999),
        ("standard_price", 12.3456, 12.3456),
        ("weight", 1.23456, 1.23),
        ("weight", 1.005, 1.01),
        ("type", "service", "service"),
    ],
)
def test_prices_keep_their_digits_and_weights_do_not(
    odoo: Wire, product: int, field: str, written: Any, read: Any
) -> None:
    odoo.write("product.product", product, **{field: written})
    assert odoo.value("product.product", product, field) == read


@pytest.mark.parametrize(
    ("email", "normalized"),
    [
        (" Ann.X@Example.COM ", "ann.x@example.com"),
        ("Ann <ann@example.com>", "ann@example.com"),
        ("first@example.com, second@example.com", "first@example.com"),
        ("junk", False),
        (False, False),
    ],
)
def test_email_is_normalised_and_can_be_searched(odoo: Wire, email: Any, normalized: Any) -> None:
    contact = odoo.create("res.partner", name="E", email=email)
    assert odoo.value("res.partner", contact, "email_normalized") == normalized
    if normalized:
        assert contact in odoo.search("res.partner", ["email_normalized", "in", [normalized, "other@example.com"]])


@pytest.mark.parametrize(
    ("phone", "country", "sanitized"),
    [
        ("+43 660 1234567", False, "+436601234567"),
        ("0660 1234567", "AT", "+436601234567"),
        ("202-555-0123", False, "+12025550123"),
        ("call me", False, False),
        ("+43 660 1234567 home", False, False),
        ("+43 1", False, False),
    ],
)
def test_phone_is_sanitized_by_the_country(odoo: Wire, phone: str, country: Any, sanitized: Any) -> None:
    countries = odoo.search("res.country", ["code", "=", country]) or [False]
    contact = odoo.create("res.partner", name="P", phone=phone, country_id=countries[0])
    assert odoo.value("res.partner", contact, "phone_sanitized") == sanitized


def test_write_date_is_shown_in_seconds_and_moves_on_every_write(odoo: Wire, partner: int) -> None:
    before = odoo.value("res.partner", partner, "write_date")
    assert len(before) == len("2026-11-01 10:11:12")
    assert before == odoo.value("res.partner", partner, "create_date")
    odoo.write("res.partner", partner, name="again")
    assert odoo.value("res.partner", partner, "write_date") >= before


@pytest.mark.parametrize(("operator", "found"), [("=", True), (">", False), (">=", True), ("<", False), ("<=", True)])
def test_write_date_compares_in_the_seconds_that_it_shows(odoo: Wire, partner: int, operator: str, found: bool) -> None:
    shown = odoo.value("res.partner", partner, "write_date")
    assert odoo.search("res.partner", ["id", "=", partner], ["write_date", operator, shown]) == [partner] * found


@pytest.mark.parametrize(("operator", "found"), [("=", "a"), (">", "c"), (">=", "abc"), ("<", ""), ("<=", "ab")])
def test_a_bare_date_compares_with_datetimes(odoo: Wire, partner: int, operator: str, found: str) -> None:
    for ref, moment in (("a", "2026-11-01 00:00:00"), ("b", "2026-11-01 23:59:59"), ("c", "2026-11-02 00:00:00")):
        odoo.create("sale.order", partner_id=partner, client_order_ref=ref, date_order=moment)
    domain = [["partner_id", "=", partner], ["date_order", operator, "2026-11-01"]]
    orders = odoo.json2("sale.order", "search_read", domain=domain, fields=["client_order_ref"], order="id")
    assert "".join(order["client_order_ref"] for order in orders) == found


def test_archived_records_are_found_only_when_asked_for(odoo: Wire, partner: int) -> None:
    odoo.write("res.partner", partner, active=False)
    by_id = ["id", "=", partner]
    assert odoo.search("res.partner", by_id) == []
    assert odoo.search("res.partner", by_id, ["active", "in", [True, False]]) == [partner]
    assert odoo.search("res.partner", by_id, context={**QUIET, "active_test": False}) == [partner]
    assert odoo.read("res.partner", partner, "active") == {"active": False}


def test_read_gives_relations_with_names_or_bare(odoo: Wire) -> None:
    contact = odoo.create("res.partner", name="R", country_id=75)
    [named] = odoo.json2("res.partner", "read", ids=[contact], fields=["country_id"])
    assert named == {"id": contact, "country_id": [75, "France"]}
    [bare] = odoo.rpc("res.partner", "read", [contact], ["country_id"], load=False)
    assert bare == {"id": contact, "country_id": 75}


def test_search_read_and_search_count(odoo: Wire) -> None:
    tag = unique()
    ids = [odoo.create("res.partner", name=f"{tag} {letter}", ref=tag) for letter in "cab"]
    domain = [["ref", "=", tag]]
    found = odoo.json2("res.partner", "search_read", domain=domain, fields=["name"], order="name desc", limit=2)
    assert found == [{"id": ids[0], "name": f"{tag} c"}, {"id": ids[2], "name": f"{tag} b"}]
    assert odoo.json2("res.partner", "search_count", domain=domain) == 3
    assert odoo.search("res.partner", *domain, offset=1, limit=1) == [ids[2]]


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        ([["street", "=", False]], "cd"),
        ([["street", "!=", "One"]], "bcd"),
        ([["street", "in", ["One", "two"]]], "ab"),
        ([["street", "not in", ["One"]]], "bcd"),
        ([["street", "ilike", "on"]], "a"),
        ([["street", "=ilike", "TWO"]], "b"),
        ([["street", "=ilike", "%w%"]], "b"),
        (["|", ["street", "=", "One"], ["customer_rank", ">", 3]], "ad"),
        (["!", ["customer_rank", ">=", 2]], "a"),
        ([["customer_rank", "<=", 2], ["customer_rank", ">", 1]], "b"),
        (["&", ["customer_rank", "<", 4], "!", ["street", "=", "two"]], "ac"),
        ([["country_id.code", "=", "FR"]], "ac"),
        ([["country_id", "=", "France"]], "ac"),
        ([["country_id", "=", False]], "bd"),
        ([["country_id.code", "!=", "FR"]], ""),
        ([["country_id", "not in", [75]]], "bd"),
    ],
)
def test_domains_find_what_odoo_finds(odoo: Wire, domain: list[Any], names: str) -> None:
    tag = unique()
    for rank, (name, street) in enumerate(zip("abcd", ("One", "two", "", False), strict=True), 1):
        country = 75 if name in "ac" else False
        odoo.create("res.partner", name=name, ref=tag, street=street, customer_rank=rank, country_id=country)
    found = odoo.json2("res.partner", "search_read", domain=[["ref", "=", tag], *domain], fields=["name"], order="id")
    assert "".join(row["name"] for row in found) == names


def test_fields_get_describes_what_a_client_needs(odoo: Wire) -> None:
    wanted = ["type", "required", "readonly", "relation", "digits", "store", "string"]
    partner = odoo.json2("res.partner", "fields_get", attributes=[*wanted, "selection"])
    order = odoo.json2("sale.order", "fields_get", attributes=[*wanted, "relation_field"])
    line = odoo.json2("sale.order.line", "fields_get", attributes=wanted)
    assert "mobile" not in partner
    assert partner["lang"]["selection"][0] == ["en_US", "English (US)"]
    assert partner["country_id"]["relation"] == "res.country"
    assert partner["email_normalized"]["readonly"] is True
    assert order["order_line"]["relation_field"] == "order_id"
    assert order["partner_id"]["required"] is True
    assert line["product_uom_qty"]["digits"] == [16, 2]
    assert "digits" not in line["price_unit"] or not line["price_unit"]["digits"]


def test_web_save_multi_writes_each_record_its_own_values(odoo: Wire) -> None:
    ids = [odoo.create("res.partner", name=name) for name in "ab"]
    vals = [{"street": "A"}, {"street": "B", "city": "C"}]
    answer = odoo.json2("res.partner", "web_save_multi", ids=ids, vals_list=vals, specification={"street": {}})
    assert answer == [{"id": ids[0], "street": "A"}, {"id": ids[1], "street": "B"}]
    empty = odoo.json2("res.partner", "web_save_multi", ids=ids, vals_list=vals, specification={})
    assert empty == [{"id": ids[0]}, {"id": ids[1]}]


def test_web_save_multi_is_all_or_nothing(odoo: Wire, partner: int) -> None:
    vals = [{"street": "kept?"}, {"street": "x"}]
    refused = odoo.json2("res.partner", "web_save_multi", ids=[partner, GONE], vals_list=vals, specification={})
    assert refused.name == "odoo.exceptions.MissingError"
    assert odoo.value("res.partner", partner, "street") is False
    refused = odoo.json2("res.partner", "web_save_multi", ids=[partner], vals_list=vals, specification={})
    assert refused == Refusal(500, "builtins.ValueError", "Each record must have a corresponding vals entry.")


def test_many2many_is_replaced_and_read_in_the_models_order(odoo: Wire, partner: int) -> None:
    tags = [odoo.create("res.partner.category", name=unique(name)) for name in ("b", "c", "a")]
    odoo.write("res.partner", partner, category_id=[[6, 0, tags]])
    assert odoo.value("res.partner", partner, "category_id") == [tags[2], tags[0], tags[1]]
    odoo.write("res.partner", partner, category_id=[[3, tags[0], 0]])
    assert odoo.value("res.partner", partner, "category_id") == [tags[2], tags[1]]


def test_a_contact_takes_the_companys_address(odoo: Wire) -> None:
    company = odoo.create("res.partner", name="C", is_company=True, street="Company street", vat="V1")
    contact = odoo.create("res.partner", name="c", parent_id=company, street="Own street", vat="V2", ref="kept")
    taken = odoo.read("res.partner", contact, "street", "vat", "ref", "complete_name")
    assert taken == {"street": "Company street", "vat": "V1", "ref": "kept", "complete_name": "C, c"}


def test_a_change_of_the_companys_address_reaches_its_contacts_and_theirs_reaches_the_company(odoo: Wire) -> None:
    company = odoo.create("res.partner", name="C", is_company=True, street="Street", city="Wien", zip="1010")
    one, two = (odoo.create("res.partner", name=name, parent_id=company) for name in "ab")
    elsewhere = odoo.create("res.partner", name="e", parent_id=company, type="other", city="Linz")
    odoo.write("res.partner", company, city="Graz")
    cities = [odoo.value("res.partner", each, "city") for each in (one, two, elsewhere)]
    assert cities == ["Graz", "Graz", "Linz"]
    odoo.write("res.partner", one, zip="8010", vat="V3")
    addresses = [odoo.read("res.partner", each, "street", "city", "zip", "vat") for each in (company, one, two)]
    assert addresses == [{"street": "Street", "city": "Graz", "zip": "8010", "vat": "V3"}] * 3
    odoo.write("res.partner", elsewhere, city="Wels")
    assert odoo.value("res.partner", company, "city") == "Graz"


def test_a_contact_takes_the_companys_language_when_it_is_put_under_it(odoo: Wire, partner: int) -> None:
    company = odoo.create("res.partner", name="C", is_company=True, lang="de_DE")
    assert odoo.value("res.partner", partner, "lang") == "en_US"
    odoo.write("res.partner", partner, parent_id=company)
    assert odoo.value("res.partner", partner, "lang") == "de_DE"
    odoo.write("res.partner", company, lang="fr_FR")
    assert odoo.value("res.partner", partner, "lang") == "de_DE"
    odoo.write("res.partner", partner, lang="en_US", parent_id=company)
    assert odoo.value("res.partner", partner, "lang") == "en_US"


def test_a_contact_that_was_none_takes_the_companys_address_when_it_becomes_one(odoo: Wire) -> None:
    company = odoo.create("res.partner", name="C", is_company=True, city="Wien", street="Street")
    other = odoo.create("res.partner", name="o", parent_id=company, type="other", city="Linz")
    odoo.write("res.partner", other, type="contact")
    assert odoo.read("res.partner", other, "city", "street") == {"city": "Wien", "street": "Street"}


def test_a_new_product_is_a_taxed_good_without_category(odoo: Wire) -> None:
    fields = ("type", "list_price", "categ_id", "taxes_id", "sale_ok", "display_name", "active")
    made = odoo.read("product.product", odoo.create("product.product", name="N"), *fields)
    assert made == {
        "type": "consu",
        "list_price": 1.0,
        "categ_id": False,
        "taxes_id": [1],
        "sale_ok": True,
        "display_name": "N",
        "active": True,
    }


@pytest.mark.parametrize("model", ["res.partner", "product.product"])
def test_a_record_that_an_order_needs_cannot_be_deleted(odoo: Wire, partner: int, product: int, model: str) -> None:
    odoo.create("sale.order", partner_id=partner, order_line=[[0, 0, {"product_id": product}]])
    refused = odoo.json2(model, "unlink", ids=[partner if model == "res.partner" else product])
    assert (refused.status, refused.name) == (422, "odoo.exceptions.ValidationError")


def test_a_category_spells_out_its_path(odoo: Wire) -> None:
    parent = odoo.create("product.category", name="Hotel")
    child = odoo.create("product.category", name="Rooms", parent_id=parent)
    assert odoo.value("product.category", child, "complete_name") == "Hotel / Rooms"


def test_values_that_occur_twice_are_found_by_grouping(odoo: Wire) -> None:
    ref = unique("twice")
    for name in ("a", "b"):
        odoo.create("res.partner", name=name, ref=ref)
    odoo.create("res.partner", name="c", ref=f"{ref}-once")
    groups = odoo.json2(
        "res.partner",
        "formatted_read_group",
        domain=[("ref", "=like", f"{ref}%")],
        groupby=["ref"],
        aggregates=["__count"],
        having=[("__count", ">", 1)],
    )
    assert [(group["ref"], group["__count"]) for group in groups] == [(ref, 2)]

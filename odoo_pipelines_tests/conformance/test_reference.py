"""What a fresh database holds: company, currencies, countries, languages."""

from __future__ import annotations

from odoo_pipelines_tests.conformance.wire import QUIET, Wire


def test_the_company_keeps_its_books_in_dollars(odoo: Wire) -> None:
    [company] = odoo.json2("res.company", "search_read", domain=[], fields=["currency_id", "country_id"])
    assert company["currency_id"][1] == "USD"
    assert company["country_id"][1] == "United States"


def test_countries_are_found_by_code(odoo: Wire) -> None:
    domain = [["code", "in", ["FR", "AT", "ZZ"]]]
    found = odoo.json2("res.country", "search_read", domain=domain, fields=["code", "name"])
    assert found == [{"id": 12, "code": "AT", "name": "Austria"}, {"id": 75, "code": "FR", "name": "France"}]


def test_other_currencies_are_there_but_not_active(odoo: Wire) -> None:
    domain = [["name", "=", "EUR"]]
    assert odoo.search("res.currency", *domain) == []
    assert odoo.search("res.currency", *domain, context={**QUIET, "active_test": False}) == [126]


def test_english_is_the_only_active_language(odoo: Wire) -> None:
    active = odoo.json2("res.lang", "search_read", domain=[], fields=["code", "iso_code"])
    assert active == [{"id": 1, "code": "en_US", "iso_code": "en"}]
    inactive = odoo.search("res.lang", ["code", "=", "fr_FR"], ["active", "=", False])
    assert len(inactive) == 1


def test_lines_get_the_tax_of_fifteen_percent(odoo: Wire) -> None:
    [tax] = odoo.json2("account.tax", "read", ids=[1], fields=["name", "amount", "type_tax_use"])
    assert tax == {"id": 1, "name": "15%", "amount": 15.0, "type_tax_use": "sale"}


def test_groups_tell_how_long_keys_may_live(odoo: Wire) -> None:
    found = odoo.json2("res.groups", "search_read", domain=[["api_key_duration", ">", 0]], fields=["api_key_duration"])
    assert [group["api_key_duration"] for group in found] == [90.0]

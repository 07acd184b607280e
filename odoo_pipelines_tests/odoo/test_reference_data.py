from __future__ import annotations

import pytest

from odoo_pipelines.odoo.reference_data import ReferenceData
from odoo_pipelines.systems.targets import ANY_FIELD, Lookup
from odoo_pipelines_tests.engine.sales import SalesOdoo

COUNTRY = Lookup("res.country", "code")
PRICELIST = Lookup("product.pricelist", "currency_id.name", none_for_company="currency_id.name")
TAX = Lookup("account.tax", "name", also=(("type_tax_use", "=", "sale"),))


@pytest.fixture
def odoo() -> SalesOdoo:
    return SalesOdoo()


@pytest.fixture
def data(odoo: SalesOdoo) -> ReferenceData:
    return ReferenceData(odoo, odoo.schema, odoo.company)


def test_values_are_found_together_and_asked_for_once(odoo: SalesOdoo, data: ReferenceData) -> None:
    assert data.candidates(COUNTRY, ["AT", "XX"]) == {"AT": (1,), "XX": ()}
    assert data.candidates(COUNTRY, ["XX", "AT"]) == {"AT": (1,), "XX": ()}
    assert len(odoo.calls) == 1

    data.candidates(COUNTRY, ["AT", "DE"])
    assert odoo.calls[-1].sent == [("code", "in", ["DE"])]


def test_the_record_that_is_oldest_comes_first_and_others_are_as_good(odoo: SalesOdoo, data: ReferenceData) -> None:
    [euro] = [row["id"] for row in odoo.rows("res.currency") if row["name"] == "EUR"]
    first, second = (odoo.seed("product.pricelist", name=name, currency_id=euro) for name in ("b", "a"))

    assert data.candidates(PRICELIST, ["EUR"]) == {"EUR": (first, second, False)}


def test_the_companys_currency_needs_no_pricelist_and_another_one_does(data: ReferenceData) -> None:
    assert data.candidates(PRICELIST, ["EUR", "USD", "CHF"]) == {"EUR": (False,), "USD": (1,), "CHF": ()}


def test_the_company_is_the_one_that_was_chosen(odoo: SalesOdoo) -> None:
    [dollar] = [row["id"] for row in odoo.rows("res.currency") if row["name"] == "USD"]
    second = odoo.seed("res.company", name="Other", currency_id=dollar, partner_id=1)

    assert ReferenceData(odoo, odoo.schema, second).candidates(PRICELIST, ["EUR", "USD"]) == {
        "EUR": (),
        "USD": (1, False),
    }


def test_a_pricelist_in_a_currency_that_is_archived_is_found(odoo: SalesOdoo, data: ReferenceData) -> None:
    franc = odoo.seed("res.currency", name="CHF", active=False)
    pricelist = odoo.seed("product.pricelist", currency_id=franc)

    assert data.candidates(PRICELIST, ["CHF"]) == {"CHF": (pricelist,)}


def test_a_value_may_name_the_field_in_which_it_is_found(odoo: SalesOdoo, data: ReferenceData) -> None:
    odoo.seed("res.country", code="HU", name="AT")
    lookup = Lookup("res.country", ANY_FIELD)

    found = data.candidates(lookup, ["code/AT", "name/AT", "code/a/b"])
    assert found == {"code/AT": (1,), "name/AT": (2,), "code/a/b": ()}
    assert len(odoo.calls) == 2  # one for each field


def test_further_conditions_hold(odoo: SalesOdoo, data: ReferenceData) -> None:
    odoo.seed("account.tax", name="20%", type_tax_use="purchase")
    sale = odoo.seed("account.tax", name="20%", type_tax_use="sale")

    assert data.candidates(TAX, ["20%"]) == {"20%": (sale,)}


@pytest.mark.parametrize(
    ("active", "tag", "expected"),
    [
        (["en_US", "de_AT", "de_DE"], "de-DE", "de_DE"),
        (["en_US", "de_AT", "de_DE"], "de_de", "de_DE"),
        (["en_US", "de_AT", "de_DE"], "de", "de_DE"),
        (["en_US", "de_AT", "de_CH"], "de", "de_AT"),
        (["en_US", "de_AT"], "de-DE", "de_AT"),
        (["en_US", "pt_BR"], "pt-PT", "pt_BR"),
        (["en_US", "sr@latin"], "sr@latin", "sr@latin"),
        (["en_US", "de_AT"], "fr-FR", None),
        (["en_US", "de_AT"], "", None),
        (["en_US", "de_AT"], "zh-Hant-TW", None),
    ],
)
def test_a_language_is_the_same_locale_else_a_related_one_else_none(
    odoo: SalesOdoo, data: ReferenceData, active: list[str], tag: str, expected: str | None
) -> None:
    odoo.tables["res.lang"].clear()
    for code in active:
        odoo.seed("res.lang", code=code)

    assert data.language(tag) == expected


def test_archived_languages_are_not_used(odoo: SalesOdoo, data: ReferenceData) -> None:
    odoo.seed("res.lang", code="fr_FR", active=False)

    assert data.language("fr-FR") is None


def test_languages_are_read_once(odoo: SalesOdoo, data: ReferenceData) -> None:
    for tag in ("de", "en", "fr", "it"):
        data.language(tag)
    assert [call.model for call in odoo.calls] == ["res.lang"]

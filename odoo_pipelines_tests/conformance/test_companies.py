"""A user of several companies: lookups would find what belongs to any of them, unless one is named."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.odoo.client import OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines_tests.conformance.wire import Wire


def client_of(wire: Wire, company_id: int | None = None) -> OdooClient:
    connection = OdooConnection(wire.url, wire.database, wire.login, SecretStr(wire.key), company_id=company_id)
    return OdooClient(connection)


def test_a_user_of_one_company_works_in_it(odoo: Wire) -> None:
    assert client_of(odoo).company_id() == odoo.value("res.users", client_of(odoo).authenticate(), "company_id")


@pytest.mark.odoo  # the stand-in has the journals of one company only
@pytest.mark.parametrize("own_odoo", ["odoo19"], indirect=True)
def test_a_user_of_several_sees_the_journals_of_all_until_one_is_named(own_odoo: Wire) -> None:
    first = client_of(own_odoo).company_id()
    country, currency = (own_odoo.value("res.company", first, name) for name in ("country_id", "currency_id"))
    second = own_odoo.create("res.company", name="Beach Ltd", country_id=country, currency_id=currency)
    own_odoo.write("res.users", client_of(own_odoo).authenticate(), company_ids=[[6, 0, [first, second]]])
    own_odoo.create("account.journal", name="Till", code="TILL", type="cash", company_id=second)

    with pytest.raises(ConfigurationError, match="may work in 2 companies; name one"):
        client_of(own_odoo).company_id()

    codes = {
        company: {row["code"] for row in client_of(own_odoo, company).search_read("account.journal", [], ["code"])}
        for company in (None, first, second)
    }
    assert "TILL" in codes[None] & codes[second]
    assert "TILL" not in codes[first]
    assert client_of(own_odoo, second).company_id() == second

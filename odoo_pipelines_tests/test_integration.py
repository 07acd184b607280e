"""One integration's settings: limits, presets, warnings."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.integration import ExternalSettings, Integration, OdooSettings

KEY = SecretStr("key")


def integration(external_url: str = "https://pms.example", odoo_url: str = "https://odoo.example") -> Integration:
    return Integration(
        name="grand-hotel",
        external=ExternalSettings(url=external_url, api_key=KEY),
        odoo=OdooSettings(url=odoo_url, db="hotel", username="sync", api_key=KEY),
    )


class TestPlainHttp:
    @pytest.mark.parametrize(
        "url",
        [
            "http://localhost:8069",
            "http://LOCALHOST",
            "http://127.0.0.1",
            "http://127.8.8.8:8069",
            "http://[::1]:8069",
            "https://odoo.example",
            "HTTPS://odoo.example",
        ],
    )
    def test_it_is_fine_on_this_machine_and_https_is_fine_anywhere(self, url: str) -> None:
        assert integration(odoo_url=url).warnings == ()

    @pytest.mark.parametrize(
        "url",
        [
            "http://odoo.example",
            "HTTP://odoo.example",
            "http://192.168.1.7:8069",
            "http://[fe80::1]",
            "http://0.0.0.0:8069",
            "http://localhost.example",
            "http://127.0.0.1.example",
        ],
    )
    def test_it_is_warned_about_to_any_other_machine(self, url: str) -> None:
        [warning] = integration(odoo_url=url).warnings
        assert "'grand-hotel': the Odoo URL is plain http" in warning
        assert "use https" in warning

    def test_both_sides_are_looked_at(self) -> None:
        warnings = integration("http://pms.example", "http://odoo.example").warnings
        assert ["PMS URL" in warnings[0], "Odoo URL" in warnings[1]] == [True, True]

    def test_a_side_that_is_not_configured_is_not_warned_about(self) -> None:
        assert Integration(name="pms").warnings == ()


class TestConnections:
    def test_a_side_that_was_never_configured_is_an_error(self) -> None:
        with pytest.raises(ConfigurationError, match="doctor"):
            Integration(name="pms", external=integration().external).connections()

    def test_odoo_may_be_missing_where_loads_are_switched_off(self) -> None:
        found = Integration(name="pms", external=integration().external, odoo_enabled=False).connections()
        assert found.odoo is None

    def test_it_shows_no_secret(self) -> None:
        assert "'key'" not in repr(integration().connections())


class TestLimits:
    def test_identifiers_are_what_dagster_allows(self) -> None:
        assert integration().identifier == "grand_hotel"

    @pytest.mark.parametrize(
        "changes",
        [
            {"requests_per_second": 0},
            {"connections": 0},
            {"connections": 17},
            {"chunk_size": 0},
            {"chunk_size": 5_001},
            {"preset": "odoo_sh"},
            {"transport": "xmlrpc"},
            {"db": ""},
            {"username": ""},
        ],
    )
    def test_numbers_that_would_stop_or_flood_odoo_are_refused(self, changes: dict[str, Any]) -> None:
        values = {"url": "https://odoo.example", "db": "hotel", "username": "sync", "api_key": "key", **changes}
        with pytest.raises(ValidationError) as caught:
            OdooSettings.model_validate(values)
        assert caught.value.errors()[0]["loc"] == tuple(changes)

    def test_taxes_are_none_odoos_or_named(self) -> None:
        assert Integration(name="pms").taxes == "none"
        named = Integration.model_validate({"name": "pms", "taxes": ["10% Lodging", "City tax"]})
        assert named.taxes == ("10% Lodging", "City tax")
        with pytest.raises(ValidationError):
            Integration.model_validate({"name": "pms", "taxes": "10% Lodging"})

    @pytest.mark.parametrize("none", [{}, {"taxes": "none"}])
    def test_totals_without_tax_need_taxes(self, none: dict[str, Any]) -> None:
        without = {"name": "pms", "compare_total": "without_tax"}
        with pytest.raises(ValidationError, match="compare_total: 'without_tax' needs taxes: set `taxes` to 'odoo'"):
            Integration.model_validate(without | none)
        for taxes in ("odoo", ["City tax"]):
            assert Integration.model_validate(without | {"taxes": taxes}).compare_total == "without_tax"

    def test_journals_are_named_by_method_gateway_or_both(self) -> None:
        journals = {"cash": "CSH1", "adyen": "BNK2", "credit_card/stripe": "BNK3"}
        assert Integration.model_validate({"name": "pms", "journals": journals}).journals == journals
        assert Integration(name="pms").journals == {}

    @pytest.mark.parametrize("key", ["Cash", "", " cash", "/adyen", "cash/", "a/b/c"])
    def test_a_journal_for_what_no_payment_can_have_is_refused(self, key: str) -> None:
        with pytest.raises(ValidationError, match="a payment method, a gateway or method/gateway in lower case"):
            Integration.model_validate({"name": "pms", "journals": {key: "BNK1"}})

    @pytest.mark.parametrize("code", ["", "BNK1 "])
    def test_a_journal_needs_its_code(self, code: str) -> None:
        with pytest.raises(ValidationError, match="must be the code of a journal in Odoo"):
            Integration.model_validate({"name": "pms", "journals": {"cash": code}})

    @pytest.mark.parametrize(
        "changes",
        [
            {"availability_days": 0},
            {"availability_days": 731},
            {"availability_days": 1.5},
            {"capture_overlap_seconds": -1},
            {"outbound_cron": "every hour"},
        ],
    )
    def test_numbers_and_times_of_what_goes_out_are_limited(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValidationError) as caught:
            Integration.model_validate({"name": "pms", **changes})
        assert caught.value.errors()[0]["loc"] == tuple(changes)

    def test_what_goes_out_follows_the_delta_by_default(self) -> None:
        plain = Integration(name="pms")
        assert (plain.availability_days, plain.capture_overlap_seconds) == (90, 180.0)
        assert plain.outbound_cron == "10,40 * * * *"

    def test_nothing_can_be_changed_afterwards(self) -> None:
        with pytest.raises(ValidationError):
            integration().active = False

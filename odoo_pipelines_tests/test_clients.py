"""What is built from the settings reaches what they name, and no faster than they allow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from odoo_pipelines.clients import external_client, odoo_client, open_state, state_url
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.integration import ExternalSettings, OdooSettings
from odoo_pipelines.settings import DatabaseSettings, Settings
from odoo_pipelines.stores.limits import SharedLimiter
from odoo_pipelines_sandbox.odoo.app import create_app as create_odoo
from odoo_pipelines_sandbox.odoo.server import Options
from odoo_pipelines_sandbox.pms.app import create_app as create_pms
from odoo_pipelines_sandbox.pms.options import SandboxOptions
from odoo_pipelines_sandbox.serving import running

KEY = "key-4711-confidential"


@pytest.fixture
def settings(tmp_path: Path, fresh_database_url: str) -> Settings:
    database = DatabaseSettings(SecretStr(fresh_database_url), tmp_path / "postgres")
    return Settings(integrations={}, database=database, data=str(tmp_path / "data"), home=tmp_path)


@pytest.fixture(autouse=True)
def _keep_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODOO_PIPELINES_POSTGRES_DIR", "")


@pytest.fixture(scope="module")
def odoo_url() -> Iterator[str]:
    with running(create_odoo(Options(api_key=KEY))) as url:
        yield url


def odoo(url: str, **changes: Any) -> OdooSettings:
    return OdooSettings.model_validate({"url": url, "db": "odoo", "username": "admin", "api_key": KEY, **changes})


def test_the_external_client_speaks_to_the_configured_system_in_pages_of_the_configured_size(
    settings: Settings,
) -> None:
    with running(create_pms(SandboxOptions(bookings=7, api_key=SecretStr(KEY)))) as url:
        external = ExternalSettings(url=url, api_key=SecretStr(KEY), page_size=3)
        with external_client("pms", external, settings) as client:
            assert [len(page.rows) for page in client.pages("/bookings")] == [3, 3, 1]


def test_the_secret_of_the_settings_exchanges_and_signs(settings: Settings) -> None:
    options = SandboxOptions(bookings=1, api_key=SecretStr(KEY), api_secret=SecretStr("secret"))
    with running(create_pms(options)) as url:
        external = ExternalSettings(url=url, api_key=SecretStr(KEY), api_secret=SecretStr("secret"))
        with external_client("pms", external, settings) as client:
            assert next(client.pages("/bookings")).rows


def test_the_odoo_client_reads_as_the_configured_user(settings: Settings, odoo_url: str) -> None:
    assert odoo_client(odoo(odoo_url), settings).search_count("res.company", []) == 1


@pytest.mark.parametrize("transport", ["json2", "jsonrpc"])
def test_a_setting_forces_the_transport(settings: Settings, odoo_url: str, transport: str) -> None:
    assert odoo_client(odoo(odoo_url, transport=transport), settings).search_count("res.company", []) == 1


def test_the_company_is_found_by_its_name(settings: Settings, odoo_url: str) -> None:
    client = odoo_client(odoo(odoo_url, company="My Company"), settings)
    assert client.search_count("res.company", []) == 1


def test_a_company_that_does_not_exist_is_an_error_of_the_settings(settings: Settings, odoo_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"odoo\.company: Odoo has 0 companies named 'Beach Ltd'"):
        odoo_client(odoo(odoo_url, company="Beach Ltd"), settings)


def test_a_limit_is_kept_in_the_home_where_all_processes_share_it(settings: Settings, odoo_url: str) -> None:
    assert odoo_client(odoo(odoo_url, requests_per_second=50), settings).search_count("res.company", []) == 1
    assert list((settings.home / "limits").iterdir())


def test_odoo_online_gets_one_request_a_second_on_one_connection_whoever_shares_the_database(
    settings: Settings, odoo_url: str
) -> None:
    clients = [odoo_client(odoo(odoo_url, preset="odoo_online"), settings) for _ in range(2)]
    for client in clients:
        limiter = client._sender._limiter
        assert isinstance(limiter, SharedLimiter)
        assert [(rate.limit, rate.interval) for rate in limiter._bucket.rates] == [(1, 1000)]
        assert client._connection.concurrency == 1
    assert len(list((settings.home / "limits").glob("*.sqlite"))) == 1


def test_without_a_limit_nothing_is_shared(settings: Settings, odoo_url: str) -> None:
    odoo_client(odoo(odoo_url), settings).search_count("res.company", [])
    assert not (settings.home / "limits").exists()


def test_the_state_is_opened_with_its_tables(settings: Settings, empty_database_url: str) -> None:
    database = DatabaseSettings(SecretStr(empty_database_url), settings.home / "postgres")
    empty = Settings(integrations={}, database=database, data="", home=settings.home)
    assert state_url(empty) == empty_database_url
    with open_state(empty) as state:
        assert state.watermark("pms", "bookings") is None

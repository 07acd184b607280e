from __future__ import annotations

import pytest
from pydantic import SecretStr

from odoo_pipelines.errors import ConfigurationError, ExternalRequestError
from odoo_pipelines.http.connection import ExternalConnection, record_path


@pytest.mark.parametrize(
    "url",
    [
        "pms.example.com",  # no scheme
        "ftp://pms.example.com",
        "https://",  # no host
        "https://user:hidden@pms.example.com",
        "https://pms.example.com/?hidden=1",
        "https://pms.example.com/#hidden",
        "https://[::1",
        "https://pms.example.com:hidden",
        "",
    ],
)
def test_a_url_that_cannot_be_a_base_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ConfigurationError, match="URL of the external system") as caught:
        ExternalConnection(url, SecretStr("key"))
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("key", ["", " ", "hidden\n", "hid den", "hidden\u00e9"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_quoted(key: str) -> None:
    with pytest.raises(ConfigurationError, match="API key") as caught:
        ExternalConnection("https://pms.example.com", SecretStr(key))
    assert "hid" not in str(caught.value)


def test_a_blank_secret_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="API secret"):
        ExternalConnection("https://pms.example.com", SecretStr("key"), SecretStr(" "))


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        ExternalConnection("nowhere", SecretStr(""), SecretStr(""))
    assert len(caught.value.problems) == 3


def test_key_and_secret_are_not_in_the_repr() -> None:
    assert "hidden" not in repr(ExternalConnection("https://a.example", SecretStr("hidden1"), SecretStr("hidden2")))


@pytest.mark.parametrize("url", ["https://a.example/api", "https://a.example/api/"])
@pytest.mark.parametrize("path", ["orders", "/orders"])
def test_paths_are_appended_to_the_base(url: str, path: str) -> None:
    assert ExternalConnection(url, SecretStr("key")).address(path) == "https://a.example/api/orders"


@pytest.mark.parametrize(
    ("external_id", "path"),
    [
        ("7", "/orders/7/notes"),
        ("A/7", "/orders/A%2F7/notes"),
        ("7?x=1#y", "/orders/7%3Fx%3D1%23y/notes"),
        ("50%", "/orders/50%25/notes"),
        ("\u00e9", "/orders/%C3%A9/notes"),
        ("a b", "/orders/a%20b/notes"),
    ],
)
def test_an_external_id_is_one_segment_of_a_path_whatever_it_holds(external_id: str, path: str) -> None:
    assert record_path("/orders", external_id, "notes") == path


@pytest.mark.parametrize("external_id", ["", ".", ".."])
def test_an_id_that_would_lead_to_another_resource_is_refused(external_id: str) -> None:
    with pytest.raises(ExternalRequestError, match="no URL can name"):
        record_path("/orders", external_id)

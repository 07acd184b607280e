"""The receiver against its own OpenAPI: schemathesis makes requests of it, good ones and bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from odoo_pipelines_tests.webhooks.site import TOKEN, MemoryStore, a_hotel, served

EXAMPLES = 25
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def receiver(store: MemoryStore) -> Iterator[str]:
    """Its integrations have the names that requests are made for: one is signed, one is not."""
    with served(store, a_hotel(), a_hotel("open", number=6, webhook_secrets=[], webhook_unsigned=True)) as url:
        yield url


@pytest.mark.parametrize("operation", ["/api/v1/webhook/{integration_id}", "/api/v1/sync/{integration}/{flow}"])
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
def test_any_request_gets_a_documented_answer(
    receiver: str, store: MemoryStore, operation: str, mode: schemathesis.GenerationMode
) -> None:
    schema = schemathesis.openapi.from_url(f"{receiver}/openapi.json")
    cases = schema[operation]["POST"].as_strategy(generation_mode=mode)
    names = {"integration_id": ["hotel", "open"], "integration": ["hotel", "open"], "flow": ["orders"]}

    @settings(max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=cases, places=st.fixed_dictionaries({name: st.sampled_from(some) for name, some in names.items()}))
    def check(case: Case[Any], places: dict[str, str]) -> None:
        if mode is schemathesis.GenerationMode.POSITIVE:  # names made up would all end at the first check
            case.path_parameters = {name: places[name] for name in case.path_parameters}
        headers = {"Authorization": f"Bearer {TOKEN}"} if "sync" in operation else {}
        case.call_and_validate(headers=headers, checks=CHECKS, timeout=30)

    store.events.clear()
    check()
    assert store.events or mode is schemathesis.GenerationMode.NEGATIVE  # some of the good ones get through


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_answer_as_documented(receiver: str, path: str) -> None:
    schema = schemathesis.openapi.from_url(f"{receiver}/openapi.json")
    case = schema[path]["GET"].Case()
    case.call_and_validate(checks=CHECKS, timeout=30)


def test_what_is_documented_is_what_the_contract_says(receiver: str) -> None:
    document: dict[str, Any] = requests.get(f"{receiver}/openapi.json", timeout=30).json()
    webhook = document["paths"]["/api/v1/webhook/{integration_id}"]["post"]
    assert {"200", "400", "401", "404", "413"} <= set(webhook["responses"])
    assert set(webhook["responses"]) - {"200", "400", "401", "404", "413"} == {"408", "415", "503"}
    assert requests.get(f"{receiver}/docs", timeout=30).ok

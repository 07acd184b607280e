"""POST /api/v1/sync/{integration}/{flow}: who may ask for a sync, and for what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from odoo_pipelines.stores.inbox_rows import MOST_WAITING_SYNCS
from odoo_pipelines.webhooks.durable import open_inbox
from odoo_pipelines.webhooks.manual import check_token, new_sync
from odoo_pipelines.webhooks.refusals import BAD_SYNC_REQUEST, NO_TOKEN, NOT_JSON, RefusedError
from odoo_pipelines_tests.webhooks.site import TOKEN, MemoryStore, post, served

BEARER = f"Bearer {TOKEN}"


@pytest.fixture
def inbox_url(fresh_database_url: str) -> Iterator[str]:
    """Of a receiver that stores in PostgreSQL."""
    with open_inbox(fresh_database_url) as inbox, served(inbox) as url:
        yield url


def ask(
    url: str, body: Any, *, flow: str = "orders", integration: str = "hotel", token: str = BEARER
) -> requests.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    address = f"{url}/api/v1/sync/{integration}/{flow}"
    return requests.post(address, data=content, headers={"Authorization": token} if token else {}, timeout=30)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"mode": "delta"}, {"mode": "delta"}),
        ({"mode": "full"}, {"mode": "full"}),
        ({"ids": [7, "bk_8", " 9 "]}, {"ids": ["7", "bk_8", "9"]}),
        (
            {"window": {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00+02:00"}},
            {"window": {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00+02:00"}},
        ),
    ],
)
def test_a_sync_goes_into_the_inbox_like_an_event(url: str, store: MemoryStore, body: object, kept: object) -> None:
    answer = ask(url, body)
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted", "job_id": "1"})
    (event,) = store.events.values()
    assert (event.integration, event.event_type, event.flow, event.state) == ("hotel", "sync", "orders", "pending")
    assert json.loads(event.body) == kept


def test_equal_requests_are_one_sync_as_long_as_it_waits(inbox_url: str) -> None:
    first = ask(inbox_url, {"ids": ["7", "8"]})
    again = ask(inbox_url, {"ids": [8, " 7 ", "8"]})
    assert (first.json()["status"], again.json()) == (
        "accepted",
        {"status": "repeated", "job_id": first.json()["job_id"]},
    )
    others = [
        ask(inbox_url, {"ids": ["7"]}),
        ask(inbox_url, {"ids": ["7", "8"]}, flow="partners"),
        ask(inbox_url, {"mode": "delta"}),
        ask(inbox_url, {"mode": "full"}),
        ask(inbox_url, {"window": {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}}),
    ]
    assert [each.json()["status"] for each in others] == ["accepted"] * 5
    same_window = {"since": "2026-05-01T02:00:00+02:00", "until": "2026-05-02T00:00:00Z"}
    assert ask(inbox_url, {"window": same_window}).json() == {**others[-1].json(), "status": "repeated"}


def test_when_too_many_wait_no_more_is_taken_but_webhooks_are(inbox_url: str) -> None:
    for number in range(MOST_WAITING_SYNCS):
        assert ask(inbox_url, {"ids": [number]}).status_code == 200
    refused = ask(inbox_url, {"ids": ["one more"]})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert "100 manual syncs of this integration wait already" in refused.json()["error"]
    assert ask(inbox_url, {"ids": [5]}).json()["status"] == "repeated"
    assert post(inbox_url).status_code == 200
    numbers = requests.get(f"{inbox_url}/metrics", timeout=30).text
    assert 'odoo_pipelines_requests_total{integration="hotel",outcome="too_many_syncs"} 1.0' in numbers


@pytest.mark.parametrize("flow", ["partners", "orders", "payments", "payments_out", "availability_out"])
def test_every_flow_can_be_asked_for(url: str, store: MemoryStore, flow: str) -> None:
    assert ask(url, {"mode": "delta"}, flow=flow).status_code == 200


@pytest.mark.parametrize(("integration", "flow"), [("motel", "orders"), ("asleep", "orders"), ("hotel", "rooms")])
def test_others_are_not_found(url: str, integration: str, flow: str) -> None:
    assert ask(url, {"mode": "delta"}, integration=integration, flow=flow).status_code == 404


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"{BEARER} x", f"{BEARER}x"])
def test_without_the_token_nothing_is_told(url: str, store: MemoryStore, token: str) -> None:
    for integration in ("hotel", "motel"):
        answer = ask(url, {"mode": "delta"}, integration=integration, token=token)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert not store.events


@pytest.mark.parametrize(
    "headers", [[], [(b"authorization", b"Bearer \xff\xfe")], [(b"authorization", BEARER.encode())] * 2]
)
def test_a_token_that_is_missing_odd_or_repeated_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(RefusedError) as caught:
        check_token(headers, SecretStr(TOKEN))
    assert caught.value.refusal is NO_TOKEN


def test_where_no_token_is_configured_nobody_may_ask() -> None:
    for written in (b"Bearer ", b"Bearer None", b"Bearer x"):
        with pytest.raises(RefusedError):
            check_token([(b"authorization", written)], None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"mode": "hourly"},
        {"mode": "delta", "ids": ["7"]},
        {"ids": []},
        {"ids": ["7"] * 501},
        {"ids": [{}]},
        {"ids": "7"},
        {"window": {"since": "2026-05-01T00:00:00Z"}},
        {"window": {"since": "2026-05-01T00:00:00", "until": "2026-05-02T00:00:00"}},
        {"window": {"since": "2026-05-02T00:00:00Z", "until": "2026-05-01T00:00:00Z"}},
        {"mode": "delta", "more": 1},
        [],
        b"no json",
    ],
    ids=repr,
)
def test_a_body_that_does_not_say_what_to_look_at_is_a_bad_request(url: str, store: MemoryStore, body: object) -> None:
    assert ask(url, body).status_code == 400
    assert not store.events


def test_a_body_that_is_too_large_is_refused(url: str) -> None:
    assert ask(url, b"x" * (1024 * 1024 + 1)).status_code == 413


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["since", "until"]), inner),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.fixed_dictionaries({}, optional={"mode": JSON, "ids": JSON, "window": JSON}))
def test_any_body_is_a_sync_or_refused(content: dict[str, Any]) -> None:
    try:
        event = new_sync("hotel", "orders", json.dumps(content).encode())
    except RefusedError as error:
        assert error.refusal in (NOT_JSON, BAD_SYNC_REQUEST)  # noqa: PT017
    else:
        assert len(json.loads(event.body)) == 1

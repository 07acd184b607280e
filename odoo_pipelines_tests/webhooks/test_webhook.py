"""POST /api/v1/webhook/{integration_id}: the answers of the contract, and no other, whatever comes in."""

from __future__ import annotations

import gzip
import json
import socket
import time
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from odoo_pipelines.webhooks.request_log import JsonLines
from odoo_pipelines_tests.webhooks.site import (
    NOW,
    SECRET,
    MemoryStore,
    a_hotel,
    body_of,
    exchange,
    post,
    raw_request,
    served,
    signature_of,
    signed,
    status_of,
)

MIB = 1024 * 1024
BOMB = gzip.compress(bytes(50 * MIB), compresslevel=1)
FORGED = b"X-Webhook-Timestamp: %d\r\nX-Webhook-Signature: %s\r\n" % (NOW, b"0" * 64)
"""What anybody can write; without it nothing of a body is read."""
DOCUMENTED = {200, 400, 401, 404, 408, 413, 415, 503}


def padded(size: int) -> bytes:
    """An event of exactly so many bytes."""
    bare = len(body_of({"event_type": "booking.updated", "data": {"id": 7, "x": ""}}))
    return body_of({"event_type": "booking.updated", "data": {"id": 7, "x": "x" * (size - bare)}})


def raw_headers(body: bytes, **replaced: bytes) -> list[tuple[bytes, bytes]]:
    names = {name.replace("_", "-").encode(): value for name, value in replaced.items()}
    right = {name.lower().encode(): value.encode() for name, value in signed(body).items()}
    return list({**right, **names}.items())


class TestAnswers:
    def test_an_event_is_accepted_with_its_job_id(self, url: str, store: MemoryStore) -> None:
        answer = post(url)
        assert (answer.status_code, answer.json()) == (200, {"status": "accepted", "job_id": "1"})
        (event,) = store.events.values()
        assert (event.integration, event.event_key, event.external_id) == ("hotel", "id:evt-1", "7")

    def test_a_redelivery_is_answered_with_the_same_job_id(self, url: str, store: MemoryStore) -> None:
        assert post(url).json() == post(url).json()
        assert len(store.events) == 1

    def test_an_unknown_event_type_is_accepted_and_kept(self, url: str, store: MemoryStore) -> None:
        assert post(url, {"id": "e9", "event_type": "room.painted", "data": {}}).status_code == 200
        assert [event.state for event in store.events.values()] == ["done"]

    def test_an_integration_is_known_by_name_and_number(self, url: str, store: MemoryStore) -> None:
        assert [post(url, to=name).status_code for name in ("hotel", "3")] == [200, 200]
        assert [event.integration for event in store.events.values()] == ["hotel"]

    @pytest.mark.parametrize(
        "name", ["motel", "asleep", "4", "0", "03", "HOTEL", "hotel%00", "..%2fhotel", "%ff", "x" * 5000]
    )
    def test_an_integration_that_is_unknown_or_not_active_is_not_found(self, url: str, name: str) -> None:
        answer = post(url, to=name)
        assert (answer.status_code, list(answer.json())) == (404, ["error"])

    def test_without_a_secret_webhooks_are_refused(self, url: str) -> None:
        assert post(url, to="closed").status_code == 401

    def test_unless_the_settings_say_otherwise(self, url: str, store: MemoryStore) -> None:
        answer = requests.post(f"{url}/api/v1/webhook/open", data=body_of(), timeout=30)
        assert (answer.status_code, len(store.events)) == (200, 1)

    def test_what_was_not_signed_is_known_for_ever(self, url: str, store: MemoryStore) -> None:
        requests.post(f"{url}/api/v1/webhook/open", data=body_of(), timeout=30)
        post(url)
        assert [event.signed for event in store.events.values()] == [False, True]

    def test_a_setting_that_allows_unsigned_ones_does_not_open_an_integration_with_secrets(self) -> None:
        with served(MemoryStore(), a_hotel(webhook_unsigned=True)) as url:
            assert post(url, X_Webhook_Signature="0" * 64).status_code == 401

    def test_a_wrong_signature_is_refused_before_anything_is_read(self, url: str, store: MemoryStore) -> None:
        answer = post(url, body=b"no json", X_Webhook_Signature="0" * 64)
        assert (answer.status_code, list(answer.json())) == (401, ["error"])
        assert not store.events

    @pytest.mark.parametrize("body", [b"", b"[]", b'{"Events": []}', b"no json", b"{}", b'{"event_type": null}'])
    def test_no_json_object_or_no_event_type_is_a_bad_request(self, url: str, body: bytes) -> None:
        assert post(url, body=body).status_code == 400

    def test_a_stale_request_is_refused(self, url: str) -> None:
        body = body_of()
        headers = signed(body, now=NOW - 301)
        assert requests.post(f"{url}/api/v1/webhook/hotel", data=body, headers=headers, timeout=30).status_code == 401

    def test_standard_webhooks_are_accepted_and_known_by_their_id(self, url: str, store: MemoryStore) -> None:
        with served(store, a_hotel(webhook_secrets="whsec_c3RhbmRhcmQta2V5LW9mLTI0LWJ5dGVz")) as standard_url:
            body = body_of({"event_type": "booking.updated", "data": {"id": 7}})
            webhook = Webhook("whsec_c3RhbmRhcmQta2V5LW9mLTI0LWJ5dGVz")
            signature = webhook.sign("msg_1", datetime.fromtimestamp(NOW, UTC), body.decode())
            headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(NOW)), "webhook-signature": signature}
            answer = requests.post(f"{standard_url}/api/v1/webhook/hotel", data=body, headers=headers, timeout=30)
        assert answer.status_code == 200
        assert [event.event_key for event in store.events.values()] == ["id:msg_1"]

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
    def test_another_method_is_not_allowed(self, url: str, method: str) -> None:
        answer = requests.request(method, f"{url}/api/v1/webhook/hotel", timeout=30)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")

    @pytest.mark.parametrize(
        "path", ["/", "/api/v1/webhook", "/api/v1/webhook/hotel/", "/api/v1/webhook/hotel/x", "/%00"]
    )
    def test_another_path_is_not_found(self, url: str, path: str) -> None:
        answer = requests.post(url + path, data=body_of(), headers=signed(body_of()), timeout=30)
        assert (answer.status_code, list(answer.json())) == (404, ["error"])


class TestBatches:
    def test_a_batch_is_accepted_with_the_job_ids_of_its_events_in_their_order(
        self, url: str, store: MemoryStore
    ) -> None:
        answer = post(url, {"Events": [event(8), event(7), event(9)]})
        assert (answer.status_code, answer.json()) == (200, {"status": "accepted", "job_ids": ["1", "2", "3"]})
        assert [each.external_id for each in store.events.values()] == ["8", "7", "9"]
        assert store.groups == [3]
        assert post(url, [event(9), event(8)]).json()["job_ids"] == ["3", "1"]
        assert len(store.events) == 3

    def test_with_one_bad_event_nothing_is_stored(self, url: str, store: MemoryStore) -> None:
        answer = post(url, [event(7), {"event_type": None}])
        assert (answer.status_code, list(answer.json())) == (400, ["error"])
        assert "event 1 of the batch" in answer.json()["error"]
        assert not store.events

    def test_too_many_events_are_refused(self, url: str, store: MemoryStore) -> None:
        assert post(url, [event(number) for number in range(1_001)]).status_code == 413
        assert not store.events

    def test_a_batch_is_counted_as_accepted_unless_all_of_it_came_before(self) -> None:
        with served(MemoryStore()) as url:
            post(url, [event(1)])
            post(url, [event(1), {"event_type": "room.painted"}, event(2)])
            post(url, [event(2), event(1)])
            numbers = requests.get(f"{url}/metrics", timeout=30).text
        assert 'odoo_pipelines_requests_total{integration="hotel",outcome="accepted"} 2.0' in numbers
        assert 'odoo_pipelines_requests_total{integration="hotel",outcome="repeated"} 1.0' in numbers


def event(number: int) -> dict[str, Any]:
    return {"id": f"evt-{number}", "event_type": "booking.updated", "data": {"id": number}}


class TestSize:
    def test_one_mib_is_accepted_and_a_byte_more_is_not(self, url: str, store: MemoryStore) -> None:
        assert post(url, body=padded(MIB)).status_code == 200
        assert post(url, body=padded(MIB + 1)).status_code == 413

    def test_a_length_that_is_too_large_is_refused_before_the_body_comes(self, url: str) -> None:
        request = b"POST /api/v1/webhook/hotel HTTP/1.1\r\nHost: h\r\n%sContent-Length: 999999999999\r\n\r\n" % FORGED
        assert status_of(exchange(url, request)) == 413

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param(b"", id="none"),
            pytest.param(FORGED.replace(b"000", b"00"), id="malformed"),
            pytest.param(FORGED.replace(b"0" * 64, b"0" * 64 + b"\r\nX-Webhook-Signature: a"), id="twice"),
            pytest.param(FORGED.replace(b"%d" % NOW, b"%d" % (NOW - 400)), id="stale"),
        ],
    )
    def test_without_headers_of_a_signature_the_body_is_not_waited_for(self, url: str, headers: bytes) -> None:
        head = b"POST /api/v1/webhook/hotel HTTP/1.1\r\nHost: h\r\n%sContent-Length: 1000000\r\n\r\n" % headers
        answer = exchange(url, head)  # and not a byte more
        assert status_of(answer) == 401
        assert b"connection: close" in answer.lower()

    def test_nor_is_it_where_no_secret_is_good_any_more(self) -> None:
        old = [{"secret": SECRET, "until": "2020-01-01"}]
        head = b"POST /api/v1/webhook/hotel HTTP/1.1\r\nHost: h\r\n%sContent-Length: 1000000\r\n\r\n" % FORGED
        with served(MemoryStore(), a_hotel(webhook_secrets=old)) as url:
            assert status_of(exchange(url, head)) == 401

    def test_so_is_a_chunked_body_as_soon_as_it_is_too_large(self, url: str, store: MemoryStore) -> None:
        head = b"POST /api/v1/webhook/hotel HTTP/1.1\r\nHost: h\r\n%sTransfer-Encoding: chunked\r\n\r\n" % FORGED
        endless = b"%x\r\n%s\r\n" % (MIB, b"x" * MIB)
        assert status_of(exchange(url, head + endless + b"2\r\nxx\r\n")) == 413

    def test_a_chunked_body_that_is_small_enough_is_accepted(self, url: str, store: MemoryStore) -> None:
        body = body_of()
        answer = requests.post(
            f"{url}/api/v1/webhook/hotel", data=iter([body[:10], body[10:]]), headers=signed(body), timeout=30
        )
        assert answer.status_code == 200

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "x" * 1000])
    def test_a_compressed_body_is_refused_unread_so_no_bomb_goes_off(self, url: str, encoding: str) -> None:
        answer = post(url, body=BOMB, Content_Encoding=encoding)
        assert (answer.status_code, answer.headers["Accept-Encoding"]) == (415, "identity")

    def test_an_id_of_ten_million_characters_is_too_large(self, url: str) -> None:
        assert post(url, {"id": "x" * 10_000_000, "event_type": "booking.updated"}).status_code == 413


class TestHostility:
    """No 5xx, no status that is not documented, no hang; afterwards the receiver works as before."""

    @pytest.mark.parametrize(
        "timestamp",
        [b"", b"NaN", b"inf", b"1e400", b"-1", b"9" * 10_000, b"\xff\xfe\xfd", "١٧٩".encode(), b"0x6ab13b80", b"None"],
        ids=repr,
    )
    def test_timestamps(self, url: str, timestamp: bytes) -> None:
        body = body_of()
        answer = exchange(url, raw_request(body, *raw_headers(body, x_webhook_timestamp=timestamp)))
        assert status_of(answer) == 401

    @pytest.mark.parametrize(
        "signature",
        [
            b"",
            b"\xe4" * 64,
            "ä".encode() * 32,
            b"a" * 63,
            b"a" * 65,
            b"A" * 64,
            b"," * 10_000,
            signature_of(body_of(), str(int(NOW))).upper().encode(),
        ],
        ids=lambda value: repr(value[:20]),
    )
    def test_signatures(self, url: str, signature: bytes) -> None:
        body = body_of()
        answer = exchange(url, raw_request(body, *raw_headers(body, x_webhook_signature=signature)))
        assert status_of(answer) == 401

    def test_duplicated_headers(self, url: str) -> None:
        body = body_of()
        for twice in raw_headers(body):
            assert status_of(exchange(url, raw_request(body, *raw_headers(body), twice))) == 401

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            (b"Content-Type", b"\xff\xff"),
            (b"Content-Type", b"multipart/form-data"),
            (b"Content-Encoding", b"\xff"),
            (b"Expect", b"100-continue"),
            (b"Accept", b"image/png"),
            (b"Cookie", b"a" * 20_000),
            (b"Upgrade", b"websocket"),
            (b"X-Forwarded-For", b"\xff, 1.2.3.4.5"),
            (b"Authorization", b"Bearer \xff"),
        ],
        ids=repr,
    )
    def test_other_headers(self, url: str, name: bytes, value: bytes) -> None:
        body = body_of()
        answer = exchange(url, raw_request(body, *raw_headers(body), (name, value), (b"Connection", b"close")))
        assert {status_of(part) for part in answer.split(b"\r\n\r\n") if part.startswith(b"HTTP")} <= DOCUMENTED | {100}

    @pytest.mark.parametrize(
        "event",
        [
            {"id": {}, "event_type": "booking.updated", "data": {"id": 7}},
            {"id": 10**200, "event_type": "booking.updated", "data": {"id": 10**200}},
            {"id": "e", "event_type": "booking.updated", "data": {"id": "x" * 100_000}},
            {"id": "\ud800", "event_type": "booking.updated", "data": {"id": "\0"}},
            {"id": "e", "event_type": "payment.received", "data": {"transaction_id": [], "booking_id": {}}},
            {"id": "e", "event_type": "x" * 100_000},
            {"event_type": {"a": []}, "event": ["b"]},
        ],
        ids=lambda event: repr(event)[:40],
    )
    def test_events(self, url: str, store: MemoryStore, event: Any) -> None:
        assert post(url, event).status_code in (200, 400)

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 10_000 + b"]" * 10_000,
            b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
            b'{"event_type": "a", "event_type": "b"}',
            b'{"event_type": NaN}',
            b"\xef\xbb\xbf",
            b"\xff\xfe{\0}\0",
            b"\0" * 1000,
            b'{"event_type": 1' + b"0" * 100_000 + b"}",
        ],
        ids=lambda body: repr(body[:20]),
    )
    def test_bodies(self, url: str, body: bytes) -> None:
        assert post(url, body=body).status_code == 400

    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"GARBAGE\r\n\r\n",
            b"POST /api/v1/webhook/hotel HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
            b"POST /api/v1/webhook/hotel HTTP/1.1\r\nContent-Length: abc\r\n\r\n",
            b"POST /api/v1/webhook/hotel HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"POST /api/v1/webhook/hotel HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        ],
        ids=repr,
    )
    def test_requests_that_are_no_http(self, url: str, request_bytes: bytes) -> None:
        answer = exchange(url, request_bytes + b"\r\n")
        assert not answer or status_of(answer) < 500
        assert requests.get(f"{url}/healthz", timeout=30).ok

    def test_a_sender_that_goes_away_in_the_middle_leaves_nothing(self, url: str, store: MemoryStore) -> None:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(raw_request(body_of(), *raw_headers(body_of()))[:-5])
        assert post(url, {"id": "after", "event_type": "booking.updated", "data": {"id": 1}}).status_code == 200
        assert [event.event_key for event in store.events.values()] == ["id:after"]


class TestDatabase:
    def test_while_the_database_is_down_senders_are_asked_to_come_again(self, url: str, store: MemoryStore) -> None:
        store.down = True
        answer = post(url)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert list(answer.json()) == ["error"]
        store.down = False
        assert post(url).status_code == 200

    def test_a_wrong_signature_stays_wrong_while_it_is_down(self, url: str, store: MemoryStore) -> None:
        store.down = True
        assert post(url, X_Webhook_Signature="0" * 64).status_code == 401


class TestHealth:
    def test_the_process_answers_whatever_the_database_does(self, url: str, store: MemoryStore) -> None:
        store.down = True
        assert requests.get(f"{url}/healthz", timeout=30).json() == {"status": "alive"}

    def test_readiness_tells_of_the_backlog_and_its_age(self) -> None:
        store = MemoryStore()
        with served(store) as url:
            assert post(url).ok
            while (ready := requests.get(f"{url}/readyz", timeout=30).json())["backlog"] == 0:
                time.sleep(0.1)  # it is looked at every two seconds at most
        assert ready == {"status": "ready", "backlog": 1, "oldest_pending_seconds": 1.5}

    def test_without_a_database_it_is_not_ready(self) -> None:
        store = MemoryStore()
        store.down = True
        with served(store) as url:
            answer = requests.get(f"{url}/readyz", timeout=30)
            numbers = requests.get(f"{url}/metrics", timeout=30).text
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "odoo_pipelines_database_up 0.0" in numbers
        assert "odoo_pipelines_inbox_waiting NaN" in numbers

    def test_prometheus_reads_outcomes_latencies_and_the_backlog(self) -> None:
        with served(MemoryStore()) as url:
            post(url)
            post(url)
            post(url, X_Webhook_Signature="0" * 64)
            post(url, to="motel")
            answer = requests.get(f"{url}/metrics", timeout=30)
        assert answer.headers["Content-Type"].startswith("text/plain")
        lines = answer.text.splitlines()
        for line in (
            'odoo_pipelines_requests_total{integration="hotel",outcome="accepted"} 1.0',
            'odoo_pipelines_requests_total{integration="hotel",outcome="repeated"} 1.0',
            'odoo_pipelines_requests_total{integration="hotel",outcome="not_signed"} 1.0',
            'odoo_pipelines_requests_total{integration="",outcome="unknown_integration"} 1.0',
            "odoo_pipelines_request_seconds_count 4.0",
            "odoo_pipelines_database_up 1.0",
        ):
            assert line in lines


class TestTelling:
    def test_every_request_leaves_one_line_without_a_secret_a_body_or_a_signature(
        self, url: str, store: MemoryStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        guest = {
            "id": "e1",
            "event_type": "booking.updated",
            "data": {"id": 7, "guest": {"email": "ann@guest.example"}},
        }
        body = body_of(guest)
        post(url, guest)
        post(url, guest, X_Webhook_Signature="f" * 64)
        post(url, guest, to="motel-ann")
        post(url, body=b"{}")
        requests.get(f"{url}/healthz", timeout=30)
        written = [JsonLines().format(each) for each in caplog.records if each.name.startswith("odoo_pipelines")]
        lines = [json.loads(line) for line in written]
        assert [(each["integration"], each["status"], each["outcome"]) for each in lines] == [
            ("hotel", 200, "accepted"),
            ("hotel", 401, "not_signed"),
            ("", 404, "unknown_integration"),
            ("hotel", 400, "no_event_type"),
        ]
        first = lines[0]
        assert (first["event_type"], first["bytes"], first["job_id"]) == ("booking.updated", len(body), "1")
        assert 0 < first["ms"] < 10_000
        for secret in (SECRET, "ann", "f" * 64, signature_of(body, str(int(NOW)))):
            assert secret not in "".join(written)

    def test_refusals_are_counted_in_the_state_too(self) -> None:
        store = MemoryStore()
        with served(store) as url:
            post(url, X_Webhook_Signature="0" * 64)
            post(url, to="motel")
            post(url)
        counted = {(integration, outcome): number for (integration, _, outcome), number in store.counts.items()}
        assert counted == {("hotel", "not_signed"): 1, ("", "unknown_integration"): 1}

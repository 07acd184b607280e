from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from odoo_pipelines.errors import ExternalError, ExternalProtocolError, ExternalRequestError
from odoo_pipelines.rest.client import ExternalClient, Posted
from odoo_pipelines_tests.http.conftest import Clock
from odoo_pipelines_tests.http.server import Received, Reply, Server, json_reply

Connect = Callable[..., ExternalClient]


def test_get_gives_the_json_value_and_sends_the_query(client: ExternalClient, server: Server) -> None:
    server.script(json_reply([1, None]))
    assert client.get("/orders", {"status": "a b&c"}) == [1, None]
    assert server.received[0].query == {"status": "a b&c"}


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 413, 422])
def test_another_4xx_is_told_at_once(client: ExternalClient, server: Server, clock: Clock, status: int) -> None:
    server.script(Reply(status, b"confidential"))
    with pytest.raises(ExternalRequestError, match=str(status)) as caught:
        client.get("/orders", {"cursor": "opaque"})
    assert caught.value.status == status
    assert not any(word in str(caught.value) for word in ("confidential", "opaque"))
    assert (len(server.received), clock.slept) == (1, [])


def test_one_record_is_got_and_counted_as_a_row(client: ExternalClient, server: Server) -> None:
    server.script(json_reply({"id": "7"}))
    assert client.get_record("/orders/7") == {"id": "7"}
    assert client.requests.rows == 1


def test_a_record_that_does_not_exist_is_none(client: ExternalClient, server: Server) -> None:
    server.script(json_reply({"error": "not found"}, 404))
    assert client.get_record("/orders/7") is None
    assert client.requests.rows == 0


@pytest.mark.parametrize(
    "page",
    [
        Reply(404, b"<html><h1>404 Not Found</h1><hr>nginx</html>", headers={"Content-Type": "text/html"}),
        Reply(404, b"default backend - 404", headers={"Content-Type": "text/plain"}),
        Reply(404, b'{"error": "no', headers={"Content-Type": "application/json"}),
        Reply(404, b'"confidential"', headers={"Content-Type": "application/json"}),
        Reply(404, b"\xff\xfe"),
        Reply(404, b""),
    ],
    ids=["web page", "text", "cut off", "no object", "no text", "nothing"],
)
def test_a_404_that_is_not_the_apis_says_nothing_about_the_record(
    client: ExternalClient, server: Server, page: Reply
) -> None:
    server.script(page)
    with pytest.raises(ExternalProtocolError, match="no proxy or login page answers in its place") as caught:
        client.get_record("/orders/7")
    assert caught.value.status == 404
    assert "confidential" not in str(caught.value)


def test_a_null_record_is_not_taken_for_one_that_does_not_exist(client: ExternalClient, server: Server) -> None:
    server.script(json_reply(None))
    with pytest.raises(ExternalProtocolError, match="null"):
        client.get_record("/orders/7")


def test_half_a_surrogate_pair_in_a_record_costs_its_field_as_in_a_page(client: ExternalClient, server: Server) -> None:
    server.script(Reply(body=b'{"id": "\\ud83d"}'))
    assert client.get_record("/orders/7") == {"id": ['"\\ud83d"']}


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("PBNK1-2026.00001", "PBNK1-2026.00001"),
        ("a/b c", "a%2Fb%20c"),
        ("a%2Fb", "a%252Fb"),  # two keys never become one
        ("\u00e9\r\nX-Evil: 1", "%C3%A9%0D%0AX-Evil%3A%201"),
    ],
)
def test_a_post_sends_json_under_a_key_that_any_header_can_carry(
    client: ExternalClient, server: Server, key: str, sent: str
) -> None:
    server.script(json_reply({"id": "p1"}, 201))
    posted = client.post_once("/orders/7/notes", {"amount": 12.5, "text": "\u20ac"}, key)
    assert posted == Posted(created=True, record={"id": "p1"})
    received = server.received[0]
    assert received.method == "POST"
    assert received.headers["Content-Type"] == "application/json"
    assert received.headers["Idempotency-Key"] == sent
    assert received.body == b'{"amount": 12.5, "text": "\\u20ac"}'


def test_a_record_that_was_there_already_is_told_from_a_new_one(client: ExternalClient, server: Server) -> None:
    server.script(json_reply({"id": "p1"}, 200))
    assert client.post_once("/orders", {}, "k") == Posted(created=False, record={"id": "p1"})


@pytest.mark.parametrize(
    ("body", "said"), [(b'{"error": "no such booking"}', "no such booking"), (b"<html>", "<html>")]
)
def test_what_the_server_objects_to_is_kept_apart_from_the_text(
    client: ExternalClient, server: Server, body: bytes, said: str
) -> None:
    server.script(Reply(422, body))
    with pytest.raises(ExternalRequestError) as caught:
        client.post_once("/orders", {}, "k")
    assert caught.value.reason == said
    assert said not in str(caught.value)
    assert not caught.value.in_doubt


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"id": ', b'{"id": NaN}'])
def test_a_post_that_succeeded_without_a_readable_answer_is_in_doubt(
    client: ExternalClient, server: Server, body: bytes
) -> None:
    server.script(Reply(201, body))
    with pytest.raises(ExternalError) as caught:
        client.post_once("/orders", {}, "k")
    assert caught.value.in_doubt
    assert len(server.received) == 1


def test_put_sends_json_and_takes_an_empty_answer(client: ExternalClient, server: Server) -> None:
    server.script(Reply(200, b""))
    assert client.put("/orders/7", {"available": 3}) is None
    assert (server.received[0].method, server.received[0].body) == ("PUT", b'{"available": 3}')


@pytest.mark.parametrize("amount", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_know_is_never_sent(client: ExternalClient, server: Server, amount: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        client.post_once("/orders", {"amount": amount}, "k")
    assert server.received == []


class List:
    """The server's side of a list of numbers, paged by an opaque cursor."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __call__(self, received: Received) -> Reply:
        start = int(received.query.get("cursor", "0"))
        end = min(start + int(received.query["limit"]), self._rows)
        rows = [{"id": number} for number in range(start, end)]
        cursor = str(end) if end < self._rows else None
        return json_reply({"data": rows, "next_cursor": cursor}, Date="Sun, 01 Mar 2026 12:00:00 GMT")


def test_all_pages_of_a_list_are_walked_and_their_rows_counted(connect: Connect, server: Server) -> None:
    server.answer = List(25)
    client = connect(page_size=10)
    pages = list(client.pages("/orders"))
    assert [row["id"] for page in pages for row in page.rows] == list(range(25))
    assert {page.server_time for page in pages} == {datetime(2026, 3, 1, 12, tzinfo=UTC)}
    assert (client.requests.total, client.requests.retried, client.requests.rows) == (3, 0, 25)


def test_a_walk_survives_faults_between_and_within_pages(connect: Connect, server: Server) -> None:
    numbers = List(30)
    faults = iter(
        [
            Reply(503),
            None,
            Reply(fault="cut", body=b'{"data": [{"id": 10}]}'),
            Reply(fault="reset"),
            None,
            Reply(429),
            None,
        ]
    )
    server.answer = lambda received: next(faults) or numbers(received)
    client = connect(page_size=10)
    assert [row["id"] for page in client.pages("/orders") for row in page.rows] == list(range(30))
    assert (client.requests.total, client.requests.retried) == (7, 4)


def test_a_token_that_is_revoked_during_a_walk_does_not_end_it(connect: Connect, server: Server) -> None:
    numbers = List(30)
    issued: list[str] = []

    def answer(received: Received) -> Reply:
        if received.path == "/auth/token":
            issued.append(f"t{len(issued)}")
            return json_reply({"access_token": issued[-1]})
        if received.query.get("cursor") == "10" and received.bearer == "t0":
            return json_reply({"error": "revoked"}, 401)
        return numbers(received)

    server.answer = answer
    pages = connect(secret=True, page_size=10).pages("/orders")
    assert [row["id"] for page in pages for row in page.rows] == list(range(30))
    assert issued == ["t0", "t1"]


def test_a_walk_sends_window_page_size_and_further_conditions(connect: Connect, server: Server) -> None:
    server.script(json_reply({"data": []}))
    list(
        connect(page_size=50).pages(
            "/orders",
            updated_since=datetime(2026, 3, 1, tzinfo=UTC),
            updated_before=datetime(2026, 4, 1, tzinfo=UTC),
            extra={"status": "open"},
        )
    )
    assert server.received[0].query == {
        "updated_since": "2026-03-01T00:00:00Z",
        "updated_before": "2026-04-01T00:00:00Z",
        "limit": "50",
        "status": "open",
    }


def test_a_window_without_a_zone_is_refused_before_the_walk_starts(client: ExternalClient) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        client.pages("/orders", updated_since=datetime(2026, 3, 1))  # noqa: DTZ001


def test_a_walk_that_is_broken_off_leaves_the_client_usable(connect: Connect, server: Server) -> None:
    server.answer = List(30)
    client = connect(page_size=10)
    for _ in client.pages("/orders"):
        break
    assert len(list(client.pages("/orders"))) == 3
    assert len(server.received) == 4

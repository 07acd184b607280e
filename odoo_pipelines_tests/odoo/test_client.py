from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from odoo_pipelines.errors import (
    ConfigurationError,
    OdooAccessError,
    OdooConflictError,
    OdooTransientError,
    OdooValidationError,
)
from odoo_pipelines.odoo.answers import LoadMessage, LoadResult
from odoo_pipelines.odoo.client import READ_ATTEMPTS, OdooClient
from odoo_pipelines.odoo.connection import OdooConnection
from odoo_pipelines_tests.odoo.conftest import NewClient
from odoo_pipelines_tests.odoo.server import VERSION_PATH, FakeOdoo, Reply, fault, page, result, rpc_result

PARTNER = "/json/2/res.partner"
CONFLICT = fault(500, "psycopg2.errors.SerializationFailure", "could not serialize access due to concurrent update")


def test_records_are_read_with_bare_ids(odoo: FakeOdoo, client: OdooClient) -> None:
    row = {"id": 3, "company_id": 1, "user_ids": [2]}
    odoo.script(f"{PARTNER}/read", result([row]))
    odoo.script(f"{PARTNER}/search_read", result([row]))

    assert client.read("res.partner", [3], ["company_id", "user_ids"]) == [row]
    assert client.search_read("res.partner", [["id", "=", 3]], ["company_id", "user_ids"], limit=1) == [row]
    assert [request.body["load"] for request in odoo.received[1:]] == [None, None]


def test_servers_before_15_are_searched_first_and_read_then(odoo: FakeOdoo, new_client: NewClient) -> None:
    odoo.script(VERSION_PATH, result({"version_info": [14, 0, 0, "final", 0, ""], "version": "14.0"}))
    odoo.script("/jsonrpc", rpc_result(2), rpc_result([3, 1]), rpc_result([{"id": 3}, {"id": 1}]))

    rows = new_client(transport="jsonrpc").search_read("res.partner", [], ["id"], limit=2, order="name")

    assert rows == [{"id": 3}, {"id": 1}]
    searched, read = (request.body["params"]["args"] for request in odoo.received[-2:])
    assert (searched[4], searched[6]["limit"], searched[6]["order"]) == ("search", 2, "name")
    assert (read[4], read[5]) == ("read", [[3, 1]])


@pytest.mark.parametrize(
    ("version", "method", "params"),
    [
        (19, "has_access", {"ids": [], "operation": "create"}),
        (17, "check_access_rights", {"operation": "create", "raise_exception": False}),
    ],
)
def test_rights_are_asked_for_in_the_servers_way(
    odoo: FakeOdoo, client: OdooClient, version: int, method: str, params: dict[str, Any]
) -> None:
    odoo.script(VERSION_PATH, result({"version_info": [version, 0], "version": str(version)}))
    odoo.script(f"{PARTNER}/{method}", result(value=True))

    assert client.has_access("res.partner", "create")
    sent = odoo.received[-1].body
    assert {name: sent[name] for name in sent.keys() - {"context"}} == params


def test_the_users_company_is_asked_once(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script("/json/2/res.users/context_get", result({"uid": 2}))
    user = {"id": 2, "login": "ann@example.com", "company_id": 7, "company_ids": [7]}
    odoo.script("/json/2/res.users/read", result([user]))

    assert [client.company_id(), client.company_id()] == [7, 7]
    assert len(odoo.to("/json/2/res.users/read")) == 2  # the login's check, and the company


def test_a_user_with_several_companies_has_to_say_which_one_is_meant(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script("/json/2/res.users/context_get", result({"uid": 2}))
    user = {"id": 2, "login": "ann@example.com", "company_id": 7, "company_ids": [7, 8]}
    odoo.script("/json/2/res.users/read", result([user]))

    with pytest.raises(ConfigurationError, match="may work in 2 companies; name one"):
        client.company_id()


def test_a_context_for_one_call_is_added_to_the_usual_one(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(f"{PARTNER}/search", result([3]))

    client.search("res.partner", [], context={"active_test": False, "lang": "fr_FR"})

    assert odoo.received[-1].body["context"] == {
        "tracking_disable": True,
        "mail_auto_subscribe_no_notify": True,
        "mail_activity_quick_update": True,
        "tz": "UTC",
        "lang": "fr_FR",
        "active_test": False,
    }


@pytest.mark.parametrize("hiccup", [page(502), page(429), CONFLICT, Reply(200, b"[1", cut=True)])
def test_a_read_is_repeated_with_growing_pauses(
    odoo: FakeOdoo, client: OdooClient, sleeps: list[float], hiccup: Reply
) -> None:
    odoo.script(f"{PARTNER}/search", hiccup, hiccup, hiccup, result([3]))

    assert client.search("res.partner", []) == [3]
    first, second, third = sleeps
    assert 0.5 <= first <= 1.5
    assert 1 <= second <= 2
    assert 2 <= third <= 3


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("asked_for", "waited"), [("7", 7.0), ("86400", 300.0), ("-1", None), ("junk", None)])
def test_an_overloaded_server_is_given_the_time_it_asks_for(
    odoo: FakeOdoo, client: OdooClient, sleeps: list[float], *, status: int, asked_for: str, waited: float | None
) -> None:
    odoo.script(f"{PARTNER}/search", replace(page(status), headers={"Retry-After": asked_for}), result([3]))

    assert client.search("res.partner", []) == [3]
    assert sleeps[:-1] == ([] if waited is None else [waited])


def test_an_answer_that_cannot_be_unpacked_is_a_lost_one(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(f"{PARTNER}/write", replace(result(True), headers={"Content-Encoding": "gzip"}))

    with pytest.raises(OdooTransientError):
        client.write("res.partner", [3], {"name": "Ann"})


def test_a_read_is_given_up_after_four_tries(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(f"{PARTNER}/search", page(502))

    with pytest.raises(OdooTransientError):
        client.search("res.partner", [])

    assert len(odoo.to(f"{PARTNER}/search")) == READ_ATTEMPTS


def test_a_read_that_odoo_refuses_is_not_repeated(odoo: FakeOdoo, client: OdooClient, sleeps: list[float]) -> None:
    odoo.script(f"{PARTNER}/search", fault(500, "builtins.ValueError", "Wrong value"))

    with pytest.raises(OdooValidationError):
        client.search("res.partner", [])

    assert sleeps == []


@pytest.mark.parametrize("hiccup", [page(502), CONFLICT])
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("create", ([{}],)),
        ("write", ([7], {})),
        ("web_save_multi", ([7], [{}])),
        ("unlink", ([7],)),
        ("load", (["id"], [["a.b"]])),
    ],
)
def test_a_write_is_never_repeated(
    odoo: FakeOdoo, client: OdooClient, method: str, arguments: tuple[Any, ...], hiccup: Reply
) -> None:
    odoo.script(f"{PARTNER}/{method}", hiccup)

    with pytest.raises((OdooTransientError, OdooConflictError)):
        getattr(client, method)("res.partner", *arguments)

    assert client.requests.writes == 1


def test_every_request_is_counted_as_a_read_or_a_write(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(f"{PARTNER}/search_count", page(502), result(3))
    odoo.script(f"{PARTNER}/action_archive", result(value=True))

    client.search_count("res.partner", [])
    client.call("res.partner", "action_archive", [3])

    assert (client.requests.reads, client.requests.writes, client.requests.total) == (3, 1, 4)
    assert client.requests.total == len(odoo.received)


def test_the_limiter_is_asked_before_each_request(odoo: FakeOdoo, new_client: NewClient) -> None:
    class Limiter:
        asked = 0

        def acquire(self) -> None:
            assert len(odoo.received) == self.asked
            self.asked += 1

    odoo.script(f"{PARTNER}/search", page(502), result([]))
    limiter = Limiter()
    connection = new_client()._connection

    OdooClient(connection, limiter=limiter, sleep=lambda _: None).search("res.partner", [])

    assert limiter.asked == 3


@pytest.mark.parametrize(
    ("method", "arguments", "answer"),
    [
        ("search", ([],), ["3"]),
        ("search", ([],), [True]),
        ("search_count", ([],), -1),
        ("read", ([3], ["name"]), {"id": 3}),
        ("fields_get", (["type"],), []),
        ("has_access", ("read",), "yes"),
        ("create", ([{}],), 7),
        ("load", (["id"], [["a.b"]]), {"ids": [7]}),
        ("load", (["id"], [["a.b"]]), {"ids": True, "messages": []}),
    ],
)
def test_an_answer_of_another_shape_is_not_odoos(
    odoo: FakeOdoo, client: OdooClient, method: str, arguments: tuple[Any, ...], answer: Any
) -> None:
    odoo.script(f"{PARTNER}/{method}", result(answer))

    with pytest.raises(OdooTransientError, match="shape"):
        getattr(client, method)("res.partner", *arguments)


def test_load_gives_the_ids_in_the_order_of_the_rows(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(f"{PARTNER}/load", result({"ids": [14, 13], "messages": [], "nextrow": 0}))

    assert client.load("res.partner", ["id"], [["m.b"], ["m.a"]]) == LoadResult([14, 13], ())
    assert odoo.received[-1].body["fields"] == ["id"]
    assert odoo.received[-1].body["data"] == [["m.b"], ["m.a"]]


def test_load_tells_which_record_is_at_fault(odoo: FakeOdoo, client: OdooClient) -> None:
    text = "No matching record found for name 'Narnia' in field 'Country'"
    named = {"rows": {"from": 2, "to": 4}, "type": "error", "record": 1, "field": "country_id", "message": text}
    bare = {"type": "error", "message": "Contacts require a name", "rows": False, "field": False}
    odoo.script(f"{PARTNER}/load", result({"ids": False, "messages": [named, bare], "nextrow": 0}))
    odoo.script(f"{PARTNER}/has_access", result(value=True))

    loaded = client.load("res.partner", ["id"], [["m.a"]])

    assert loaded.ids is None
    assert loaded.messages == (
        LoadMessage(1, 2, 4, "country_id", text, "error"),
        LoadMessage(None, None, None, "", "Contacts require a name", "error"),
    )
    assert "Narnia" not in repr(loaded)


def test_a_concurrent_update_that_load_reports_as_a_message_is_a_conflict(odoo: FakeOdoo, client: OdooClient) -> None:
    message = {"type": "error", "record": 0, "message": "could not serialize access due to concurrent update"}
    odoo.script(f"{PARTNER}/load", result({"ids": False, "messages": [message]}))

    with pytest.raises(OdooConflictError):
        client.load("res.partner", ["id"], [["m.a"]])


def test_a_missing_right_that_load_blames_on_a_row_is_an_access_error(odoo: FakeOdoo, client: OdooClient) -> None:
    message = {"type": "error", "record": 0, "message": "Vous n'êtes pas autorisé à créer 'Contact'"}
    odoo.script(f"{PARTNER}/load", result({"ids": False, "messages": [message]}))
    odoo.script(f"{PARTNER}/has_access", result(value=False))

    for _ in range(2):
        with pytest.raises(OdooAccessError):
            client.load("res.partner", ["id"], [["m.a"]])

    assert len(odoo.to(f"{PARTNER}/has_access")) == 1


def test_no_secret_is_in_any_text(odoo: FakeOdoo, client: OdooClient) -> None:
    odoo.script(f"{PARTNER}/write", fault(401, "werkzeug.exceptions.Unauthorized", "Invalid apikey s3cret-key"))

    with pytest.raises(Exception, match="write") as caught:
        client.write("res.partner", [7], {"name": "Ann"})

    texts = [repr(client), str(caught.value), repr(caught.value), repr(client._connection), repr(vars(client))]
    assert not [text for text in texts if "s3cret-key" in text]


def test_an_address_may_end_with_a_slash() -> None:
    connection = OdooConnection("https://odoo.example.com/", "hotel", "ann", "key")  # type: ignore[arg-type]

    assert connection.address("/jsonrpc") == "https://odoo.example.com/jsonrpc"

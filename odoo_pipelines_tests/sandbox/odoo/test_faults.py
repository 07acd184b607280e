"""Faults on demand: which calls they hit, and what they leave behind."""

from __future__ import annotations

import pytest
import requests

from odoo_pipelines_tests.sandbox.odoo.conftest import HEADERS, TIMEOUT, Standin


@pytest.mark.parametrize("retry_after", [None, "2"])
def test_too_many_requests(standin: Standin, retry_after: str | None) -> None:
    standin.fault("too_many_requests", retry_after=retry_after)
    answer = standin.create("x")
    assert answer.status_code == 429
    assert answer.headers.get("Retry-After") == retry_after
    assert standin.create("x").ok


def test_a_bad_gateway_speaks_html(standin: Standin) -> None:
    standin.fault("bad_gateway", times=2)
    answers = [standin.create("x") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [502, 502, 200]
    assert answers[0].headers["Content-Type"].startswith("text/html")
    assert standin.count("x") == 1


def test_a_serialization_failure_comes_in_each_entrances_own_shape(standin: Standin) -> None:
    standin.fault("serialization_failure", times=2)
    over_json2 = standin.create("x")
    assert (over_json2.status_code, over_json2.json()["name"]) == (500, "psycopg2.errors.SerializationFailure")
    args = ["odoo", 2, "admin", "res.partner", "create", [{"name": "x"}]]
    body = {"jsonrpc": "2.0", "id": 1, "params": {"service": "object", "method": "execute_kw", "args": args}}
    over_rpc = requests.post(f"{standin.url}/jsonrpc", json=body, timeout=TIMEOUT)
    assert over_rpc.status_code == 200
    assert over_rpc.json()["error"]["data"]["name"] == "psycopg2.errors.SerializationFailure"
    assert standin.count("x") == 0


def test_a_load_conflict_is_a_message(standin: Standin) -> None:
    standin.fault("load_conflict")
    answer = standin.call("res.partner", "load", fields=["id", "name"], data=[["a.b", "x"]]).json()
    assert answer["ids"] is False
    assert "could not serialize" in answer["messages"][0]["message"]
    assert standin.count("x") == 0


@pytest.mark.parametrize(("kind", "stored"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_connection_has_no_answer(standin: Standin, kind: str, stored: int) -> None:
    standin.fault(kind)
    with pytest.raises(requests.ConnectionError):
        standin.create("x")
    assert standin.count("x") == stored


def test_a_delay_lets_other_calls_pass(standin: Standin) -> None:
    standin.fault("delay", seconds=0.01)
    assert standin.create("x").ok


def test_a_bad_row_is_named_by_its_place(standin: Standin) -> None:
    standin.fault("bad_row", contains="poison", times=None)
    rows = [["a.1", "good"], ["a.2", "poison"]]
    answer = standin.call("res.partner", "load", fields=["id", "name"], data=rows).json()
    assert answer["ids"] is False
    assert [message["record"] for message in answer["messages"]] == [1]
    assert standin.call("res.partner", "load", fields=["id", "name"], data=rows[:1]).json()["ids"]


def test_a_fault_hits_only_what_it_is_meant_for(standin: Standin) -> None:
    standin.fault("bad_gateway", model="res.partner", method="create", skip=1)
    assert standin.call("product.product", "create", vals_list=[{"name": "x"}]).ok
    assert standin.count("x") == 0
    assert [standin.create("x").status_code for _ in range(3)] == [200, 502, 200]


def test_probability_is_the_same_for_the_same_seed(standin: Standin) -> None:
    def statuses() -> list[int]:
        requests.post(f"{standin.url}/sandbox/reset", timeout=TIMEOUT)
        standin.fault("bad_gateway", probability=0.5, seed=7, times=None)
        return [standin.create("x").status_code for _ in range(20)]

    first = statuses()
    assert set(first) == {200, 502}
    assert statuses() == first


def test_faults_can_be_cleared(standin: Standin) -> None:
    standin.fault("bad_gateway", times=None)
    requests.delete(f"{standin.url}/sandbox/faults", timeout=TIMEOUT)
    assert standin.create("x").ok


def test_an_unknown_fault_is_refused(standin: Standin) -> None:
    answer = requests.post(f"{standin.url}/sandbox/faults", json={"kind": "fire"}, timeout=TIMEOUT)
    assert answer.status_code == 422


def test_calls_are_counted_by_kind_and_a_reset_forgets_everything(standin: Standin) -> None:
    standin.create("x")
    standin.count("x")
    requests.get(f"{standin.url}/web/version", headers=HEADERS, timeout=TIMEOUT)
    assert standin.statistics() == {
        "requests": 2,
        "reads": 1,
        "writes": 1,
        "calls": {"res.partner/create": 1, "res.partner/search_count": 1},
    }
    requests.post(f"{standin.url}/sandbox/reset", timeout=TIMEOUT)
    assert standin.statistics()["requests"] == 0
    assert standin.count("x") == 0

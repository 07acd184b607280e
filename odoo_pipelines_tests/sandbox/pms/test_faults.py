"""Misbehaviour on demand, as a client sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from odoo_pipelines_sandbox.pms.faults import Fault, FaultPlan
from odoo_pipelines_tests.sandbox.pms.client import sandbox

PAYMENT = {"amount": 1, "transaction_id": "t"}
PAY = "/bookings/bk_00000001/payments"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_the_next_requests_are_answered_with_a_status_and_then_all_is_well(status: int) -> None:
    with sandbox(bookings=1) as pms:
        pms.control("faults", kind="status", status=status, times=2)
        answers = [pms.get("/bookings") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [status, status, 200]
        assert answers[0].json()["error"]


def test_retry_after_comes_in_seconds_or_as_a_date() -> None:
    with sandbox(bookings=1) as pms:
        pms.control("faults", kind="status", status=429, retry_after="3")
        assert pms.get("/bookings").headers["Retry-After"] == "3"
        pms.control("faults", kind="status", status=429, retry_after="date", seconds=60)
        date = parsedate_to_datetime(pms.get("/bookings").headers["Retry-After"])
        assert date > datetime.now(UTC)


def test_a_connection_dropped_before_the_request_leaves_nothing_behind() -> None:
    with sandbox(bookings=1) as pms:
        pms.control("faults", kind="drop_before")
        with pytest.raises(requests.ConnectionError):
            pms.post(PAY, PAYMENT)
        assert pms.post(PAY, PAYMENT).status_code == 201


def test_a_connection_dropped_after_the_request_loses_the_answer_only() -> None:
    with sandbox(bookings=1) as pms:
        pms.control("faults", kind="drop_after")
        with pytest.raises(requests.ConnectionError):
            pms.post(PAY, PAYMENT)
        assert pms.post(PAY, PAYMENT).status_code == 200


def test_a_truncated_body_breaks_off_before_its_announced_length() -> None:
    with sandbox(bookings=5) as pms:
        pms.control("faults", kind="truncate")
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
            pms.get("/bookings")
        assert pms.get("/bookings").ok


def test_an_answer_that_is_no_json() -> None:
    with sandbox(bookings=1) as pms:
        pms.control("faults", kind="not_json")
        answer = pms.get("/bookings")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_a_page_repeats_its_own_cursor() -> None:
    with sandbox(bookings=9) as pms:
        pms.control("faults", kind="repeat_cursor")
        first = pms.get("/bookings", limit=3).json()["next_cursor"]
        assert pms.get("/bookings", limit=3, cursor=first).json()["next_cursor"] == first
        assert pms.get("/bookings", limit=3, cursor=first).json()["next_cursor"] != first


def test_a_delayed_answer_is_late_for_an_impatient_client() -> None:
    with sandbox(bookings=1) as pms:
        pms.control("faults", kind="delay", seconds=0.5)
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{pms.url}/bookings", timeout=(5, 0.05))


def test_a_fault_befalls_only_the_requests_that_fit() -> None:
    with sandbox(bookings=1) as pms:
        pms.control("faults", kind="status", path="/guests$", method="GET")
        assert pms.get("/bookings").status_code == 200
        assert pms.get("/guests").status_code == 503


def test_several_faults_can_be_asked_for_shown_and_called_off() -> None:
    with sandbox(bookings=1) as pms:
        pms.post("/sandbox/faults", [{"kind": "not_json"}, {"kind": "status", "times": None}])
        assert [fault["kind"] for fault in pms.get("/sandbox/faults").json()] == ["not_json", "status"]
        pms.ask("DELETE", "/sandbox/faults")
        assert pms.get("/bookings").headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("fault", [{"kind": "fire"}, {"kind": "status", "path": "("}, {"kind": "delay", "times": 0}])
def test_an_impossible_fault_is_refused(fault: dict[str, Any]) -> None:
    with sandbox(bookings=1) as pms:
        assert pms.post("/sandbox/faults", fault).status_code == 422


def test_a_probable_fault_is_drawn_by_the_seed() -> None:
    def befallen(seed: int) -> list[bool]:
        plan = FaultPlan(seed, [Fault(kind="status", times=None, probability=0.3)])
        return [plan.next_for("GET", "/bookings", "") is not None for _ in range(1000)]

    assert befallen(1) == befallen(1) != befallen(2)
    assert 240 < sum(befallen(1)) < 360


def test_stats_count_requests_by_path_method_and_status_and_the_rows_served() -> None:
    with sandbox(bookings=5) as pms:
        pms.post("/sandbox/faults", [{"kind": "status", "status": 429}, {"kind": "drop_before"}])
        pms.get("/bookings")
        with pytest.raises(requests.ConnectionError):
            pms.get("/bookings")
        pms.get("/bookings", limit=3)
        pms.get("/bookings/bk_00000001")
        stats = pms.get("/sandbox/stats").json()
        assert stats["requests"] == {
            "GET /bookings": {"200": 1, "429": 1, "dropped": 1},
            "GET /bookings/{id}": {"200": 1},
        }
        assert stats["rows"] == {"bookings": 3}

"""The contract's endpoints, over the wire; answers are checked against the contract itself."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines_tests.sandbox.pms.client import Client, sandbox
from odoo_pipelines_tests.sandbox.pms.contract import check_answer, check_schema, document

STREAMS = ("bookings", "guests", "rooms", "payments")


@pytest.mark.parametrize("legacy", [False, True], ids=["present", "older"])
def test_every_page_of_every_stream_keeps_the_contract(legacy: bool) -> None:
    with sandbox(bookings=150, legacy=legacy, currencies=["USD", "EUR"]) as pms:
        pms.control("advance", changed_bookings=5, new_bookings=5, cancelled=5, changed_guests=5)
        for stream in STREAMS:
            answer = pms.get(f"/{stream}", limit=500).json()
            check_answer("get", f"/{stream}", 200, answer)
            assert answer["data"]


def test_every_path_of_the_contract_is_served() -> None:
    with sandbox(bookings=3) as pms:
        for path, methods in document()["paths"].items():
            for method in methods:
                answer = pms.ask(method, path.replace("{id}", "nobody"))
                assert answer.status_code in {200, 404, 422}, (method, path)
                assert "Not Found" not in answer.text, (method, path)


def test_one_booking_is_the_same_as_in_the_list() -> None:
    with sandbox(bookings=3) as pms:
        listed = pms.rows("/bookings")[1]
        single = pms.get(f"/bookings/{listed['id']}")
        assert single.json() == listed
        check_answer("get", "/bookings/{id}", 200, single.json())


@pytest.mark.parametrize("external_id", ["bk_00000099", "bk_1", "nobody", "-1", "0", "4"])
def test_an_unknown_booking_is_answered_404(external_id: str) -> None:
    with sandbox(bookings=3) as pms:
        answer = pms.get(f"/bookings/{external_id}")
        assert answer.status_code == 404
        check_answer("get", "/bookings/{id}", 404, answer.json())


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"limit": 0}, 422),
        ({"limit": 501}, 422),
        ({"limit": "many"}, 422),
        ({"updated_since": "yesterday"}, 422),
        ({"updated_since": "2025-12-01T00:00:00"}, 422),
        ({"status": "asleep"}, 422),
        ({"cursor": "junk"}, 400),
        ({"cursor": "é"}, 400),
        ({"cursor": ""}, 400),
    ],
)
def test_an_unusable_parameter_is_refused_with_an_error(params: dict[str, Any], status: int) -> None:
    with sandbox(bookings=3) as pms:
        answer = pms.get("/bookings", **params)
        assert answer.status_code == status
        assert answer.json()["error"]


def test_the_page_limit_of_the_server_counts_even_if_more_is_asked_for() -> None:
    with sandbox(bookings=60, page_limit=25) as pms:
        assert [len(page) for page in pms.pages("/bookings", limit=500)] == [25, 25, 10]


def test_the_last_page_of_an_older_installation_has_no_cursor_at_all() -> None:
    with sandbox(bookings=3, legacy=True) as pms:
        assert set(pms.get("/bookings").json()) == {"data"}


PAYMENT = {"amount": 120.5, "transaction_id": "odoo-17", "payment_method": "cash", "paid_at": "2026-01-01"}


def _pay(pms: Client, booking: str = "bk_00000001", **changes: Any) -> tuple[int, dict[str, Any]]:
    key = changes.pop("key", None)
    headers = {"Idempotency-Key": key} if key else {}
    answer = pms.ask("POST", f"/bookings/{booking}/payments", json={**PAYMENT, **changes}, headers=headers)
    check_answer("post", "/bookings/{id}/payments", answer.status_code, answer.json())
    return answer.status_code, answer.json()


def test_a_payment_is_recorded_once_whatever_is_repeated() -> None:
    with sandbox(bookings=3) as pms:
        status, payment = _pay(pms, key="k1")
        assert status == 201
        assert _pay(pms) == (200, payment)
        assert _pay(pms, key="k1", transaction_id="odoo-18") == (200, payment)
        assert _pay(pms, transaction_id="odoo-19")[0] == 201
        ledger = pms.get("/sandbox/ledger").json()
        assert [kept["transaction_id"] for kept in ledger["payments"]] == ["odoo-17", "odoo-19"]
        assert ledger["repeats"] == 2


@pytest.mark.parametrize("legacy", [False, True])
def test_a_payment_that_came_from_the_erp_is_listed_as_the_newest_of_all(legacy: bool) -> None:
    with sandbox(bookings=3, legacy=legacy) as pms:
        before = pms.rows("/payments")
        _, payment = _pay(pms, booking="1" if legacy else "bk_00000001")
        *others, newest = pms.rows("/payments")
        assert others == before
        assert (newest["id"], newest["transaction_id"], newest["gateway"]) == (payment["id"], "odoo-17", "erp")
        since = newest["updated_at"].removesuffix("Z") + "Z"
        assert newest in pms.rows("/payments", updated_since=since)


def test_payments_from_the_erp_leave_those_that_new_bookings_bring_as_they_would_be() -> None:
    with sandbox(bookings=3) as pms, sandbox(bookings=3) as other:
        for each in (pms, other):
            each.ask("POST", "/sandbox/advance", json={"new_bookings": 3, "seconds": 1})
            _pay(pms, transaction_id="odoo-18")
        own = [row for row in pms.rows("/payments") if row["gateway"] != "erp"]
        assert {row["id"] for row in own} == {row["id"] for row in other.rows("/payments")}


def test_a_payment_from_the_erp_can_be_changed_in_the_pms() -> None:
    with sandbox(bookings=3) as pms:
        _, payment = _pay(pms)
        edit = {"stream": "payments", "id": payment["id"], "fields": {"status": "refunded"}}
        pms.ask("POST", "/sandbox/edit", json=edit)
        assert pms.rows("/payments")[-1]["status"] == "refunded"


@pytest.mark.parametrize(
    ("repeats", "kept"),
    [
        ("by_key", ["odoo-17", "odoo-17"]),
        ("by_transaction", ["odoo-17", "odoo-18"]),
        ("ignored", ["odoo-17"] * 2 + ["odoo-18"]),
    ],
)
def test_a_server_may_recognise_less_than_the_contract_says(repeats: str, kept: list[str]) -> None:
    with sandbox(bookings=3, repeats=repeats) as pms:
        _pay(pms, key="k1")
        _pay(pms, key="k2")
        _pay(pms, key="k1", transaction_id="odoo-18")
        assert [each["transaction_id"] for each in pms.get("/sandbox/ledger").json()["payments"]] == kept


@pytest.mark.parametrize(
    "changes",
    [{"amount": "120.5"}, {"amount": None}, {"transaction_id": ""}, {"transaction_id": 7}, {"payment_method": "gold"}],
)
def test_a_payment_that_breaks_the_contract_is_refused_and_not_kept(changes: dict[str, Any]) -> None:
    with sandbox(bookings=3) as pms:
        assert _pay(pms, **changes)[0] == 422
        assert pms.get("/sandbox/ledger").json()["payments"] == []


def test_a_payment_for_an_unknown_booking_is_answered_404() -> None:
    with sandbox(bookings=3) as pms:
        assert _pay(pms, booking="bk_00000099")[0] == 404


def test_availability_is_stored_and_the_last_word_counts() -> None:
    with sandbox(bookings=0) as pms:
        room = pms.rows("/rooms")[0]["id"]
        for available in (4, 3):
            answer = pms.ask(
                "PUT", f"/room-types/{room}/availability", json={"date": "2026-01-05", "available": available}
            )
            assert answer.status_code == 200
        stored = {"room_type_id": room, "date": "2026-01-05", "available": 3}
        assert pms.get("/sandbox/ledger").json()["availability"] == [stored]


@pytest.mark.parametrize(
    ("room", "body", "status"),
    [
        ("rt_00000099", {"date": "2026-01-05", "available": 1}, 404),
        ("rt_00000001", {"date": "2026-01-05", "available": -1}, 422),
        ("rt_00000001", {"date": "soon", "available": 1}, 422),
        ("rt_00000001", {"available": 1}, 422),
    ],
)
def test_unusable_availability_is_refused(room: str, body: dict[str, Any], status: int) -> None:
    with sandbox(bookings=0) as pms:
        answer = pms.ask("PUT", f"/room-types/{room}/availability", json=body)
        assert answer.status_code == status
        check_answer("put", "/room-types/{id}/availability", 404, answer.json())


def test_a_posted_payment_is_a_payment_of_the_contract_in_older_installations_too() -> None:
    with sandbox(bookings=3, legacy=True) as pms:
        _, payment = _pay(pms, booking="1")
        check_schema("Payment", payment)
        assert payment["booking_id"] == 1

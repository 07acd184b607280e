"""What an advance and an edit do to the data."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines_tests.sandbox.pms.client import Client, sandbox

NOT_COMPARED = {"updated_at", "guest"}


def _truth(pms: Client) -> dict[str, dict[str, dict[str, Any]]]:
    oracle = pms.get("/sandbox/oracle").json()
    return {s: {row["id"]: row for row in oracle[s]} for s in ("bookings", "guests", "payments")}


def _changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {key for key in before if before[key] != after[key]}


def test_an_advance_changes_exactly_what_it_says() -> None:
    with sandbox(bookings=100) as pms:
        before = _truth(pms)
        told = pms.control("advance", changed_bookings=12, new_bookings=5, cancelled=4, changed_guests=6)
        after = _truth(pms)
        assert (len(told["changed_bookings"]), len(told["cancelled"]), len(told["changed_guests"])) == (12, 4, 6)
        for stream, touched in (
            ("bookings", [*told["changed_bookings"], *told["cancelled"]]),
            ("guests", told["changed_guests"]),
            ("payments", told["changed_payments"]),
        ):
            moved = {i for i, row in before[stream].items() if row["updated_at"] != after[stream][i]["updated_at"]}
            assert moved == set(touched)
            assert len(touched) == len(set(touched))
        for stream in ("bookings", "guests", "payments"):
            assert sorted(after[stream].keys() - before[stream].keys()) == told[f"new_{stream}"]


def test_every_changed_booking_differs_in_more_than_its_time() -> None:
    with sandbox(bookings=100) as pms:
        before = _truth(pms)["bookings"]
        for _ in range(3):
            told = pms.control("advance", changed_bookings=20)
            after = _truth(pms)["bookings"]
            assert all(_changed(before[i], after[i]) - NOT_COMPARED for i in told["changed_bookings"])
            before = after


def test_a_cancelled_booking_keeps_its_lines_and_its_payment_is_refunded() -> None:
    with sandbox(bookings=100) as pms:
        before = _truth(pms)
        told = pms.control("advance", cancelled=10)
        after = _truth(pms)
        for external_id in told["cancelled"]:
            changed = _changed(before["bookings"][external_id], after["bookings"][external_id])
            assert changed - NOT_COMPARED == {"status"}
            assert after["bookings"][external_id]["status"] == "cancelled"
        assert told["changed_payments"]
        assert all(after["payments"][i]["status"] == "refunded" for i in told["changed_payments"])


def test_a_guest_who_changes_is_seen_in_the_bookings_which_do_not_move() -> None:
    with sandbox(bookings=50) as pms:
        before = _truth(pms)["bookings"]
        told = pms.control("advance", changed_guests=5)
        after = _truth(pms)
        for booking in after["bookings"].values():
            assert booking["guest"] == after["guests"][booking["guest"]["id"]]
            assert booking["updated_at"] == before[booking["id"]]["updated_at"]
        assert set(told["changed_guests"]) <= {booking["guest"]["id"] for booking in after["bookings"].values()}


def test_named_bookings_are_changed_whatever_their_status_or_their_data() -> None:
    with sandbox(bookings=28, bad_rows=14) as pms:
        oracle = pms.get("/sandbox/oracle").json()
        ids = [bad["id"] for bad in oracle["bad_rows"]]
        assert pms.control("advance", ids=[*ids, ids[0]])["changed_bookings"] == ids


def test_the_same_orders_do_the_same_and_other_ones_do_not() -> None:
    def told(seed: int) -> list[Any]:
        with sandbox(bookings=50, seed=seed) as pms:
            answers = [pms.control("advance", changed_bookings=5, new_bookings=2, changed_guests=2) for _ in range(2)]
            return [answers, pms.get("/sandbox/oracle").json()]

    assert told(1) == told(1) != told(2)


def test_the_clock_moves_by_what_is_asked_for_and_by_nothing_else() -> None:
    with sandbox(bookings=5, days=30) as pms:
        assert pms.get("/sandbox/stats").json()["clock"] == "2025-12-31T00:00:00.000Z"
        assert pms.control("advance", seconds=90)["clock"] == "2025-12-31T00:01:30.000Z"


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({"changed_bookings": 11}, 422),
        ({"changed_guests": 8}, 422),
        ({"changed_bookings": -1}, 422),
        ({"seconds": 0}, 422),
        ({"surprise": 1}, 422),
        ({"ids": ["bk_00000099"]}, 404),
    ],
)
def test_an_impossible_order_is_refused_and_changes_nothing(order: dict[str, Any], status: int) -> None:
    with sandbox(bookings=10) as pms:
        before = pms.get("/sandbox/oracle").json()
        assert pms.post("/sandbox/advance", {"new_bookings": 1, **order}).status_code == status
        assert pms.get("/sandbox/oracle").json() == before


def test_an_edit_replaces_fields_and_what_follows_from_them() -> None:
    with sandbox(bookings=3) as pms:
        room = {"room_type_id": "rt_00000001", "quantity": 2, "price_per_night": 10.1}
        fields = {"check_in": "2026-02-27", "check_out": "2026-03-02", "rooms": [room], "extras": []}
        edited = pms.control("edit", id="bk_00000002", fields=fields)
        assert (edited["nights"], edited["total_amount"], edited["rooms"]) == (3, 60.6, [room])
        assert pms.rows("/bookings")[-1] == edited


def test_an_edit_may_make_a_record_senseless() -> None:
    with sandbox(bookings=3) as pms:
        edited = pms.control("edit", id="bk_00000002", fields={"check_in": "soon", "rooms": 7, "total_amount": 1})
        assert (edited["check_in"], edited["rooms"], edited["total_amount"]) == ("soon", 7, 1)


def test_an_edited_time_of_change_breaks_the_order_until_the_next_change() -> None:
    with sandbox(bookings=3) as pms:
        pms.control("edit", id="bk_00000002", fields={"updated_at": "2020-01-01T00:00:00Z"})
        assert pms.rows("/bookings")[-1]["updated_at"] == "2020-01-01T00:00:00Z"
        assert pms.control("edit", id="bk_00000002", fields={"adults": 3})["updated_at"] > "2025-12-01"


@pytest.mark.parametrize(("stream", "external_id"), [("guests", "gst_00000001"), ("rooms", "rt_00000001")])
def test_every_stream_can_be_edited(stream: str, external_id: str) -> None:
    with sandbox(bookings=3) as pms:
        pms.control("edit", stream=stream, id=external_id, fields={"note": "new"})
        last = pms.rows(f"/{stream}")[-1]
        assert (last["id"], last["note"]) == (external_id, "new")


def test_a_deleted_booking_vanishes() -> None:
    with sandbox(bookings=3) as pms:
        pms.control("delete", id="bk_00000002")
        assert [row["id"] for row in pms.rows("/bookings")] == ["bk_00000001", "bk_00000003"]
        assert pms.get("/bookings/bk_00000002").status_code == 404
        assert pms.post("/sandbox/delete", {"id": "bk_00000002"}).status_code == 404


def test_a_reset_brings_back_the_very_beginning() -> None:
    with sandbox(bookings=20) as pms:
        before = pms.get("/sandbox/oracle").json()
        pms.control("advance", changed_bookings=3, new_bookings=2)
        pms.control("faults", kind="not_json", times=None)
        pms.post("/bookings/bk_00000001/payments", {"amount": 1, "transaction_id": "t"})
        pms.control("reset")
        assert pms.get("/sandbox/oracle").json() == before
        assert pms.get("/sandbox/ledger").json() == {"payments": [], "repeats": 0, "availability": []}
        assert pms.get("/sandbox/stats").json()["requests"] == {}

"""The page for people."""

from __future__ import annotations

from odoo_pipelines_tests.sandbox.pms.client import sandbox


def test_the_page_shows_counts_bookings_and_what_odoo_has_sent() -> None:
    with sandbox(bookings=1234, bad_rows=200) as pms:
        empty = pms.get("/").text
        pms.post("/bookings/bk_00000001/payments", {"amount": 5.25, "transaction_id": "odoo-77"})
        pms.ask("PUT", "/room-types/rt_00000003/availability", json={"date": "2026-01-05", "available": 8})
        page = pms.get("/")
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "1,234" in page.text
        assert "GH00001234" in page.text
        assert empty.count("None yet.") == 2
        assert "odoo-77" in page.text
        assert "rt_00000003" in page.text


def test_what_others_have_written_is_shown_as_text() -> None:
    with sandbox(bookings=3) as pms:
        pms.post("/bookings/bk_00000001/payments", {"amount": 5, "transaction_id": "<script>alert(1)</script>"})
        pms.control("edit", id="bk_00000002", fields={"guest": {"first_name": "<b>", "last_name": "&"}})
        page = pms.get("/").text
        assert "<script>alert" not in page
        assert "&lt;b&gt; &amp;" in page


def test_the_page_loads_nothing_from_elsewhere() -> None:
    with sandbox(bookings=0) as pms:
        page = pms.get("/").text
        assert "http://" not in page
        assert "https://" not in page
        assert "src=" not in page

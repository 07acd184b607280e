"""Bad rows on demand."""

from __future__ import annotations

import pytest

from odoo_pipelines_sandbox.pms.defects import DEFECTS, kind_of
from odoo_pipelines_tests.sandbox.pms.client import sandbox


@pytest.mark.parametrize(("bad", "total"), [(0, 10), (1, 10), (7, 10), (10, 10), (333, 1000)])
def test_exactly_as_many_rows_are_bad_as_asked_for(bad: int, total: int) -> None:
    kinds = [kind_of(index, bad, total) for index in range(total + 5)]
    assert sum(kind is not None for kind in kinds) == bad


def test_all_kinds_take_turns() -> None:
    kinds = [kind for index in range(1000) if (kind := kind_of(index, 70, 1000))]
    assert kinds == list(DEFECTS) * 10


def test_the_oracle_names_the_bad_rows_and_the_list_shows_them() -> None:
    with sandbox(bookings=70, bad_rows=0.1) as pms:
        bad = {row["kind"]: row["id"] for row in pms.get("/sandbox/oracle").json()["bad_rows"]}
        served = {kind: pms.get(f"/bookings/{external_id}").json() for kind, external_id in bad.items()}
        assert served["unreadable_date"]["check_in"] == "31/02/2026"
        assert served["check_out_before_check_in"]["check_out"] < served["check_out_before_check_in"]["check_in"]
        assert served["missing_guest"]["guest"] is None
        assert served["negative_price"]["rooms"][0]["price_per_night"] < 0
        assert served["rooms_not_a_list"]["rooms"] == "2 x double"
        assert served["null_id"]["id"] is None
        assert served["unknown_status"]["status"] == "teleported"
        assert [row["id"] for row in pms.rows("/bookings")].count(None) == 1


def test_an_edit_repairs_a_bad_row() -> None:
    with sandbox(bookings=7, bad_rows=1) as pms:
        external_id = pms.get("/sandbox/oracle").json()["bad_rows"][0]["id"]
        repaired = pms.control("edit", id=external_id, fields={"check_in": "2026-01-01", "check_out": "2026-01-03"})
        assert repaired["nights"] == 2


def test_by_default_no_row_is_bad() -> None:
    with sandbox(bookings=50) as pms:
        assert pms.get("/sandbox/oracle").json()["bad_rows"] == []

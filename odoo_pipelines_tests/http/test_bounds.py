from __future__ import annotations

from datetime import UTC, datetime

from odoo_pipelines.http.bounds import parse_http_date


def test_http_dates_are_read_as_utc_and_anything_else_as_none() -> None:
    assert parse_http_date("Sun, 01 Mar 2026 12:00:00 GMT") == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert parse_http_date("yesterday") is parse_http_date("") is parse_http_date(None) is None

"""The form of older installations."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from odoo_pipelines_sandbox.pms.ids import Stream
from odoo_pipelines_sandbox.pms.world import World
from odoo_pipelines_tests.sandbox.pms.client import options

FORMATS = {r"\d\d/\d\d/\d{4}": "%d/%m/%Y", r"\d\d-\d\d-\d{4}": "%d-%m-%Y", r"\d{4}/\d\d/\d\d": "%Y/%m/%d"}


def _all(stream: Stream = "bookings", **given: Any) -> list[dict[str, Any]]:
    world = World(options(bookings=60, **given), 0)
    return [world.served(stream, index) for index in range(world.feeds[stream].count)]


def test_dates_come_in_three_orders_and_mean_the_same() -> None:
    used = set()
    for old, present in zip(_all(legacy=True), _all(), strict=True):
        shape = next(shape for shape in FORMATS if re.fullmatch(shape, old["check_in"]))
        used.add(shape)
        read = datetime.strptime(old["check_in"], FORMATS[shape])  # noqa: DTZ007 - a date
        assert read.date().isoformat() == present["check_in"]
    assert used == set(FORMATS)


def test_times_have_no_zone() -> None:
    for old, present in zip(_all(legacy=True), _all(), strict=True):
        assert old["updated_at"] + "Z" == present["updated_at"]
        assert old["created_at"] + "Z" == present["created_at"]


def test_a_country_is_called_country_code() -> None:
    for guest in _all("guests", legacy=True):
        assert re.fullmatch("[A-Z]{2}", guest["country_code"])
        assert "country" not in guest


def test_there_are_no_nights_and_no_ids_of_lines() -> None:
    for booking in _all(legacy=True):
        assert "nights" not in booking
        assert not any("id" in line for line in [*booking["rooms"], *booking["extras"]])


def test_amounts_are_text_with_two_decimals() -> None:
    for booking in _all(legacy=True):
        prices = [room["price_per_night"] for room in booking["rooms"]]
        assert all(re.fullmatch(r"\d+\.\d\d", amount) for amount in [booking["total_amount"], *prices])


def test_bad_data_pass_as_they_are() -> None:
    bookings = _all(legacy=True, bad_rows=60)
    assert any(booking["rooms"] == "2 x double" for booking in bookings)
    assert any(booking["check_in"] == "31/02/2026" for booking in bookings)

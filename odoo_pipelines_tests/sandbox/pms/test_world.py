"""The generated data."""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email

from odoo_pipelines_sandbox.pms import paging
from odoo_pipelines_sandbox.pms.ids import STREAMS, Stream
from odoo_pipelines_sandbox.pms.world import World
from odoo_pipelines_tests.sandbox.pms.client import options
from odoo_pipelines_tests.sandbox.pms.contract import document

NOW = 1_800_000_000.0


def _world(**given: Any) -> World:
    return World(options(**given), NOW)


def _all(world: World, stream: Stream = "bookings") -> list[dict[str, Any]]:
    return [world.served(stream, index) for index in range(world.feeds[stream].count)]


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    def content(seed: int) -> list[bytes]:
        return [orjson.dumps(_all(_world(seed=seed), stream)) for stream in STREAMS]

    assert content(1) == content(1)
    assert all(one != other for one, other in zip(content(1)[:2], content(2)[:2], strict=True))


def test_a_record_does_not_depend_on_how_many_there_are() -> None:
    few, many = (_world(bookings=n, days=n) for n in (10, 1000))
    assert few.served("guests", 3)["email"] == many.served("guests", 3)["email"]
    assert few.served("bookings", 9)["rooms"] == many.served("bookings", 9)["rooms"]


def test_totals_are_the_exact_sum_of_the_lines() -> None:
    for booking in _all(_world(bookings=2000)):
        nights = (date.fromisoformat(booking["check_out"]) - date.fromisoformat(booking["check_in"])).days
        rooms = sum(Decimal(str(room["price_per_night"])) * room["quantity"] for room in booking["rooms"])
        extras = sum(Decimal(str(extra["price_per_unit"])) * extra["quantity"] for extra in booking["extras"])
        assert nights == booking["nights"]
        assert Decimal(str(booking["total_amount"])) == rooms * max(nights, 1) + extras


def test_totals_still_add_up_after_changes() -> None:
    world = _world(bookings=5)
    world.change("bookings", 2, {"check_out": world.record("bookings", 2)["check_in"]}, world.clock + 1)
    booking = world.record("bookings", 2)
    rooms = sum(Decimal(str(room["price_per_night"])) * room["quantity"] for room in booking["rooms"])
    extras = sum(Decimal(str(extra["price_per_unit"])) * extra["quantity"] for extra in booking["extras"])
    assert (booking["nights"], Decimal(str(booking["total_amount"]))) == (0, rooms + extras)


def test_all_statuses_day_use_and_several_rooms_occur() -> None:
    bookings = _all(_world(bookings=500))
    statuses = document()["components"]["schemas"]["BookingStatus"]["enum"]
    assert {booking["status"] for booking in bookings} == set(statuses)
    assert {0, 1, 14} <= {booking["nights"] for booking in bookings}
    assert {1, 2, 3} == {len(booking["rooms"]) for booking in bookings}
    assert {0, 1, 2, 3} == {len(booking["extras"]) for booking in bookings}


def test_special_requests_hold_what_breaks_careless_code() -> None:
    requests = "".join(booking["special_requests"] or "" for booking in _all(_world(bookings=200)))
    assert all(mark in requests for mark in ("\n", "\r\n", "&", "<", ">", '"', "'", "🙏"))


def test_bookings_are_made_before_they_are_changed_and_dates_fit_the_status() -> None:
    for booking in _all(_world(bookings=500)):
        assert booking["created_at"] <= booking["updated_at"]
        changed_on = booking["updated_at"][:10]
        if booking["status"] == "checked_out":
            assert booking["check_out"] <= changed_on
        if booking["status"] == "checked_in":
            assert booking["check_in"] <= changed_on <= booking["check_out"]
        if booking["status"] in {"confirmed", "pending"}:
            assert booking["check_in"] > changed_on


def test_there_are_fewer_guests_than_bookings_and_each_of_them_stays() -> None:
    world = _world(bookings=1000)
    stays = Counter(booking["guest"]["id"] for booking in _all(world))
    assert len(stays) == world.feeds["guests"].count == 700
    assert max(stays.values()) >= 3


def test_a_booking_embeds_its_guest_as_he_is_now() -> None:
    world = _world(bookings=50)
    guests = {guest["id"]: guest for guest in _all(world, "guests")}
    assert all(booking["guest"] == guests[booking["guest"]["id"]] for booking in _all(world))


def test_about_six_in_ten_bookings_have_a_payment_that_fits_them() -> None:
    world = _world(bookings=1000, currencies=["USD", "EUR"])
    bookings = {booking["id"]: booking for booking in _all(world)}
    payments = _all(world, "payments")
    assert len({payment["booking_id"] for payment in payments}) == len(payments) == 600
    assert {payment["status"] for payment in payments} == {"received", "refunded", "failed"}
    for payment in payments:
        booking = bookings[payment["booking_id"]]
        assert payment["currency"] == booking["currency"]
        assert 0 < payment["amount"] <= booking["total_amount"]
        assert Decimal(str(payment["amount"])) == round(Decimal(str(payment["amount"])), 2)


def test_bookings_are_in_the_currencies_asked_for() -> None:
    assert {booking["currency"] for booking in _all(_world())} == {"USD"}
    assert {booking["currency"] for booking in _all(_world(currencies=["EUR", "GBP"]))} == {"EUR", "GBP"}


def test_one_e_mail_in_a_hundred_is_malformed_and_the_others_are_valid_and_distinct() -> None:
    emails = [guest["email"] for guest in _all(_world(bookings=1000), "guests") if guest["email"]]
    malformed = sum(not _is_valid(email.strip()) for email in emails)
    assert malformed == 7
    assert len({email.strip().lower() for email in emails}) >= len(emails) - malformed


def _is_valid(email: str) -> bool:
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def test_telephone_numbers_are_valid_in_their_country_however_they_are_written() -> None:
    guests = _all(_world(bookings=2000), "guests")
    phones = [(guest["phone"], guest["country"]) for guest in guests if guest["phone"]]
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(phone, country)) for phone, country in phones)
    assert 0.2 < sum(phone.startswith("+") for phone, _ in phones) / len(phones) < 0.5


def test_guests_come_from_many_countries_in_several_scripts_and_some_have_no_name() -> None:
    guests = _all(_world(bookings=500), "guests")
    assert len({guest["country"] for guest in guests}) >= 12
    assert {"en", "fr", "pt-BR", "de", "ja"} <= {guest["language"] for guest in guests}
    names = "".join(guest["first_name"] + guest["last_name"] for guest in guests)
    assert all(any(low <= name <= high for name in names) for low, high in ("az", "àÿ", "αω", "ая", "一龥", "가힣"))
    assert any(not guest["first_name"] for guest in guests)
    assert any(guest["address"] is None for guest in guests)


def test_a_million_bookings_are_ready_at_once_and_take_no_memory() -> None:
    gc.collect()
    tracemalloc.start()
    world = _world(bookings=1_000_000)
    for since in (None, world.clock - 10**9):
        paging.page(world, paging.Query("bookings", since=since), None, 500)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 3_000_000
    assert peak < 10_000_000


@pytest.mark.parametrize("stream", ["bookings", "guests", "payments"])
def test_ids_are_numbers_from_one_in_older_installations(stream: Stream) -> None:
    assert [record["id"] for record in _all(_world(bookings=4, legacy=True), stream)][:2] == [1, 2]


def test_without_a_start_the_history_ends_now() -> None:
    world = _world(bookings=100, start=None, days=10)
    assert world.clock == NOW * 1000
    assert world.feeds["bookings"].updated_at(0) < (NOW - 9 * 86_400) * 1000
    assert (NOW - 86_400) * 1000 < world.feeds["bookings"].updated_at(99) < world.clock

"""What is read out of Odoo: all that is to be told of, with what two reads have in common told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from odoo_pipelines.odoo import capture
from odoo_pipelines.odoo.capture import CapturedRow, Reader, by_version, captured, in_payload, parsed, printed, since
from odoo_pipelines.systems.pms.outbound import PAYMENTS_OUT
from odoo_pipelines_tests.engine.posting_world import ANN, CASH, Schema, World


def reader(world: World) -> Reader:
    return Reader(world.odoo, lambda _: Schema())  # type: ignore[arg-type]


def ids(world: World, start: datetime | None = None, also: tuple[int, ...] = ()) -> list[list[int]]:
    return [[row["id"] for row in page] for page in captured(reader(world), PAYMENTS_OUT, start, also)]


class TestReading:
    def test_a_path_leads_to_a_field_of_the_related_record(self) -> None:
        world = World()
        world.payment(7, journal_id=CASH, partner_id=ANN)
        [page] = captured(reader(world), PAYMENTS_OUT, None)
        assert page[0]["journal_id.type"] == "cash"
        assert page[0]["partner_id.commercial_partner_id"] == ANN

    def test_where_there_is_no_related_record_there_is_no_value(self) -> None:
        world = World()
        world.payment(7, partner_id=False)
        [page] = captured(reader(world), PAYMENTS_OUT, None)
        assert page[0]["partner_id.commercial_partner_id"] is False

    def test_all_pages_are_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(capture, "PAGE", 2)
        world = World()
        for number in range(1, 6):
            world.payment(number)
        assert ids(world) == [[1, 2], [3, 4], [5]]

    def test_a_record_that_is_written_while_pages_are_read_shifts_none_out_of_sight(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(capture, "PAGE", 2)
        world = World()
        for number in range(1, 5):
            world.payment(number)
        pages = captured(reader(world), PAYMENTS_OUT, None)
        first = next(pages)
        world.change(1, amount=1.0)
        assert [row["id"] for row in (*first, *next(pages))] == [1, 2, 3, 4]

    def test_only_what_was_written_since_is_read_and_what_is_asked_for_by_id(self) -> None:
        world = World()
        for number in range(1, 4):
            world.payment(number)
        start = parsed(world.held(2)["write_date"])
        assert ids(world, start) == [[2, 3]]
        assert ids(world, start + timedelta(hours=1), also=(1,)) == [[1]]

    def test_one_that_is_asked_for_by_id_must_still_be_to_be_told_of(self) -> None:
        world = World()
        world.payment(1, state="draft")
        assert ids(world, datetime(2030, 1, 1, tzinfo=UTC), also=(1,)) == []

    def test_the_newest_of_all_is_known_without_reading_them(self) -> None:
        world = World()
        assert reader(world).newest("account.payment", PAYMENTS_OUT.domain) is None
        world.payment(2)
        world.payment(1)
        newest = reader(world).newest("account.payment", PAYMENTS_OUT.domain)
        assert newest == parsed(world.held(1)["write_date"])


class TestOverlap:
    def test_it_is_read_from_before_the_watermark(self) -> None:
        mark = datetime(2026, 3, 1, 12, tzinfo=UTC)
        assert since(mark, timedelta(seconds=180)) == datetime(2026, 3, 1, 11, 57, tzinfo=UTC)

    def test_at_first_it_is_read_from_the_beginning(self) -> None:
        assert since(None, timedelta(seconds=180)) is None

    def test_a_moment_is_rounded_down_as_odoo_prints_it(self) -> None:
        moment = datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC)
        assert printed(moment) == "2026-03-01 12:00:00"
        assert parsed("2026-03-01 12:00:00") <= moment


class TestVersions:
    def test_the_same_version_is_not_taken_again(self) -> None:
        world = World()
        world.payment(7)
        [row] = world.capture()
        assert by_version([row], [row.payload]) == []

    def test_two_edits_in_one_second_are_two_versions(self) -> None:
        world = World()
        world.payment(7)
        [before] = world.capture()
        written = world.held(7)["write_date"]
        world.change(7, amount=99.0)
        world.held(7)["write_date"] = written
        [after] = world.capture()
        assert after.write_date == before.write_date
        assert by_version([after], [before.payload]) == [after]

    def test_they_are_in_the_order_of_their_change(self) -> None:
        rows = [CapturedRow(2, "b", "2026-03-01 00:00:02", "b"), CapturedRow(1, "a", "2026-03-01 00:00:09", "a")]
        assert [row.odoo_id for row in by_version(reversed(rows), [])] == [2, 1]

    def test_a_payload_holds_all_that_was_read(self) -> None:
        world = World()
        world.payment(7)
        [row] = world.capture()
        read = in_payload(row.payload)
        assert (read["id"], read["amount"], read["journal_id.type"]) == (7, 120.5, "bank")

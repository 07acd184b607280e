"""Rooms that are left travel from orders in Odoo to the PMS: each number when it changes, and never another one."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from odoo_pipelines.defs import availability
from odoo_pipelines.defs.availability import count_availability, tell_availability
from odoo_pipelines.defs.checks import BALANCE, LETTERS, REJECTED
from odoo_pipelines.defs.keys import sent_key, source_key
from odoo_pipelines.defs.outbound import outbound_assets_of
from odoo_pipelines.errors import ExternalUnavailableError
from odoo_pipelines.http.connection import ExternalConnection
from odoo_pipelines.pipeline.sending import Sent
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.rest.client import ExternalClient
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.stores.limits import unlimited
from odoo_pipelines.systems.pms.availability import AVAILABILITY_OUT
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_tests.defs.stage import PMS_KEY, Stage

FLOW = AVAILABILITY_OUT
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SINGLE, DOUBLE = "rt_00000001", "rt_00000002"
DAYS = 5


def day(number: int) -> str:
    """So many days after the first of March."""
    return (NOON.date() + dt.timedelta(days=number)).isoformat()


@dataclass
class House:
    """A hotel whose orders are made in Odoo by hand, and its PMS.

    Attributes:
        stage: both sides.
        now: the time.
        products: by room type.
        metadata: of the last count.
        told: metadata of the last telling.
        runs: so far.
    """

    stage: Stage
    now: dt.datetime = NOON
    products: dict[str, int] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    runs: int = 0

    def room_type(self, name: str, count: int | None, integration: str = "pms") -> int:
        """A product, with its number of rooms."""
        values = {"name": name, "type": "service", "x_sync_key": f"{integration}.room_type.{name}"}
        self.products[name] = self._create("product.product", {**values, "x_room_count": count or 0})
        return self.products[name]

    def order(
        self, check_in: Any, check_out: Any, quantity: float, *types: str, state: str = "sale", **values: Any
    ) -> int:
        """An order with a line for each room type."""
        lines = [
            [0, 0, {"product_id": self.products[each], "name": each, "product_uom_qty": quantity, "price_unit": 80}]
            for each in types or (SINGLE,)
        ]
        dates = {"x_check_in_date": check_in, "x_check_out_date": check_out}
        order = self._create("sale.order", {"partner_id": 1, "order_line": lines, **dates, **values})
        if state in ("sale", "cancel"):
            action = {"sale": "action_confirm", "cancel": "action_cancel"}[state]
            self.stage.odoo("sale.order", action, ids=[order])
        return order

    def change(self, model: str, record: int, **values: Any) -> None:
        """What a person does."""
        self.stage.odoo(model, "write", ids=[record], vals=values)

    def count(self) -> None:
        """Counts in Odoo."""
        with self._session() as session:
            self.metadata = count_availability(session, FLOW, lambda: self.now)

    def tell(self, mode: str = "outbound") -> Sent:
        """Tells the PMS what was counted."""
        with self._session(mode) as session:
            sent, self.told = tell_availability(session, FLOW, lambda: self.now)
        return sent

    def run(self, mode: str = "outbound") -> dict[str, int]:
        """Both; gives the outcomes that occurred."""
        self.count()
        sent = self.tell(mode)
        assert sent.balanced
        return {each.value: number for each, number in sent.report.counts.by_outcome.items() if number}

    def free(self, room_type: str = SINGLE) -> list[int]:
        """What the PMS holds, from the first day on."""
        numbers = sorted(self.stage.pms.sandbox.ledger.availability.items(), key=lambda entry: entry[0][1])
        return [number for (each, _), number in numbers if each == room_type]

    def puts(self) -> int:
        """Requests on the wire so far."""
        requests = self.stage.pms.sandbox.stats.requests
        return sum(number for (method, _, _), number in requests.items() if method == "PUT")

    def room_types_of(self, integration: str) -> int:
        """How many room types are counted for an integration of this name."""
        with self._session() as session:
            session.integration = session.integration.model_copy(update={"name": integration})
            metadata = count_availability(session, FLOW, lambda: self.now)
        return int(metadata["resources"])

    @property
    def letters(self) -> dict[str, str]:
        """Why numbers wait, by key."""
        letters = self.stage.state.letters(LetterFilter("pms", FLOW.name))
        return {letter.key: letter.reason for letter in letters}

    def _create(self, model: str, values: dict[str, Any]) -> int:
        [created] = self.stage.odoo(model, "create", vals_list=[values])
        return int(created)

    @contextmanager
    def _session(self, mode: str = "outbound") -> Iterator[Session]:
        self.runs += 1
        session = self.stage.session(mode, f"run-{self.runs}")
        connection = ExternalConnection(session.integration.connections().external.url, SecretStr(PMS_KEY))
        session.external = ExternalClient(connection, unlimited(), sleep=lambda _: None)
        try:
            yield session
        finally:
            session.external.close()
            session.close()


@pytest.fixture
def house(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> House:
    """Three single and two double rooms, five days to look ahead."""
    config = Path(os.environ["ODOO_PIPELINES_CONFIG"])
    config.write_text(config.read_text() + f"    availability_days: {DAYS}\n    time_zone: Europe/Vienna\n")
    monkeypatch.setattr(availability, "PAGE_ROWS", 2)
    house = House(stage)
    house.room_type(SINGLE, 3)
    house.room_type(DOUBLE, 2)
    return house


class TestOrders:
    """Which orders take which nights."""

    def test_each_night_of_a_confirmed_order_takes_its_rooms(self, house: House) -> None:
        house.order(day(1), day(3), 4, SINGLE, DOUBLE)
        house.order(day(2), day(3), 1)
        assert house.run() == {"created": 2 * DAYS}
        assert (house.free(), house.free(DOUBLE)) == ([3, 1, 0, 3, 3], [2, 0, 0, 2, 2])

    def test_drafts_and_cancelled_orders_take_none(self, house: House) -> None:
        house.order(day(1), day(3), 2, state="draft")
        house.order(day(1), day(3), 2, state="cancel")
        house.run()
        assert house.free() == [3] * DAYS
        assert house.metadata["order_lines"] == 0

    def test_a_locked_order_is_a_confirmed_one(self, house: House) -> None:
        order = house.order(day(1), day(2), 1)
        house.stage.odoo("sale.order", "action_lock", ids=[order])
        house.run()
        assert house.free() == [3, 2, 3, 3, 3]

    def test_orders_of_anybody_count(self, house: House) -> None:
        house.order(day(0), day(1), 1, x_sync_key="pms.booking.1")
        house.order(day(0), day(1), 1, x_sync_key="other.booking.1")
        house.order(day(0), day(1), 1)
        house.run()
        assert house.free()[0] == 0

    def test_lines_of_other_products_and_of_another_integrations_rooms_take_none(self, house: House) -> None:
        house.room_type("rt_breakfast", 9, integration="other")
        house.order(day(0), day(1), 1, "rt_breakfast")
        house.run()
        assert house.free() == [3] * DAYS
        assert {room_type for room_type, _ in house.stage.pms.sandbox.ledger.availability} == {SINGLE, DOUBLE}

    def test_an_integration_whose_name_fits_as_a_pattern_is_another_one(self, house: House) -> None:
        house.room_type("rt_00000003", 9, integration="pm_")
        assert house.room_types_of("pm_") == 1
        assert house.room_types_of("p_s") == 0

    def test_orders_without_dates_are_counted(self, house: House) -> None:
        house.order(False, False, 1, SINGLE, DOUBLE)
        house.order(day(0), False, 1)
        house.run()
        assert house.metadata["orders_without_dates"] == 2
        assert house.free() == [3] * DAYS

    def test_an_order_that_is_confirmed_moved_and_cancelled_changes_its_own_nights(self, house: House) -> None:
        order = house.order(day(1), day(3), 2, state="draft")
        house.run()
        house.stage.odoo("sale.order", "action_confirm", ids=[order])
        assert house.run() == {"updated": 2, "unchanged": 2 * DAYS - 2}
        house.change("sale.order", order, x_check_in_date=day(2), x_check_out_date=day(4))
        assert house.run() == {"updated": 2, "unchanged": 2 * DAYS - 2}
        assert house.free() == [3, 3, 2, 2, 3]
        house.stage.odoo("sale.order", "action_cancel", ids=[order])
        assert house.run() == {"updated": 2, "unchanged": 2 * DAYS - 2}
        assert house.free() == [3] * DAYS


class TestRoomTypes:
    """What is told of."""

    def test_those_without_a_number_of_rooms_are_left_to_the_pms_and_named(self, house: House) -> None:
        house.room_type("rt_00000003", None)
        house.run()
        assert house.free("rt_00000003") == []
        assert house.metadata["without_capacity"] == "rt_00000003"

    def test_fewer_rooms_than_are_sold_leave_none(self, house: House) -> None:
        house.order(day(1), day(2), 3)
        house.run()
        house.change("product.product", house.products[SINGLE], x_room_count=2)
        house.run()
        assert house.free() == [2, 0, 2, 2, 2]
        assert (house.metadata["overbooked"], house.metadata["overbooked_sample"]) == (1, f"{SINGLE}/{day(1)}")

    @pytest.mark.parametrize("emptied", [{"x_room_count": 0}, {"active": False}])
    def test_what_was_told_does_not_stay_when_there_are_no_rooms_any_more(
        self, house: House, emptied: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        house.run()
        house.change("product.product", house.products[SINGLE], **emptied)
        assert house.run() == {"updated": DAYS, "unchanged": DAYS}
        assert house.free() == [0] * DAYS
        assert house.metadata["emptied"] == SINGLE
        assert f"nothing is left of {SINGLE}" in caplog.text

    def test_one_that_is_gone_from_odoo_is_named_and_its_numbers_stay(
        self, house: House, caplog: pytest.LogCaptureFixture
    ) -> None:
        house.run()
        house.change("product.product", house.products[SINGLE], x_sync_key=False)
        house.run()
        assert (house.free(), house.metadata["gone"]) == ([3] * DAYS, SINGLE)
        assert f"not in Odoo any more, what was told before stays as it is: {SINGLE}" in caplog.text

    def test_nothing_to_tell_is_no_error(self, stage: Stage) -> None:
        house = House(stage)
        assert (house.run(), house.puts()) == ({}, 0)


class TestTime:
    """Today is the integration's."""

    @pytest.mark.parametrize(("utc", "today"), [("22:59", day(0)), ("23:01", day(1))])
    def test_a_day_ends_at_midnight_in_the_integrations_time_zone(self, house: House, utc: str, today: str) -> None:
        house.now = dt.datetime.fromisoformat(f"{day(0)}T{utc}:00+00:00")
        house.run()
        assert min(night for _, night in house.stage.pms.sandbox.ledger.availability) == today

    def test_with_a_new_day_one_night_is_new_and_the_last_one_is_forgotten(self, house: House) -> None:
        house.run()
        house.now += dt.timedelta(days=1)
        assert house.run() == {"created": 2, "unchanged": 2 * (DAYS - 1)}
        with house._session() as session:
            told = session.sent_values(FLOW.name).all()
        assert min(told) == f"{SINGLE}/{day(1)}"

    def test_what_was_counted_before_midnight_is_not_told_of_yesterday(self, house: House) -> None:
        house.count()
        house.now += dt.timedelta(days=1)
        sent = house.tell()
        assert (sent.report.counts.by_outcome[Outcome.SUPERSEDED], sent.balanced) == (2, True)


class TestTelling:
    """How the PMS is told."""

    def test_a_second_run_sends_nothing(self, house: House) -> None:
        house.run()
        before = house.puts()
        assert house.run() == {"unchanged": 2 * DAYS}
        assert (before, house.puts() - before, house.told["numbers_told"]) == (2 * DAYS, 0, 0)

    def test_by_hand_all_numbers_are_told_again(self, house: House) -> None:
        house.run()
        house.stage.pms.sandbox.ledger.availability.clear()
        house.run("partition")
        assert house.free() == [3] * DAYS

    def test_only_the_newest_count_is_told(self, house: House) -> None:
        house.count()
        house.order(day(0), day(1), 1)
        house.count()
        assert house.tell().rows_in == 2 * DAYS
        assert house.free() == [2, 3, 3, 3, 3]
        assert house.tell().rows_in == 0

    def test_a_room_type_that_the_pms_has_no_more_waits_with_the_pms_own_words(self, house: House) -> None:
        house.room_type("rt_99999999", 4)
        house.count()
        sent = house.tell()
        assert sent.report.counts.by_outcome[Outcome.REJECTED] == DAYS
        assert (house.puts(), house.free()) == (2 * DAYS + 1, [3] * DAYS)
        assert house.letters == {f"rt_99999999/{day(number)}": "no such record" for number in range(DAYS)}
        assert sent.dead_letters == {"refused_with_404": DAYS}

    def test_what_waits_of_days_that_are_over_or_of_rooms_that_are_told_no_more_ends(self, house: House) -> None:
        other = house.room_type("rt_99999999", 4)
        house.run()
        house.now += dt.timedelta(days=1)
        house.run()
        assert sorted(house.letters) == [f"rt_99999999/{day(number)}" for number in range(1, DAYS + 1)]
        house.change("product.product", other, x_room_count=0)
        house.run()
        assert house.letters == {}

    def test_a_pms_that_goes_down_is_told_the_rest_by_the_next_run(self, house: House) -> None:
        house.stage.pms_fault(kind="status", status=503, method="PUT", path=f"/room-types/{DOUBLE}", times=None)
        house.count()
        with pytest.raises(ExternalUnavailableError):
            house.tell()
        told, before = house.free(), house.puts()
        house.stage.pms.sandbox.faults.faults.clear()
        assert house.run() == {"created": DAYS, "unchanged": DAYS}
        assert (told, house.free(DOUBLE), house.puts() - before) == ([3] * DAYS, [2] * DAYS, DAYS)

    def test_a_lost_answer_is_made_good_within_the_run(self, house: House) -> None:
        house.stage.pms_fault(kind="drop_after", method="PUT", path="/room-types")
        assert house.run() == {"created": 2 * DAYS}
        assert house.free() == [3] * DAYS


class TestInDagster:
    """The assets, as the job runs them."""

    def test_the_job_counts_tells_and_checks(self, house: House) -> None:
        result = house.stage.sync("outbound")
        assert result.success
        keys = {event.asset_key for event in result.get_asset_materialization_events()}
        integration = house.stage.integration
        assert {source_key(integration, FLOW), sent_key(integration, FLOW)} <= keys
        checks = {
            check.check_name: check.passed
            for check in result.get_asset_check_evaluations()
            if check.asset_key == sent_key(integration, FLOW)
        }
        assert checks == {BALANCE: True, REJECTED: True, LETTERS: True}
        assert house.stage.counts(result, FLOW.name) == {"extracted": 2 * DAYS, "created": 2 * DAYS}

    def test_the_count_follows_what_is_loaded_into_odoo(self, house: House) -> None:
        key = source_key(house.stage.integration, FLOW)
        [source] = [asset for asset in outbound_assets_of(house.stage.integration) if asset.keys == {key}]
        assert source.asset_deps[key] == {house.stage.loaded("orders"), house.stage.loaded("products")}

    def test_with_odoo_switched_off_nothing_is_told(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ODOO_ENABLED", "false")
        assert house.stage.sync("outbound").success
        assert house.puts() == 0

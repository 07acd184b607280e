"""Each check can fail, and the one that guards the numbers stops everything behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import dagster as dg
import pytest
import sqlalchemy as sa

from odoo_pipelines.defs.checks import (
    BALANCE,
    LETTERS,
    REJECTED,
    TOTALS,
    UNIQUE,
    VANISHED,
    check_results,
    check_specs,
    not_checked,
)
from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.loading import FlowLoad
from odoo_pipelines.pipeline.requirements import Required
from odoo_pipelines.pipeline.uniqueness import Uniqueness
from odoo_pipelines.pipeline.vanished import VanishedRecords
from odoo_pipelines.stores.vanished import Marked
from odoo_pipelines.systems.policies import VanishedPolicy
from odoo_pipelines.systems.records import Counts, Outcome
from odoo_pipelines_tests.defs.stage import Stage, flow_named

ORDERS, PARTNERS, PAYMENTS = (flow_named(name) for name in ("orders", "partners", "payments"))
INTEGRATION = Integration(name="pms", rejected_share_limit=0.1, rejected_share_minimum=10)


def load(
    *,
    created: int = 10,
    rejected: int = 0,
    balanced: bool = True,
    known: int = 10,
    in_odoo: int = 10,
    doubled: tuple[str, ...] | None = (),
    vanished: VanishedRecords | None = None,
    letters: Mapping[str, int] | None = None,
    totals: tuple[str, ...] = (),
    required: Required = Required(),  # noqa: B008 - it is frozen
) -> FlowLoad:
    counts = Counts(created + rejected)
    counts.add(Outcome.CREATED, created)
    counts.add(Outcome.REJECTED, rejected)
    report = FlowReport(counts=counts)
    unique = Uniqueness(known, in_odoo, doubled)
    gone, waiting = vanished or found(), letters or {}
    return FlowLoad(
        report, {}, created + rejected, balanced, unique, required, gone, waiting, totals, requests=3, seconds=0.5
    )


def found(policy: VanishedPolicy = VanishedPolicy.REPORT, *, marked: int = 0, refused: int = 0) -> VanishedRecords:
    ids = tuple(str(number) for number in range(marked))
    since = dt.datetime(2026, 3, 1, 4, 30, tzinfo=dt.UTC) if marked else None
    return VanishedRecords(policy, checked=True, new=1, back=2, refused=refused, marked=Marked(marked, since, ids))


def passed(one: FlowLoad) -> dict[str, bool]:
    return {str(result.check_name): result.passed for result in check_results(INTEGRATION, ORDERS, one)}


class TestEach:
    def test_a_sound_load_passes_all(self) -> None:
        names = (BALANCE, REJECTED, UNIQUE, VANISHED, LETTERS, TOTALS)
        assert passed(load()) == dict.fromkeys(names, True)

    def test_a_load_of_nothing_passes_all(self) -> None:
        assert all(passed(load(created=0, known=0, in_odoo=0)).values())

    def test_numbers_that_do_not_add_up(self) -> None:
        assert [name for name, well in passed(load(balanced=False)).items() if not well] == [BALANCE]

    @pytest.mark.parametrize(("rejected", "within"), [(1, True), (2, False), (10, False)])
    def test_a_share_of_rejected_rows_above_the_limit(self, rejected: int, *, within: bool) -> None:
        assert passed(load(created=10 - rejected, rejected=rejected))[REJECTED] is within

    @pytest.mark.parametrize(("rows", "well"), [(3, True), (19, True), (20, False)])
    def test_a_share_of_few_rows_says_nothing(self, rows: int, *, well: bool) -> None:
        one = load(created=rows - 2, rejected=2)
        [result] = [each for each in check_results(Integration(name="pms"), ORDERS, one) if each.check_name == REJECTED]
        assert result.passed is well

    def test_an_external_id_with_two_records(self) -> None:
        assert not passed(load(known=10, in_odoo=10, doubled=("pms.booking.1",)))[UNIQUE]

    def test_records_that_the_state_does_not_know_are_no_duplicates(self) -> None:
        assert passed(load(known=10, in_odoo=11))[UNIQUE]

    @pytest.mark.parametrize(("in_odoo", "well"), [(9, True), (10, True), (11, False)])
    def test_where_the_server_cannot_group_the_numbers_have_to_tell(self, in_odoo: int, *, well: bool) -> None:
        assert passed(load(known=10, in_odoo=in_odoo, doubled=None))[UNIQUE] is well

    def test_what_odoo_has_to_make_of_a_record_and_has_not(self) -> None:
        sound, lacking = load(required=Required(5)), load(required=Required(5, 1, ("pms.payment.tx-1",)))
        [before, after] = [check_results(INTEGRATION, PAYMENTS, each)[-1] for each in (sound, lacking)]
        assert (before.check_name, before.passed, after.passed) == ("entries_exist", True, False)
        assert after.severity is dg.AssetCheckSeverity.ERROR
        assert {name: each.value for name, each in after.metadata.items()} == {
            "records": 5,
            "lacking": 1,
            "lacking_sample": "pms.payment.tx-1",
        }

    @pytest.mark.parametrize(
        ("vanished", "well"),
        [
            (found(marked=1), False),
            (found(VanishedPolicy.ARCHIVE, marked=1), True),
            (found(VanishedPolicy.CANCEL, marked=1, refused=1), False),
        ],
    )
    def test_vanished_records_that_wait_for_a_person(self, vanished: VanishedRecords, *, well: bool) -> None:
        assert passed(load(vanished=vanished))[VANISHED] is well

    def test_how_many_have_vanished_since_when_and_which(self) -> None:
        results = check_results(INTEGRATION, ORDERS, load(vanished=found(marked=2)))
        metadata = next(each.metadata for each in results if each.check_name == VANISHED)
        numbers = {name: metadata[name].value for name in ("vanished", "vanished_new", "back", "refused")}
        assert numbers == {"vanished": 2, "vanished_new": 1, "back": 2, "refused": 0}
        assert (metadata["vanished_sample"].value, metadata["since"].value) == ("0, 1", "2026-03-01 04:30 UTC")

    def test_rejected_rows_that_wait_by_class(self) -> None:
        results = check_results(INTEGRATION, ORDERS, load(letters={"invalid_date": 2, "missing_reference": 1}))
        [letters] = [each for each in results if each.check_name == LETTERS]
        assert (letters.passed, letters.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert {name: value.value for name, value in letters.metadata.items()} == {
            "waiting": 3,
            "waiting_invalid_date": 2,
            "waiting_missing_reference": 1,
        }

    def test_totals_that_differ_and_whose_they_are(self) -> None:
        results = check_results(INTEGRATION, ORDERS, load(totals=("17", "4")))
        [totals] = [each for each in results if each.check_name == TOTALS]
        assert not totals.passed
        assert totals.metadata["waiting_sample"].value == "17, 4"
        assert totals.metadata["waiting"].value == 2

    def test_nothing_loaded_is_nothing_checked_and_only_a_warning(self) -> None:
        results = not_checked(ORDERS, "ODOO_ENABLED is off")
        assert {(result.passed, result.severity) for result in results} == {(False, dg.AssetCheckSeverity.WARN)}
        assert all(result.metadata["not_checked"].value == "ODOO_ENABLED is off" for result in results)


class TestSpecs:
    def test_results_are_the_checks_that_were_announced(self) -> None:
        key = dg.AssetKey("a")
        for flow in (ORDERS, PARTNERS, PAYMENTS):
            names = [spec.name for spec in check_specs(key, flow)]
            assert names == [result.check_name for result in check_results(INTEGRATION, flow, load())]
            assert names == [result.check_name for result in not_checked(flow, "")]

    def test_only_targets_with_a_total_have_it_compared(self) -> None:
        assert TOTALS not in {spec.name for spec in check_specs(dg.AssetKey("a"), PARTNERS)}

    def test_the_balance_alone_is_blocking(self) -> None:
        assert [spec.name for spec in check_specs(dg.AssetKey("a"), ORDERS) if spec.blocking] == [BALANCE]


def test_numbers_that_do_not_add_up_fail_the_run_and_stop_what_comes_after(stage: Stage, engine: sa.Engine) -> None:
    for asset in (stage.extracted("guests"), stage.extracted("bookings"), stage.mapped("partners")):
        stage.materialize(asset, partition=stage.keys[-1])
    with engine.begin() as connection:
        lost = sa.text("update odoo_pipelines.batch set rows = rows + 1 where layer = 'mapped' and name = 'partners'")
        assert connection.execute(lost).rowcount == 1
    result = stage.materialize(stage.loaded("partners"), stage.loaded("orders"), partition=stage.keys[-1])
    assert not result.success
    checks = {
        (check.asset_key.path[-1], check.check_name): check.passed for check in result.get_asset_check_evaluations()
    }
    assert checks["res_partner", BALANCE] is False
    assert "pms__odoo__sale_order" not in {event.step_key for event in result.all_events if event.is_step_start}
    assert stage.pending("partners")


@pytest.mark.parametrize("pms", [{"bad_rows": 3}], indirect=True)
def test_checks_of_a_real_run_tell_what_is_wrong_without_failing_it(stage: Stage) -> None:
    stage.sync("full")
    [order, *_] = stage.odoo("sale.order", "search_read", domain=[], fields=["x_sync_key"])
    stage.odoo("sale.order", "create", vals_list=[{"partner_id": 1, "x_sync_key": order["x_sync_key"]}])
    result = stage.sync("full")
    assert result.success
    checks = {
        check.check_name: check
        for check in result.get_asset_check_evaluations()
        if "sale_order" in str(check.asset_key)
    }
    assert (checks[REJECTED].passed, checks[UNIQUE].passed, checks[BALANCE].passed) == (True, False, True)
    assert checks[UNIQUE].metadata["doubled_sample"].value == order["x_sync_key"]

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from odoo_pipelines.engine.base import Agreement, Base, Kept
from odoo_pipelines.engine.merge import Arbiter, FieldMerger, Merged, Times, server_names
from odoo_pipelines.systems.pms.targets import PARTNER
from odoo_pipelines.systems.policies import FlowPolicies, Policy
from odoo_pipelines.systems.records import Conflict, FieldChange, Resolution
from odoo_pipelines_tests.engine.sales import SCHEMAS

PARTNERS = SCHEMAS["res.partner"]
MERGER = FieldMerger(PARTNERS, server_names(PARTNERS, PARTNER.fields, only_on_create=True))
NOON, LATER = "2026-05-01 12:00:00", datetime(2026, 5, 1, 13, tzinfo=UTC)


def arbiter(base: Base, policy: Policy = Policy.LATEST_WINS, **answers: Resolution) -> Arbiter:
    return Arbiter(FlowPolicies(policy), base, Times(LATER, NOON), answers)


def agreed(**values: Any) -> Base:
    return Base(Agreement(values))


def merge(decides: Arbiter, external: dict[str, Any], odoo: dict[str, Any]) -> Merged:
    return MERGER.merge(external, odoo, decides, decides.base.value)


def test_only_fields_that_differ_are_written() -> None:
    decides = arbiter(agreed(name="Ann", city=False))
    merged = merge(decides, {"name": "Ann", "city": "Wien"}, {"name": "Ann", "city": False})

    assert merged == Merged({"city": "Wien"}, {"name": "Ann", "city": "Wien"})
    assert decides.written == [FieldChange("city", False, "Wien")]


def test_a_field_that_is_to_be_emptied_is_written_once() -> None:
    assert merge(arbiter(agreed(city="Wien")), {"city": False}, {"city": "Wien"}).changes == {"city": False}
    assert merge(arbiter(agreed(city="Wien")), {"city": False}, {"city": ""}).changes == {}


def test_a_field_for_new_records_only_is_never_compared() -> None:
    assert MERGER.create_only == {"customer_rank"}
    assert merge(arbiter(Base()), {"customer_rank": 1}, {"customer_rank": 9}).changes == {}


def test_fields_that_the_server_lacks_have_no_name() -> None:
    assert "mobile" not in server_names(PARTNERS, PARTNER.fields, only_on_create=False)


def test_what_somebody_has_changed_in_odoo_stays_and_nothing_new_is_agreed_on() -> None:
    decides = arbiter(agreed(city="Wien", zip="1"))
    merged = merge(decides, {"city": "Wien", "zip": "2"}, {"city": "Graz", "zip": "1"})

    assert merged == Merged({"zip": "2"}, {"zip": "2"})
    assert decides.kept == {"city": Kept("Wien", "Graz", NOON)}


def test_what_was_overwritten_is_told_with_the_policy() -> None:
    decides = arbiter(agreed(city="Wien"), Policy.EXTERNAL_WINS)
    merge(decides, {"city": "Linz"}, {"city": "Graz"})

    assert decides.written == [FieldChange("city", "Graz", "Linz", "external_wins")]


def test_a_field_that_both_sides_changed_waits_for_a_human_and_the_others_go_through() -> None:
    decides = arbiter(agreed(city="Wien", zip="1"), Policy.MANUAL)
    merged = merge(decides, {"city": "Linz", "zip": "2"}, {"city": "Graz", "zip": "1"})

    assert merged == Merged({"zip": "2"}, {"zip": "2"})
    [conflict] = decides.conflicts
    assert isinstance(conflict, Conflict)
    assert (conflict.field, conflict.code, conflict.base, conflict.external, conflict.odoo) == (
        "city",
        "both_changed",
        "Wien",
        "Linz",
        "Graz",
    )
    assert (conflict.external_at, conflict.odoo_at) == (LATER, NOON)


@pytest.mark.parametrize(
    ("choice", "value", "written", "kept"),
    [
        ("external", None, {"city": "Linz"}, {}),
        ("odoo", None, {}, {"city": Kept("Linz", "Graz")}),
        ("value", "Ried", {"city": "Ried"}, {"city": Kept("Linz", "Ried")}),
        ("value", "Linz", {"city": "Linz"}, {}),
    ],
)
def test_a_humans_answer_is_carried_out(choice: Any, value: Any, written: Any, kept: Any) -> None:
    decides = arbiter(agreed(city="Wien"), Policy.MANUAL, city=Resolution("city", choice, value, "Linz", "Graz"))

    assert merge(decides, {"city": "Linz"}, {"city": "Graz"}).changes == written
    assert (decides.kept, decides.conflicts) == (kept, [])


@pytest.mark.parametrize(("external", "odoo"), [("Linz", "Bregenz"), ("Bregenz", "Graz")])
def test_an_answer_is_stale_once_a_side_has_moved(external: str, odoo: str) -> None:
    answer = Resolution("city", "external", None, "Linz", "Graz")
    decides = arbiter(agreed(city="Wien"), Policy.MANUAL, city=answer)

    assert merge(decides, {"city": external}, {"city": odoo}).changes == {}
    assert [each.field for each in decides.conflicts] == ["city"]


def test_a_value_that_does_not_fit_the_field_is_asked_for_again_with_the_reason() -> None:
    answer = Resolution("x_date_of_birth", "value", "31.12.1990", "1990-01-01", "1991-01-01")
    decides = arbiter(agreed(x_date_of_birth="1989-01-01"), Policy.MANUAL, x_date_of_birth=answer)

    merged = merge(decides, {"x_date_of_birth": "1990-01-01"}, {"x_date_of_birth": "1991-01-01"})

    assert merged.changes == {}
    assert "is not a date" in decides.conflicts[0].reason


def test_what_we_wrote_before_odoo_refused_the_rest_is_no_change_of_somebodys() -> None:
    base = agreed(city="Wien").with_half_written(Agreement({"city": "Linz"}))

    assert merge(arbiter(base, Policy.MANUAL), {"city": "Graz"}, {"city": "Linz"}).changes == {"city": "Graz"}


def test_fields_that_our_own_actions_overwrite_are_written_again() -> None:
    decides = Arbiter(FlowPolicies(Policy.ODOO_WINS), agreed(city="Wien"), Times(LATER, NOON), {}, frozenset({"city"}))

    assert merge(decides, {"city": "Wien"}, {"city": "Graz"}).changes == {"city": "Wien"}


def test_what_was_kept_is_forgotten_once_both_sides_agree_and_stays_for_fields_that_a_row_does_not_carry() -> None:
    kept = {"city": Kept("Wien", "Graz"), "zip": Kept("1", "2")}
    decides = arbiter(Base(Agreement({"city": "W", "zip": "1"}), kept))
    external = {"city": "Graz"}

    assert merge(decides, external, {"city": "Graz"}).agreed == {"city": "Graz"}
    assert decides.remembered(external) == {"zip": Kept("1", "2")}


def test_a_base_survives_the_state() -> None:
    base = Base(
        Agreement({"city": "Wien"}, {"l": {"price_unit": 1.0}}, "sale"),
        {"city": Kept("Wien", "Graz", NOON)},
        (Agreement({"city": "Linz"}),),
    )

    assert Base.of(base.document()) == base
    assert Base.of({}) == Base.of(None) == Base()

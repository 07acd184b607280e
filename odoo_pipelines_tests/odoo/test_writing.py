from __future__ import annotations

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.errors import (
    OdooAccessError,
    OdooConflictError,
    OdooError,
    OdooMissingRecordError,
    OdooTransientError,
    OdooUnknownNameError,
    OdooValidationError,
)
from odoo_pipelines.odoo.retries import ATTEMPTS, Retries
from odoo_pipelines.odoo.writing import Writing
from odoo_pipelines.systems.targets import Action
from odoo_pipelines_tests.engine.fakes import Call, Fault
from odoo_pipelines_tests.engine.sales import SalesOdoo

PARTNER = "res.partner"
GONE = 10**6


class Writer:
    """Contacts in a fake Odoo, and what writes them."""

    def __init__(self, count: int) -> None:
        self.odoo = SalesOdoo()
        self.odoo.refuse = lambda _, row: "spoiled" if str(row.get("city")).startswith("bad") else ""
        self.ids = [self.odoo.seed(PARTNER, name=str(number)) for number in range(count)]
        self.writing = Writing(self.odoo, Retries(lambda _: None))

    def cities(self) -> list[object]:
        return [self.odoo.tables[PARTNER][row_id].get("city") for row_id in self.ids]

    def methods(self) -> list[str]:
        return [call.method for call in self.odoo.calls]


def test_equal_changes_share_one_write_and_different_ones_one_call() -> None:
    writer = Writer(5)
    cities = ["Wien", "Graz", "Wien", "Linz", "Wien"]

    failures = writer.writing.write(PARTNER, [(i, {"city": city}) for i, city in zip(writer.ids, cities, strict=True)])

    assert (failures, writer.cities()) == ({}, cities)
    assert [(call.method, len(call.ids)) for call in writer.odoo.calls] == [("write", 3), ("web_save_multi", 2)]


def test_values_that_are_equal_but_of_different_types_do_not_share_a_write() -> None:
    writer = Writer(2)

    writer.writing.write(PARTNER, [(writer.ids[0], {"customer_rank": 1}), (writer.ids[1], {"customer_rank": True})])

    assert [row["customer_rank"] for row in writer.odoo.rows(PARTNER)[-2:]] == [1, True]
    assert writer.methods() == ["web_save_multi"]


def test_a_single_change_is_an_ordinary_write_and_none_is_no_call() -> None:
    writer = Writer(1)

    writer.writing.write(PARTNER, [(writer.ids[0], {"city": "Wien"})])
    assert writer.methods() == ["write"]
    assert writer.writing.write(PARTNER, []) == {}
    assert len(writer.odoo.calls) == 1


def test_a_server_without_web_save_multi_is_asked_once_and_then_record_by_record() -> None:
    writer = Writer(3)
    writer.odoo.saves_many = False

    for cities in (["a", "b", "c"], ["d", "e", "f"]):
        changes = [(i, {"city": city}) for i, city in zip(writer.ids, cities, strict=True)]
        assert writer.writing.write(PARTNER, changes) == {}
        assert writer.cities() == cities

    assert writer.methods() == ["web_save_multi", *["write"] * 6]


def test_two_chunks_that_meet_such_a_server_at_once_both_fall_back() -> None:
    writer, both_in = Writer(4), threading.Barrier(2, timeout=10)
    writer.odoo.saves_many = False

    def meet(call: Call) -> None:
        if call.method == "web_save_multi":
            both_in.wait()

    writer.odoo.before.append(meet)
    failures: list[BaseException] = []

    def write(ids: list[int]) -> None:
        try:
            writer.writing.write(PARTNER, [(row_id, {"city": str(row_id)}) for row_id in ids])
        except OdooError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(ids,)) for ids in (writer.ids[:2], writer.ids[2:])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert writer.cities() == [str(row_id) for row_id in writer.ids]


def test_an_unknown_field_stops_the_run() -> None:
    writer = Writer(2)
    error = OdooUnknownNameError("no such field", model=PARTNER, method="write")
    writer.odoo.before.append(Fault("write", error, times=99))
    writer.odoo.saves_many = False

    with pytest.raises(OdooUnknownNameError):
        writer.writing.write(PARTNER, [(writer.ids[0], {"a": 1}), (writer.ids[1], {"a": 2})])


@pytest.mark.parametrize("saves_many", [True, False])
@pytest.mark.parametrize("alike", [True, False])
@given(data=st.data())
def test_refused_records_are_found_and_the_others_are_written(
    data: st.DataObject, *, saves_many: bool, alike: bool
) -> None:
    count = data.draw(st.integers(1, 30))
    bad = data.draw(st.sets(st.integers(0, count - 1)))
    writer = Writer(count)
    writer.odoo.saves_many = saves_many
    for number in bad:
        writer.odoo.tables[PARTNER][writer.ids[number]]["zip"] = "bad"
    writer.odoo.refuse = lambda _, row: "spoiled" if row.get("zip") == "bad" else ""

    failures = writer.writing.write(
        PARTNER, [(row_id, {"city": "Wien" if alike else str(row_id)}) for row_id in writer.ids]
    )

    assert failures.keys() == {writer.ids[number] for number in bad}
    assert [city is not None for city in writer.cities()] == [number not in bad for number in range(count)]


@pytest.mark.parametrize("bad", [1, 4, 20])
def test_k_refused_records_of_n_take_about_k_log_n_calls(bad: int) -> None:
    writer, count = Writer(256), 256
    cities = ["bad" if number < bad else str(number) for number in range(count)]

    failures = writer.writing.write(
        PARTNER, [(i, {"city": f"{city}{i}"}) for i, city in zip(writer.ids, cities, strict=True)]
    )

    assert len(failures) == bad
    assert len(writer.odoo.calls) <= 1 + 2 * bad * math.log2(count)


def test_a_record_that_is_gone_is_refused_alone() -> None:
    writer = Writer(2)

    failures = writer.writing.write(PARTNER, [(i, {"city": "Wien"}) for i in (writer.ids[0], GONE, writer.ids[1])])

    assert {row_id: type(error) for row_id, error in failures.items()} == {GONE: OdooMissingRecordError}
    assert writer.cities() == ["Wien", "Wien"]


@pytest.mark.parametrize("error", [OdooTransientError("no answer"), OdooConflictError("rolled back")])
@pytest.mark.parametrize("method", ["write", "web_save_multi"])
def test_a_write_is_repeated_in_ever_smaller_pieces_until_it_is_answered(error: OdooError, method: str) -> None:
    writer = Writer(3)
    writer.odoo.after.append(Fault(method, error, times=2))
    cities = ["x", "x", "x"] if method == "write" else ["a", "b", "c"]

    failures = writer.writing.write(PARTNER, [(i, {"city": c}) for i, c in zip(writer.ids, cities, strict=True)])

    assert (failures, writer.cities(), writer.methods()) == ({}, cities, [method] * (1 + 1 + 3))


def test_it_gives_up_after_all_attempts() -> None:
    writer = Writer(1)
    writer.odoo.before.append(Fault("write", OdooTransientError("no answer"), times=99))

    with pytest.raises(OdooTransientError):
        writer.writing.write(PARTNER, [(writer.ids[0], {"city": "Wien"})])

    assert len(writer.odoo.calls) == ATTEMPTS


def test_a_missing_right_stops_instead_of_rejecting_records() -> None:
    writer = Writer(4)
    writer.odoo.before.append(Fault("write", OdooAccessError("no right"), times=99))

    with pytest.raises(OdooAccessError):
        writer.writing.write(PARTNER, [(row_id, {"city": "Wien"}) for row_id in writer.ids])

    assert len(writer.odoo.calls) == 1


@pytest.mark.parametrize("committed", [True, False])
def test_what_is_deleted_already_counts_as_deleted(*, committed: bool) -> None:
    writer = Writer(3)
    hooks = writer.odoo.after if committed else writer.odoo.before
    hooks.append(Fault("unlink", OdooTransientError("no answer")))

    assert writer.writing.unlink(PARTNER, [*writer.ids, GONE]) == {}
    assert [row["name"] for row in writer.odoo.rows(PARTNER)] == ["Office"]
    assert len(writer.odoo.writes("unlink")) == (1 if committed else 1 + 2)


def test_a_method_is_called_again_only_on_what_it_has_not_reached() -> None:
    writer, reached = Writer(3), list[int]()

    def reach(call: Call) -> None:
        if call.method == "action_archive" and not reached:
            reached.extend(call.ids[:2])
            raise OdooTransientError("no answer")

    writer.odoo.before.append(reach)
    writer.odoo.act = lambda *_: None  # type: ignore[method-assign]
    failures = writer.writing.call(
        PARTNER, Action("action_archive"), writer.ids, lambda some: [row_id for row_id in some if row_id not in reached]
    )

    assert failures == {}
    assert [list(call.ids) for call in writer.odoo.calls] == [writer.ids, writer.ids[2:]]


def test_a_method_that_reached_all_is_not_called_again() -> None:
    writer = Writer(2)
    writer.odoo.act = lambda *_: None  # type: ignore[method-assign]
    writer.odoo.after.append(Fault("action_archive", OdooTransientError("no answer")))

    assert writer.writing.call(PARTNER, Action("action_archive"), writer.ids, lambda _: []) == {}
    assert len(writer.odoo.calls) == 1


def test_a_method_that_refuses_one_record_is_called_on_the_others() -> None:
    writer = Writer(4)

    def act(_model: str, _method: str, ids: list[int]) -> None:
        if writer.ids[1] in ids:
            raise OdooValidationError("no")

    writer.odoo.act = act  # type: ignore[assignment,method-assign]
    failures = writer.writing.call(PARTNER, Action("action_archive"), writer.ids, list)

    assert failures.keys() == {writer.ids[1]}

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.payload import CalendarDate, Integer, Payload, RecordPayload, Text


class Owner(RecordPayload):
    name: Text = None


class Item(Payload):
    name: Text = None
    amount: Integer = None


class Thing(RecordPayload):
    name: Text = None
    day: CalendarDate = None
    owner: Owner | None = None
    items: list[Item] | None = None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("raw", [None, [], "text", 7, True, [{"id": 1}]])
def test_what_is_no_object_is_rejected_as_a_whole(raw: Any) -> None:
    with pytest.raises(RowRejectedError) as caught:
        Thing.parse(raw)
    assert (caught.value.field, caught.value.code) == ("payload", "not_an_object")


@pytest.mark.parametrize(
    ("raw", "code"),
    [({}, "missing"), ({"id": None}, "invalid_id"), ({"id": ""}, "invalid_id"), ({"id": 1.5}, "invalid_id")],
)
def test_a_record_without_a_readable_id_is_rejected(raw: Any, code: str) -> None:
    with pytest.raises(RowRejectedError) as caught:
        Thing.parse(raw)
    assert (caught.value.field, caught.value.code) == ("id", code)


def test_the_reason_holds_the_value_and_the_text_of_the_error_does_not() -> None:
    with pytest.raises(RowRejectedError) as caught:
        Thing.parse({"id": "x" * 300})
    assert "xxx" in caught.value.reason
    assert "xxx" not in str(caught.value)


def test_a_record_needs_no_more_than_an_id() -> None:
    thing = Thing.parse({"id": 7, "unknown": {"a": 1}})
    assert (thing.id, thing.updated_at, thing.name, thing.faults) == ("7", None, None, ())


def test_a_key_with_null_is_told_from_one_that_is_absent() -> None:
    thing = Thing.parse({"id": 7, "name": None})
    assert thing.carries("name")
    assert not thing.carries("day", "owner")
    assert thing.carried({"x_name": "name", "x_day": "day"}) == {"x_name": None}


@pytest.mark.parametrize(
    ("part", "place", "code"),
    [
        ({"day": "soon"}, "day", "invalid_date"),
        ({"name": ["a"]}, "name", "invalid_text"),
        ({"updated_at": "soon"}, "updated_at", "invalid_datetime"),
        ({"owner": "Ann"}, "owner", "not_an_object"),
        ({"owner": {}}, "owner.id", "missing"),
        ({"owner": {"id": True, "name": "Ann"}}, "owner.id", "invalid_id"),
        ({"owner": {"id": 1, "name": {}}}, "owner.name", "invalid_text"),
        ({"items": {}}, "items", "not_a_list"),
        ({"items": [{}, 5]}, "items[1]", "not_an_object"),
        ({"items": [{}, {"amount": 1.5}]}, "items[1].amount", "invalid_number"),
        ({"items": [{"amount": 10**5000}]}, "items[0].amount", "out_of_range"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_a_fault_that_names_its_place(part: dict[str, Any], place: str, code: str) -> None:
    thing = Thing.parse({"id": 7, **part})
    assert [(fault.place, fault.code) for fault in thing.faults] == [(place, code)]
    assert place in thing.faults[0].reason


def test_everything_around_a_fault_is_kept() -> None:
    raw = {"id": 7, "day": "soon", "name": "a", "items": [3, {"name": "b", "amount": "x"}], "owner": {"name": "c"}}
    thing = Thing.parse(raw)
    assert thing.name == "a"
    assert not thing.carries("day", "owner")
    assert thing.items == [Item(), Item(name="b")]
    assert {fault.place for fault in thing.faults} == {"day", "items[0]", "items[1].amount", "owner.id"}
    assert raw["day"] == "soon"  # the payload itself goes to the report as it came


def test_a_deep_payload_is_no_danger() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"deep": deep}
    assert Thing.parse({"id": 7, "day": deep, "other": deep}).faults[0].code == "invalid_date"


def test_no_value_shows_in_the_repr_of_a_payload_or_a_fault() -> None:
    thing = Thing.parse({"id": "secret-id", "name": "Ann", "day": "secret-day", "items": [{"name": "Bob"}]})
    assert not any(word in f"{thing!r} {thing} {thing.faults!r}" for word in ("secret", "Ann", "Bob"))


@given(
    st.fixed_dictionaries(
        {"id": st.just(1)}, optional=dict.fromkeys(["name", "day", "owner", "items", "updated_at"], JSON)
    )
)
def test_any_json_is_read_with_every_lost_key_among_the_faults(raw: dict[str, Any]) -> None:
    thing = Thing.parse(raw)
    faulty = {fault.path[0] for fault in thing.faults}
    assert set(raw) - faulty <= thing.model_fields_set

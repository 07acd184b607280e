"""Rows go into batch files and come back as they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.rows import from_columns, mapped_schema, row_hash, to_columns
from odoo_pipelines.systems.base import MappedLine, MappedRow, RejectedRow, Value
from odoo_pipelines.systems.targets import FieldType, LineTarget, Target, TargetField

FIELD_TYPES: tuple[FieldType, ...] = (
    "char", "text", "html", "integer", "float", "monetary", "boolean", "date", "datetime", "selection", "many2one",
    "many2many",
)  # fmt: skip
FIELDS = tuple(TargetField(f"a_{kind}", kind) for kind in FIELD_TYPES)
# Fields that are named like columns of the engine's own.
CLASHING = (TargetField("weight", "float"), TargetField("absent", "char"))
LINES = LineTarget("line_ids", "x.line", "x_id", (*FIELDS, TargetField("entity", "char")), quantity="a_float")
TARGET = Target("x.model", (*FIELDS, *CLASHING), lines=LINES)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
floats = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
VALUES: dict[FieldType, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "float": floats,
    "monetary": floats,
    "boolean": st.booleans(),
    "many2many": st.lists(texts),
}
times = st.none() | st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001


def values_of(fields: tuple[TargetField, ...]) -> st.SearchStrategy[dict[str, Value]]:
    optional = {field.name: st.none() | VALUES.get(field.type, texts) for field in fields}
    return st.fixed_dictionaries({}, optional=optional)


lines = st.lists(st.builds(MappedLine, texts, texts, values_of(LINES.fields)), max_size=3).map(tuple)
mapped_rows = st.builds(
    MappedRow,
    entity=texts,
    external_id=texts,
    updated_at=times,
    values=values_of(TARGET.fields),
    lines=st.none() | lines,
    state=st.none() | texts,
    total=st.none() | texts,
    only_create=st.booleans(),
    only_existing=st.booleans(),
    former=st.lists(texts, max_size=2).map(tuple),
    follows=st.sampled_from(["", "payment"]),
    untold=st.sampled_from([(), ("room",)]),
    warnings=st.lists(texts, max_size=2).map(tuple),
    weight=st.integers(0, 10**9),
    hash=st.just(""),
)
errors = st.builds(RowRejectedError, texts, texts, texts)
rejected_rows = st.builds(RejectedRow, texts, texts, times, errors, texts)


def through_a_file(tmp_path: Path, rows: list[MappedRow | RejectedRow]) -> list[MappedRow | RejectedRow]:
    store = BatchStore(tmp_path)
    path = store.path_for("hotel", "mapped", "orders", "", "run")
    with store.writer(path, mapped_schema(TARGET)) as writer:
        writer.write([to_columns(row, TARGET) for row in rows])
    return [from_columns(columns, TARGET) for chunk in store.rows(path, 2) for columns in chunk]


@settings(max_examples=40)  # each writes a file
@given(rows=st.lists(mapped_rows, max_size=4))
def test_mapped_rows_come_back_as_they_were_with_their_hash(tmp_path_factory: Any, rows: list[MappedRow]) -> None:
    back = through_a_file(tmp_path_factory.mktemp("batches"), [*rows])
    assert back == [replace(row, hash=row_hash(row)) for row in rows]
    assert [row_hash(row) for row in back if isinstance(row, MappedRow)] == [row_hash(row) for row in rows]


@settings(max_examples=40)
@given(row=rejected_rows)
def test_rejected_rows_come_back_as_they_were(tmp_path_factory: Any, row: RejectedRow) -> None:
    [back] = through_a_file(tmp_path_factory.mktemp("batches"), [row])
    assert isinstance(back, RejectedRow)
    assert (back.entity, back.external_id, back.updated_at, back.payload) == (
        row.entity, row.external_id, row.updated_at, row.payload,
    )  # fmt: skip
    assert vars(back.error) == vars(row.error)


def a_row(values: dict[str, Value], **changes: Any) -> MappedRow:
    return MappedRow("guest", "7", None, values, **changes)


def test_an_absent_field_and_an_emptied_one_are_told_apart(tmp_path: Path) -> None:
    [back] = through_a_file(tmp_path, [a_row({"a_char": None})])
    assert isinstance(back, MappedRow)
    assert back.values == {"a_char": None}


def test_a_field_that_came_with_a_later_version_is_absent_from_the_batches_of_before() -> None:
    row = MappedRow("a", "1", None, {"a_char": "x", "a_float": 1.5}, (MappedLine("b", "1", {"a_char": "y"}),))
    columns = {**to_columns(row, TARGET), "error_code": None}
    del columns["a_float"], columns["only_existing"], columns["line_ids"][0]["a_char"]
    read = from_columns(columns, TARGET)
    assert isinstance(read, MappedRow)
    assert read.values == {"a_char": "x"}
    assert not read.only_existing
    assert read.lines == (MappedLine("b", "1", {}),)


def test_no_lines_and_an_empty_list_of_lines_are_told_apart(tmp_path: Path) -> None:
    back = through_a_file(tmp_path, [a_row({}), a_row({}, lines=())])
    assert [row.lines for row in back if isinstance(row, MappedRow)] == [None, ()]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("a_integer", 2**63),
        ("a_integer", True),
        ("a_integer", 1.0),
        ("a_float", float("nan")),
        ("a_float", 2**53 + 1),
        ("a_float", "1"),
        ("a_boolean", 1),
        ("a_char", "a NUL \0"),
        ("a_char", "half a pair \ud83d"),
        ("a_char", 3),
        ("a_many2many", "VIP"),
        ("a_many2many", ["\0"]),
    ],
)
def test_a_value_that_would_be_changed_by_its_column_rejects_the_row(field: str, value: Any) -> None:
    with pytest.raises(RowRejectedError) as caught:
        to_columns(a_row({field: value}), TARGET)
    assert (caught.value.field, caught.value.code) == (field, "unstorable_value")


def test_a_value_of_a_line_that_does_not_fit_names_the_line() -> None:
    lines = (MappedLine("room", "1", {}), MappedLine("room", "2", {"a_integer": 2**70}))
    with pytest.raises(RowRejectedError) as caught:
        to_columns(a_row({}, lines=lines), TARGET)
    assert caught.value.field == "line_ids[1].a_integer"


def test_a_rejected_row_is_kept_whatever_is_in_it() -> None:
    error = RowRejectedError("name", "bad", "name: 'a\0'")
    columns = to_columns(RejectedRow("guest", "a\0", None, error, '{"name": "\ud83d"}'), TARGET)
    assert columns["external_id"] == "a\\u0000"
    assert columns["error_reason"] == "name: 'a\\u0000'"
    assert columns["payload"] == '{"name": "\\ud83d"}'


def test_a_field_that_the_target_lacks_is_a_mistake_of_the_mapping() -> None:
    with pytest.raises(ValueError, match="lacks"):
        to_columns(a_row({"nickname": "Ada"}), TARGET)


def test_lines_of_a_target_without_lines_are_a_mistake_of_the_mapping() -> None:
    with pytest.raises(ValueError, match="no lines"):
        to_columns(a_row({}, lines=()), replace(TARGET, lines=None))


def test_the_hash_is_that_of_values_lines_state_total_and_whether_the_record_should_be_there_at_all() -> None:
    row = a_row({"a_char": "x", "a_float": 2}, lines=(), state="sale")
    same = replace(row, updated_at=datetime(2026, 1, 1, tzinfo=UTC), weight=3, warnings=("w",))
    assert row_hash(same) == row_hash(row)
    assert row_hash(replace(row, values={"a_float": 2.0, "a_char": "x"})) == row_hash(row)
    others = [
        replace(row, values={"a_char": "x"}),
        replace(row, values={"a_char": "x", "a_float": None}),
        replace(row, values={"a_char": "x", "a_float": 2.5}),
        replace(row, lines=None),
        replace(row, lines=(MappedLine("room", "1", {}),)),
        replace(row, state="draft"),
        replace(row, only_existing=True),
        replace(row, total="1"),
        replace(row, untold=("room",)),
    ]
    assert len({row_hash(each) for each in [row, *others]}) == len(others) + 1


def test_the_hash_does_not_change_from_release_to_release() -> None:
    row = a_row({"a_char": "Zoë", "a_integer": 3}, lines=(MappedLine("room", "1", {"a_float": 1.5}),), state="sale")
    assert row_hash(row) == "a1eee63afd916af6ea3d411b487cba01"

"""Tables, indexes and rollbacks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines_sandbox.odoo.schema import Field, model, registry
from odoo_pipelines_sandbox.odoo.store import Database, Table

NAME = "thing"


def database() -> Database:
    return Database(registry([model(NAME, "Thing", Field("color", "char", "Color"))]))


def test_empty_values_are_found_alike() -> None:
    table = database().table(NAME)
    ids = [table.insert({"color": value}) for value in ("", False, None, 0)] + [table.insert({})]
    assert list(table.lookup("color", False)) == ids


def test_lists_are_found_by_each_of_their_values() -> None:
    table = database().table(NAME)
    first, second = table.insert({"tags": (1, 2)}), table.insert({"tags": ()})
    assert list(table.lookup("tags", 2)) == [first]
    assert list(table.lookup("tags", False)) == [second]


def test_a_failed_transaction_leaves_no_trace_and_gives_no_id_twice() -> None:
    things = database()
    table = things.table(NAME)
    kept = table.insert({"color": "red"})
    lost: list[int] = []

    def fail() -> None:
        with things.transaction():
            table.update(kept, {"color": "blue"})
            lost.append(table.insert({"color": "blue"}))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert dict(table.rows) == {kept: {"color": "red"}}
    assert table.insert({}) > lost[0]


def test_a_savepoint_undoes_only_what_came_after_it() -> None:
    things = database()
    table = things.table(NAME)
    with things.transaction():
        kept = table.insert({"color": "red"})
        with things.transaction() as savepoint:
            table.delete(kept)
            savepoint.rollback()
    assert dict(table.rows) == {kept: {"color": "red"}}


COLORS = st.sampled_from(["red", "blue", "", False])
ACTIONS = st.sampled_from(["insert", "update", "delete", "fail"])
STEPS = st.lists(st.tuples(ACTIONS, COLORS, st.integers(0, 5)), max_size=30)


@given(STEPS)
def test_an_index_always_agrees_with_the_rows(steps: list[tuple[str, str | bool, int]]) -> None:
    things = database()
    table = things.table(NAME)
    table.lookup("color", "red")
    for action, color, place in steps:
        _step(things, table, action, {"color": color}, place)
        for wanted in ("red", "blue", False):
            found = {row_id for row_id, row in table.rows.items() if (row["color"] or False) == wanted}
            assert set(table.lookup("color", wanted)) == found


def _step(things: Database, table: Table, action: str, row: dict[str, str | bool], place: int) -> None:
    ids = list(table.rows)
    with things.transaction() as savepoint:
        if action in {"insert", "fail"} or not ids:
            table.insert(row)
        elif action == "update":
            table.update(ids[place % len(ids)], row)
        else:
            table.delete(ids[place % len(ids)])
        if action == "fail":
            savepoint.rollback()

from __future__ import annotations

import math
import queue
import threading
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, xmlid
from odoo_pipelines.errors import OdooAccessError, OdooConflictError, OdooTransientError
from odoo_pipelines.odoo.loading import Loaded, Loading, LoadItem
from odoo_pipelines.odoo.retries import ATTEMPTS, RefusalBackoff, Retries
from odoo_pipelines_tests.engine.fakes import Call, Fault
from odoo_pipelines_tests.engine.sales import SalesOdoo

PARTNER = "res.partner"


class Loader:
    """A loading of contacts into a fake Odoo."""

    def __init__(self) -> None:
        self.odoo = SalesOdoo()
        self.slept: list[float] = []
        self.loading = Loading(self.odoo, PARTNER, self._find, Retries(self.slept.append), RefusalBackoff(1))
        self.odoo.refuse = lambda _, row: "spoiled" if row.get("city") == "bad" else ""

    def load(self, *items: LoadItem) -> Loaded:
        return self.loading.load(items)

    def _find(self, model: str, keys: Iterable[str]) -> dict[str, list[int]]:
        rows = self.odoo.search_read(model, [(SYNC_KEY_FIELD, "in", sorted(keys))], [SYNC_KEY_FIELD])
        return {row[SYNC_KEY_FIELD]: [row["id"]] for row in rows}

    @property
    def sent(self) -> list[list[str]]:
        """Keys in every load."""
        return [[cells[SYNC_KEY_FIELD] for cells in call.sent] for call in self.odoo.writes("load")]

    @property
    def present(self) -> set[str]:
        """Keys in Odoo."""
        return {str(row[SYNC_KEY_FIELD]) for row in self.odoo.rows(PARTNER)} - {"office"}


def item(key: str, **cells: str) -> LoadItem:
    return LoadItem(key, ({"id": xmlid(key), SYNC_KEY_FIELD: key, "name": key, "city": "good", **cells},))


def items(count: int, bad: Iterable[int] = ()) -> list[LoadItem]:
    spoiled = set(bad)
    return [item(f"k{number:03}", city="bad" if number in spoiled else "good") for number in range(count)]


def test_items_with_the_same_columns_go_in_one_call() -> None:
    loader = Loader()

    loaded = loader.load(item("a"), item("b", zip="1"), item("c"))

    assert loader.sent == [["a", "c"], ["b"]]
    assert loaded.ids.keys() == {"a", "b", "c"} == loader.present


def test_a_record_that_odoo_stored_with_a_warning_is_refused_for_it_took_the_first_of_several() -> None:
    loader = Loader()
    loader.odoo.warn = lambda _, row: "Found multiple matches" if row["city"] == "bad" else ""
    loader.odoo.refuse = lambda _model, _row: ""

    loaded = loader.load(*items(3, [1]))

    assert loaded.ids.keys() == {"k000", "k002"}
    assert {key: (each.field, each.reason) for key, each in loaded.refused.items()} == {
        "k001": ("name", "Found multiple matches")
    }
    assert loader.present == {"k000", "k001", "k002"}


def test_nothing_to_create_asks_nothing() -> None:
    loader = Loader()

    assert loader.load() == Loaded()
    assert loader.odoo.calls == []


def test_a_load_whose_answer_was_lost_is_not_sent_again() -> None:
    loader = Loader()
    loader.odoo.after.append(Fault("load", OdooTransientError("no answer")))

    loaded = loader.load(*items(3))

    assert len(loader.sent) == 1
    assert [call.method for call in loader.odoo.calls] == ["load", "search_read"]
    assert loaded.ids.keys() == loader.present


@pytest.mark.parametrize("error", [OdooTransientError("no answer"), OdooConflictError("rolled back")])
def test_a_load_that_did_not_get_through_is_sent_again_in_halves_after_looking(error: OdooTransientError) -> None:
    loader = Loader()
    loader.odoo.before.append(Fault("load", error))

    loaded = loader.load(*items(4))

    assert [call.method for call in loader.odoo.calls] == ["load", "search_read", "load", "load"]
    assert [len(keys) for keys in loader.sent] == [4, 2, 2]
    assert loaded.ids.keys() == loader.present == {"k000", "k001", "k002", "k003"}


def test_a_load_that_always_passes_the_server_s_time_limit_gets_through_in_pieces_and_bad_rows_are_found() -> None:
    loader = Loader()

    def kill_long_calls(call: Call) -> None:
        if call.method == "load" and len(call.sent) > 10:
            raise OdooTransientError("no answer")

    loader.odoo.before.append(kill_long_calls)

    loaded = loader.load(*items(64, [7, 40]))

    assert [len(keys) for keys in loader.sent[:3]] == [64, 32, 16]
    assert loaded.refused.keys() == {"k007", "k040"}
    assert len(loader.present) == 62
    assert max(Counter(key for keys in loader.sent[3:] for key in keys).values()) <= 3


def test_a_lost_look_up_is_repeated_too() -> None:
    loader = Loader()
    loader.odoo.after.append(Fault("load", OdooTransientError("no answer")))
    loader.odoo.before.append(Fault("search_read", OdooTransientError("no answer")))

    assert loader.load(*items(2)).ids.keys() == loader.present
    assert len(loader.sent) == 1


@pytest.mark.parametrize("committed", [True, False])
def test_it_gives_up_after_all_attempts_and_never_sends_twice_what_got_through(*, committed: bool) -> None:
    loader = Loader()
    hooks = loader.odoo.after if committed else loader.odoo.before
    hooks.append(Fault("load", OdooTransientError("no answer"), times=99))
    loader.odoo.before.append(Fault("search_read", OdooTransientError("no answer"), times=99 if committed else 0))

    with pytest.raises(OdooTransientError):
        loader.load(*items(3))

    assert len(loader.sent) == (1 if committed else ATTEMPTS)
    assert loader.present == ({"k000", "k001", "k002"} if committed else set())


@pytest.mark.parametrize("names_rows", [True, False, None])
@given(data=st.data())
def test_bad_rows_are_found_and_the_others_get_through(data: st.DataObject, *, names_rows: bool | None) -> None:
    loader = Loader()
    loader.odoo.load_names_rows = names_rows
    count = data.draw(st.integers(1, 40))
    bad = data.draw(st.sets(st.integers(0, count - 1)))
    chunk = data.draw(st.integers(1, count))
    all_items = items(count, bad)

    loaded = [loader.load(*all_items[first : first + chunk]) for first in range(0, count, chunk)]

    refused = {key: error.reason for each in loaded for key, error in each.refused.items()}
    assert refused == {f"k{number:03}": "spoiled" for number in bad}
    assert {key for each in loaded for key in each.ids} == loader.present
    assert loader.present == {f"k{number:03}" for number in set(range(count)) - bad}


@pytest.mark.parametrize("names_rows", [True, False, None])
@pytest.mark.parametrize("bad", [1, 3, 15, 40])
def test_k_bad_rows_of_n_take_about_k_log_n_calls(bad: int, *, names_rows: bool | None) -> None:
    loader, count = Loader(), 512
    loader.odoo.load_names_rows = names_rows

    loaded = loader.load(*items(count, range(0, count, count // bad)))

    assert len(loaded.refused) >= bad
    assert len(loader.sent) <= 1 + 2 * len(loaded.refused) * math.log2(count)


def test_a_few_named_rows_are_taken_out_at_once() -> None:
    loader = Loader()

    loader.load(*items(100, [7, 70]))

    assert [len(keys) for keys in loader.sent] == [100, 98, 1, 1]


def test_after_a_refused_call_fewer_rows_go_into_the_next_ones_and_slowly_more_again() -> None:
    loader = Loader()
    loader.load(*items(100, [7]))
    already = len(loader.sent)

    loader.load(*(item(f"l{number:04}") for number in range(5000)))

    sizes = [len(keys) for keys in loader.sent[already:]]
    assert sum(sizes) == 5000
    assert sizes[0] == 20  # the square root of 4 x 100
    assert sizes[:-1] == sorted(sizes[:-1])
    assert 100 < max(sizes) < 200


def test_calls_stay_as_large_as_they_are_while_none_is_refused() -> None:
    loader = Loader()
    loader.odoo.before.append(Fault("load", OdooTransientError("no answer")))

    loader.load(*items(400))
    loader.load(*(item(f"l{number}") for number in range(500)))

    assert [len(keys) for keys in loader.sent] == [400, 200, 200, 500]


def test_a_call_waits_for_its_turn_and_then_knows_of_the_refusals_meanwhile() -> None:
    backoff, sizes = RefusalBackoff(connections=1), queue.Queue[int]()

    def take_a_turn() -> None:
        with backoff.turn(500) as size:
            sizes.put(size)

    with backoff.turn(500) as size:
        second = threading.Thread(target=take_a_turn)
        second.start()
        backoff.learn(size, refused=True)
        assert sizes.empty()

    assert sizes.get(timeout=10) == 44
    second.join()


def test_the_reason_of_a_refused_row_is_its_own() -> None:
    loader = Loader()
    loader.odoo.refuse = lambda _, row: f"city {row['city']}" if row["city"] != "good" else ""

    loaded = loader.load(item("a", city="x"), item("b"), item("c", city="y"))

    assert {key: error.reason for key, error in loaded.refused.items()} == {"a": "city x", "c": "city y"}
    assert {error.code for error in loaded.refused.values()} == {"refused_by_odoo"}


def test_a_missing_right_stops_instead_of_rejecting_rows() -> None:
    loader = Loader()
    loader.odoo.before.append(Fault("load", OdooAccessError("no right"), times=99))

    with pytest.raises(OdooAccessError):
        loader.load(*items(5))

    assert len(loader.sent) == 1

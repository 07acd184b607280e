from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.engine.chunks import Chunk, ChunkRow, chunks
from odoo_pipelines.errors import RowRejectedError
from odoo_pipelines.systems.base import MappedRow, RejectedRow
from odoo_pipelines_tests.engine.sales import guest, moment

REJECTED = RejectedRow("guest", "", None, RowRejectedError("id", "missing", "id: is missing"), "{}")

mapped = st.builds(
    lambda number, at, city, weight, only_create: guest(
        str(number), at, city=city, weight=weight, only_create=only_create
    ),
    st.integers(0, 4),
    st.one_of(st.none(), st.integers(0, 5)),
    st.sampled_from(["Wien", "Graz"]),
    st.integers(1, 3),
    st.booleans(),
)
rows = st.lists(st.one_of(mapped, st.just(REJECTED)), max_size=40)
sizes = st.integers(1, 6)


def weight(row: MappedRow | RejectedRow) -> int:
    return 1 if isinstance(row, RejectedRow) else row.weight


@given(rows, sizes)
def test_no_row_is_lost_or_doubled(given_rows: list[MappedRow | RejectedRow], size: int) -> None:
    assert sum(chunk.weight for chunk in chunks(given_rows, lambda: size)) == sum(map(weight, given_rows))


@given(rows, sizes)
def test_a_chunk_holds_every_record_once_and_no_more_than_its_size(
    given_rows: list[MappedRow | RejectedRow], size: int
) -> None:
    for chunk in chunks(given_rows, lambda: size):
        assert len(chunk.keys) == len(chunk.rows)
        assert 0 < len(chunk.rows) + len(chunk.rejected) <= size


@given(rows, sizes)
def test_versions_of_a_record_come_in_their_order_and_only_repetitions_are_left_out(
    given_rows: list[MappedRow | RejectedRow], size: int
) -> None:
    written = defaultdict(list)
    for chunk in chunks(given_rows, lambda: size):
        for each in chunk.rows:
            written[each.key].append(each.row)

    for key, versions in written.items():
        came = [row for row in given_rows if isinstance(row, MappedRow) and (row.entity, row.external_id) == key]
        assert _without_repetitions(versions) == _without_repetitions(came)


def _without_repetitions(came: list[MappedRow]) -> list[tuple[str, bool]]:
    """A row that says what the one before said, or is second-hand and not the first, adds nothing."""
    versions: list[tuple[str, bool]] = []
    for row in came:
        if not versions or not (row.only_create or (row.hash, False) == versions[-1]):
            versions.append((row.hash, row.only_create))
    return versions


def only(*given_rows: MappedRow | RejectedRow) -> ChunkRow:
    [chunk] = chunks(given_rows, lambda: 10)
    [row] = chunk.rows
    return row


def test_a_repetition_counts_and_brings_the_newer_time_along() -> None:
    assert only(guest("1", 1), guest("1", 5, weight=3), guest("1", 2)) == ChunkRow(guest("1", 5), repeats=4)


def test_a_second_hand_row_brings_no_time_along() -> None:
    row = only(guest("1", 1), guest("1", 9, only_create=True, city="elsewhere"))

    assert (row.row.updated_at, row.repeats) == (moment(1), 1)


def test_the_own_row_of_a_record_follows_a_second_hand_one_even_if_it_says_the_same() -> None:
    first, second = chunks([guest("1", 1, only_create=True), guest("1", 1)], lambda: 10)

    assert [first.rows[0].row.only_create, second.rows[0].row.only_create] == [True, False]


def test_a_version_waits_while_an_earlier_one_waits_even_if_it_equals_the_first() -> None:
    versions = [guest("1", at, city=city) for at, city in ((1, "Wien"), (2, "Graz"), (3, "Wien"))]

    assert [chunk.rows[0].row.values["city"] for chunk in chunks(versions, lambda: 10)] == ["Wien", "Graz", "Wien"]


def test_rows_are_taken_as_they_come_and_not_all_at_once() -> None:
    def endless() -> object:
        number = 0
        while True:
            yield guest(str(number := number + 1))

    first = next(chunks(endless(), lambda: 3))  # type: ignore[arg-type]

    assert len(first.rows) == 3


def test_a_chunk_weighs_as_much_as_the_rows_that_were_extracted() -> None:
    row = ChunkRow(replace(guest("1"), weight=4), repeats=2)

    assert Chunk((row,), (REJECTED, REJECTED)).weight == 8

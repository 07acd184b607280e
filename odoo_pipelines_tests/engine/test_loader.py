from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.errors import (
    IntegrationBusyError,
    OdooAccessError,
    OdooConflictError,
    OdooTransientError,
    RowRejectedError,
)
from odoo_pipelines.odoo.retries import ATTEMPTS
from odoo_pipelines.systems.base import MappedRow, RejectedRow
from odoo_pipelines.systems.pms.targets import PARTNER
from odoo_pipelines.systems.policies import FlowPolicies, Policy
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines_tests.engine.fakes import Call, Fault
from odoo_pipelines_tests.engine.sales import World, booking, counts, guest, room

REJECTED = RejectedRow("guest", "", None, RowRejectedError("id", "missing", "id: is missing"), "{}")


def city(world: World, external_id: str) -> object:
    [row] = [row for row in world.odoo.rows("res.partner") if row[SYNC_KEY_FIELD] == f"hotel.guest.{external_id}"]
    return row["city"]


guests = st.builds(
    lambda number, at, city, weight, only_create: guest(
        f"g{number}", at, city=city, weight=weight, only_create=only_create
    ),
    st.integers(0, 5),
    st.one_of(st.none(), st.integers(0, 4)),
    st.sampled_from(["Wien", "Graz", "bad", None]),
    st.integers(1, 3),
    st.booleans(),
)
batches = st.lists(st.lists(st.one_of(guests, st.just(REJECTED)), max_size=15), min_size=1, max_size=3)


@given(batches=batches, size=st.integers(1, 5), verify=st.booleans())
def test_every_row_has_exactly_one_outcome_and_the_weights_add_up(
    batches: list[list[MappedRow | RejectedRow]], size: int, *, verify: bool
) -> None:
    world = World()
    world.odoo.refuse = lambda _, row: "spoiled" if row.get("city") == "bad" else ""

    for rows in batches:
        kept = len(world.state.outcomes)
        report = world.guests(*rows, chunk_size=size, verify=verify)
        given_weight = sum(1 if isinstance(row, RejectedRow) else row.weight for row in rows)
        assert report.counts.extracted == sum(report.counts.by_outcome.values()) == given_weight
        assert sum(each.weight for each in world.state.outcomes[kept:]) == given_weight
    assert len(world.odoo.rows("res.partner")) - 1 == len(world.state.kept)


@given(batches=batches, size=st.integers(1, 5))
def test_a_second_run_over_the_same_rows_makes_no_request(
    batches: list[list[MappedRow | RejectedRow]], size: int
) -> None:
    world = World()
    newest: dict[str, MappedRow] = {}
    for row in (row for rows in batches for row in rows if isinstance(row, MappedRow)):
        if row.values["city"] != "bad" and not row.only_create:
            newest[row.external_id] = row
    rows = list(newest.values())
    world.guests(*rows, chunk_size=size)
    before = world.odoo.content()

    assert counts(world, *rows).keys() <= {"unchanged"}
    assert world.odoo.calls == []
    assert world.odoo.content() == before


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["Wien", "Graz", "Linz"])), max_size=12), st.integers(1, 4)
)
def test_whatever_the_order_of_versions_odoo_ends_with_the_newest(versions: list[tuple[int, str]], size: int) -> None:
    world = World()
    rows = [guest(f"g{number}", at, city=town) for at, (number, town) in enumerate(versions)]
    shuffled = sorted(rows, key=lambda row: (row.hash, row.external_id))

    world.guests(*shuffled, chunk_size=size)

    for external_id in {row.external_id for row in rows}:
        newest = [row for row in rows if row.external_id == external_id][-1]
        assert city(world, external_id) == newest.values["city"]


def test_versions_of_a_record_are_written_in_their_order() -> None:
    world = World()

    assert counts(world, *(guest("g", at, city=town) for at, town in enumerate(["Wien", "Graz", "Wien"]))) == {
        "created": 1,
        "updated": 2,
    }
    assert [call.sent.get("city") for call in world.odoo.writes("write")] == ["Graz", "Wien"]


@pytest.mark.parametrize("newer", [{"city": "Wien"}, {"city": "Graz"}, {}], ids=["updated", "unchanged", "partial"])
def test_an_older_row_after_a_newer_one_changes_nothing(newer: dict[str, str]) -> None:
    world = World()
    world.guests(guest("g", 1, city="Graz"))
    world.guests(guest("g", 5, **newer))  # type: ignore[arg-type]
    before = city(world, "g")

    assert counts(world, guest("g", 3, city="Linz")) == {"superseded": 1}
    assert city(world, "g") == before
    assert counts(world, guest("g", 3, city="Linz"), verify=True) == {"superseded": 1}


def test_verifying_reads_everything_and_writes_nothing_when_nothing_differs() -> None:
    world = World()
    rows = [guest(str(number), city="Wien") for number in range(10)]
    world.guests(*rows)

    assert counts(world, *rows, verify=True) == {"unchanged": 10}
    [read] = world.odoo.calls
    assert (read.method, len(read.ids)) == ("read", 10)


def test_verifying_mends_what_somebody_has_changed() -> None:
    world = World(policies=FlowPolicies(Policy.EXTERNAL_WINS))
    world.guests(guest("g", city="Wien"), guest("h", city="Wien"))
    world.odoo.tables["res.partner"][2]["city"] = "Atlantis"

    assert counts(world, guest("g", city="Wien"), guest("h", city="Wien"), verify=True) == {
        "updated": 1,
        "unchanged": 1,
    }
    assert city(world, "g") == "Wien"


def test_a_field_that_a_row_does_not_carry_is_left_alone_and_none_empties_it() -> None:
    world = World()
    world.guests(guest("g", 1, city="Wien", zip="1010"))
    world.guests(guest("g", 2, zip=None))

    assert city(world, "g") == "Wien"
    assert world.state.kept["guest", "g"].base["values"]["city"] == "Wien"
    assert world.odoo.rows("res.partner")[-1]["zip"] is False


def test_lines_that_a_row_does_not_tell_of_are_left_alone() -> None:
    world = World().with_guest_and_room()
    world.orders(booking("b", 1, lines=[room("1")]))
    world.orders(booking("b", 2, lines=None, client_order_ref="R"))

    assert len(world.lines()) == 1
    assert len(world.state.kept["booking", "b"].base["lines"]) == 1


def test_a_record_whose_adoption_odoo_refuses_is_free_for_another_row() -> None:
    world = World()
    world.odoo.seed("res.partner", name="Ann Lee", email="g@example.com")
    world.odoo.refuse = lambda _, row: "spoiled" if row.get("city") == "bad" else ""

    assert counts(world, guest("a", name="Ann Lee", email="g@example.com", city="bad")) == {"rejected": 1}
    assert counts(world, guest("b", name="Ann Lee", email="g@example.com")) == {"updated": 1}
    assert counts(world, guest("a", name="Ann Lee", email="g@example.com", city="Wien")) == {"created": 1}


def test_a_missing_reference_is_transient_and_heals_when_it_is_there() -> None:
    world = World()
    report = world.orders(booking("b", lines=[]))
    assert report.counts.by_outcome[Outcome.REJECTED] == 1
    assert world.state.outcomes[-1].transient

    world.guests(guest("g1"))
    assert world.orders(booking("b", lines=[])).counts.by_outcome[Outcome.CREATED] == 1


def test_warnings_are_counted_and_missing_fields_named() -> None:
    world = World()
    schema = world.odoo.schemas["res.partner"]
    fields = {name: each for name, each in schema.fields.items() if name != "street2"}
    world.odoo.schemas = {**world.odoo.schemas, "res.partner": replace(schema, fields=fields)}

    report = world.guests(guest("g", country_id="XX", street2="x"), guest("h", country_id="XX"))

    assert report.missing_fields == ("res.partner.street2",)
    assert report.warnings == {"country_id: unknown to Odoo": 2}


@pytest.mark.parametrize("chunk_size", [1, 3, 10])
def test_the_state_is_committed_once_for_each_chunk(chunk_size: int) -> None:
    world = World()
    seen: list[int] = []

    world.loader(PARTNER, chunk_size=chunk_size).load(
        [guest(str(number)) for number in range(10)], lambda report: seen.append(report.counts.extracted)
    )

    assert len(world.state.counts) == len(seen) == -(-10 // chunk_size)
    assert seen[-1] == 10


def test_the_right_to_write_is_checked_before_every_chunk_and_every_commit() -> None:
    world, left = World(), [1, 1, 1, 1]

    def still_writer() -> None:
        if not left:
            raise IntegrationBusyError("another run")
        left.pop()

    world.still_writer = still_writer
    with pytest.raises(IntegrationBusyError):
        world.guests(*(guest(str(number)) for number in range(5)), chunk_size=1)

    assert len(world.odoo.writes()) == len(world.state.counts) == 2


@pytest.mark.parametrize("error", [OdooAccessError("no right"), OdooTransientError("no answer")])
def test_an_error_in_one_chunk_stops_the_run_and_what_was_committed_stands(error: OdooAccessError) -> None:
    world = World()
    world.odoo.before.append(Fault("load", error, skip=2, times=ATTEMPTS))
    rows = [guest(str(number)) for number in range(6)]

    with pytest.raises(type(error)):
        world.guests(*rows, chunk_size=1)

    assert set(world.state.kept) == {("guest", "0"), ("guest", "1")}
    assert not any(each.outcome is Outcome.REJECTED for each in world.state.outcomes)
    world.odoo.before.clear()
    assert counts(world, *rows, chunk_size=1) == {"unchanged": 2, "created": 4}


def test_what_got_through_before_an_outage_is_found_by_the_next_run() -> None:
    world = World()
    world.odoo.after.append(Fault("load", OdooTransientError("no answer")))
    world.odoo.before.append(Fault("search_read", OdooTransientError("no answer"), skip=1, times=ATTEMPTS - 1))
    with pytest.raises(OdooTransientError):
        world.guests(guest("g"), guest("h"))
    assert world.state.kept == {}

    assert counts(world, guest("g"), guest("h")) == {"unchanged": 2}
    assert len(world.odoo.rows("res.partner")) == 3
    assert world.odoo.writes() == []


@pytest.mark.parametrize("error", [OdooTransientError("no answer"), OdooConflictError("rolled back")])
def test_pauses_are_taken_with_the_given_sleep(error: OdooTransientError) -> None:
    world = World()
    world.odoo.before.append(Fault("load", error, times=2))

    assert counts(world, guest("g")) == {"created": 1}
    assert len(world.slept) == 2


def test_calls_that_take_long_make_chunks_smaller() -> None:
    world = World()

    def take_long(call: Call) -> None:
        world.now += len(call.sent) / 2 if call.method == "load" else 0

    world.odoo.before.append(take_long)
    world.guests(*(guest(str(number)) for number in range(400)), chunk_size=40, in_flight=2)

    sizes = [len(call.sent) for call in world.odoo.writes("load")]
    assert (sizes[0], sum(sizes)) == (40, 400)
    assert max(sizes[-5:]) <= 20


def test_a_chunk_that_the_server_never_finishes_in_time_gets_through_in_pieces() -> None:
    world = World()

    def kill_long_calls(call: Call) -> None:
        if call.method == "load" and len(call.sent) > 6:
            raise OdooTransientError("no answer")

    world.odoo.before.append(kill_long_calls)
    report = world.guests(*(guest(str(number)) for number in range(20)), chunk_size=20)

    assert report.counts.by_outcome[Outcome.CREATED] == 20
    assert [len(call.sent) for call in world.odoo.writes("load")] == [20, 10, 5, 5, 5, 5]


def test_nothing_to_load_is_nothing_done() -> None:
    world = World()

    assert counts(world) == {}
    assert (world.odoo.calls, world.state.counts) == ([], [])


@pytest.mark.parametrize("external_id", ["a b", "a.b", "a/b", "ä", "日本", "%20", "~", "#1", "..", "a" * 255, "'\""])
def test_hostile_ids_make_records_of_their_own(external_id: str) -> None:
    world = World()
    rows = [guest(external_id), guest(f"{external_id}."), guest(f"{external_id}.x")]

    assert counts(world, *rows) == {"created": 3}
    assert counts(world, *rows, verify=True) == {"unchanged": 3}

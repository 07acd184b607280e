"""The inbox: stored once, claimed by one, done or tried again."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

from odoo_pipelines.stores import inbox as inbox_module
from odoo_pipelines.stores.inbox import LEASE, PAUSES, EventFilter, Inbox
from odoo_pipelines.stores.inbox_rows import BY_REQUEST, MOST_WAITING_SYNCS, Claim, NewEvent, Stored
from odoo_pipelines_tests.stores.builders import NOON, rows_of

numbers = count(1)
SECOND = timedelta(seconds=1)
MANY_MORE = """
    insert into odoo_pipelines.webhook_event (
        integration, event_key, event_type, body, flow, entity, external_id, state, reason, deliveries,
        received_at, last_received_at, due_at, claim_id, run_id)
    select integration, 'more:' || n, event_type, body, flow, entity, (n % 2000)::text,
        case when n % 2 = 0 then 'pending' else 'done' end, reason, deliveries,
        received_at, last_received_at, due_at - n * interval '1 second', claim_id, run_id
    from odoo_pipelines.webhook_event, generate_series(1, 20000) as n"""


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(engine: sa.Engine, clock: Clock) -> Inbox:
    return Inbox(engine, clock)


def an_event(external_id: str = "7", key: str | None = None, **changes: Any) -> NewEvent:
    values = {"entity": "booking", "external_id": external_id, "body": '{"data": {}}', **changes}
    return NewEvent(
        **{"integration": "hotel", "event_key": key or f"id:{next(numbers)}", "event_type": "booking.updated", **values}
    )


def a_sync(asked_for: str, **changes: Any) -> NewEvent:
    values = {"event_type": "sync", "flow": "orders", "entity": "", "external_id": "", **changes}
    return an_event(key=f"{BY_REQUEST}{asked_for}:{next(numbers)}", **values)


def column(engine: sa.Engine, name: str) -> list[Any]:
    return [row[name] for row in rows_of(engine, "select * from odoo_pipelines.webhook_event order by id")]


def claimed(inbox: Inbox, **options: Any) -> Claim:
    claim = inbox.claim("hotel", **options)
    assert claim is not None
    return claim


def begun(inbox: Inbox, run_id: str = "run-1") -> Claim:
    claim = inbox.begin(claimed(inbox).id, run_id)
    assert claim is not None
    return claim


def ids_of(claim: Claim | None) -> list[int]:
    return sorted(event.job_id for event in claim.events) if claim else []


def state_of(engine: sa.Engine, stored: Stored) -> tuple[str, str]:
    (row,) = rows_of(engine, f"select state, reason from odoo_pipelines.webhook_event where id = {stored.job_id}")  # noqa: S608
    return row["state"], row["reason"]


def store(inbox: Inbox, *events: NewEvent) -> Sequence[Stored]:
    return inbox.store(events)


class TestStoring:
    def test_an_event_gets_a_job_id(self, inbox: Inbox) -> None:
        (first, second) = store(inbox, an_event(), an_event())
        assert (first.new, second.new) == (True, True)
        assert first.job_id != second.job_id

    def test_a_redelivery_gets_the_same_job_id_and_is_stored_once(self, inbox: Inbox, engine: sa.Engine) -> None:
        (first,) = store(inbox, an_event(key="id:a"))
        (again,) = store(inbox, an_event(key="id:a", body='{"other": 1}'))
        assert (again.job_id, again.new) == (first.job_id, False)
        (row,) = rows_of(engine, "select body, deliveries from odoo_pipelines.webhook_event")
        assert row == {"body": '{"data": {}}', "deliveries": 2}

    def test_so_does_one_in_the_same_transaction(self, inbox: Inbox) -> None:
        stored = store(inbox, an_event(key="id:a"), an_event(key="id:b"), an_event(key="id:a"))
        assert [each.new for each in stored] == [True, True, False]
        assert stored[0].job_id == stored[2].job_id != stored[1].job_id

    def test_integrations_share_no_events(self, inbox: Inbox) -> None:
        (first,) = store(inbox, an_event(key="id:a"))
        (second,) = store(inbox, an_event(key="id:a", integration="motel"))
        assert second.new
        assert first.job_id != second.job_id

    def test_any_json_is_kept_as_it_is(self, inbox: Inbox) -> None:
        body = '{"a": "\\u0000 \\ud800 Zoë 😀", "n": 1.10, "quote": "\\""}'
        store(inbox, an_event(body=body))
        assert begun(inbox).events[0].body == body

    def test_an_event_never_happened_later_than_it_came(self, inbox: Inbox) -> None:
        inbox.store([an_event("7", occurred_at=NOON + timedelta(days=1000)), an_event("7", occurred_at=NOON)])
        assert [event.occurred_at for event in claimed(inbox).events] == [NOON, NOON]

    def test_whether_it_was_signed_is_kept_and_a_signed_repetition_counts_if_it_says_the_same(
        self, inbox: Inbox
    ) -> None:
        same, another, signed = an_event(key="id:a"), an_event(key="id:b", body="{}"), an_event(key="id:c", signed=True)
        inbox.store([same, another, signed])
        inbox.store([an_event(key="id:a", signed=True), an_event(key="id:b", signed=True), an_event(key="id:c")])
        events = sorted(claimed(inbox).events, key=lambda each: each.job_id)
        assert [event.signed for event in events] == [True, False, True]

    def test_receivers_that_store_the_same_events_in_another_order_do_not_block_each_other(self, inbox: Inbox) -> None:
        events = [an_event(key=f"id:{number}") for number in range(200)]
        with ThreadPoolExecutor(4) as threads:
            orders = [events, events[::-1], events[100:] + events[:100], events]
            results = list(threads.map(inbox.store, orders))
        by_key = [
            {event.event_key: each.job_id for event, each in zip(o, r, strict=True)}
            for o, r in zip(orders, results, strict=True)
        ]
        assert by_key.count(by_key[0]) == 4
        assert sum(each.new for result in results for each in result) == 200

    def test_requests_are_counted_by_what_became_of_them(self, inbox: Inbox, engine: sa.Engine) -> None:
        day = date(2026, 3, 1)
        odd = an_event("", entity="", state="done", reason="unknown_type")
        inbox.store([an_event(key="id:a"), an_event(key="id:a"), odd], {("hotel", day, "not_signed"): 3})
        inbox.store([an_event(key="id:a")], {("hotel", day, "not_signed"): 1, ("", day, "unknown_integration"): 5})
        counts = {
            (row["integration"], row["outcome"]): row["requests"]
            for row in rows_of(engine, "select * from odoo_pipelines.webhook_count")
        }
        assert counts == {
            ("hotel", "accepted"): 1,
            ("hotel", "repeated"): 2,
            ("hotel", "unknown_type"): 1,
            ("hotel", "not_signed"): 4,
            ("", "unknown_integration"): 5,
        }

    def test_an_event_for_which_nothing_is_done_never_waits(self, inbox: Inbox) -> None:
        store(inbox, an_event("", entity="", state="done", reason="unknown_type"))
        assert inbox.claim("hotel") is None
        assert inbox.waiting().count == 0


class TestClaiming:
    def test_what_is_claimed_is_nobody_elses(self, inbox: Inbox) -> None:
        stored = store(inbox, an_event("1"), an_event("2"))
        assert ids_of(claimed(inbox)) == [each.job_id for each in stored]
        assert inbox.claim("hotel") is None

    def test_callers_at_the_same_time_share_the_events_among_them(self, inbox: Inbox) -> None:
        stored = inbox.store([an_event(str(number)) for number in range(400)])
        with ThreadPoolExecutor(4) as threads:
            claims = list(threads.map(lambda _: inbox.claim("hotel", limit=100), range(4)))
        taken = [job_id for claim in claims for job_id in ids_of(claim)]
        assert len(taken) == len(set(taken))
        rest = ids_of(inbox.claim("hotel"))
        assert sorted(taken + rest) == sorted(each.job_id for each in stored)

    def test_the_oldest_come_first_and_no_more_than_asked_for(self, inbox: Inbox, clock: Clock) -> None:
        stored: list[Stored] = []
        for number in range(5):
            stored += store(inbox, an_event(str(number)))
            clock.move(SECOND)
        assert ids_of(inbox.claim("hotel", limit=3)) == [each.job_id for each in stored[:3]]

    def test_all_events_of_a_record_come_along_so_that_it_is_fetched_once(self, inbox: Inbox) -> None:
        first, _, third = store(inbox, an_event("1"), an_event("2"), an_event("1"))
        assert ids_of(inbox.claim("hotel", limit=1)) == [first.job_id, third.job_id]

    def test_bodies_come_with_the_run_and_those_of_manual_syncs_with_the_claim(self, inbox: Inbox) -> None:
        store(inbox, an_event(), an_event("", entity="", event_type="sync", flow="orders", body='{"mode": "full"}'))
        assert claimed(inbox).events[0].body == ""
        assert claimed(inbox, manual=True).events[0].body == '{"mode": "full"}'

    def test_how_many_come_along_is_limited(self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(inbox_module, "COALESCED", 4)
        inbox.store([an_event("1") for _ in range(10)])
        assert 4 <= len(claimed(inbox, limit=1).events) <= 5  # the one that was asked for may be among them

    def test_the_newest_event_of_a_record_is_the_one_that_counts(self, inbox: Inbox) -> None:
        late, early = NOON + SECOND, NOON - SECOND
        newest, _, other = store(
            inbox, an_event("1", occurred_at=late), an_event("1", occurred_at=early), an_event("2")
        )
        claim = claimed(inbox)
        assert [event.external_id for event in claim.events] == ["1", "2", "1"]
        assert {key: event.job_id for key, event in claim.newest.items()} == {
            ("booking", "1"): newest.job_id,
            ("booking", "2"): other.job_id,
        }

    def test_of_events_of_the_same_second_the_last_of_a_batch_is_the_newest(self, inbox: Inbox) -> None:
        keys = ("id:b", "id:c", "id:a")
        batch = store(inbox, *(an_event("1", key, occurred_at=NOON) for key in keys))
        assert [each.job_id for each in claimed(inbox).events] == [each.job_id for each in reversed(batch)]

    def test_manual_syncs_are_claimed_one_by_one_and_apart(self, inbox: Inbox) -> None:
        one, two, event = store(inbox, a_sync("one"), a_sync("two"), an_event())
        assert ids_of(inbox.claim("hotel")) == [event.job_id]
        assert ids_of(inbox.claim("hotel", manual=True)) == [one.job_id]
        assert ids_of(inbox.claim("hotel", manual=True)) == [two.job_id]
        assert inbox.claim("hotel", manual=True) is None

    def test_equal_manual_syncs_that_wait_are_one(self, inbox: Inbox, clock: Clock, engine: sa.Engine) -> None:
        one, again, other, of_another_flow, event = store(
            inbox, a_sync("x"), a_sync("x"), a_sync("y"), a_sync("x", flow="partners"), an_event()
        )
        assert (again.job_id, again.new) == (one.job_id, False)
        assert len({one.job_id, other.job_id, of_another_flow.job_id, event.job_id}) == 4
        clock.move(SECOND)
        [later] = store(inbox, a_sync("x"))
        assert (later.job_id, later.outcome(a_sync("x"))) == (one.job_id, "repeated")
        assert column(engine, "deliveries") == [3, 1, 1, 1]

    def test_one_that_comes_while_a_run_is_at_its_equal_is_another(self, inbox: Inbox) -> None:
        [one] = store(inbox, a_sync("x"))
        claim = claimed(inbox, manual=True)
        [two] = store(inbox, a_sync("x"))
        inbox.begin(claim.id, "run-1")
        inbox.acknowledge(claim.id)
        assert two.new
        assert ids_of(inbox.claim("hotel", manual=True)) == [two.job_id] != [one.job_id]

    def test_one_that_has_failed_is_tried_at_once_when_its_equal_comes(self, inbox: Inbox) -> None:
        [one] = store(inbox, a_sync("x"))
        claim = claimed(inbox, manual=True)
        inbox.begin(claim.id, "run-1")
        inbox.fail(claim.id, "run_failed")
        assert inbox.claim("hotel", manual=True) is None
        [again] = store(inbox, a_sync("x"))
        assert again.job_id == one.job_id
        assert ids_of(inbox.claim("hotel", manual=True)) == [one.job_id]

    def test_the_number_of_manual_syncs_that_wait_is_limited_for_each_integration(self, inbox: Inbox) -> None:
        syncs = [a_sync(str(number), flow=f"flow{number % 3}") for number in range(MOST_WAITING_SYNCS + 1)]
        *kept, last = store(inbox, *syncs)
        assert all(each.new for each in kept)
        assert (last.too_many, last.new, last.outcome(syncs[-1])) == (True, False, "too_many_syncs")
        assert not store(inbox, syncs[5])[0].too_many  # an equal one waits
        assert store(inbox, an_event())[0].new
        assert store(inbox, a_sync("1", integration="inn"))[0].new
        assert claimed(inbox, manual=True)
        assert store(inbox, syncs[-1])[0].new

    def test_receivers_that_get_equal_ones_at_the_same_time_store_one(self, inbox: Inbox) -> None:
        with ThreadPoolExecutor(8) as threads:
            stored = list(threads.map(lambda _: store(inbox, an_event("7", "id:a"), a_sync("x"))[1], range(40)))
        assert len({each.job_id for each in stored}) == 1
        assert sum(each.new for each in stored) == 1

    def test_a_claim_looks_at_no_more_rows_than_it_takes(self, inbox: Inbox, engine: sa.Engine) -> None:
        """Whatever the backlog and the past, indexes lead to what is due: no plan reads all rows, or sorts them."""
        store(inbox, an_event())
        due = inbox_module._due("hotel", NOON, 500).compile(engine, compile_kwargs={"literal_binds": True})
        with engine.begin() as connection:
            connection.execute(sa.text(MANY_MORE))
            connection.execute(sa.text("analyze odoo_pipelines.webhook_event"))
            plan = "\n".join(connection.exec_driver_sql(f"explain {due}").scalars())
        assert {"webhook_event_waiting", "webhook_event_by_record"} <= set(plan.split())
        assert "Seq Scan on webhook_event" not in plan


class TestLeases:
    def test_a_claim_that_no_run_took_up_ends_without_a_trace(self, inbox: Inbox, clock: Clock) -> None:
        store(inbox, an_event())
        for _ in range(5):
            first = claimed(inbox)
            clock.move(LEASE + SECOND)
        assert inbox.begin(claimed(inbox).id, "run-1") is not None
        assert inbox.begin(first.id, "run-0") is None

    def test_a_claim_whose_run_died_counts_as_a_failure(self, inbox: Inbox, clock: Clock, engine: sa.Engine) -> None:
        (stored,) = store(inbox, an_event())
        begun(inbox)
        clock.move(LEASE + SECOND)
        assert inbox.claim("hotel") is None
        assert state_of(engine, stored) == ("failed", "lease_expired")
        clock.move(PAUSES[0])
        assert ids_of(inbox.claim("hotel")) == [stored.job_id]

    def test_a_run_begins_with_a_new_lease_and_can_renew_it(self, inbox: Inbox, clock: Clock) -> None:
        store(inbox, an_event())
        claim = claimed(inbox)
        clock.move(LEASE - SECOND)
        assert inbox.begin(claim.id, "run-1") is not None
        for _ in range(3):
            clock.move(LEASE - SECOND)
            assert inbox.claim("hotel") is None
            assert inbox.renew(claim.id)
        clock.move(LEASE + SECOND)
        inbox.claim("hotel")
        assert not inbox.renew(claim.id)

    def test_a_run_that_lost_its_claim_can_neither_acknowledge_nor_fail_it(
        self, inbox: Inbox, clock: Clock, engine: sa.Engine
    ) -> None:
        (stored,) = store(inbox, an_event())
        lost = begun(inbox)
        clock.move(LEASE + SECOND)
        inbox.claim("hotel")
        clock.move(PAUSES[0])
        begun(inbox, "run-2")
        assert (inbox.acknowledge(lost.id), inbox.fail(lost.id, "late")) == (0, 0)
        assert state_of(engine, stored)[0] == "claimed"

    def test_a_run_that_begins_twice_has_tried_once(self, inbox: Inbox, engine: sa.Engine) -> None:
        store(inbox, an_event())
        claim = begun(inbox)
        inbox.begin(claim.id, "run-1")
        assert rows_of(engine, "select attempts from odoo_pipelines.webhook_event") == [{"attempts": 1}]


class TestOutcomes:
    def test_what_is_acknowledged_is_done(self, inbox: Inbox, engine: sa.Engine) -> None:
        one, two = store(inbox, an_event("1"), an_event("2"))
        claim = begun(inbox)
        assert inbox.acknowledge(claim.id, [one.job_id]) == 1
        assert (state_of(engine, one)[0], state_of(engine, two)[0]) == ("done", "claimed")
        assert inbox.acknowledge(claim.id) == 1
        assert inbox.states("hotel") == {"done": 2}

    def test_what_fails_comes_back_after_pauses_and_is_dead_after_three_attempts_in_a_day(
        self, inbox: Inbox, clock: Clock, engine: sa.Engine
    ) -> None:
        (stored,) = store(inbox, an_event())
        started = clock.now
        for attempt, pause in enumerate(PAUSES):
            assert inbox.fail(begun(inbox, f"run-{attempt}").id, "odoo") == 1
            assert state_of(engine, stored) == ("failed", "odoo")
            clock.move(pause - SECOND)
            assert inbox.claim("hotel") is None
            clock.move(SECOND)
        inbox.fail(begun(inbox, "run-9").id, "odoo")
        assert state_of(engine, stored) == ("dead", "odoo")
        assert clock.now - started < timedelta(hours=24)
        clock.move(timedelta(days=365))
        assert inbox.claim("hotel") is None

    def test_a_redelivery_of_a_known_event_is_not_done_again(self, inbox: Inbox, engine: sa.Engine) -> None:
        (stored,) = store(inbox, an_event(key="id:a"))
        inbox.acknowledge(begun(inbox).id)
        store(inbox, an_event(key="id:a"))
        assert state_of(engine, stored)[0] == "done"

    def test_equal_content_without_an_id_may_be_a_second_change_and_is_done_again(
        self, inbox: Inbox, engine: sa.Engine
    ) -> None:
        (stored,) = store(inbox, an_event(key="sha256:a"))
        inbox.acknowledge(begun(inbox).id)
        (again,) = store(inbox, an_event(key="sha256:a"))
        assert again == Stored(stored.job_id, new=False)
        assert state_of(engine, stored)[0] == "pending"

    def test_also_if_it_comes_while_a_run_is_at_it(self, inbox: Inbox, clock: Clock, engine: sa.Engine) -> None:
        (stored,) = store(inbox, an_event(key="sha256:a"))
        claim = begun(inbox)
        clock.move(SECOND)
        store(inbox, an_event(key="sha256:a"))
        inbox.acknowledge(claim.id)
        assert state_of(engine, stored)[0] == "pending"
        inbox.acknowledge(begun(inbox).id)
        assert state_of(engine, stored)[0] == "done"


class TestReplay:
    def test_dead_events_can_be_replayed(self, inbox: Inbox, clock: Clock, engine: sa.Engine) -> None:
        (stored,) = store(inbox, an_event())
        for pause in (*PAUSES, SECOND):
            inbox.fail(begun(inbox, f"run-{pause}").id, "odoo")
            clock.move(pause)
        assert state_of(engine, stored)[0] == "dead"
        assert inbox.replay(EventFilter("motel")) == 0
        assert inbox.replay(EventFilter("hotel")) == 1
        inbox.fail(begun(inbox, "run-x").id, "odoo")
        assert state_of(engine, stored)[0] == "failed"

    def test_a_day_can_be_replayed_whatever_became_of_it(self, inbox: Inbox, clock: Clock) -> None:
        (before,) = store(inbox, an_event("1"))
        clock.move(timedelta(days=1))
        (on_the_day, ignored) = store(
            inbox, an_event("2"), an_event("", entity="", state="done", reason="unknown_type")
        )
        inbox.acknowledge(begun(inbox).id)
        day = EventFilter("hotel", states=None, received_from=clock.now, received_until=clock.now + timedelta(days=1))
        assert inbox.replay(day) == 1
        assert ids_of(inbox.claim("hotel")) == [on_the_day.job_id]
        assert inbox.replay(EventFilter("hotel", states=None, job_ids=[before.job_id, ignored.job_id])) == 1

    def test_what_a_run_is_at_is_left_alone(self, inbox: Inbox) -> None:
        store(inbox, an_event())
        begun(inbox)
        assert inbox.replay(EventFilter("hotel", states=None)) == 0


class TestDiscard:
    def test_what_waits_or_is_dead_can_be_given_up_and_stays_visible_until_retention(
        self, inbox: Inbox, clock: Clock, engine: sa.Engine
    ) -> None:
        store(inbox, an_event("1"))
        claim = begun(inbox)
        inbox.fail(claim.id, "run_failed")
        store(inbox, an_event("2", state="dead", reason="given_up"), an_event("3"), a_sync("x"), an_event("4"))
        inbox.acknowledge(claimed(inbox, limit=1).id)
        wanted = EventFilter("hotel", ("pending", "failed", "dead"))
        assert (inbox.discardable(wanted), inbox.discard(wanted), inbox.discard(wanted)) == (4, 4, 0)
        assert (inbox.claim("hotel"), inbox.claim("hotel", manual=True)) == (None, None)
        assert inbox.states("hotel") == {"done": 5}
        assert sorted(column(engine, "reason")) == ["", *["discarded"] * 4]
        clock.move(timedelta(days=1))
        assert inbox.claim("hotel") is None
        assert inbox.purge(clock.now) == 5

    def test_what_a_run_is_at_and_what_is_done_is_left_alone(self, inbox: Inbox) -> None:
        store(inbox, an_event("1"))
        inbox.acknowledge(begun(inbox).id)
        [held] = store(inbox, an_event("2"))
        claim = begun(inbox)
        assert inbox.discard(EventFilter("hotel", None)) == 0
        assert inbox.discard(EventFilter("hotel", None, job_ids=[held.job_id])) == 0
        assert inbox.acknowledge(claim.id) == 1

    def test_others_are_left_alone(self, inbox: Inbox) -> None:
        one, two, _ = store(inbox, an_event("1"), an_event("2"), an_event("3", integration="inn"))
        assert inbox.discard(EventFilter("hotel", ("pending",), job_ids=[one.job_id])) == 1
        assert inbox.states("inn") == {"pending": 1}
        assert ids_of(inbox.claim("hotel")) == [two.job_id]

    def test_what_is_known_by_its_content_is_done_if_it_comes_again(self, inbox: Inbox) -> None:
        [one] = store(inbox, an_event("1", "sha256:a"))
        inbox.discard(EventFilter("hotel", ("pending",)))
        store(inbox, an_event("1", "sha256:a"))
        assert ids_of(inbox.claim("hotel")) == [one.job_id]

    def test_it_can_be_replayed(self, inbox: Inbox) -> None:
        [one] = store(inbox, an_event("1"))
        inbox.discard(EventFilter("hotel", ("pending",)))
        assert inbox.replay(EventFilter("hotel", None, job_ids=[one.job_id])) == 1
        assert ids_of(inbox.claim("hotel")) == [one.job_id]


def test_readiness_tells_what_waits_and_since_when(inbox: Inbox, clock: Clock) -> None:
    assert (inbox.waiting().count, inbox.waiting().oldest_seconds) == (0, 0.0)
    store(inbox, an_event("1"))
    clock.move(timedelta(seconds=90))
    store(inbox, an_event("2", integration="motel"))
    assert (inbox.waiting().count, inbox.waiting().oldest_seconds) == (2, 90.0)
    begun(inbox)
    assert (inbox.waiting().count, inbox.waiting().oldest_seconds) == (1, 0.0)


def test_what_was_done_or_is_dead_is_removed_in_time(inbox: Inbox, clock: Clock, engine: sa.Engine) -> None:
    store(inbox, an_event("1"))
    inbox.acknowledge(begun(inbox).id)
    store(inbox, an_event("2"), an_event("", entity="", state="dead", reason="no_record"))
    assert inbox.purge(clock.now) == 0
    clock.move(timedelta(days=40))
    assert inbox.purge(clock.now - timedelta(days=30)) == 2
    assert inbox.states("hotel") == {"pending": 1}
    assert rows_of(engine, "select * from odoo_pipelines.webhook_count") == []

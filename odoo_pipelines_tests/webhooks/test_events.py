"""Events: the envelope in all its forms, strict JSON, and which record an event names."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo_pipelines.stores.inbox_rows import NewEvent
from odoo_pipelines.systems import get_system
from odoo_pipelines.webhooks.events import MOST_EVENTS, NO_RECORD, UNKNOWN_TYPE, new_event, new_events, read_event
from odoo_pipelines.webhooks.refusals import NO_EVENT_TYPE, NOT_JSON, TOO_MANY_EVENTS, Refusal, RefusedError

EVENTS = get_system("pms").events
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def stored(event: Any, message_id: str | None = None) -> NewEvent:
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return new_event("hotel", EVENTS, body, message_id)


def refusal(body: bytes) -> Refusal:
    with pytest.raises(RefusedError) as caught:
        read_event(body)
    return caught.value.refusal


def record_of(event: Any) -> tuple[str, str]:
    found = stored(event)
    return found.entity, found.external_id


class TestEnvelope:
    def test_an_event_of_the_contract(self) -> None:
        data = {"id": "bk_7", "status": "confirmed"}
        event = stored(
            {"id": "e1", "event_type": "booking.created", "occurred_at": "2026-05-01T10:00:00Z", "data": data}
        )
        assert (event.event_key, event.event_type, event.state) == ("id:e1", "booking.created", "pending")
        assert (event.entity, event.external_id) == ("booking", "bk_7")
        assert event.occurred_at == datetime(2026, 5, 1, 10, tzinfo=UTC)
        assert json.loads(event.body)["data"] == data

    def test_older_installations_name_the_type_event_and_put_the_fields_at_the_top(self) -> None:
        event = stored({"event": "booking.updated", "id": 7, "status": "confirmed"})
        assert (event.event_type, event.entity, event.external_id) == ("booking.updated", "booking", "7")

    def test_at_the_top_the_id_is_the_records_so_each_change_is_an_event_of_its_own(self) -> None:
        first = stored({"event": "booking.updated", "id": 7, "status": "confirmed"})
        second = stored({"event": "booking.updated", "id": 7, "status": "cancelled"})
        assert first.event_key != second.event_key
        assert first.event_key.startswith("sha256:")

    def test_without_an_id_the_content_tells_events_apart(self) -> None:
        body = b'{"event_type": "booking.updated", "data": {"id": 7}}'
        assert stored(body).event_key == "sha256:" + hashlib.sha256(body).hexdigest()

    def test_a_signed_message_id_stands_for_an_id_that_the_body_lacks(self) -> None:
        event = {"event_type": "booking.updated", "data": {"id": 7}}
        assert stored(event, "msg_1").event_key == "id:msg_1"
        assert stored({**event, "id": "e1"}, "msg_1").event_key == "id:e1"

    @pytest.mark.parametrize("event_id", [{"a": 1}, ["e1"], True, None, "", " ", 1.5, "x" * 256, "e\0", "\ud800"])
    def test_an_id_that_is_none_is_passed_over(self, event_id: object) -> None:
        event = {"id": event_id, "event_type": "booking.updated", "data": {"id": 7}}
        assert stored(event).event_key.startswith("sha256:")

    def test_a_number_is_an_id_like_its_text(self) -> None:
        events = [{"id": each, "event_type": "booking.updated", "data": {"id": 7}} for each in (9, "9")]
        assert [stored(each).event_key for each in events] == ["id:9", "id:9"]

    @pytest.mark.parametrize(
        "occurred_at", ["yesterday", 5, None, {}, "9999-99-99T00:00:00Z", "0001-01-01T00:00:00+14:00"]
    )
    def test_a_time_that_cannot_be_read_is_left_out(self, occurred_at: object) -> None:
        event = {"event_type": "booking.updated", "occurred_at": occurred_at, "data": {"id": 7}}
        assert stored(event).occurred_at is None

    @pytest.mark.parametrize("value", [None, "", "  ", 5, ["booking.updated"], {}, "x" * 101, "booking\0", "\ud800"])
    def test_without_a_type_it_is_refused(self, value: object) -> None:
        assert refusal(json.dumps({"event_type": value, "data": {"id": 7}}).encode()) is NO_EVENT_TYPE

    def test_of_both_names_the_one_that_can_be_read_counts(self) -> None:
        assert stored({"event_type": None, "event": "booking.updated", "id": 7}).event_type == "booking.updated"
        assert stored({"event_type": "booking.created", "event": "x", "id": 7}).event_type == "booking.created"


class TestRecords:
    @pytest.mark.parametrize("event_type", ["booking.created", "booking.updated", "booking.cancelled"])
    @pytest.mark.parametrize("external_id", [7, "7", " 7 "])
    def test_events_of_bookings_name_a_booking(self, event_type: str, external_id: object) -> None:
        assert record_of({"event_type": event_type, "data": {"id": external_id}}) == ("booking", "7")

    def test_a_payment_is_known_by_its_id_and_names_its_booking(self) -> None:
        data = {"id": 3, "booking_id": 7, "transaction_id": "tx-1"}
        assert EVENTS["payment.received"](data) == (("payment", "3"), ("booking", "7"))
        assert record_of({"event_type": "payment.received", "data": data}) == ("payment", "3")

    def test_a_payment_without_an_id_is_known_by_its_transaction_and_its_booking(self) -> None:
        data = {"booking_id": 7, "transaction_id": "tx-1"}
        assert record_of({"event_type": "payment.received", "data": data}) == ("payment", "booking:7/tx-1")

    def test_a_payment_without_either_still_names_its_booking(self) -> None:
        assert record_of({"event_type": "payment.received", "data": {"booking_id": 7}}) == ("booking", "7")

    def test_an_unknown_type_is_kept_and_nothing_is_to_be_done(self) -> None:
        event = stored({"id": "e1", "event_type": "room.painted", "data": {"id": 7}})
        assert (event.state, event.reason, event.entity) == ("done", UNKNOWN_TYPE, "")

    @pytest.mark.parametrize("data", [{}, {"id": None}, {"id": {}}, {"id": [7]}, {"id": True}, [], "7", None])
    def test_an_event_that_names_no_record_is_kept_for_a_person(self, data: object) -> None:
        event = stored({"event_type": "booking.updated", "data": data})
        assert (event.state, event.reason) == ("dead", NO_RECORD)

    @pytest.mark.parametrize("data", ["W-1", None, 7, True, [], [{"id": 7}], ["W-1"], {}])
    @pytest.mark.parametrize("event_type", ["booking.updated", "payment.received"])
    def test_fields_beside_data_are_the_events_own_and_never_a_records(self, event_type: str, data: object) -> None:
        event = stored({"id": "W-1", "event_type": event_type, "transaction_id": "t", "booking_id": 7, "data": data})
        assert (event.state, event.reason, event.event_key) == ("dead", NO_RECORD, "id:W-1")


class TestJson:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b" ",
            b"nonsense",
            b"{",
            b'{"event_type": "a"} x',
            b'{"event_type": "a", "event_type": "b"}',
            b'{"event_type": "a", "data": {"id": 1, "id": 2}}',
            b'{"event_type": "a", "n": NaN}',
            b'{"event_type": "a", "n": -Infinity}',
            b'{"event_type": "a", "n": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
            b'{"data":' * 10_000 + b"1" + b"}" * 10_000,
            b'{"event_type": "\xff"}',
            b'{"event_type": "a\nb"}',
            '{"event_type": "a"}'.encode("utf-16"),
            b"\xef\xbb\xbf\xef\xbb\xbf{}",
        ],
        ids=lambda body: repr(body[:40]),
    )
    def test_what_is_no_strict_json_is_refused(self, body: bytes) -> None:
        assert refusal(body) is NOT_JSON

    @pytest.mark.parametrize("number", ["9" * 5_000, "1e999"])
    def test_a_number_that_python_cannot_hold_costs_nothing_else(self, number: str) -> None:
        body = f'{{"event_type": "booking.updated", "data": {{"id": 7, "total_amount": {number}}}}}'.encode()
        assert (stored(body).external_id, stored(body).body) == ("7", body.decode())
        named = f'{{"event_type": "booking.updated", "data": {{"id": {number}}}}}'.encode()
        assert (stored(named).state, stored(named).reason) == ("dead", NO_RECORD)

    @pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"event_type"', b"[" + b'{"event_type": "a"}' + b"]"])
    def test_anything_but_an_object_is_refused(self, body: bytes) -> None:
        assert refusal(body) is NOT_JSON

    def test_a_byte_order_mark_is_left_out(self) -> None:
        event = stored(b'\xef\xbb\xbf{"event_type": "booking.updated", "data": {"id": 7}}')
        assert (event.external_id, event.body[0]) == ("7", "{")

    def test_the_body_is_kept_as_it_came(self) -> None:
        body = b'{"event_type":"booking.updated", "data":{"id":7,"total_amount":1.10, "n":"\\ud800 \\u0000"}}'
        assert stored(body).body == body.decode()

    @settings(max_examples=50)
    @given(JSON)
    def test_any_json_is_an_event_or_refused(self, content: Any) -> None:
        self.is_understood(json.dumps(content).encode())

    @settings(max_examples=50)
    @given(
        st.fixed_dictionaries({}, optional=dict.fromkeys(["id", "event", "event_type", "occurred_at", "data"], JSON))
    )
    def test_so_is_any_envelope(self, content: dict[str, Any]) -> None:
        self.is_understood(json.dumps({**content, "event_type": "payment.received"}).encode())

    @given(st.binary())
    def test_so_are_any_bytes(self, body: bytes) -> None:
        self.is_understood(body)

    def is_understood(self, body: bytes) -> None:
        try:
            event = stored(body)
        except RefusedError as error:
            assert error.refusal in (NOT_JSON, NO_EVENT_TYPE)  # noqa: PT017
        else:
            assert event.body == body.removeprefix(b"\xef\xbb\xbf").decode()
            assert event.event_key
            assert (event.state == "pending") == bool(event.entity)


def booking(number: int, **more: Any) -> dict[str, Any]:
    return {"event_type": "booking.updated", "data": {"id": number}, **more}


def batch(content: Any, message_id: str | None = None) -> tuple[NewEvent, ...]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    delivery = new_events("hotel", EVENTS, body, message_id, signed=True)
    assert delivery.is_batch
    return delivery.events


class TestBatches:
    @pytest.mark.parametrize("named", [None, "Events", "events", "EVENTS", "eVents"])
    def test_a_list_of_events_is_read_in_its_order_under_any_spelling(self, named: str | None) -> None:
        events = [booking(7, id="e1"), booking(8, id="e2"), booking(7, id="e0")]
        found = batch(events if named is None else {"Count": 3, named: events, "More": {"Events": []}})
        assert [(each.event_key, each.external_id) for each in found] == [
            ("id:e1", "7"),
            ("id:e2", "8"),
            ("id:e0", "7"),
        ]
        assert all(each.signed and each.state == "pending" for each in found)

    def test_a_batch_of_one_is_a_batch(self) -> None:
        assert len(batch([booking(7)])) == 1

    def test_an_event_of_its_own_is_none(self) -> None:
        assert not new_events("hotel", EVENTS, json.dumps(booking(7)).encode()).is_batch

    def test_an_event_may_have_a_field_of_that_name(self) -> None:
        body = {"event": "booking.updated", "id": 7, "events": [{"event": "booking.created", "id": 7}]}
        delivery = new_events("hotel", EVENTS, json.dumps(body).encode())
        assert (delivery.is_batch, [each.external_id for each in delivery.events]) == (False, ["7"])

    def test_a_batch_may_have_a_type_of_its_own(self) -> None:
        assert len(batch({"event_type": "batch", "events": [booking(7), booking(8)]})) == 2

    def test_each_event_is_kept_as_it_came(self) -> None:
        texts = [
            '{"event_type":"booking.updated",  "data":{"id":7,"total_amount":1.10, "n":"\\ud800 \\u0000 \u00e9 ],[{"}}',
            '{ "event" : "booking.updated","id":8,"x":1e400 }',
        ]
        for body in (" [ %s ,\n%s\t] ", '\ufeff{"a": [{}], "b": "]", "Events" :[%s,%s], "c": 0}'):
            found = batch((body % tuple(texts)).encode())
            assert [each.body for each in found] == texts

    def test_without_ids_the_content_tells_events_apart_and_is_the_same_when_the_batch_comes_again(self) -> None:
        first, again = (batch([booking(7), booking(8), booking(7, occurred_at="2026-05-01")]) for _ in range(2))
        keys = [each.event_key for each in first]
        assert keys == [each.event_key for each in again]
        assert len(set(keys)) == 3
        assert all(key.startswith("sha256:") for key in keys)

    def test_a_signed_message_id_stands_for_the_ids_with_the_places_behind_it(self) -> None:
        found = batch([booking(7), booking(8, id="e8"), booking(7)], "msg_1")
        assert [each.event_key for each in found] == ["id:msg_1/0", "id:e8", "id:msg_1/2"]

    def test_an_id_that_occurs_twice_with_other_contents_loses_none_of_them(self) -> None:
        found = batch([booking(7, id="e1"), booking(8, id="e1"), booking(7, id="e1")])
        assert [each.external_id for each in found] == ["7", "8", "7"]
        assert found[0].event_key == found[2].event_key == "id:e1"
        assert found[1].event_key.startswith("sha256:")

    def test_events_that_name_nothing_and_unknown_ones_are_kept_as_if_they_had_come_alone(self) -> None:
        found = batch([booking(7), {"event_type": "booking.updated", "data": None}, {"event_type": "room.painted"}])
        assert [(each.state, each.reason) for each in found] == [
            ("pending", ""),
            ("dead", NO_RECORD),
            ("done", UNKNOWN_TYPE),
        ]

    @pytest.mark.parametrize(
        ("bad", "kind", "message"),
        [
            (7, NOT_JSON, "not a JSON object"),
            (None, NOT_JSON, "not a JSON object"),
            ([booking(8)], NOT_JSON, "not a JSON object"),
            ({}, NO_EVENT_TYPE, "no event type"),
            ({"event_type": "x" * 101}, NO_EVENT_TYPE, "no event type"),
        ],
    )
    @pytest.mark.parametrize("envelope", [False, True])
    def test_one_bad_event_refuses_all_of_them_and_is_named(
        self, *, bad: object, kind: Refusal, message: str, envelope: bool
    ) -> None:
        events = [booking(7), booking(8), bad, booking(9)]
        with pytest.raises(RefusedError) as caught:
            batch({"Events": events} if envelope else events)
        refused = caught.value.refusal
        assert (refused.outcome, refused.status) == (kind.outcome, 400)
        assert (
            f"event 2 of the batch, counted from 0: the body {'is' if kind is NOT_JSON else 'has'}" in refused.message
        )
        assert message in refused.message
        assert "nothing of it is stored" in refused.message

    @pytest.mark.parametrize("body", [b"[]", b" [ ] ", b'{"Events": []}'])
    def test_a_batch_of_none_is_refused(self, body: bytes) -> None:
        with pytest.raises(RefusedError) as caught:
            batch(body)
        assert caught.value.refusal is NO_EVENT_TYPE

    @pytest.mark.parametrize(
        "body",
        [
            b'[{"event_type": "booking.updated", "data": {"id": 7}}, {"event_type": "booking',
            b'[{"event_type": "a", "event_type": "b"}]',
            b'[{"event_type": "a", "n": NaN}]',
            b'{"Events": [{"event_type": "a"}], "events": [{"event_type": "b"}]}',
            b"[" * 100_000,
            b'{"Events": [{"event_type": "\xff"}]}',
        ],
        ids=lambda body: repr(body[:40]),
    )
    def test_what_is_no_strict_json_is_refused(self, body: bytes) -> None:
        with pytest.raises(RefusedError) as caught:
            batch(body)
        assert caught.value.refusal.outcome == NOT_JSON.outcome

    def test_the_number_of_events_is_limited(self) -> None:
        assert len(batch([booking(number) for number in range(MOST_EVENTS)])) == MOST_EVENTS
        with pytest.raises(RefusedError) as caught:
            batch([booking(number) for number in range(MOST_EVENTS + 1)])
        assert caught.value.refusal is TOO_MANY_EVENTS

    @settings(max_examples=50)
    @given(
        st.lists(st.fixed_dictionaries({"event_type": st.just("booking.updated")}, optional={"data": JSON, "id": JSON}))
    )
    def test_any_batch_is_understood_or_refused_as_a_whole(self, content: list[dict[str, Any]]) -> None:
        body = json.dumps({"Events": content}).encode()
        try:
            found = batch(body)
        except RefusedError as error:
            assert error.refusal.outcome in (NOT_JSON.outcome, NO_EVENT_TYPE.outcome)  # noqa: PT017
        else:
            assert [json.loads(each.body) for each in found] == json.loads(body)["Events"]

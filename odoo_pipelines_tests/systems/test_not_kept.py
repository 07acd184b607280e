"""Fields that are not kept are gone before anything is stored; names that would do nothing are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.not_kept import NotKept, problems_of
from odoo_pipelines_tests.defs.stage import INTEGRATION, Stage
from odoo_pipelines_tests.webhooks.site import MemoryStore, a_hotel, post, served

RULES = NotKept(
    ["guest.document_number", "guest.address.street", "booking.special_requests", "booking.rooms.room_number"]
)
PERSON = {"id": 7, "last_name": "Berg", "document_number": "X-4711"}


@pytest.mark.parametrize(
    ("payload", "entity", "expected"),
    [
        (PERSON, "guest", {"id": 7, "last_name": "Berg"}),
        ({"id": 1, "guest": PERSON}, "booking", {"id": 1, "guest": {"id": 7, "last_name": "Berg"}}),
        ({"rooms": [{"guests": [PERSON]}]}, "booking", {"rooms": [{"guests": [{"id": 7, "last_name": "Berg"}]}]}),
        ({"address": {"street": "A", "city": "B"}}, "guest", {"address": {"city": "B"}}),
        ({"rooms": [{"id": 1, "room_number": "12"}]}, "booking", {"rooms": [{"id": 1}]}),
        ({"special_requests": "quiet", "document_number": "1"}, "booking", {"document_number": "1"}),
        ({"special_requests": "quiet", "document_number": "1"}, "", {}),
        ("no object", "guest", "no object"),
        ({"address": None, "guest": "7"}, "guest", {"address": None, "guest": "7"}),
    ],
)
def test_a_field_goes_wherever_its_record_is(payload: Any, entity: str, expected: Any) -> None:
    before = json.dumps(payload)
    assert RULES.without(payload, entity) == expected
    assert json.dumps(payload) == before


def test_without_rules_the_payload_is_the_same_object() -> None:
    payload = {"guest": PERSON}
    assert NotKept([]).without(payload, "booking") is payload


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("guest.document_number", None),
        ("booking.guest.document_number", None),
        ("booking.rooms.room_number", None),
        ("guest.adress.street", "there is no field 'adress'; there are: "),
        ("guest.email.domain", "there is no field 'domain' in a single value"),
        ("person.email", "there is no record 'person'; there are: booking"),
        ("guest.id", "a record cannot do without it"),
        ("booking.updated_at", "a record cannot do without it"),
        ("guest", "a record cannot do without it"),
    ],
)
def test_names_are_held_against_the_payloads(field: str, told: str | None) -> None:
    found = list(problems_of([field], get_system("pms")))
    assert len(found) == (told is not None)
    assert told is None or told in found[0]


def test_no_batch_of_a_sync_holds_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: sa.Engine, instance: Any
) -> None:
    from odoo_pipelines_tests.command_line import staged_folder  # noqa: PLC0415

    with staged_folder(monkeypatch, tmp_path, engine, instance) as stage:
        set_not_kept(stage, tmp_path, monkeypatch)
        assert stage.sync("full").success
        store = BatchStore(tmp_path / "data")
        for name in ("guests", "bookings"):
            texts = [row["payload"] for batch in stage.batches("external", name) for row in rows(store, batch.path)]
            assert texts
            assert not [text for text in texts if '"email"' in text or '"special_requests"' in text]


def set_not_kept(stage: Stage, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = INTEGRATION % stage.integration.history_start
    (folder / "not-kept.yaml").write_text(text + "    not_kept: [guest.email, booking.special_requests]\n")
    monkeypatch.setenv("ODOO_PIPELINES_CONFIG", str(folder / "not-kept.yaml"))


def rows(store: BatchStore, path: str) -> list[dict[str, Any]]:
    return [row for group in store.groups(path) for row in group.to_pylist()]


def test_no_event_holds_them_and_what_is_left_is_as_it_was() -> None:
    store = MemoryStore()
    event = {"id": "e1", "event_type": "booking.updated", "data": {"id": 7, "guest": PERSON, "total_amount": 10.5}}
    with served(store, a_hotel(not_kept=["guest.document_number"])) as url:
        assert post(url, event).status_code == 200
        assert post(url, {**event, "id": "e2", "event_type": "unheard.of", "data": PERSON}).status_code == 200
    known, unknown = (json.loads(each.body) for each in store.events.values())
    assert known == {**event, "data": {"id": 7, "guest": {"id": 7, "last_name": "Berg"}, "total_amount": 10.5}}
    assert unknown["data"] == {"id": 7, "last_name": "Berg"}

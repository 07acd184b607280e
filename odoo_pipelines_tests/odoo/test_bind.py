from __future__ import annotations

import pytest

from odoo_pipelines.engine.destination import Found
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD, sync_key, xmlid
from odoo_pipelines.engine.rows import Doubt, ResolvedRow
from odoo_pipelines.odoo.bind import Binder
from odoo_pipelines.systems.base import MappedRow
from odoo_pipelines.systems.pms.targets import PARTNER, PRODUCT
from odoo_pipelines.systems.policies import AdoptPolicy
from odoo_pipelines.systems.records import Record
from odoo_pipelines.systems.targets import Target
from odoo_pipelines_tests.engine.claims import RowClaims
from odoo_pipelines_tests.engine.memory import MemoryState
from odoo_pipelines_tests.engine.sales import INTEGRATION, SalesOdoo


@pytest.fixture
def odoo() -> SalesOdoo:
    return SalesOdoo()


@pytest.fixture
def binder(odoo: SalesOdoo) -> Binder:
    return binder_of(odoo)


def binder_of(odoo: SalesOdoo, target: Target = PARTNER, state: MemoryState | None = None) -> Binder:
    return Binder(
        INTEGRATION,
        odoo,
        target,
        state or MemoryState(),
        claims=RowClaims(),
        adopt=AdoptPolicy.NAME_AND_ADDRESS,
        archivable=True,
    )


def row(external_id: str, name: str = "Ann Lee", **values: str) -> ResolvedRow:
    values = {"name": name, **values}
    key = sync_key(INTEGRATION, "guest", external_id)
    return ResolvedRow(
        MappedRow("guest", external_id, None, {**values}), key, {**values, SYNC_KEY_FIELD: key}, None, (), {}
    )


def contact(odoo: SalesOdoo, name: str = "Ann Lee", *, key: str = "", active: bool = True, **values: str) -> int:
    return odoo.seed("res.partner", name=name, active=active, **{SYNC_KEY_FIELD: key or False}, **values)


def ids(found: Found) -> dict[str, int]:
    assert not found.undecidable, found.undecidable
    return {key.rpartition(".")[2]: odoo_id for key, odoo_id in found.ids.items()}


def test_no_rows_ask_nothing(odoo: SalesOdoo, binder: Binder) -> None:
    assert binder.find([]) == Found({}, {})
    assert odoo.calls == []


@pytest.mark.parametrize("active", [True, False])
def test_a_record_with_the_sync_key_is_found_even_if_it_is_archived(
    odoo: SalesOdoo, binder: Binder, *, active: bool
) -> None:
    known = contact(odoo, key="hotel.guest.1", active=active)

    assert ids(binder.find([row("1"), row("2")])) == {"1": known}


def test_the_sync_key_counts_more_than_a_match(odoo: SalesOdoo, binder: Binder) -> None:
    contact(odoo, email="a@example.com")
    known = contact(odoo, key="hotel.guest.1")

    assert ids(binder.find([row("1", email="a@example.com")])) == {"1": known}


def test_two_records_with_one_sync_key_are_for_a_human_to_decide(odoo: SalesOdoo, binder: Binder) -> None:
    twins = [contact(odoo, key="hotel.guest.1") for _ in range(2)]

    found = binder.find([row("1")])

    assert found.ids == {}
    assert found.undecidable["hotel.guest.1"].code == "ambiguous_match"
    assert str(twins) in found.undecidable["hotel.guest.1"].reason


def test_a_record_without_a_key_is_adopted_by_e_mail_or_by_phone(odoo: SalesOdoo, binder: Binder) -> None:
    by_email = contact(odoo, email="A@Example.com")
    by_phone = contact(odoo, "Bo Lee", phone="+43 660 1")

    found = binder.find([row("1", email="a@example.com"), row("2", "Bo Lee", phone="+436601"), row("3")])

    assert ids(found) == {"1": by_email, "2": by_phone}
    assert found.adopted == {"hotel.guest.1", "hotel.guest.2"}


def test_a_record_of_another_row_or_integration_is_no_candidate(odoo: SalesOdoo, binder: Binder) -> None:
    contact(odoo, key="other.guest.1", email="a@example.com")

    assert ids(binder.find([row("1", email="a@example.com")])) == {}


def test_empty_values_match_nothing(odoo: SalesOdoo, binder: Binder) -> None:
    contact(odoo)
    contact(odoo, email="")

    assert ids(binder.find([row("1"), row("2", email="", phone="")])) == {}


def test_a_match_of_another_entity_does_not_apply(odoo: SalesOdoo, binder: Binder) -> None:
    contact(odoo, email="a@example.com")
    agency = MappedRow("agency", "1", None, {})
    values = row("1", email="a@example.com").values

    assert ids(binder.find([ResolvedRow(agency, "hotel.agency.1", values, None, (), {})])) == {}


def test_a_chunk_needs_one_search_for_the_keys_and_all_simple_matches(odoo: SalesOdoo, binder: Binder) -> None:
    binder.find([row(str(number), email=f"{number}@example.com", phone=f"+43{number}") for number in range(100)])

    assert len(odoo.calls) == 1


def test_candidates_that_would_be_adopted_cost_one_request_more_for_all_of_a_chunk(
    odoo: SalesOdoo, binder: Binder
) -> None:
    names = [f"Ann {each}{each}" for each in "abcdefghij"]
    for name in names:
        contact(odoo, name, email=f"{name[4:]}@example.com")
    odoo.calls.clear()
    found = binder.find([row(name, name, email=f"{name[4:]}@example.com") for name in names])

    assert len(found.adopted) == 10
    assert [call.method for call in odoo.calls] == ["search_read"] * 2


def test_a_product_is_adopted_by_the_entity_whose_kind_it_is(odoo: SalesOdoo) -> None:
    binder = binder_of(odoo, PRODUCT)
    service = odoo.seed("product.product", name="Spa", type="service", x_is_room=False, active=True)
    room = odoo.seed("product.product", name="Spa", type="service", x_is_room=True, active=True)
    values = {"name": "Spa"}
    rows = [
        ResolvedRow(MappedRow(entity, "1", None, {**values}), f"hotel.{entity}.1", values, None, (), {})
        for entity in ("room_type", "extra")
    ]

    assert binder.find(rows).ids == {"hotel.room_type.1": room, "hotel.extra.1": service}
    assert len(odoo.calls) == 1


def test_an_empty_value_in_odoo_matches_nothing(odoo: SalesOdoo, binder: Binder) -> None:
    contact(odoo, phone="+436601")
    rows = [row("1", email="False", phone="+436602"), row("2", phone="+436601")]

    assert ids(binder.find(rows)).keys() == {"2"}


def test_lines_are_looked_up_without_a_condition_on_archived_ones(odoo: SalesOdoo, binder: Binder) -> None:
    assert binder.ids_by_key("sale.order.line", ["b", "a"]) == {}
    assert odoo.calls[-1].sent == [(SYNC_KEY_FIELD, "in", ["a", "b"])]


def test_a_binding_holds_while_the_record_carries_the_key(odoo: SalesOdoo, binder: Binder) -> None:
    key = row("1").key
    record = contact(odoo, key=key)
    assert binder.still_theirs({key: record}, {record: {SYNC_KEY_FIELD: key}}) == {key: record}


def test_a_binding_to_a_record_that_is_somebody_elses_does_not_hold(odoo: SalesOdoo, binder: Binder) -> None:
    """After a restored backup an id may be another record's."""
    mine, other = row("1").key, row("2").key
    record, keyless = contact(odoo, key=other), contact(odoo)
    read: dict[int, dict[str, str | bool]] = {record: {SYNC_KEY_FIELD: other}, keyless: {SYNC_KEY_FIELD: False}}
    assert binder.still_theirs({mine: record}, read) == {}
    assert binder.still_theirs({mine: keyless}, read) == {}


def test_a_binding_holds_by_xmlid_when_somebody_cleared_the_key(odoo: SalesOdoo, binder: Binder) -> None:
    key = row("1").key
    record = contact(odoo)
    odoo.xmlids[xmlid(key)] = ("res.partner", record)
    assert binder.still_theirs({key: record}, {record: {SYNC_KEY_FIELD: False}}) == {key: record}


def test_a_lost_record_whose_xmlid_moved_to_another_was_merged(odoo: SalesOdoo, binder: Binder) -> None:
    lost = row("1", name="Ann")
    survivor = contact(odoo, key=row("2").key)
    odoo.xmlids[xmlid(lost.key)] = ("res.partner", survivor)
    found = binder.find([lost], {lost.key})
    assert found.ids == {}
    assert found.undecidable[lost.key].code == "merged_in_odoo"


def test_a_lost_record_without_an_xmlid_is_created_again(binder: Binder) -> None:
    lost = row("1", name="Ann")
    found = binder.find([lost], {lost.key})
    assert (dict(found.ids), dict(found.undecidable)) == ({}, {})


def test_a_record_that_is_bound_to_another_row_is_not_adopted(odoo: SalesOdoo) -> None:
    """Somebody cleared the key of a contact that the state knows, and another row has the same address."""
    bound = contact(odoo, email="ann@example.com")
    state = MemoryState()
    state.kept["guest", "1"] = Record("guest", "1", "res.partner", bound, "hash", {}, None)
    binder = binder_of(odoo, state=state)
    odoo.xmlids[xmlid(row("1").key)] = ("res.partner", bound)
    found = binder.find([row("2", email="ann@example.com")])
    assert (found.ids, found.undecidable) == ({}, {})
    assert found.doubts == {row("2").key: (Doubt(bound, "bound"),)}


def test_a_binding_that_odoo_knows_nothing_of_does_not_keep_a_match_away(odoo: SalesOdoo) -> None:
    """Odoo was replaced: the id that the state has for one contact is another's now."""
    foreign = contact(odoo, email="ann@example.com")
    state = MemoryState()
    state.kept["guest", "1"] = Record("guest", "1", "res.partner", foreign, "hash", {}, None)
    found = binder_of(odoo, state=state).find([row("2", email="ann@example.com")])
    assert found.ids == {row("2").key: foreign}


@pytest.mark.parametrize("active", [True, False])
def test_a_contact_that_was_merged_away_is_for_a_human_even_where_another_one_matches(
    odoo: SalesOdoo, binder: Binder, *, active: bool
) -> None:
    contact(odoo, email="a@example.com")
    kept = contact(odoo, key="hotel.guest.2", active=active)
    odoo.xmlids[xmlid("hotel.guest.1")] = ("res.partner", kept)

    found = binder.find([row("1", email="a@example.com")], lost={"hotel.guest.1"})

    assert found.ids == {}
    assert found.undecidable["hotel.guest.1"].code == "merged_in_odoo"
    assert f"record {kept} " in found.undecidable["hotel.guest.1"].reason

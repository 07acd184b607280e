"""Which contact that people entered is a guest's own: every way in which one shared attribute is not enough."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from odoo_pipelines.defs.metadata import loaded_metadata
from odoo_pipelines.engine.keys import SYNC_KEY_FIELD
from odoo_pipelines.engine.report import merged
from odoo_pipelines.systems.policies import AdoptPolicy, FlowPolicies
from odoo_pipelines.systems.records import Conflict, Outcome, Resolution, RowOutcome
from odoo_pipelines_tests.engine.fakes import KilledError
from odoo_pipelines_tests.engine.sales import World, counts, guest, product

MAIL = "berg@example.com"
RELAY: dict[str, Any] = {"email": "relay@agency.example.com", "phone": "+431234567"}


def asking(policy: AdoptPolicy) -> World:
    return World(policies=FlowPolicies(adopt=policy))


def contact(world: World, name: str, **values: Any) -> int:
    return world.odoo.seed("res.partner", name=name, **values)


def names(world: World) -> dict[int, str]:
    return {row["id"]: row["name"] for row in world.odoo.rows("res.partner")}


def owner(world: World, contact_id: int) -> Any:
    return world.odoo.tables["res.partner"][contact_id].get(SYNC_KEY_FIELD) or None


def notes(world: World) -> dict[str, list[tuple[int, str]]]:
    return {
        row.external_id: [(each.candidate_id, each.code) for each in row.duplicates]
        for row in world.state.outcomes
        if row.duplicates
    }


def user_of(world: World, contact_id: int, *, active: bool = True) -> None:
    world.odoo.seed("res.users", partner_id=contact_id, active=active)


def test_the_hotels_own_company_is_nobodys_contact() -> None:
    world = World()
    house = contact(world, "Our Hotel", email="stay@ourhotel.example.com")
    world.odoo.seed("res.company", partner_id=house)
    assert counts(world, guest("1", name="Max Walkin", email="stay@ourhotel.example.com")) == {"created": 1}
    assert names(world)[house] == "Our Hotel"
    assert notes(world) == {"1": [(house, "other_name")]}


@pytest.mark.parametrize("active", [True, False])
def test_a_user_is_not_adopted_even_if_the_name_agrees(*, active: bool) -> None:
    world = World()
    porter = contact(world, "Night Porter", email=MAIL)
    user_of(world, porter, active=active)
    assert counts(world, guest("1", name="Night Porter", email=MAIL)) == {"created": 1}
    assert owner(world, porter) is None
    assert notes(world) == {"1": [(porter, "user_or_company")]}


def test_the_partner_of_a_company_is_not_adopted_even_if_it_passes_for_a_person() -> None:
    world = World()
    house = contact(world, "Anna Berg", email=MAIL)
    world.odoo.seed("res.company", partner_id=house)
    world.guests(guest("1", name="Anna Berg", email=MAIL))
    assert notes(world) == {"1": [(house, "user_or_company")]}


@pytest.mark.parametrize(
    ("values", "code"),
    [({"is_company": True}, "company"), ({"parent_id": 1}, "contact_of_another"), ({"active": False}, "archived")],
)
def test_what_is_no_person_of_its_own_in_use_is_not_adopted(values: dict[str, Any], code: str) -> None:
    world = World()
    known = contact(world, "Anna Berg", email=MAIL, **values)
    assert counts(world, guest("1", name="Anna Berg", email=MAIL)) == {"created": 1}
    assert owner(world, known) is None
    assert notes(world) == {"1": [(known, code)]}


@pytest.mark.parametrize("active", [True, False])
def test_a_contact_that_others_belong_to_is_not_adopted(*, active: bool) -> None:
    world = World()
    known = contact(world, "Anna Berg", email=MAIL)
    contact(world, "Kid Berg", parent_id=known, active=active)
    world.guests(guest("1", name="Anna Berg", email=MAIL))
    assert owner(world, known) is None
    assert notes(world) == {"1": [(known, "has_contacts")]}


def test_a_relay_address_of_thirty_guests_renames_no_agency() -> None:
    world = World()
    agency = contact(world, "Wanderlust", is_company=True, **RELAY)
    guests = [guest(str(each), name=f"Guest Nr{each}", **RELAY) for each in range(30)]
    assert counts(world, *guests, chunk_size=7) == {"created": 30}
    assert names(world)[agency] == "Wanderlust"
    assert notes(world) == {str(each): [(agency, "company")] for each in range(30)}


def test_a_relay_address_of_many_contacts_makes_a_few_notes_only() -> None:
    world = World()
    contacts = [contact(world, f"Guest Nr{each}", **RELAY) for each in range(30)]
    world.guests(guest("new", name="Some Body", **RELAY), guest("20", name="Guest Nr20", **RELAY))
    assert len(notes(world)["new"]) == 5
    assert owner(world, contacts[20]) == "hotel.guest.20"


@pytest.mark.parametrize("chunk_size", [1, 2])
@pytest.mark.parametrize("order", list(permutations(["Boris Berg", "Anna Berg"])))
def test_of_a_couple_with_one_address_who_is_there_is_herself(order: tuple[str, ...], chunk_size: int) -> None:
    world = World()
    anna = contact(world, "Anna Berg", email=MAIL)
    world.guests(*(guest(name[0], name=name, email=MAIL) for name in order), chunk_size=chunk_size)
    assert (names(world)[anna], owner(world, anna)) == ("Anna Berg", "hotel.guest.A")
    assert notes(world) == {"B": [(anna, "other_name")]}


def test_boris_of_an_earlier_run_does_not_keep_anna_from_her_contact() -> None:
    world = World()
    anna = contact(world, "Anna Berg", email=MAIL)
    assert counts(world, guest("B", name="Boris Berg", email=MAIL)) == {"created": 1}
    assert counts(world, guest("A", name="Anna Berg", email=MAIL)) == {"updated": 1}
    assert owner(world, anna) == "hotel.guest.A"


@pytest.mark.parametrize("chunk_size", [1, 2])
def test_of_a_couple_that_is_in_odoo_the_names_decide(chunk_size: int) -> None:
    world = World()
    anna, boris = contact(world, "Anna Berg", email=MAIL), contact(world, "Boris Berg", email=MAIL)
    both = [guest("B", name="Berg, Boris", email=MAIL), guest("A", name="ANNA BERG", email=MAIL)]
    assert counts(world, *both, chunk_size=chunk_size) == {"updated": 2}
    assert (owner(world, anna), owner(world, boris)) == ("hotel.guest.A", "hotel.guest.B")
    assert notes(world) == {}


def test_a_telephone_that_a_family_shares_renames_nobody() -> None:
    world = World()
    maria = contact(world, "Maria Rossi", phone="+39065550123", email="maria@example.com")
    world.guests(guest("1", name="Paolo Rossi", phone="+39065550123", email="paolo@example.com"))
    assert names(world)[maria] == "Maria Rossi"
    assert notes(world) == {"1": [(maria, "other_name")]}


def test_a_name_and_one_of_two_addresses_are_enough() -> None:
    world = World()
    maria = contact(world, "Maria Rossi", phone="+39065550123", email="old@example.com")
    world.guests(guest("1", name="Maria Rossi", phone="+39065550123", email="new@example.com"))
    assert owner(world, maria) == "hotel.guest.1"


@pytest.mark.parametrize("name", ["Unknown Guest", "A. Berg", "Mr Berg"])
def test_what_names_nobody_agrees_with_nothing(name: str) -> None:
    world = World()
    contact(world, name if name != "Mr Berg" else "Mrs Berg", email=MAIL)
    assert counts(world, guest("1", name=name, email=MAIL)) == {"created": 1}


def test_two_contacts_with_the_same_name_are_left_to_a_person() -> None:
    world = World()
    twins = [contact(world, "Anna Berg", email=MAIL) for _ in range(2)]
    assert counts(world, guest("1", name="Anna Berg", email=MAIL)) == {"created": 1}
    assert notes(world) == {"1": [(each, "same_name") for each in twins]}


def test_of_two_contacts_with_the_same_name_the_one_with_more_in_common_is_taken() -> None:
    world = World()
    less, more = contact(world, "Anna Berg", email=MAIL), contact(world, "Anna Berg", email=MAIL, phone="+431")
    world.guests(guest("1", name="Anna Berg", email=MAIL, phone="+431"))
    assert (owner(world, less), owner(world, more)) == (None, "hotel.guest.1")
    assert notes(world) == {"1": [(less, "same_name")]}


def test_of_an_address_and_a_telephone_neither_counts_more() -> None:
    world = World()
    twins = [contact(world, "Anna Berg", email=MAIL), contact(world, "Anna Berg", phone="+431")]
    world.guests(guest("1", name="Anna Berg", email=MAIL, phone="+431"))
    assert notes(world) == {"1": [(each, "same_name") for each in twins]}


@pytest.mark.parametrize("chunk_size", [1, 2])
@pytest.mark.parametrize("other", [{"email": MAIL}, {"phone": "+431"}])
def test_two_guests_who_could_both_adopt_a_contact_get_new_ones(other: dict[str, Any], chunk_size: int) -> None:
    """They need not share an address with each other, but only with the contact."""
    world = World()
    known = contact(world, "Anna Berg", email=MAIL, phone="+431")
    both = [guest("1", name="Anna Berg", email=MAIL), guest("2", name="Berg Anna", **other)]
    assert counts(world, *both, chunk_size=chunk_size) == {"created": 2}
    assert owner(world, known) is None
    assert notes(world)["1"] == [(known, "claimed")]
    assert notes(world)["2"][0] == (known, "claimed")


def test_who_comes_later_finds_a_contact_taken() -> None:
    world = World()
    known = contact(world, "Anna Berg", email=MAIL)
    assert counts(world, guest("1", name="Anna Berg", email=MAIL)) == {"updated": 1}
    assert counts(world, guest("2", name="Anna Berg", email=MAIL)) == {"created": 1}
    assert owner(world, known) == "hotel.guest.1"
    assert notes(world) == {"2": [(known, "bound")]}


def test_another_record_of_the_same_guest_keeps_a_contact_from_being_adopted_in_every_mode() -> None:
    """A full sync carries both guests, a delta only one: they must decide alike."""
    world = World()
    world.guests(guest("1", name="Anna Berg", email=MAIL))
    known = contact(world, "Anna Berg", email=MAIL)
    world.guests(guest("2", name="Anna Berg", email=MAIL))
    assert owner(world, known) is None
    assert {each for each, _ in notes(world)["2"]} == {known, world.state.kept["guest", "1"].odoo_id}


def test_another_hotels_contact_is_theirs() -> None:
    world = World()
    contact(world, "Anna Berg", email=MAIL, **{SYNC_KEY_FIELD: "lakeside.guest.1"})
    assert counts(world, guest("1", name="Anna Berg", email=MAIL)) == {"created": 1}
    assert notes(world) == {}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_dies_around_the_commit_of_an_adoption_leaves_it_to_the_next(moment: str) -> None:
    world = World()
    anna = contact(world, "Anna Berg", email=MAIL)
    rows = [guest("B", name="Boris Berg", email=MAIL), guest("A", name="Anna Berg", email=MAIL)]
    hooks = world.state.before if moment == "before" else world.state.after

    def die() -> None:
        hooks.clear()
        raise KilledError

    hooks.append(die)
    with pytest.raises(KilledError):
        world.guests(*rows)
    world.guests(*rows, resumed=True)
    assert (names(world)[anna], owner(world, anna)) == ("Anna Berg", "hotel.guest.A")
    assert len(world.odoo.rows("res.partner")) == 3


def test_a_note_is_not_lost_with_the_commit_of_the_record_that_it_is_about() -> None:
    world = World()
    agency = contact(world, "Wanderlust", is_company=True, **RELAY)

    def die() -> None:
        world.state.before.clear()
        raise KilledError

    world.state.before.append(die)
    with pytest.raises(KilledError):
        world.guests(guest("1", name="Max Walkin", **RELAY))
    assert counts(world, guest("1", name="Max Walkin", **RELAY)) == {"unchanged": 1}
    assert notes(world) == {"1": [(agency, "company")]}


def test_a_person_takes_an_adoption_back_by_name_and_sync_key() -> None:
    """As it was with the versions that let an address decide: the hotel's company became a guest."""
    world = World()
    house = contact(world, "Max Walkin", email=MAIL)
    max_walkin = guest("1", name="Max Walkin", email=MAIL)
    world.guests(max_walkin)
    assert owner(world, house) == "hotel.guest.1"
    world.odoo.write("res.partner", [house], {"name": "Our Hotel", SYNC_KEY_FIELD: False})
    assert counts(world, max_walkin, verify=True) == {"created": 1}
    assert (names(world)[house], owner(world, house)) == ("Our Hotel", None)
    assert notes(world) == {"1": [(house, "other_name")]}


def test_what_is_bound_stays_bound_whatever_the_rules_say_of_it() -> None:
    world = World()
    house = contact(world, "Our Hotel", email=MAIL, **{SYNC_KEY_FIELD: "hotel.guest.1"})
    world.odoo.seed("res.company", partner_id=house)
    assert counts(world, guest("1", name="Max Walkin", email=MAIL), verify=True) == {"updated": 1}


def test_adoptions_and_possible_duplicates_are_counted() -> None:
    world = World()
    contact(world, "Anna Berg", email=MAIL)
    contact(world, "Hans Berg", email=MAIL)
    report = world.guests(
        guest("A", name="Anna Berg", email=MAIL), guest("B", name="Boris Berg", email=MAIL), chunk_size=1
    )
    assert (report.adopted, report.possible_duplicates) == (1, 2)
    assert (merged([report, report]).adopted, merged([report, report]).possible_duplicates) == (2, 4)
    metadata = loaded_metadata(report)
    assert (metadata["adopted"], metadata["possible_duplicates"]) == (1, 2)


def test_never_adopts_nobody_and_notes_all() -> None:
    world = asking(AdoptPolicy.NEVER)
    anna = contact(world, "Anna Berg", email=MAIL)
    assert counts(world, guest("A", name="Anna Berg", email=MAIL)) == {"created": 1}
    assert notes(world) == {"A": [(anna, "not_adopted")]}


def asked(world: World) -> Conflict:
    row: RowOutcome = world.state.outcomes[-1]
    assert row.outcome is Outcome.CONFLICT
    [conflict] = row.conflicts
    assert conflict.code == "possible_match"
    return conflict


def answer(world: World, asked: Conflict, choice: Any, value: Any = None) -> None:
    world.state.answers["guest", "B"] = [Resolution("*", choice, value, asked.external, asked.odoo)]


def test_what_is_clear_is_adopted_without_asking() -> None:
    world = asking(AdoptPolicy.ASK)
    anna = contact(world, "Anna Berg", email=MAIL)
    assert counts(world, guest("A", name="Anna Berg", email=MAIL)) == {"updated": 1}
    assert owner(world, anna) == "hotel.guest.A"


def test_what_is_not_is_asked_with_the_candidates_and_a_person_may_take_one() -> None:
    world = asking(AdoptPolicy.ASK)
    anna = contact(world, "Anna Berg", email=MAIL)
    row = guest("B", name="Anna Berg-Huber", email=MAIL)
    assert counts(world, row) == {"conflict": 1}
    conflict = asked(world)
    shown = {"id": anna, "name": "Anna Berg", "email_normalized": MAIL, "phone_sanitized": None, "why": "other_name"}
    assert conflict.odoo == [shown]
    answer(world, conflict, "adopt", anna)
    assert counts(world, row) == {"updated": 1}
    assert (names(world)[anna], owner(world, anna)) == ("Anna Berg-Huber", "hotel.guest.B")


def test_a_person_who_is_asked_sees_who_a_contact_is() -> None:
    world = asking(AdoptPolicy.ASK)
    porter = contact(world, "Night Porter", email=MAIL)
    user_of(world, porter)
    world.guests(guest("B", name="Uwe Late", email=MAIL))
    assert [each["why"] for each in asked(world).odoo] == ["user_or_company"]


def test_a_person_may_have_a_new_one_made() -> None:
    world = asking(AdoptPolicy.ASK)
    anna = contact(world, "Anna Berg", email=MAIL)
    row = guest("B", name="Boris Berg", email=MAIL)
    world.guests(row)
    answer(world, asked(world), "new")
    assert counts(world, row) == {"created": 1}
    assert owner(world, anna) is None


@pytest.mark.parametrize("choice", ["adopt", "new"])
def test_an_answer_holds_for_the_candidates_that_were_shown_only(choice: str) -> None:
    world = asking(AdoptPolicy.ASK)
    anna = contact(world, "Anna Berg", email=MAIL)
    row = guest("B", name="Boris Berg", email=MAIL)
    world.guests(row)
    answer(world, asked(world), choice, anna)
    contact(world, "Carl Berg", email=MAIL)
    assert counts(world, row) == {"conflict": 1}
    assert len(asked(world).odoo) == 2


@pytest.mark.parametrize("chunk_size", [1, 2])
@pytest.mark.parametrize("together", [True, False])
def test_a_guest_without_an_address_in_a_booking_does_not_answer_the_question(
    chunk_size: int, *, together: bool
) -> None:
    world = asking(AdoptPolicy.ASK)
    contact(world, "Anna Berg", email=MAIL)
    own, booked = guest("B", name="Boris Berg", email=MAIL), guest("B", 2, name="Boris Berg")
    for rows in [[own, booked]] if together else [[own], [booked]]:
        world.guests(*rows, chunk_size=chunk_size)
    assert [each.outcome for each in world.state.outcomes] == [Outcome.CONFLICT] * 2
    assert len(world.odoo.rows("res.partner")) == 2
    answer(world, world.state.outcomes[0].conflicts[0], "new")
    assert counts(world, own) == {"created": 1}


def test_a_contact_that_two_answers_name_goes_to_one_guest() -> None:
    world = asking(AdoptPolicy.ASK)
    anna = contact(world, "Anna Berg", email=MAIL)
    rows = [guest("B", name="Boris Berg", email=MAIL), guest("C", name="Carl Berg", email=MAIL)]
    world.guests(*rows)
    for row in world.state.outcomes:
        world.state.answers[row.entity, row.external_id] = [
            Resolution("*", "adopt", anna, each.external, each.odoo) for each in row.conflicts
        ]
    world.guests(*rows)
    assert sorted(row.outcome.value for row in world.state.outcomes[2:]) == ["created", "updated"]
    assert len({each.odoo_id for each in world.state.kept.values()}) == 2


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"type": "consu"}, "no_service"),
        ({"type": "service", "active": False}, "archived"),
        ({"type": "service", "x_is_room": False}, "no_room"),
        ({"type": "service", "x_external_room_type_id": "7"}, "another_room_type"),
    ],
)
def test_a_product_that_is_no_free_room_is_not_adopted(values: dict[str, Any], code: str) -> None:
    world = World()
    known = world.odoo.seed("product.product", **{"name": "Suite", "x_is_room": True, **values})
    world.products(product("1", name="Suite", x_is_room=True))
    assert not world.odoo.tables["product.product"][known].get(SYNC_KEY_FIELD)
    assert notes(world) == {"1": [(known, code)]}


def test_a_room_of_the_hotel_is_adopted_by_its_name_unless_two_room_types_have_it() -> None:
    world = World()
    room = world.odoo.seed("product.product", name="Suite", type="service", x_is_room=True)
    twin = world.odoo.seed("product.product", name="Double", type="service", x_is_room=True)
    rows = [product("1", name="Suite"), product("2", name="Double"), product("3", name="Double")]
    world.products(*rows, chunk_size=1)
    assert world.state.kept["room_type", "1"].odoo_id == room
    assert notes(world)["2"][0] == (twin, "claimed")
    assert len(world.odoo.rows("product.product")) == 4

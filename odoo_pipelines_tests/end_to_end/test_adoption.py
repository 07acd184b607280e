"""Into an Odoo that is in use: nobody is renamed because of one attribute that is shared. On a real Odoo 19."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from odoo_pipelines_tests.end_to_end.books import snapshot
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.installation import Installation
from odoo_pipelines_tests.end_to_end.people import bring_to_the_present, conflicts, resolve
from odoo_pipelines_tests.end_to_end.site import Odoo, Site

pytestmark = pytest.mark.odoo

RIGHTS = (
    "base.group_user",
    "sales_team.group_sale_salesman_all_leads",
    "base.group_partner_manager",
    "product.group_product_manager",
    "account.group_account_invoice",
)
RELAY = {"email": "relay@wanderlust.example.com", "phone": "+390612345678"}
FAMILY = "family@berg.example.com"
COUPLE = "couple@blanc.example.com"
TWIN = "twin@example.com"
GUESTS: dict[str, dict[str, str]] = {
    "walkin": {"name": "Max Walkin", "email": "stay@ourhotel.example.com"},
    "late": {"name": "Uwe Late", "email": "porter@ourhotel.example.com"},
    "porter": {"name": "Night Porter", "email": "porter@ourhotel.example.com"},
    "former": {"name": "Former Porter", "email": "former@ourhotel.example.com"},
    "portal": {"name": "Paula Portal", "email": "portal@example.com"},
    **{f"relayed{each}": {"name": f"Guest Nr{each}", **RELAY} for each in range(8)},
    "boris": {"name": "Boris Berg", "email": FAMILY},
    "anna": {"name": "Anna Berg", "email": FAMILY},
    "paolo": {"name": "Paolo Rossi", "email": "paolo@rossi.example.com", "phone": "+39065550123"},
    "otto": {"name": "Otto Neu", "email": "otto@example.com"},
    "emma": {"name": "Emma Archivée", "email": "emma@example.com"},
    "carla": {"name": "Carla Blanc", "email": COUPLE},
    "dario": {"name": "Dario Blanc", "email": COUPLE},
    "clerk": {"name": "Clara Clerk", "email": "clerk@wanderlust.example.com"},
    "mother": {"name": "Martha Mother", "email": "mother@example.com"},
    "twin1": {"name": "Tina Twin", "email": TWIN},
    "twin2": {"name": "Twin, TINA", "email": TWIN},
    "doubled": {"name": "Dora Double", "email": "double@example.com"},
    "renate": {"name": "Renate Müller", "email": "renate@example.com"},
}
ADOPTED = {"anna", "carla", "dario", "renate"}
RENAMED = {"dario"}
"""Adopted, and changed in the PMS after they were entered in Odoo; the others were changed before."""


@dataclass
class House:
    """An Odoo that is in use, and who is who in it.

    Attributes:
        contacts: ids by name in these tests.
        products: likewise.
        before: contacts and products as people made them.
        said: what a dry run said of the first sync.
        first: number of contacts before it.
    """

    contacts: dict[str, int]
    products: dict[str, int]
    before: dict[tuple[str, int], dict[str, Any]]
    said: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def site(real_site: Site) -> Site:
    return real_site


@pytest.fixture(scope="module")
def hotel() -> Iterator[Hotel]:
    """Its clock stands two days ago, for every edit moves it on by a second: these would be later than Odoo's."""
    with open_hotel(40, seed=5, start=(datetime.now(UTC) - timedelta(days=62)).date()) as opened:
        yield opened


@pytest.fixture(scope="module")
def ids(hotel: Hotel) -> dict[str, str]:
    """The guests of these tests by name: everybody has a booking."""
    truth = hotel.truth()
    booked = {str(each["guest"]["id"]) for each in truth["bookings"]}
    free = sorted(str(each["id"]) for each in truth["guests"] if str(each["id"]) in booked)
    named = dict(zip(GUESTS, free[: len(GUESTS)], strict=True))
    for name, values in GUESTS.items():
        first, last = values["name"].split(" ", 1)
        phone = values.get("phone")
        hotel.edit(
            named[name], "guests", first_name=first, last_name=last, email=values["email"], phone=phone, mobile=None
        )
    return named


@pytest.fixture(scope="module")
def house(site: Site, odoo: Odoo, hotel: Hotel, installation: Installation, ids: dict[str, str]) -> House:
    """What people have entered before; then one dry run and the first sync, by somebody with the documented rights."""
    installation.connect(hotel, site)
    assert installation.bootstrap().returncode == 0
    house = House(_contacts(odoo), _products(odoo, hotel), {})
    house.before = {**_read(odoo, "res.partner", house.contacts), **_read(odoo, "product.product", house.products)}
    bring_to_the_present(hotel)
    for name in RENAMED:
        hotel.edit(ids[name], "guests", email=GUESTS[name]["email"])
    installation.connect(hotel, site.used_by(site.new_user(*RIGHTS)), odoo={"chunk_size": 15})
    untouched = snapshot(odoo, installation.name)
    done = installation.run("sync", "-i", installation.name, "--dry-run", "--mode", "full", "--json", "--sample", "3")
    assert done.returncode == 0, done.stderr
    house.said = json.loads(done.stdout)["flows"]
    assert snapshot(odoo, installation.name) == untouched
    installation.synced("full")
    return house


def _contacts(odoo: Odoo) -> dict[str, int]:
    def person(name: str, **values: Any) -> int:
        [made] = odoo.call("res.partner", "create", [{"name": name, **values}])
        return int(made)

    def user(name: str, email: str, **values: Any) -> int:
        [made] = odoo.call("res.users", "create", [{"name": name, "login": email, "email": email}])
        [row] = odoo.rows("res.users", [("id", "=", made)], ["partner_id"])
        if values:
            odoo.write("res.users", made, **values)
        return int(row["partner_id"])

    [company] = odoo.rows("res.company", [("id", "=", 1)], ["partner_id"])
    odoo.write("res.partner", company["partner_id"], email="stay@ourhotel.example.com")
    [portal] = odoo.rows("ir.model.data", [("module", "=", "base"), ("name", "=", "group_portal")], ["res_id"])
    agency = person("Wanderlust Online Agency", is_company=True, **RELAY)
    mother = person("Martha Mother", email="mother@example.com")
    person("Kid Mother", parent_id=mother, active=False)
    return {
        "company": company["partner_id"],
        "porter": user("Night Porter", "porter@ourhotel.example.com"),
        "former": user("Former Porter", "former@ourhotel.example.com", active=False),
        "portal": user("Paula Portal", "portal@example.com", group_ids=[(6, 0, [portal["res_id"]])]),
        "agency": agency,
        "anna": person("Anna Berg", email=FAMILY),
        "maria": person("Maria Rossi", email="maria@rossi.example.com", phone="+39065550123"),
        "otto": person("Old Otto", email="otto@example.com", active=False),
        "emma": person("Emma Archivee", email="emma@example.com", active=False),
        "carla": person("Mme Carla BLANC", email=COUPLE),
        "dario": person("Blanc, Dario", email=COUPLE),
        "clerk": person(
            "Clara Clerk", email="clerk@wanderlust.example.com", parent_id=agency, street="Agency Street 1"
        ),
        "mother": mother,
        "twin": person("Tina Twin", email=TWIN),
        "double1": person("Dora Double", email="double@example.com"),
        "double2": person("Dora Double", email="double@example.com"),
        "renate": person("Dr. Renate Muller", email="Renate@Example.com", comment="<p>likes tea</p>"),
    }


def _products(odoo: Odoo, hotel: Hotel) -> dict[str, int]:
    """Things that are kept, or sold no more, with the names of rooms and extras; and one room that is one."""
    rooms = [str(each["name"]) for each in hotel.truth()["rooms"]]
    extras = sorted({each["name"] for booking in hotel.truth()["bookings"] for each in booking["extras"]})

    def product(name: str, **values: Any) -> int:
        [made] = odoo.call("product.product", "create", [{"name": name, **values}])
        return int(made)

    return {
        "bed": product(rooms[0], type="consu", is_storable=True, x_is_room=True),
        "closed": product(rooms[1], type="service", x_is_room=True, active=False),
        "room": product(rooms[2], type="service", x_is_room=True),
        "bottle": product(extras[0], type="consu", is_storable=True),
    }


def _read(odoo: Odoo, model: str, ids: dict[str, int]) -> dict[tuple[str, int], dict[str, Any]]:
    names = ["name", "active", "x_sync_key", "write_date"]
    names += ["email", "phone", "street"] if model == "res.partner" else ["type", "list_price"]
    return {(model, row["id"]): row for row in odoo.rows(model, [("id", "in", list(ids.values()))], names)}


def _ours(odoo: Odoo, installation: Installation, model: str, *names: str) -> list[dict[str, Any]]:
    return odoo.rows(model, [("x_sync_key", "=like", f"{installation.name}.%")], ["x_sync_key", *names])


def contact_of(odoo: Odoo, installation: Installation, guest: str) -> dict[str, Any]:
    key = f"{installation.name}.guest.{guest}"
    [contact] = odoo.rows("res.partner", [("x_sync_key", "=", key)], ["name", "email", "active", "is_company"])
    return contact


def listed(installation: Installation) -> dict[str, dict[int, str]]:
    """The candidates, and why they were not adopted, by guest."""
    done = installation.run("duplicates", "list", "--json", "--flow", "partners", "--integration", installation.name)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[int, str]] = {}
    for each in json.loads(done.stdout):
        found.setdefault(each["external_id"], {})[each["candidate_id"]] = each["code"]
    return found


def test_nobody_who_is_not_the_guest_was_touched(odoo: Odoo, house: House) -> None:
    untouched = {name: each for name, each in house.contacts.items() if name not in ADOPTED}
    now = {**_read(odoo, "res.partner", untouched)}
    assert now == {place: row for place, row in house.before.items() if place in now}
    assert len(now) == len(house.contacts) - len(ADOPTED)
    [company] = odoo.rows("res.company", [("id", "=", 1)], ["name", "partner_id"])
    assert company["name"] == house.before["res.partner", house.contacts["company"]]["name"]
    users = odoo.rows(
        "res.users", [("login", "like", "ourhotel.example.com"), ("active", "in", [True, False])], ["name"]
    )
    assert {each["name"] for each in users} == {"Night Porter", "Former Porter"}


def test_every_guest_has_a_contact_that_is_a_person_and_the_customer_of_the_bookings(
    odoo: Odoo, house: House, hotel: Hotel, installation: Installation, ids: dict[str, str]
) -> None:
    made = {
        each["x_sync_key"]: each for each in _ours(odoo, installation, "res.partner", "name", "active", "is_company")
    }
    contacts = {name: made[f"{installation.name}.guest.{each}"] for name, each in ids.items()}
    assert {name: each["id"] for name, each in contacts.items() if each["id"] in house.contacts.values()} == {
        name: house.contacts[name] for name in ADOPTED
    }
    for name, contact in contacts.items():
        known = house.before.get(("res.partner", contact["id"]))  # of two ways to write a name the later one stays
        assert contact["name"] == (known["name"] if known and name not in RENAMED else GUESTS[name]["name"])
        assert (contact["active"], contact["is_company"]) == (True, False)
    customers = {
        each["x_sync_key"]: each["partner_id"] for each in _ours(odoo, installation, "sale.order", "partner_id")
    }
    for booking in hotel.truth()["bookings"]:
        guest = made[f"{installation.name}.guest.{booking['guest']['id']}"]
        assert customers[f"{installation.name}.booking.{booking['id']}"] == guest["id"]


def test_what_was_not_adopted_is_listed_with_the_reason(
    house: House, installation: Installation, ids: dict[str, str]
) -> None:
    found, at = listed(installation), house.contacts
    agency = {f"relayed{each}": {at["agency"]: "company"} for each in range(8)}
    twins = {name: found[ids[name]].get(at["twin"]) for name in ("twin1", "twin2")}
    assert twins == {"twin1": "claimed", "twin2": "claimed"}
    assert {name: found[ids[name]] for name in GUESTS if ids[name] in found and not name.startswith("twin")} == {
        "walkin": {at["company"]: "company"},
        "late": {at["porter"]: "other_name"},
        "porter": {at["porter"]: "user_or_company"},
        "former": {at["former"]: "user_or_company"},
        "portal": {at["portal"]: "user_or_company"},
        **agency,
        "boris": {at["anna"]: "other_name"},
        "paolo": {at["maria"]: "other_name"},
        "otto": {at["otto"]: "archived"},
        "emma": {at["emma"]: "archived"},
        "clerk": {at["clerk"]: "contact_of_another"},
        "mother": {at["mother"]: "has_contacts"},
        "doubled": {at["double1"]: "same_name", at["double2"]: "same_name"},
    }


def test_a_trace_names_them_too(house: House, installation: Installation, ids: dict[str, str]) -> None:
    done = installation.run("trace", "guest", ids["paolo"], "--integration", installation.name, "--json")
    [twin] = json.loads(done.stdout)["possible_duplicates"]
    assert twin["candidate_id"] == house.contacts["maria"]
    assert f"id={twin['candidate_id']}" in twin["candidate_url"]


def test_the_dry_run_has_named_every_adoption_and_no_other(house: House, ids: dict[str, str]) -> None:
    said = house.said["partners"]
    adopted = {each["external_id"]: each["adopts"] for each in said["adopts"]}
    assert adopted == {ids[name]: house.contacts[name] for name in ADOPTED}
    assert {each["outcome"] for each in said["adopts"]} == {"adopts"}


def test_a_thing_that_is_kept_or_sold_no_more_becomes_no_room_and_no_extra(odoo: Odoo, house: House) -> None:
    now = _read(odoo, "product.product", house.products)
    kept = {name: now["product.product", house.products[name]] for name in ("bed", "closed", "bottle")}
    assert kept == {name: house.before["product.product", house.products[name]] for name in kept}
    assert now["product.product", house.products["room"]]["x_sync_key"]
    sold = odoo.rows("sale.order.line", [("product_id", "in", [house.products[name] for name in kept])], ["id"])
    assert sold == []


def test_a_second_full_sync_writes_nothing_and_lists_the_same(
    odoo: Odoo, house: House, installation: Installation
) -> None:
    del house
    before, notes = snapshot(odoo, installation.name), listed(installation)
    assert installation.synced("full").outcomes() == {"unchanged"}
    assert snapshot(odoo, installation.name) == before
    assert listed(installation) == notes


def test_a_pair_that_was_merged_or_dismissed_is_listed_no_more(
    odoo: Odoo, house: House, installation: Installation, ids: dict[str, str]
) -> None:
    """The contact with the history is kept; it takes over the sync key, and the guest's orders."""
    made, maria = contact_of(odoo, installation, ids["emma"])["id"], house.contacts["emma"]
    odoo.write("res.partner", maria, active=True)
    wizard = "base.partner.merge.automatic.wizard"
    [merge] = odoo.call(wizard, "create", [{"partner_ids": [(6, 0, [made, maria])], "dst_partner_id": maria}])
    odoo.call(wizard, "action_merge", [merge])
    done = installation.run("duplicates", "list", "--json", "--integration", installation.name)
    [note] = [each["id"] for each in json.loads(done.stdout) if each["external_id"] == ids["otto"]]
    assert installation.run("duplicates", "dismiss", str(note)).returncode == 0
    installation.synced("full")
    assert contact_of(odoo, installation, ids["emma"])["id"] == maria
    assert not {ids["emma"], ids["otto"]} & listed(installation).keys()


def test_with_ask_a_person_decides_which_contact_it_is(
    site: Site, odoo: Odoo, house: House, hotel: Hotel, installation: Installation
) -> None:
    installation.connect(hotel, site, adopt="ask")
    newcomers = _newcomers(hotel, {"email": "maria@rossi.example.com", "phone": "+39065550123"})
    asking = installation.synced("delta")
    assert asking.count("partners", "conflict") >= 2
    asked = {
        each["external_id"]: each
        for each in conflicts(installation, "--flow", "partners", "--integration", installation.name)
    }
    one, other = (asked[each] for each in newcomers)
    assert {each["code"] for each in (one, other)} == {"possible_match"}
    assert [each["id"] for each in one["odoo"]] == [house.contacts["maria"]]
    resolve(installation, one, adopt=str(house.contacts["maria"]))
    done = installation.run("conflicts", "resolve", str(other["id"]), "--new")
    assert done.returncode == 0, done.stderr
    installation.synced("delta")
    taken, made = (contact_of(odoo, installation, each) for each in newcomers)
    assert (taken["id"], taken["name"]) == (house.contacts["maria"], "Mary Rossi")  # which is the later one
    assert made["id"] not in house.contacts.values()
    waiting = conflicts(installation, "--flow", "partners", "--integration", installation.name)
    assert not {each["external_id"] for each in waiting} & set(newcomers)


def _newcomers(hotel: Hotel, values: dict[str, str]) -> list[str]:
    """Two new guests who have what a contact has, and other names."""
    known = {str(each["id"]) for each in hotel.truth()["guests"]}
    while len(new := [str(each["id"]) for each in hotel.truth()["guests"] if str(each["id"]) not in known]) < 2:
        hotel.advance(new_bookings=2)
    names = [("Mary", "Rossi"), ("Pia", "Rossi")]
    for guest, (first, last) in zip(new[:2], names, strict=True):
        hotel.edit(guest, "guests", first_name=first, last_name=last, mobile=None, **values)
    return new[:2]

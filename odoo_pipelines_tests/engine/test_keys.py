from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from odoo_pipelines.engine.keys import XMLID_MODULE, external_id_of, sync_key, xmlid

HOSTILE = st.text(
    alphabet=st.one_of(st.sampled_from(list("._-/%~ #:ab1\n\t")), st.characters(codec="utf-8")), min_size=1
)
IDS = st.lists(HOSTILE, min_size=1, max_size=3)
VALID_XMLID = re.compile(r"[A-Za-z0-9_%.-]+")


@given(IDS, IDS)
@example(["a.b"], ["a", "b"])
@example(["a%2Eb"], ["a.b"])
@example(["a~b"], ["a%7Eb"])
@example(["a b"], ["a+b"])
def test_no_two_records_share_a_sync_key(one: list[str], other: list[str]) -> None:
    assert (sync_key("hotel", "guest", *one) == sync_key("hotel", "guest", *other)) == (one == other)


@given(IDS)
def test_whatever_an_id_holds_its_key_is_a_valid_name_of_an_xmlid(ids: list[str]) -> None:
    key = sync_key("hotel", "guest", *ids)

    assert VALID_XMLID.fullmatch(key)
    assert key.count(".") == 1 + len(ids)
    assert xmlid(key) == f"{XMLID_MODULE}.{key}"


def test_plain_ids_stay_readable() -> None:
    assert sync_key("grand-hotel", "booking_room", "BK_10-1", "2") == "grand-hotel.booking_room.BK_10-1.2"


def test_the_same_id_of_two_integrations_or_entities_is_two_keys() -> None:
    assert len({sync_key("a", "guest", "1"), sync_key("b", "guest", "1"), sync_key("a", "booking", "1")}) == 3


@given(HOSTILE)
def test_the_external_id_comes_out_of_a_key_as_it_went_in(external_id: str) -> None:
    assert external_id_of(sync_key("hotel", "guest", external_id), "hotel", "guest") == external_id


@pytest.mark.parametrize("key", ["hotel-2.guest.1", "hotel.guest_card.1", "hotel.guest", ""])
def test_another_integrations_or_entitys_key_gives_none(key: str) -> None:
    assert external_id_of(key, "hotel", "guest") is None

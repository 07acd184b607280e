"""What the state remembers of records that are posted: begun before, done afterwards, in doubt in between."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from odoo_pipelines.stores.outbound import OutboundState, Posting
from odoo_pipelines.stores.state import RunRef

RUN = RunRef("a-run", "pms", "payments_out")
SINCE = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def outbound(engine: sa.Engine) -> OutboundState:
    return OutboundState(engine)


def test_what_was_begun_is_in_doubt_until_it_is_done(outbound: OutboundState) -> None:
    outbound.begin(RUN, 7, "P/1", SINCE)
    assert outbound.postings("pms", "payments_out", [7, 8]) == {7: [Posting("P/1", SINCE, done=False)]}
    outbound.done(RUN, 7, "P/1")
    assert outbound.postings("pms", "payments_out", [7]) == {7: [Posting("P/1", SINCE, done=True)]}


def test_what_is_begun_again_keeps_the_earlier_time_to_look_from(outbound: OutboundState) -> None:
    outbound.begin(RUN, 7, "P/1", SINCE)
    outbound.begin(RunRef("b-run", "pms", "payments_out"), 7, "P/1", datetime(2026, 4, 1, tzinfo=UTC))
    assert outbound.postings("pms", "payments_out", [7]) == {7: [Posting("P/1", SINCE, done=False)]}


def test_what_is_done_stays_done_when_it_is_begun_again(outbound: OutboundState) -> None:
    outbound.begin(RUN, 7, "P/1", None)
    outbound.done(RUN, 7, "P/1")
    outbound.begin(RUN, 7, "P/1", None)
    assert outbound.postings("pms", "payments_out", [7])[7][0].done


def test_a_record_that_was_renamed_has_one_for_each_name_oldest_first(outbound: OutboundState) -> None:
    outbound.begin(RUN, 7, "P/1", None)
    outbound.begin(RUN, 7, "A/2", None)
    outbound.done(RUN, 7, "A/2")
    assert [(each.key, each.done) for each in outbound.postings("pms", "payments_out", [7])[7]] == [
        ("P/1", False),
        ("A/2", True),
    ]


def test_integrations_and_flows_do_not_see_one_another(outbound: OutboundState) -> None:
    outbound.begin(RUN, 7, "P/1", None)
    assert outbound.postings("beach", "payments_out", [7]) == {}
    assert outbound.postings("pms", "others_out", [7]) == {}


def test_who_was_begun_under_a_key_is_known_also_when_somebody_else_has_it_now(outbound: OutboundState) -> None:
    outbound.begin(RUN, 7, "P/1", None)
    outbound.begin(RUN, 8, "P/1", None)
    outbound.begin(RUN, 9, "P/2", None)
    outbound.begin(RunRef("a-run", "other", "payments_out"), 10, "P/1", None)
    found = outbound.begun_as("pms", "payments_out", ["P/1", "P/3"])
    assert {key: [each.key for each in some] for key, some in found.items()} == {"P/1": ["P/1", "P/1"]}

"""Every fault alone, at every kind of request that a run makes: what passes is got over by the run that meets it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from odoo_pipelines.errors import (
    ExternalAuthenticationError,
    ExternalUnavailableError,
    OdooAuthenticationError,
    OdooConflictError,
    OdooPipelinesError,
    OdooTransientError,
)
from odoo_pipelines.systems.pms.flows import SYSTEM
from odoo_pipelines_tests.faults.changes import change_a_bit_of_everything
from odoo_pipelines_tests.faults.conftest import Scene
from odoo_pipelines_tests.faults.kinds import (
    CUT,
    LOAD_CONFLICT,
    LOST,
    PASSING,
    REFRAMED,
    REVOKED,
    SERIALIZATION,
    WAIT,
    Fault,
)
from odoo_pipelines_tests.faults.proxy import JSON2, READS

WRITES = {
    "res.partner/load",
    "sale.order/load",
    "sale.order/action_confirm",
    "sale.order/action_cancel",
    "sale.order/action_draft",
    "sale.order/action_lock",
    "sale.order/action_unlock",
    "sale.order.line/load",
}
"""What a run after `change_a_bit_of_everything` makes besides reads."""
_turns = itertools.count()


def first_of_each(fault: Fault, applies: Callable[[str], bool] = lambda _: True) -> Callable[[str, int], Fault | None]:
    """The fault befalls the first request to each path, and so every kind of call once."""
    return lambda path, number: fault if number == 1 and applies(path) else None


def is_write(path: str) -> bool:
    return path.startswith(JSON2) and path.rpartition("/")[2] not in READS


def disturbed_run(scene: Scene, fault: Fault, applies: Callable[[str], bool] = lambda _: True) -> None:
    """One run that has to succeed although the fault befalls every kind of request, and no other comes after it."""
    works = scene.works
    change_a_bit_of_everything(scene.hotel, next(_turns))
    for proxy in (works.pms, works.odoo):
        proxy.requests.clear()
        proxy.struck.clear()
        proxy.disturb(first_of_each(fault, applies))
    works.run()


@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_what_passes_is_got_over_by_the_same_run(scene: Scene, fault: Fault) -> None:
    takes_time = fault.seen == "silence"
    if takes_time:
        scene.works.hurry()
    scene.works.pause.pauses.clear()
    disturbed_run(scene, fault, lambda path: not takes_time or not path.startswith(JSON2) or is_write(path))
    assert len(scene.works.pms.struck) == len(SYSTEM.streams)
    assert scene.works.odoo.writes.keys() >= WRITES
    assert len(scene.works.odoo.struck) >= len(WRITES if takes_time else scene.works.odoo.requests)
    if fault is WAIT:
        assert scene.works.pause.asked_for >= 3 + len(WRITES)
    scene.oracle.assert_all_is_well()


def test_concurrent_updates_are_repeated(scene: Scene) -> None:
    disturbed_run(scene, SERIALIZATION, lambda path: path.startswith(JSON2))
    assert scene.works.odoo.writes.keys() >= WRITES
    scene.oracle.assert_all_is_well()


def test_a_load_that_could_not_serialize_is_repeated_and_blames_no_row(scene: Scene) -> None:
    disturbed_run(scene, LOAD_CONFLICT, lambda path: path.endswith("/load"))
    assert len(scene.works.odoo.struck) == len(SYSTEM.flows)
    scene.oracle.assert_all_is_well()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (CUT, ExternalUnavailableError),
        (REFRAMED, ExternalUnavailableError),
        (REVOKED, ExternalAuthenticationError),
    ],
    ids=str,
)
def test_a_hotel_that_cannot_be_asked_for_long_ends_the_run_and_no_part_of_a_batch_stays(
    scene: Scene, fault: Fault, error: type[OdooPipelinesError]
) -> None:
    change_a_bit_of_everything(scene.hotel, next(_turns))
    scene.works.pms.strike(fault, "/bookings", nth=2, times=None)
    with pytest.raises(error):
        scene.works.run("full")
    scene.oracle.assert_no_file_is_unknown()
    scene.works.calm()
    scene.works.run()
    scene.oracle.assert_all_is_well()


@pytest.mark.parametrize(
    ("path", "fault", "error"),
    [
        ("res.partner/load", LOST, OdooTransientError),
        ("sale.order.line/load", SERIALIZATION, OdooConflictError),
        ("sale.order/action_unlock", REVOKED, OdooAuthenticationError),
    ],
    ids=str,
)
def test_an_odoo_that_does_not_answer_for_long_ends_the_run_and_the_next_one_goes_on(
    scene: Scene, path: str, fault: Fault, error: type[OdooPipelinesError]
) -> None:
    change_a_bit_of_everything(scene.hotel, next(_turns))
    scene.works.odoo.strike(fault, JSON2 + path)
    scene.works.odoo.disturb(lambda _path, _number: fault if scene.works.odoo.struck else None)
    scene.works.odoo.struck.clear()
    with pytest.raises(error):
        scene.works.run()
    scene.works.calm()
    scene.works.run()
    scene.oracle.assert_all_is_well()


def test_in_the_end_there_is_nothing_left_to_write(scene: Scene) -> None:
    scene.oracle.assert_every_run_has_ended()
    scene.oracle.assert_nothing_is_left_to_write()
    scene.oracle.assert_all_is_well()

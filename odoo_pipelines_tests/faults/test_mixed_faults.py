"""Faults of all kinds at once, on both sides, by a seeded schedule, until a run gets through."""

from __future__ import annotations

from random import Random

import pytest

from odoo_pipelines.clients import state_url
from odoo_pipelines_tests.faults.changes import change_a_bit_of_everything
from odoo_pipelines_tests.faults.conftest import Scene
from odoo_pipelines_tests.faults.kinds import NOTHING, PASSING, REVOKED
from odoo_pipelines_tests.faults.outages import cut_connections
from odoo_pipelines_tests.faults.schedule import Schedule

SHORT, LONG = range(1), range(1, 8)


@pytest.mark.parametrize("seed", [*SHORT, *(pytest.param(seed, marks=pytest.mark.odoo) for seed in LONG)])
def test_whatever_happens_the_next_undisturbed_run_makes_it_all_right(scene: Scene, seed: int) -> None:
    works, dice = scene.works, Random(seed)  # noqa: S311
    change_a_bit_of_everything(scene.hotel, 40 + seed)
    for proxy in (works.pms, works.odoo):
        proxy.requests.clear()
        proxy.struck.clear()
        proxy.disturb(Schedule(seed, PASSING, share=0.15))
        proxy.strike(REVOKED, nth=dice.randrange(5, 60), times=dice.randrange(1, 4))
        proxy.strike(NOTHING, nth=dice.randrange(5, 90), effect=lambda: cut_connections(state_url(works.settings)))
    works.hurry()
    works.run_until_done("delta" if seed % 3 else "full")
    assert len(set(works.odoo.struck)) >= 3
    works.calm()
    works.run()
    scene.oracle.assert_all_is_well()


def test_in_the_end_there_is_nothing_left_to_write(scene: Scene) -> None:
    assert scene.works.failures.total() > 0, "no schedule was hard enough to end a run"
    scene.oracle.assert_nothing_is_left_to_write()

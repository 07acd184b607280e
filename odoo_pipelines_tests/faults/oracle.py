"""What must hold after every recovery: in Odoo, in the accounts and among the files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from odoo_pipelines.clients import state_url
from odoo_pipelines.stores.database import connect
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems.pms.flows import SYSTEM
from odoo_pipelines_tests.end_to_end.books import read_books, snapshot
from odoo_pipelines_tests.end_to_end.expectations import expected_books
from odoo_pipelines_tests.end_to_end.hotel import Hotel
from odoo_pipelines_tests.end_to_end.site import Odoo
from odoo_pipelines_tests.faults.works import Works

_UNBALANCED = """
    select run_id, flow, extracted from odoo_pipelines.sync_run
    where status = 'succeeded'
      and extracted <> created + updated + unchanged + conflict + rejected + superseded
"""
_UNTOLD = """
    select run.run_id, run.flow, word.name, word.rows, coalesce(sum(told.weight), 0) as told
    from odoo_pipelines.sync_run as run
    cross join lateral (values
        ('created', run.created), ('updated', run.updated), ('conflict', run.conflict),
        ('rejected', run.rejected), ('superseded', run.superseded)) as word (name, rows)
    left join odoo_pipelines.outcome as told
        on told.run_id = run.run_id and told.integration = run.integration and told.flow = run.flow
        and told.attempt = run.attempt and told.outcome = word.name
    group by 1, 2, 3, 4 having word.rows <> coalesce(sum(told.weight), 0)
"""
_NOT_ENDED = "select run_id, flow from odoo_pipelines.sync_run where status = 'running'"
_PATHS = "select path from odoo_pipelines.batch"


class Oracle:
    """Holds Odoo against the hotel.

    Args:
        hotel: the truth.
        odoo: read past the proxy, by another client.
        works: the installation.
    """

    def __init__(self, hotel: Hotel, odoo: Odoo, works: Works) -> None:
        self._hotel = hotel
        self._odoo = odoo
        self._works = works

    def assert_all_is_well(self) -> None:
        """The same records, no duplicate, no gap, lines and states right, the accounts balanced, nothing left to do."""
        differences = read_books(self._odoo, self._works.name).compared_with(expected_books(self._hotel.truth()))
        assert not differences, "\n".join(differences)
        self.assert_the_books_of_the_state_are_right()

    def assert_nothing_is_left_to_write(self) -> None:
        """A further full sync finds everything as it is."""
        before = snapshot(self._odoo, self._works.name)
        self._works.odoo.requests.clear()
        assert self._works.run("full").keys() == {"extracted", "unchanged"}
        assert self._works.odoo.writes == {}
        assert snapshot(self._odoo, self._works.name) == before

    def assert_no_file_is_unknown(self) -> None:
        """No half batch was left behind, nor one that was not registered."""
        with self._state() as engine:
            assert self._works.files == self._known_files(engine)

    def assert_every_run_has_ended(self) -> None:
        """Whatever ended it, unless the process or the database was gone: then nobody could say so."""
        with self._state() as engine:
            assert _rows(engine, _NOT_ENDED) == []

    def assert_the_books_of_the_state_are_right(self) -> None:
        """Outcomes balance, nothing is rejected or pending, and files are those that are known."""
        name = self._works.name
        with self._state() as engine:
            for wrong in (_UNBALANCED, _UNTOLD):
                assert _rows(engine, wrong) == []
            assert self._works.files == self._known_files(engine)
            state = State(engine)
            for flow in SYSTEM.flows:
                assert state.letters(LetterFilter(name, flow.name)) == []
                assert state.pending(name, "mapped", [flow.name], f"odoo/{flow.load_name}") == []
                assert state.pending(name, "external", list(flow.mappers), f"mapped/{flow.name}") == []

    @contextmanager
    def _state(self) -> Iterator[sa.Engine]:
        engine = connect(state_url(self._works.settings))
        yield engine
        engine.dispose()

    def _known_files(self, engine: sa.Engine) -> set[str]:
        return {path for (path,) in _rows(engine, _PATHS)}


def _rows(engine: sa.Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]

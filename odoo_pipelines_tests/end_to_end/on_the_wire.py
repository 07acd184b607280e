"""An exchange with everything that is real: clients, batches and state, between two proxies that lose answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from odoo_pipelines.clients import open_state
from odoo_pipelines.defs.jobs import OUTBOUND_MODES, Mode
from odoo_pipelines.defs.posting import send_records
from odoo_pipelines.errors import OdooPipelinesError
from odoo_pipelines.pipeline.captured import capture
from odoo_pipelines.pipeline.session import Session
from odoo_pipelines.settings import DatabaseSettings
from odoo_pipelines.stores.conflicts import ConflictFilter
from odoo_pipelines.stores.dead_letters import LetterFilter
from odoo_pipelines.stores.outbound import OutboundState
from odoo_pipelines.stores.state import RunRef
from odoo_pipelines.systems.pms.outbound import PAYMENTS_OUT
from odoo_pipelines_tests.end_to_end.hotel import Hotel, open_hotel
from odoo_pipelines_tests.end_to_end.ledgers import transactions_of
from odoo_pipelines_tests.end_to_end.site import Odoo, Site
from odoo_pipelines_tests.engine.fakes import KilledError
from odoo_pipelines_tests.faults.kinds import BAD_GATEWAY, CUT, LOST, REFRAMED, RESET, TOO_MANY
from odoo_pipelines_tests.faults.proxy import proxy_to
from odoo_pipelines_tests.faults.schedule import Schedule
from odoo_pipelines_tests.faults.works import Works, open_works

BOOKINGS = 6
FAULTS = (LOST, LOST, RESET, CUT, REFRAMED, TOO_MANY, BAD_GATEWAY)
DEATHS = 6
"""Notes of postings in a run before which it may die."""


class Countdown:
    """Lets the process die at one of the notes that it is told of."""

    def __init__(self, left: int) -> None:
        self._left = left

    def __call__(self) -> None:
        if self._left == 0:
            raise KilledError
        self._left -= 1


class MortalState(OutboundState):
    """Notes around which the process may die: before a POST, between it and the mark, or after."""

    def __init__(self, session: Session, note: Callable[[], None]) -> None:
        super().__init__(session._transactions)
        self._note = note

    def begin(self, run: RunRef, odoo_id: int, key: str, look_since: datetime | None) -> None:
        """Notes that a record is about to be posted."""
        self._note()
        super().begin(run, odoo_id, key, look_since)
        self._note()

    def done(self, run: RunRef, odoo_id: int, key: str) -> None:
        """Notes that it got through."""
        self._note()
        super().done(run, odoo_id, key)
        self._note()


@dataclass(frozen=True, slots=True)
class HotelDesk:
    """The hotel, as the people at its desk use it."""

    hotel: Hotel

    def payments(self) -> list[dict[str, Any]]:
        """All payments as they are served now."""
        payments: list[dict[str, Any]] = self.hotel.truth()["payments"]
        return payments

    def edit(self, external_id: str, stream: str, **fields: Any) -> None:
        """Changes a record."""
        self.hotel.edit(external_id, stream, **fields)

    def book(self) -> None:
        """Somebody books, and perhaps pays."""
        self.hotel.advance(new_bookings=2)


class OnTheWire:
    """A hotel and an Odoo, with a few bookings in both, and runs between them.

    Args:
        hotel: one side.
        site: the other.
        works: between them.
    """

    def __init__(self, hotel: Hotel, site: Site, works: Works) -> None:
        self.pms, self.odoo = HotelDesk(hotel), Odoo(site)
        self._works = works

    @property
    def integration(self) -> str:
        """Name of the integration."""
        return self._works.name

    def run(self, mode: Mode, trouble: Random | None = None) -> bool:
        """A run, which trouble may end; gives whether it got to its end."""
        if trouble is None:
            self._run(mode, Countdown(-1))
            return True
        proxies = (self._works.pms, self._works.odoo)
        for proxy in proxies:
            proxy.requests.clear()
            proxy.disturb(Schedule(trouble.randrange(10**6), FAULTS, trouble.choice([0.0, 0.1, 0.3])))
        try:
            self._run(mode, Countdown(trouble.choice([-1, trouble.randrange(DEATHS)])))
        except (KilledError, OdooPipelinesError):
            return False
        finally:
            self._works.calm()
        return True

    def questions(self) -> set[str]:
        """Transactions that wait for a person: open conflicts and dead letters."""
        name = self.integration
        with open_state(self._works.settings) as state:
            conflicts = state.conflicts(ConflictFilter(name))
            letters = state.letters(LetterFilter(name))
        waiting = {each.external_id for each in conflicts} | {each.external_id for each in letters}
        return transactions_of(waiting, self.pms.payments())

    def _run(self, mode: Mode, note: Callable[[], None]) -> None:
        if mode in OUTBOUND_MODES:
            self._send(mode, note)
        else:
            self._works.run(mode)

    def _send(self, mode: Mode, note: Callable[[], None]) -> None:
        with self._works._session(mode) as session:
            session.outbound_state = MortalState(session, note)
            capture(session, PAYMENTS_OUT)
            send_records(session, PAYMENTS_OUT)


@contextmanager
def open_exchange(site: Site, database: DatabaseSettings, home: Path) -> Iterator[OnTheWire]:
    """A hotel whose few bookings are in Odoo already, and their payments."""
    with ExitStack() as stack:
        hotel = stack.enter_context(open_hotel(BOOKINGS, seed=5, days=20, repeats="ignored"))
        pms, odoo = stack.enter_context(proxy_to(hotel.url)), stack.enter_context(proxy_to(site.url))
        works = stack.enter_context(open_works(pms, odoo, site, home, database))
        works.run("full")
        yield OnTheWire(hotel, site, works)

"""Only one run at a time writes for an integration, whoever started it."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import sqlalchemy as sa

from odoo_pipelines.errors import IntegrationBusyError, StateError
from odoo_pipelines.stores.lock import one_writer

log = logging.getLogger("odoo_pipelines.test")

Writer = Callable[..., AbstractContextManager[Callable[[], None]]]


@pytest.fixture
def writer(fresh_database_url: str) -> Writer:
    def start(
        run_id: str, integration: str = "grand-hotel", wait: float = 0, sleep: Callable[[float], None] = lambda _: None
    ) -> AbstractContextManager[Callable[[], None]]:
        return one_writer(fresh_database_url, integration, run_id, wait, log, sleep=sleep)

    return start


def test_a_second_run_is_told_who_is_writing(writer: Writer) -> None:
    sentence = (
        r"integration 'grand-hotel' is being written by run run-1 \(since \d\d:\d\d:\d\d\); waited 3 s\. "
        r"Only one run at a time may write for an integration\."
    )
    with writer("run-1"), pytest.raises(IntegrationBusyError, match=sentence), writer("run-2", wait=3):
        pass


def test_a_second_run_waits_and_says_so_once(writer: Writer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    first = writer("run-1")
    first.__enter__()
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            first.__exit__(None, None, None)

    with writer("run-2", wait=30, sleep=nap) as check:
        check()
    assert naps == [1.0, 1.0, 1.0]
    [message] = caplog.messages
    assert message.startswith("integration 'grand-hotel' is being written by run run-1 (since ")
    assert message.endswith("); waiting up to 30 s")


def test_another_integration_is_not_held_up(writer: Writer) -> None:
    with writer("run-1", "grand-hotel"), writer("run-2", "sea-view") as check:
        check()


def test_the_lock_is_free_after_a_failed_run(writer: Writer) -> None:
    with pytest.raises(ZeroDivisionError), writer("run-1"):
        raise ZeroDivisionError
    with writer("run-2") as check:
        check()


def test_a_lost_lock_stops_its_holder_for_good(writer: Writer, fresh_database_url: str) -> None:
    with writer("run-1") as check:
        check()
        kill_connections_of("odoo_pipelines writer run-1", fresh_database_url)
        for _ in range(2):  # it must not come back by a new connection either
            with pytest.raises(IntegrationBusyError, match="the only writer of 'grand-hotel' is gone"):
                check()
        with writer("run-2") as other:
            other()


def test_a_killed_holder_frees_the_lock(writer: Writer, fresh_database_url: str) -> None:
    program = f"""
import logging, sys, time
from odoo_pipelines.stores.lock import one_writer
with one_writer({fresh_database_url!r}, "grand-hotel", "run-1", 0, logging.getLogger()):
    print("locked", flush=True)
    time.sleep(600)
"""
    holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)  # noqa: S603
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(IntegrationBusyError), writer("run-2"):
            pass
        holder.kill()
    with writer("run-2", wait=30, sleep=lambda _: None) as check:
        check()


def kill_connections_of(application: str, url: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    query = sa.text("select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = :name")
    with engine.connect() as connection:
        assert connection.scalars(query, {"name": application}).all() == [True]


def test_a_database_that_cannot_be_reached_is_an_error_of_the_state() -> None:
    url = "postgresql+psycopg2://nobody@127.0.0.1:1/nowhere"
    with pytest.raises(StateError, match="cannot be reached"), one_writer(url, "hotel", "run", 0, log):
        pass

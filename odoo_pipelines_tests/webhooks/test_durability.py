"""What was answered 200 is in PostgreSQL: through redeliveries, outages of the database, the receiver's own death."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from requests.exceptions import ChunkedEncodingError
from sqlalchemy.engine import make_url

from odoo_pipelines.settings import inherited_environment
from odoo_pipelines.webhooks import durable
from odoo_pipelines.webhooks.durable import open_inbox
from odoo_pipelines_tests.conftest import END_OTHER_CONNECTIONS
from odoo_pipelines_tests.stores.builders import rows_of
from odoo_pipelines_tests.webhooks.site import SECRET, body_of, post, served, signed

STORED = "select id, event_key from odoo_pipelines.webhook_event order by id"


@pytest.fixture
def url(fresh_database_url: str) -> Iterator[str]:
    with open_inbox(fresh_database_url) as inbox, served(inbox) as url:
        yield url


def event(number: int) -> dict[str, Any]:
    return {"id": f"e{number}", "event_type": "booking.updated", "data": {"id": number}}


def stored(engine: sa.Engine) -> dict[str, str]:
    """Job ids by the sender's id of the event."""
    return {row["event_key"].removeprefix("id:"): str(row["id"]) for row in rows_of(engine, STORED)}


def test_a_redelivery_gets_the_same_job_id_and_is_stored_once(url: str, engine: sa.Engine) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: post(url, event(number % 5)), range(40)))
    jobs = {answer.json()["job_id"] for answer in answers}
    assert jobs == set(stored(engine).values())
    assert len(jobs) == 5
    counts = {row["outcome"]: row["requests"] for row in rows_of(engine, "select * from odoo_pipelines.webhook_count")}
    assert counts == {"accepted": 5, "repeated": 35}


def test_a_batch_is_stored_in_one_transaction_and_once_however_often_it_comes(url: str, engine: sa.Engine) -> None:
    batch = [event(3), event(1), event(2)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: post(url, {"Events": batch}).json()["job_ids"], range(20)))
    kept = stored(engine)
    assert {tuple(each) for each in answers} == {(kept["e3"], kept["e1"], kept["e2"])}
    transactions = "select distinct received_at from odoo_pipelines.webhook_event order by received_at"
    times = [row["received_at"] for row in rows_of(engine, transactions)]
    assert (times[-1] - times[0]).total_seconds() == 2e-6  # of one commit, in the order of coming


def test_of_a_batch_that_the_database_refuses_nothing_is_stored(url: str, engine: sa.Engine) -> None:
    refuse = "alter table odoo_pipelines.webhook_event add constraint no_two check (external_id <> '2')"
    with engine.begin() as connection:
        connection.execute(sa.text(refuse))
    assert post(url, [event(1), event(2), event(3)]).status_code == 503
    assert stored(engine) == {}
    with engine.begin() as connection:
        connection.execute(sa.text("alter table odoo_pipelines.webhook_event drop constraint no_two"))
    assert post(url, [event(1), event(2), event(3)]).status_code == 200
    assert set(stored(engine)) == {"e1", "e2", "e3"}


def test_the_tables_are_made_when_the_receiver_is_the_first_to_come(empty_database_url: str) -> None:
    with open_inbox(empty_database_url) as inbox, served(inbox) as url:
        assert post(url).status_code == 200


def test_through_an_outage_senders_are_asked_to_come_again_and_nothing_is_lost(
    url: str, engine: sa.Engine, server_url: str, fresh_database_url: str
) -> None:
    assert post(url, event(1)).status_code == 200
    engine.dispose()
    with outage(server_url, fresh_database_url):
        during = [post(url, event(number)) for number in (2, 3)]
        assert [(answer.status_code, answer.headers["Retry-After"]) for answer in during] == [(503, "5")] * 2
    answers = [post(url, event(number)) for number in (2, 3, 4)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert list(stored(engine)) == ["e1", "e2", "e3", "e4"]


def test_a_lost_connection_costs_nothing(url: str, engine: sa.Engine) -> None:
    for number in range(3):
        assert post(url, event(number)).status_code == 200
        with engine.connect() as connection:
            connection.execute(sa.text(END_OTHER_CONNECTIONS))
    assert len(stored(engine)) == 3


def test_a_database_that_hangs_wedges_nothing(
    monkeypatch: pytest.MonkeyPatch, engine: sa.Engine, fresh_database_url: str
) -> None:
    monkeypatch.setattr(durable, "ANSWER_SECONDS", 1)
    with open_inbox(fresh_database_url) as inbox, served(inbox) as url:
        with engine.begin() as connection:
            connection.execute(sa.text("lock table odoo_pipelines.webhook_event in access exclusive mode"))
            assert post(url, event(1)).status_code == 503
        assert post(url, event(2)).status_code == 200
    assert list(stored(engine)) == ["e2"]


def test_what_was_answered_200_outlives_the_receiver(
    engine: sa.Engine, fresh_database_url: str, tmp_path: Path
) -> None:
    """Killed while forty senders are at it; a second receiver gives the redelivered events the same job ids."""
    accepted: dict[str, str] = {}
    with receiver(fresh_database_url, tmp_path) as (process, url):

        def send(number: int) -> None:
            body = body_of(event(number))
            try:
                answer = requests.post(
                    f"{url}/api/v1/webhook/pms", data=body, headers=signed(body, time.time()), timeout=30
                )
            except (requests.ConnectionError, ChunkedEncodingError):
                return
            assert answer.status_code == 200
            accepted[f"e{number}"] = answer.json()["job_id"]
            if len(accepted) == 100:
                process.kill()

        with ThreadPoolExecutor(40) as threads:
            list(threads.map(send, range(400)))
    assert 100 <= len(accepted) < 400
    kept = stored(engine)
    assert accepted.items() <= kept.items()
    with receiver(fresh_database_url, tmp_path) as (_, url):
        for name, job_id in list(accepted.items())[:3]:
            body = body_of(event(int(name.removeprefix("e"))))
            answer = requests.post(f"{url}/api/v1/webhook/1", data=body, headers=signed(body, time.time()), timeout=30)
            assert answer.json()["job_id"] == job_id
    assert stored(engine) == kept


def test_asked_to_stop_it_finishes_the_requests_that_it_has(
    engine: sa.Engine, fresh_database_url: str, tmp_path: Path
) -> None:
    body = body_of(event(1))
    with receiver(fresh_database_url, tmp_path) as (process, url), ThreadPoolExecutor(1) as threads:
        with engine.begin() as connection:
            connection.execute(sa.text("lock table odoo_pipelines.webhook_event in access exclusive mode"))
            address = f"{url}/api/v1/webhook/pms"
            waiting = threads.submit(requests.post, address, data=body, headers=signed(body, time.time()), timeout=30)
            while not blocked(engine):
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            while accepts_connections(url):
                time.sleep(0.01)
        assert waiting.result().status_code == 200
        process.wait(30)
    assert list(stored(engine)) == ["e1"]


def blocked(engine: sa.Engine) -> bool:
    waits = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    return bool(rows_of(engine, waits))


def accepts_connections(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=30).ok
    except requests.ConnectionError:
        return False


@contextmanager
def outage(server_url: str, database_url: str) -> Iterator[None]:
    """The server takes no connections to this database, and has ended those that there were."""
    name = make_url(database_url).database
    server = sa.create_engine(server_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    ended = f"select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{name}'"  # noqa: S608
    with server.connect() as connection:
        connection.execute(sa.text(f"alter database {name} allow_connections false"))
        connection.execute(sa.text(ended))
        try:
            yield
        finally:
            connection.execute(sa.text(f"alter database {name} allow_connections true"))


@contextmanager
def receiver(database_url: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`odoo-pipelines serve` in a process of its own, and its URL."""
    environment = {
        **inherited_environment(),
        "ODOO_PIPELINES_DATABASE_URL": database_url,
        "PMS_WEBHOOK_SECRETS": SECRET,
        "DAGSTER_HOME": str(folder),
    }
    command = [sys.executable, "-m", "odoo_pipelines.cli", "serve", "--port", "0"]
    log = folder / f"receiver-{os.urandom(4).hex()}.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output, text=True)  # noqa: S603
    try:
        while not (found := re.search(r"listens on 127\.0\.0\.1:(\d+)", log.read_text(encoding="utf-8"))):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.05)
        url = f"http://127.0.0.1:{found[1]}"
        assert requests.get(f"{url}/readyz", timeout=30).ok
        yield process, url
    finally:
        process.kill()
        process.wait()

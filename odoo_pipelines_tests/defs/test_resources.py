"""A run opens an integration when it first needs it, is its only writer, and lets go of everything at its end."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from odoo_pipelines.defs.resources import Sessions
from odoo_pipelines.errors import ConfigurationError, IntegrationBusyError
from odoo_pipelines.pipeline import session as session_module
from odoo_pipelines_tests.defs.feed import Feed, NewSession
from odoo_pipelines_tests.defs.stage import Stage

WRITERS = "select count(*) from pg_stat_activity where application_name like 'odoo_pipelines writer %'"
CONNECTIONS = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


def count(engine: sa.Engine, query: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.text(f"{query} and datname = current_database()")).scalar_one())


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "LOCK_WAIT_SECONDS", 0.0)


@pytest.mark.usefixtures("_impatient")
def test_a_second_run_of_an_integration_fails_and_names_the_first(stage: Stage) -> None:
    first = stage.session(run_id="the-first-run")
    assert first.state.watermark("pms", "bookings") is None
    second = stage.session(run_id="the-second-run")
    with pytest.raises(IntegrationBusyError, match="'pms' is being written by run the-first-run"):
        _ = second.state
    result = stage.sync("full")
    [failure, *_] = [event for event in result.all_events if event.is_step_failure]
    assert "IntegrationBusyError" in str(failure.step_failure_data.error)
    second.close()
    first.close()
    assert stage.sync("delta").success


def test_a_run_leaves_no_connection_and_no_lock_behind(stage: Stage, engine: sa.Engine) -> None:
    before = count(engine, CONNECTIONS)
    assert stage.sync("full").success
    assert (count(engine, WRITERS), count(engine, CONNECTIONS)) == (0, before)


def test_a_failed_run_leaves_none_either(stage: Stage, engine: sa.Engine) -> None:
    before = count(engine, CONNECTIONS)
    stage.pms_fault(kind="status", status=400, path="/bookings")
    assert not stage.sync("full").success
    assert (count(engine, WRITERS), count(engine, CONNECTIONS)) == (0, before)


@pytest.mark.usefixtures("stage")
def test_a_run_opens_an_integration_once() -> None:
    sessions = Sessions("a-run", "delta", lambda *_: None)
    assert sessions.open("pms") is sessions.open("pms")
    sessions.close()


def test_what_an_integration_lacks_is_told_when_it_is_opened(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PMS_API_KEY")
    sessions = Sessions("a-run", "delta", lambda *_: None)
    with pytest.raises(ConfigurationError, match="PMS_API_KEY"):
        sessions.open("pms")
    sessions.close()
    run = stage.sync("full")
    told = "".join(str(event.step_failure_data.error) for event in run.all_events if event.is_step_failure)
    assert "PMS_API_KEY (integrations.pms.external.api_key) is not set" in told


def test_plain_http_to_another_machine_is_told_to_the_log(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PMS_URL", "http://pms.example")
    sessions = Sessions("a-run", "delta", lambda *_: None)
    sessions.open("pms")
    sessions.close()
    assert "the PMS URL is plain http to another machine" in caplog.text
    assert stage.keys


class TestSession:
    def test_only_a_delta_trusts_what_it_knows_of_odoo(self, new_session: NewSession) -> None:
        assert [new_session(mode).verify for mode in ("delta", "full", "partition")] == [False, True, True]

    def test_nothing_is_opened_before_it_is_needed(self, new_session: NewSession, feed: Feed) -> None:
        session = new_session("full")
        assert session.system.name == "pms"
        assert (feed.asked, Path(session.settings.data).exists()) == ([], False)

    def test_where_loads_are_switched_off_there_is_no_odoo(self, new_session: NewSession) -> None:
        session = new_session("full")
        assert session.odoo is None
        with pytest.raises(RuntimeError, match="switched off"):
            _ = session.schemas

    def test_it_shows_no_secret(self, stage: Stage) -> None:
        session = stage.session()
        assert "confidential" not in repr(session)
        session.close()

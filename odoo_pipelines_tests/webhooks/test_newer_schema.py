"""An older receiver on tables that a newer version has changed takes nothing, and says why."""

from __future__ import annotations

import logging

import pytest
import requests
import sqlalchemy as sa

from odoo_pipelines.errors import NewerSchemaError
from odoo_pipelines.stores.database import migrate
from odoo_pipelines.webhooks.durable import CHECK_SECONDS, DurableInbox
from odoo_pipelines_tests.webhooks.site import post, served


@pytest.fixture
def revision(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(sa.text("select version_num from odoo_pipelines.alembic_version")))


def set_revision(engine: sa.Engine, to: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("update odoo_pipelines.alembic_version set version_num = :n"), {"n": to})


def test_the_error_names_both_revisions_and_what_to_do(engine: sa.Engine, revision: str) -> None:
    set_revision(engine, "r9999")
    with pytest.raises(NewerSchemaError, match=rf"revision r9999, .* up to {revision}: upgrade the package") as raised:
        migrate(engine)
    set_revision(engine, revision)
    assert raised.value.__cause__ is None
    migrate(engine)


def test_the_receiver_answers_503_until_it_is_upgraded_and_its_log_says_why(
    engine: sa.Engine, revision: str, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    with served(DurableInbox(engine, engine, lambda: now[0])) as url, caplog.at_level(logging.WARNING):
        assert post(url).status_code == 200
        set_revision(engine, "r9999")
        now[0] += CHECK_SECONDS + 1
        refused = post(url, {"id": "evt-2", "event_type": "booking.updated", "data": {"id": 8}})
        ready = requests.get(f"{url}/readyz", timeout=30)
        set_revision(engine, revision)
        again = post(url, {"id": "evt-2", "event_type": "booking.updated", "data": {"id": 8}})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert ready.status_code in (200, 503)  # it looks every two seconds at most
    assert again.status_code == 200
    assert "1 events could not be stored: the tables of the state are at revision r9999" in caplog.text

"""`odoo-pipelines serve` itself; what it serves is tested in webhooks/, and its end in test_durability.py there."""

from __future__ import annotations

import logging
import socket

import pytest
from typer.testing import CliRunner

from odoo_pipelines.cli import app
from odoo_pipelines.commands.serve import _warn_of_open_doors
from odoo_pipelines_tests.environment import unset_all
from odoo_pipelines_tests.webhooks.site import a_hotel, settings_of


def test_a_port_that_is_taken_is_one_clear_message(monkeypatch: pytest.MonkeyPatch) -> None:
    unset_all(monkeypatch)
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(app, ["serve", "--port", str(taken.getsockname()[1])])
    assert result.exit_code == 1
    assert "cannot be listened on" in result.output


def test_integrations_without_a_secret_are_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    open_door = a_hotel("open", number=4, webhook_secrets=[], webhook_unsigned=True)
    closed, asleep = (
        a_hotel(name, number=None, webhook_secrets=[], active=name != "asleep") for name in ("closed", "asleep")
    )
    _warn_of_open_doors(settings_of(a_hotel(), open_door, closed, asleep))
    assert caplog.messages == [
        "integration open has no webhook secret: it takes webhooks of anybody (webhook_unsigned)",
        "integration closed has no webhook secret: it refuses webhooks",
    ]

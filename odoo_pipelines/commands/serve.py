"""`odoo-pipelines serve`: the receiver of webhooks, in this process."""

from __future__ import annotations

import logging
import socket
import sys

import uvicorn

from odoo_pipelines.clients import state_url
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.settings import Settings
from odoo_pipelines.webhooks.app import create_app
from odoo_pipelines.webhooks.connections import BACKLOG, OPEN_FILES, allow_open_files, server_config
from odoo_pipelines.webhooks.durable import open_inbox
from odoo_pipelines.webhooks.request_log import JsonLines

_logger = logging.getLogger(__name__)


def run_receiver(settings: Settings, host: str, port: int) -> None:
    """Serves until SIGTERM or SIGINT, then finishes the requests that it has; logs JSON lines on standard output.

    Raises:
        ConfigurationError: nothing can listen there, or a webhook secret cannot be used.
    """
    with open_inbox(state_url(settings)) as inbox, _listening(host, port) as listener:
        _log_json_lines()
        config = server_config(create_app(settings, inbox))
        _logger.info("receiver listens on %s:%d", *listener.getsockname()[:2])
        _warn_of_open_doors(settings)
        if not allow_open_files(OPEN_FILES):
            _logger.warning("this process may open fewer than %d files: raise its limit (ulimit -n)", OPEN_FILES)
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError([f"--host, --port: {host}:{port} cannot be listened on ({error.strerror})"]) from error


def _log_json_lines() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def _warn_of_open_doors(settings: Settings) -> None:
    for each in settings.integrations.values():
        if each.active and not each.webhook_secrets:
            open_door = "takes webhooks of anybody (webhook_unsigned)" if each.webhook_unsigned else "refuses webhooks"
            _logger.warning("integration %s has no webhook secret: it %s", each.name, open_door)

"""The server, the clock and the client of the tests of HTTP."""

from __future__ import annotations

from odoo_pipelines_tests.http.conftest import client, clock, connect, limiter, server

__all__ = ["client", "clock", "connect", "limiter", "server"]

"""Starts the stand-in: python -m odoo_pipelines_sandbox.odoo --port 8069."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from odoo_pipelines_sandbox.odoo.app import create_app
from odoo_pipelines_sandbox.odoo.server import SYNC_KEY_FIELDS, Options
from odoo_pipelines_sandbox.serving import serve_forever


def main(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 8069,
    database: Annotated[str, typer.Option(help="Name of the database.")] = "odoo",
    *,
    seed_fields: Annotated[bool, typer.Option(help="Start with the field x_sync_key on the synced models.")] = False,
) -> None:
    """Serves an Odoo 19 stand-in (user admin, password admin) until it is interrupted."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = Options(database=database, custom_fields=SYNC_KEY_FIELDS if seed_fields else {})
    serve_forever(create_app(options), port, "Odoo stand-in")


typer.run(main)

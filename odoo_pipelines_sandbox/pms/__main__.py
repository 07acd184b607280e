"""Runs the sandbox PMS: python -m odoo_pipelines_sandbox.pms --bookings 500."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from odoo_pipelines_sandbox.pms.app import create_app
from odoo_pipelines_sandbox.pms.options import MAX_LIMIT, SandboxOptions
from odoo_pipelines_sandbox.serving import serve_forever


def main(  # noqa: PLR0917 - typer makes options of them; nobody calls this by position
    port: Annotated[int, typer.Option(help="Port on the loopback interface.")] = 8700,
    bookings: Annotated[int, typer.Option(help="How many bookings are generated.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of all data.")] = 7,
    api_key: Annotated[str | None, typer.Option(help="Key asked for as bearer; without it the server is open.")] = None,
    api_secret: Annotated[str | None, typer.Option(help="Ask for tokens and signatures, too.")] = None,
    token_seconds: Annotated[int, typer.Option(help="How long a token lives.")] = 3600,
    page_limit: Annotated[int, typer.Option(help="Most rows of one page.")] = MAX_LIMIT,
    start: Annotated[str | None, typer.Option(help="First day of the history; by default it ends now.")] = None,
    days: Annotated[int, typer.Option(help="Length of the history.")] = 60,
    currencies: Annotated[str, typer.Option(help="Currencies of the bookings, such as USD,EUR.")] = "USD",
    bad_rows: Annotated[float, typer.Option(help="Bookings with unusable data: a number, or a share below 1.")] = 0,
    webhook_url: Annotated[str | None, typer.Option(help="Receiver that is told of what happens.")] = None,
    webhook_secret: Annotated[str | None, typer.Option(help="Secret that those webhooks are signed with.")] = None,
    *,
    legacy: Annotated[bool, typer.Option("--legacy", help="Answer as an older installation does.")] = False,
) -> None:
    """Serves the PMS contract with generated data."""
    options = _options(
        bookings=bookings,
        seed=seed,
        api_key=api_key,
        api_secret=api_secret,
        token_seconds=token_seconds,
        page_limit=page_limit,
        start=start,
        days=days,
        currencies=currencies.split(","),
        bad_rows=bad_rows,
        webhook_url=webhook_url,
        webhook_secret=webhook_secret,
        legacy=legacy,
    )
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    serve_forever(create_app(options), port, "Sandbox PMS")


def _options(**given: Any) -> SandboxOptions:
    try:
        return SandboxOptions.model_validate(given)
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_input=False)
        )
        raise typer.BadParameter("; ".join(problems).removeprefix(": ")) from None


if __name__ == "__main__":
    typer.run(main)

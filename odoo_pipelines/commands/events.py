"""`odoo-pipelines events list | show | replay | discard`: the inbox of webhooks and manual syncs.

Needs the database alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.prompt import Confirm

from odoo_pipelines.commands.console import JsonOption, clear_errors, err, out, print_json, print_list
from odoo_pipelines.settings import DEFAULT_INTEGRATION, load_settings

if TYPE_CHECKING:
    from odoo_pipelines.stores.inbox import EventFilter, Inbox

app = typer.Typer(help="Events: webhooks and manual syncs that came in over HTTP.", no_args_is_help=True)


class State(StrEnum):
    """Where an event stands."""

    PENDING = "pending"
    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"
    DEAD = "dead"


class Replayed(StrEnum):
    """Of which states events can be replayed."""

    DONE = "done"
    FAILED = "failed"
    DEAD = "dead"


class Discarded(StrEnum):
    """Of which states events can be discarded."""

    PENDING = "pending"
    FAILED = "failed"
    DEAD = "dead"


TypeOption = Annotated[str | None, typer.Option("--type", help="Only of this type, such as booking.updated.")]
SinceOption = Annotated[datetime | None, typer.Option("--since", help="Only those that came then or later, UTC.")]
UntilOption = Annotated[datetime | None, typer.Option("--until", help="Only those that came before, UTC.")]
JobOption = Annotated[
    list[int] | None, typer.Option("--job", metavar="ID", help="Only the event of this job id; may be repeated.")
]


@app.command("list")
def list_events(
    *,
    integration: Annotated[str | None, typer.Option("--integration", "-i", help="Only of this integration.")] = None,
    state: Annotated[list[State] | None, typer.Option(help="Only in this state; may be repeated.")] = None,
    event_type: TypeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    job: JobOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Show so many at most, those that came last.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Lists events, those first that came last. Never shows what they were sent with."""
    from odoo_pipelines.clients import open_inbox  # noqa: PLC0415
    from odoo_pipelines.commands.events_view import event_document, event_table  # noqa: PLC0415

    with clear_errors():
        settings = load_settings()
        if integration is not None:
            settings.integration(integration)
        wanted = _filter(integration, state, event_type, (since, until), job)
        with open_inbox(settings) as inbox:
            found = inbox.events(wanted, limit + 1)
    print_list(found, limit, as_json=as_json, document=event_document, table=event_table, none="No events.")


@app.command()
def show(
    job_id: Annotated[int, typer.Argument(metavar="JOB", help="Job id of the event, from the list or the answer.")],
    *,
    payload: Annotated[
        bool, typer.Option("--payload", help="Also what it was sent with, personal data included.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Shows what is known of an event: when it came, what it names, what became of it."""
    from odoo_pipelines.clients import open_inbox  # noqa: PLC0415
    from odoo_pipelines.commands.events_view import print_event, whole_document  # noqa: PLC0415

    with clear_errors(), open_inbox(load_settings()) as inbox:
        found = inbox.events(_filter(job=[job_id]), 1)
        body = inbox.body(job_id) if payload else None
    if not found:
        err.print(f"There is no event {job_id}; what is done is removed in time.", highlight=False)
        raise typer.Exit(1)
    [event] = found
    if as_json:
        print_json(whole_document(event, body))
    else:
        print_event(event, body, out)


@app.command()
def replay(
    *,
    integration: Annotated[
        str, typer.Option("--integration", "-i", help="Name of the integration.")
    ] = DEFAULT_INTEGRATION,
    state: Annotated[
        list[Replayed] | None,
        typer.Option(help="Of this state; may be repeated. Without it dead and failed ones; with --job any."),
    ] = None,
    event_type: TypeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    job: JobOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Has events done again as if they had just come. Records that are as they should be are not written."""
    states = state or (list(Replayed) if job else [Replayed.DEAD, Replayed.FAILED])
    replayed = _done_with(
        _REPLAYING, integration, _filter(integration, states, event_type, (since, until), job), yes=yes
    )
    if as_json:
        print_json({"replayed": replayed})
    else:
        out.print(f"{replayed} wait for the next run." if replayed else "No events to replay.", highlight=False)


@app.command()
def discard(
    *,
    integration: Annotated[
        str, typer.Option("--integration", "-i", help="Name of the integration.")
    ] = DEFAULT_INTEGRATION,
    state: Annotated[
        list[Discarded] | None,
        typer.Option(help="Of this state; may be repeated. Without it dead ones; with --job any."),
    ] = None,
    event_type: TypeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    job: JobOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Gives events up: no run does them any more. They stay in the list, as done (discarded), until retention.

    What a run is at is left alone. Changes that a discarded event told of are found by the next delta all the same.
    """
    states = state or (list(Discarded) if job else [Discarded.DEAD])
    discarded = _done_with(
        _DISCARDING, integration, _filter(integration, states, event_type, (since, until), job), yes=yes
    )
    if as_json:
        print_json({"discarded": discarded})
    else:
        out.print(f"{discarded} discarded." if discarded else "No events to discard.", highlight=False)


@dataclass(frozen=True, slots=True)
class _Change:
    """What is done with events.

    Attributes:
        verb: as a person is asked.
        count: tells how many events it would change.
        carry_out: changes them, and tells how many.
    """

    verb: str
    count: Callable[[Inbox, EventFilter], int]
    carry_out: Callable[[Inbox, EventFilter], int]


_REPLAYING = _Change(
    "Replay", lambda inbox, wanted: inbox.replayable(wanted), lambda inbox, wanted: inbox.replay(wanted)
)
_DISCARDING = _Change(
    "Discard", lambda inbox, wanted: inbox.discardable(wanted), lambda inbox, wanted: inbox.discard(wanted)
)


def _done_with(change: _Change, integration: str, wanted: EventFilter, *, yes: bool) -> int:
    """Changes events, once a person has agreed; gives their number."""
    from odoo_pipelines.clients import open_inbox  # noqa: PLC0415

    with clear_errors():
        settings = load_settings()
        settings.integration(integration)
        with open_inbox(settings) as inbox:
            count = change.count(inbox, wanted)
            if count and not yes and not Confirm.ask(f"{change.verb} {count} events?", console=err, default=False):
                raise typer.Exit(1)
            return change.carry_out(inbox, wanted) if count else 0


def _filter(
    integration: str | None = None,
    states: Sequence[StrEnum] | None = None,
    event_type: str | None = None,
    received: tuple[datetime | None, datetime | None] = (None, None),
    job: Sequence[int] | None = None,
) -> EventFilter:
    from odoo_pipelines.stores.inbox import EventFilter  # noqa: PLC0415

    since, until = (each and each.replace(tzinfo=UTC) for each in received)
    named = [each.value for each in states] if states else None
    return EventFilter(integration, named, event_type, received_from=since, received_until=until, job_ids=job or None)

"""`odoo-pipelines conflicts list | show | resolve`: questions that only a human can answer. Needs the state alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.prompt import Confirm

from odoo_pipelines.commands.console import (
    JsonOption,
    clear_errors,
    err,
    known_integration,
    out,
    print_json,
    print_list,
    record_url,
    state_of,
)
from odoo_pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from odoo_pipelines.stores.conflicts import ConflictFilter, StoredConflict
    from odoo_pipelines.systems.records import Choice

app = typer.Typer(help="Conflicts: questions that only a human can answer.", no_args_is_help=True)

IntegrationFilter = Annotated[str | None, typer.Option("--integration", "-i", help="Only of this integration.")]
FlowFilter = Annotated[str | None, typer.Option("--flow", help="Only of this flow.")]
FieldFilter = Annotated[
    str | None,
    typer.Option("--field", help="Only over this field, such as phone or order_line.price_unit."),
]


class States(StrEnum):
    """Which conflicts are listed."""

    OPEN = "open"
    RESOLVED = "resolved"
    APPLIED = "applied"
    CLOSED = "closed"
    ALL = "all"


class Side(StrEnum):
    """Whose value is taken."""

    EXTERNAL = "external"
    ODOO = "odoo"


@app.command("list")
def list_conflicts(
    integration: IntegrationFilter = None,
    flow: FlowFilter = None,
    field: FieldFilter = None,
    state: Annotated[States, typer.Option(help="resolved: answered, and the next run applies it.")] = States.OPEN,
    limit: Annotated[int, typer.Option(min=1, help="Show so many at most, those that wait longest.")] = 100,
    *,
    as_json: JsonOption = False,
) -> None:
    """Lists conflicts, those first that wait longest."""
    from odoo_pipelines.commands.conflict_view import conflict_document, conflict_table  # noqa: PLC0415

    with clear_errors():
        settings = load_settings()
        wanted = _filter(settings, integration, flow, field, list(States)[:-1] if state is States.ALL else [state])
        with state_of(settings) as store:
            found = store.conflicts(wanted, limit + 1)
    none = "No conflicts." if state is States.ALL else f"No {state.value} conflicts."
    print_list(found, limit, as_json=as_json, document=conflict_document, table=conflict_table, none=none)


@app.command()
def show(
    conflict_id: Annotated[int, typer.Argument(metavar="ID", help="Number of the conflict, from the list.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Shows a conflict: base, external and Odoo side by side, why it is one, and what can be done."""
    from odoo_pipelines.commands.conflict_view import conflict_document, print_conflict  # noqa: PLC0415

    with clear_errors():
        settings = load_settings()
        with state_of(settings) as store:
            found = store.conflict(conflict_id)
            key = (found.entity, found.external_id)
            record = store.records(found.integration, [key]).get(key)
    link, links = record_url(settings, found.integration, record), _candidate_links(settings, found)
    if as_json:
        document = {**conflict_document(found), "choices": found.choices, "url": link}
        print_json(document | ({"candidate_urls": links} if links else {}))
    else:
        print_conflict(found, link, out, links)


@app.command()
def resolve(
    ids: Annotated[list[int] | None, typer.Argument(metavar="ID", help="Numbers of conflicts.")] = None,
    take: Annotated[Side | None, typer.Option(help="Whose value is right.")] = None,
    value: Annotated[
        str | None, typer.Option(help="Another value is right: JSON, or the text as it is. null empties the field.")
    ] = None,
    adopt: Annotated[int | None, typer.Option(metavar="ODOO_ID", help="It is this one of the records shown.")] = None,
    *,
    new: Annotated[bool, typer.Option("--new", help="It is none of the records shown: make a new one.")] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="It was mended in Odoo: the next run takes the record up again.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Instead of numbers: all open ones that the filters leave.")
    ] = False,
    integration: IntegrationFilter = None,
    flow: FlowFilter = None,
    field: FieldFilter = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --all: do not ask first.")] = False,
) -> None:
    """Answers conflicts: with --take, --value, --adopt, --new or --retry.

    The next run applies it, unless a side has moved by then.
    """
    choice = _choice(take, value, adopt, new=new, retry=retry)
    filters = (integration, flow, field)
    if everything and adopt is not None:
        raise typer.BadParameter("--adopt goes with the number of a conflict")
    if bool(ids) == everything:
        raise typer.BadParameter("give numbers of conflicts, or --all")
    if ids and any(filters):
        raise typer.BadParameter("--integration, --flow and --field go with --all")
    with clear_errors():
        settings = load_settings()
        with state_of(settings) as store:
            if ids:
                answered = [store.conflict(each) for each in dict.fromkeys(ids)]
            else:
                found = store.conflicts(_filter(settings, *filters, [States.OPEN]))
                answered = [each for each in found if choice in each.choices]
                if not _agreed(answered, left_out=len(found) - len(answered), yes=yes):
                    raise typer.Exit(1)
            store.resolve([each.id for each in answered], choice, _parsed(value, answered) if adopt is None else adopt)
    answer = f"{len(answered)} answered. The next run of their flows applies it." if answered else "Nothing to answer."
    out.print(answer, highlight=False)


def _candidate_links(settings: Settings, conflict: StoredConflict) -> dict[int, str]:
    """Links to the records that a row may belong to, by id."""
    from odoo_pipelines.systems import get_system  # noqa: PLC0415
    from odoo_pipelines.systems.records import POSSIBLE_MATCH  # noqa: PLC0415

    owner = settings.integrations.get(conflict.integration)
    if conflict.code != POSSIBLE_MATCH or owner is None or owner.odoo is None:
        return {}
    [model] = [flow.target.model for flow in get_system(owner.system).flows if flow.name == conflict.flow]
    return {each["id"]: owner.odoo.record_url(model, each["id"]) for each in conflict.odoo}


def _filter(
    settings: Settings, integration: str | None, flow: str | None, field: str | None, states: Sequence[States]
) -> ConflictFilter:
    from odoo_pipelines.stores.conflicts import ConflictFilter  # noqa: PLC0415

    known_integration(settings, integration)
    return ConflictFilter(integration, flow, field=field, states=[each.value for each in states])


def _choice(take: Side | None, value: str | None, adopt: int | None, *, new: bool, retry: bool) -> Choice:
    given: list[Choice] = [take.value] if take else []
    given += ["value"] if value is not None else []
    given += ["adopt"] if adopt is not None else []
    given += ["new"] if new else []
    given += ["retry"] if retry else []
    if len(given) != 1:
        raise typer.BadParameter("give one answer: --take external, --take odoo, --value, --adopt, --new or --retry")
    return given[0]


def _agreed(answered: Sequence[StoredConflict], *, left_out: int, yes: bool) -> bool:
    """Shows which conflicts would be answered, and asks."""
    from odoo_pipelines.commands.conflict_view import conflict_table  # noqa: PLC0415

    if left_out:
        err.print(f"{left_out} do not allow this answer, and are left out.", highlight=False)
    if not answered or yes:
        return True
    out.print(conflict_table(answered))
    return Confirm.ask(f"Answer these {len(answered)}?", console=out, default=False)


def _parsed(value: str | None, answered: Sequence[StoredConflict]) -> Any:
    """The value as JSON; where a side holds text, a postal code that looks like a number stays text."""
    if value is None:
        return None
    try:
        parsed = json.loads(value)
    except ValueError:
        return value
    is_text = any(isinstance(side, str) for each in answered for side in (each.base, each.external, each.odoo))
    return value if is_text and parsed is not None and not isinstance(parsed, str) else parsed

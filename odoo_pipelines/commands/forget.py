"""`odoo-pipelines forget`: removes a person from all that the pipelines keep, and says what it cannot reach."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.prompt import Confirm

from odoo_pipelines.commands.console import JsonOption, clear_errors, err, out, print_json, record_url, state_of
from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.settings import DEFAULT_INTEGRATION, Settings, load_settings

if TYPE_CHECKING:
    from odoo_pipelines.stores.forgetting import Forgotten, Person
    from odoo_pipelines.stores.state import State

WAIT_SECONDS = 60.0
_RELATED_SHOWN = 20

_logger = logging.getLogger(__name__)


def forget(
    entity: Annotated[str, typer.Argument(help="Kind of external record, such as guest or booking.")],
    external_id: Annotated[str, typer.Argument(help="Its id in the external system.")],
    integration: Annotated[
        str, typer.Option("--integration", "-i", help="Name of the integration.")
    ] = DEFAULT_INTEGRATION,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before removing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Removes a person from state, batches, inbox and letters. Shows it first; with --json only shows, unless --yes.

    Exits 1 if nothing is kept of the person. What lies in Odoo, in the external system and in backups stays.
    """
    from odoo_pipelines.stores.forgetting import Person  # noqa: PLC0415 - help is printed without it

    person = Person(integration, entity, external_id)
    with clear_errors():
        settings = load_settings()
        entities = _entities(settings, person)
        with state_of(settings) as state:
            remains = _remains(settings, state, person)
            found = _preview(settings, state, entities, person)
            if found.is_empty:
                err.print(f"Nothing is kept of {entity} {external_id}.", markup=False, highlight=False)
                raise typer.Exit(1)
            if not as_json:
                _show(found, remains, person)
            if yes or (not as_json and Confirm.ask("Remove all of it?", console=out, default=False)):
                found, done = _carry_out(settings, state, entities, person), True
            else:
                done = False
    if as_json:
        print_json(_document(person, found, remains, done=done))
    elif done:
        out.print("Removed.")
    else:
        raise typer.Exit(1)


def _entities(settings: Settings, person: Person) -> dict[str, str]:
    """Kind of the records of each stream and flow.

    Raises:
        ConfigurationError: the integration is unknown, or its system has no such kind of record.
    """
    from odoo_pipelines.systems import get_system  # noqa: PLC0415

    system = get_system(settings.integration(person.integration).system)
    entities = {name: system.entity_of(name) for name in system.streams}
    known = sorted({*entities.values(), *(flow.entity for flow in system.flows)})
    if person.entity not in known:
        raise ConfigurationError([f"ENTITY: there is no '{person.entity}'; there are: {', '.join(known)}"])
    return entities


def _preview(settings: Settings, state: State, entities: dict[str, str], person: Person) -> Forgotten:
    from odoo_pipelines.stores.batches import BatchStore  # noqa: PLC0415
    from odoo_pipelines.stores.forgetting_in_batches import find_in_batches  # noqa: PLC0415

    batches = state.all_batches(person.integration)
    found = find_in_batches(BatchStore(settings.data), batches, entities, person)
    return _together(found, state.would_forget(person, found.related))


def _carry_out(settings: Settings, state: State, entities: dict[str, str], person: Person) -> Forgotten:
    """While no run writes. Files last: they tell whose outcomes quote the person, also when the command is repeated."""
    from odoo_pipelines.clients import state_url  # noqa: PLC0415
    from odoo_pipelines.stores.batches import BatchStore  # noqa: PLC0415
    from odoo_pipelines.stores.forgetting_in_batches import empty_in_batches, find_in_batches  # noqa: PLC0415
    from odoo_pipelines.stores.lock import one_writer  # noqa: PLC0415

    with one_writer(state_url(settings), person.integration, "forget", WAIT_SECONDS, _logger):
        batches = state.all_batches(person.integration)
        store = BatchStore(settings.data)
        related = find_in_batches(store, batches, entities, person).related
        forgotten = state.forget(person, related)
        return _together(empty_in_batches(store, batches, entities, person), forgotten)


def _together(batches: Forgotten, state: Forgotten) -> Forgotten:
    state.batch_rows, state.batch_files = batches.batch_rows, batches.batch_files
    state.related |= batches.related
    return state


def _remains(settings: Settings, state: State, person: Person) -> list[str]:
    """What is out of reach, with the record in Odoo where it is known."""
    record = state.history(person.integration, person.entity, person.external_id).record
    link = record_url(settings, person.integration, record)
    in_odoo = f"{record.model} {record.odoo_id} in Odoo {link}".strip() if record else "what Odoo has of the person"
    return [
        in_odoo,
        f"{person.entity} {person.external_id} in the external system: as long as it is there, syncs bring it back",
        "backups, and files that commands and notebooks have written",
    ]


def _show(found: Forgotten, remains: list[str], person: Person) -> None:
    for table, count in sorted(found.rows.items()):
        out.print(f"{table}: {count} rows")
    out.print(f"batches: {found.batch_rows} rows in {found.batch_files} files")
    if found.related:
        names = [f"{entity} {external_id}" for entity, external_id in sorted(found.related)]
        shown = ", ".join(names[:_RELATED_SHOWN]) + (" and more" if len(names) > _RELATED_SHOWN else "")
        told = f"Named in {shown}: their own texts, such as notes, stay; forget these records, too, if need be."
        out.print(told, markup=False, highlight=False, soft_wrap=True)
    for each in remains:
        out.print(f"Not touched: {each}", markup=False, highlight=False, soft_wrap=True)


def _document(person: Person, found: Forgotten, remains: list[str], *, done: bool) -> dict[str, Any]:
    return {
        "integration": person.integration,
        "entity": person.entity,
        "external_id": person.external_id,
        "removed": done,
        "rows": dict(sorted(found.rows.items())),
        "batches": {"files": found.batch_files, "rows": found.batch_rows},
        "related": [list(each) for each in sorted(found.related)],
        "not_touched": remains,
    }

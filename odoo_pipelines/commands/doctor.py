"""`odoo-pipelines doctor`: checks everything that a sync needs, one finding each, with the fix for what is wrong."""

import shlex
from collections.abc import Iterator

from odoo_pipelines.clients import external_client, odoo_client, open_state
from odoo_pipelines.commands.doctor_odoo import odoo_findings
from odoo_pipelines.commands.findings import Examination, Finding, findings_table, ok, problem, warning
from odoo_pipelines.commands.instance import prepare_home
from odoo_pipelines.defs.instance import instance_facts
from odoo_pipelines.errors import (
    BatchStoreError,
    ConfigurationError,
    ExternalAuthenticationError,
    ExternalError,
    NewerSchemaError,
    OdooPipelinesError,
    StateError,
)
from odoo_pipelines.integration import ExternalSettings, Integration
from odoo_pipelines.pipeline.settings_check import check_settings
from odoo_pipelines.pipeline.unreadable import awaited, fault_of
from odoo_pipelines.settings import Settings, load_settings
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.private_files import is_open, open_to_others
from odoo_pipelines.systems import get_system

__all__ = ["examine", "findings_table"]


def examine(name: str, environment_fault: str | None = None) -> list[Finding]:
    """Examines an integration from its settings to Dagster's instance; one side whatever the other says.

    Args:
        name: of the integration.
        environment_fault: why .env could not be read.
    """
    examination = Examination()
    if environment_fault:
        examination.findings.append(problem("settings", environment_fault, "mend .env, or do without it"))
    if not examination.look("settings", lambda: _settings(name)):
        return examination.findings
    settings = load_settings(needed=name)
    integration = settings.integration(name)
    external, odoo = integration.connections().external, integration.connections().odoo
    examination.look("files", lambda: [_files(settings)])
    examination.look(f"{integration.system} API", lambda: [_external(settings, integration, external)])
    if odoo is None:
        examination.findings.append(warning("Odoo", "loads are switched off", "set ODOO_ENABLED=true to load"))
    else:
        examination.look("Odoo", lambda: _odoo(settings, integration))
    if examination.look("database", lambda: [_database(settings)]):  # Dagster's storage is in it, and it tries for long
        examination.look("batches", lambda: [_batches(settings, integration)])
        examination.look("Dagster", lambda: _instance(settings, integration))
    return examination.findings


def _settings(name: str) -> Iterator[Finding]:
    try:
        integration = load_settings(needed=name).integration(name)
        check_settings([integration])
    except ConfigurationError as error:
        for each in error.problems:
            yield problem("settings", each, "set it in the environment, .env or integrations.yaml")
        return
    yield ok("settings", f"integration '{name}' is complete")
    for each in integration.warnings:
        yield warning("settings", each, "use https")


def _files(settings: Settings) -> Finding:
    """Whether other accounts of this machine may read what is kept here; the next write closes most of it."""
    around = (settings.home / "limits", settings.home / "storage", settings.database.embedded_dir / "data")
    found = {str(each): [each] for each in around if is_open(each)}  # closed itself, it closes what is in it
    try:
        for folder in BatchStore(settings.data).own_folders():
            if reached := list(open_to_others(folder)):
                found[str(folder)] = reached
    except (OSError, BatchStoreError) as error:
        return warning("files", str(error), "let this account enter the folders that it keeps rows in")
    if not found:
        return ok("files", "for their owner alone")
    count, [example, *_] = sum(map(len, found.values())), next(iter(found.values()))
    detail = f"other accounts of this machine may read {count} folders and files, such as {example}"
    return warning("files", detail, f"chmod -R go= {shlex.join(found)}")


def _external(settings: Settings, integration: Integration, external: ExternalSettings) -> Finding:
    check = f"{integration.system} API"
    with external_client(integration.name, external, settings, sleep=lambda _: None) as client:  # a person waits
        try:
            client.get(get_system(integration.system).probe)
        except ExternalAuthenticationError as error:
            return problem(check, str(error), "check the API key, and the secret if there is one")
        except ExternalError as error:
            return problem(check, str(error), "check the URL, and that the server runs and can be reached from here")
    return ok(check, f"answers at {external.url}")


def _odoo(settings: Settings, integration: Integration) -> Iterator[Finding]:
    odoo = integration.connections().odoo
    if odoo is None:
        return
    try:
        client = odoo_client(odoo, settings, sleep=lambda _: None)  # a person waits
        system = get_system(integration.system)
        yield from odoo_findings(client, system, integration.journals, integration.taxes, integration.compare_total)
    except OdooPipelinesError as error:
        yield problem("Odoo", str(error), "see the message")


def _database(settings: Settings) -> Finding:
    where = "embedded" if settings.database.url is None else "ODOO_PIPELINES_DATABASE_URL"
    try:
        with open_state(settings):
            return ok("database", f"{where}, tables up to date")
    except NewerSchemaError as error:
        return problem("database", str(error), "upgrade odoo-pipelines to the version that runs elsewhere")
    except StateError as error:
        fix = "check ODOO_PIPELINES_DATABASE_URL, and that PostgreSQL runs"
        return problem("database", f"{where}: {error}", fix)
    except OdooPipelinesError as error:
        return problem("database", str(error), "see the message")


def _batches(settings: Settings, integration: Integration) -> Finding:
    """Whether what waits to be mapped or loaded is there and can be opened; of each file only the end is read."""
    store, system = BatchStore(settings.data), get_system(integration.system)
    try:
        with open_state(settings) as state:
            waiting = {batch.id: batch for batch, _ in awaited(state, system, integration.name)}
        faults = [fault for batch in waiting.values() if (fault := fault_of(store, batch, whole=False))]
    except BatchStoreError as error:
        return problem("batches", str(error), "check ODOO_PIPELINES_DATA, and that the storage can be reached")
    if not faults:
        return ok("batches", f"{len(waiting)} wait to be mapped or loaded" if waiting else "none waits")
    detail = f"{len(faults)} of {len(waiting)} that wait cannot be read, such as: {faults[0]}"
    fix = f"`odoo-pipelines batches list --integration {integration.name}` names each with what brings it again"
    return warning("batches", detail, fix)


def _instance(settings: Settings, integration: Integration) -> Iterator[Finding]:
    try:
        prepare_home(settings)
        facts = instance_facts()
    except OdooPipelinesError as error:
        yield problem("Dagster", str(error), "check DAGSTER_HOME and the dagster.yaml in it")
        return
    if facts.own_storage:
        yield ok("Dagster storage", "PostgreSQL")
    else:
        fix = "set DAGSTER_HOME to a folder that holds this project's dagster.yaml"
        yield problem("Dagster storage", "not this project's: runs would be lost or kept elsewhere", fix)
    yield _pool(integration.pool, facts.pool_limits.get(integration.pool))


def _pool(pool: str, limit: int | None) -> Finding:
    if limit == 1:
        return ok("Dagster pool", f"{pool}: one writer at a time")
    fix = f"dagster instance concurrency set {pool} 1"
    return problem("Dagster pool", f"{pool}: limit {limit or 'not set'}, so two runs may start to write", fix)

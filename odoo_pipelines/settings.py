"""Settings from the environment and integrations.yaml; nothing else in the package reads the environment.

Every fault is collected first, then one ConfigurationError names them all. Connections that are not set yet do not stop
the definitions from loading: a run or a command names the integration that it needs complete.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.integration import Integration
from odoo_pipelines.integrations_yaml import expand, read_entries

DEFAULT_INTEGRATION = "pms"

_SWITCH = ("odoo_enabled",)
_WEBHOOK_SECRETS = ("webhook_secrets",)
_RETENTION_DAYS, _CENTURY = 30, 36_500
_UI_URL = "http://127.0.0.1:3000"
_VARIABLES: Mapping[tuple[str, ...], str] = {
    ("external", "url"): "PMS_URL",
    ("external", "api_key"): "PMS_API_KEY",
    ("external", "api_secret"): "PMS_API_SECRET",
    ("odoo", "url"): "ODOO_URL",
    ("odoo", "db"): "ODOO_DB",
    ("odoo", "username"): "ODOO_USERNAME",
    ("odoo", "api_key"): "ODOO_API_KEY",
    _SWITCH: "ODOO_ENABLED",
    _WEBHOOK_SECRETS: "PMS_WEBHOOK_SECRETS",
}
"""The variables of the one integration that needs no file, and where they go."""


class _Environment(BaseSettings):
    """The variables that apply to the whole installation, and those of the one integration without a file."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    odoo_url: str | None = None
    odoo_db: str | None = None
    odoo_username: str | None = None
    odoo_api_key: SecretStr | None = None
    odoo_enabled: str | None = None
    pms_url: str | None = None
    pms_api_key: SecretStr | None = None
    pms_api_secret: SecretStr | None = None
    pms_webhook_secrets: SecretStr | None = None
    odoo_pipelines_api_token: SecretStr | None = None
    odoo_pipelines_database_url: SecretStr | None = None
    odoo_pipelines_data: str | None = None
    odoo_pipelines_config: Path | None = None
    odoo_pipelines_postgres_dir: Path | None = None
    odoo_pipelines_retention_days: str | None = None
    odoo_pipelines_ui_url: str | None = None
    dagster_home: Path | None = None


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the state and Dagster's storage are kept.

    Attributes:
        url: of a PostgreSQL server; None for the embedded one.
        embedded_dir: directory of the embedded server.
    """

    url: SecretStr | None
    embedded_dir: Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be configured.

    Attributes:
        integrations: by name, the inactive ones included.
        database: where the state is kept.
        data: root of the batches, a path or an fsspec URL.
        home: the Dagster instance's directory.
        retention_days: how long outcomes, finished runs and superseded batches are kept.
        ui_url: of the Dagster UI, for links to runs; without a trailing slash.
        api_token: what manual syncs over HTTP must show; None: nobody may ask for one.
    """

    integrations: Mapping[str, Integration]
    database: DatabaseSettings
    data: str = field(repr=False)  # such a URL may carry a password
    home: Path
    retention_days: int = _RETENTION_DAYS
    ui_url: str = _UI_URL
    api_token: SecretStr | None = None

    def integration(self, name: str) -> Integration:
        """The integration of this name.

        Raises:
            ConfigurationError: there is none, or it is not active.
        """
        found = self.integrations.get(name)
        if found is None:
            known = ", ".join(sorted(self.integrations))
            raise ConfigurationError([f"there is no integration '{name}'; configured: {known}"])
        if not found.active:
            raise ConfigurationError([f"integration '{name}' is switched off (active: false in integrations.yaml)"])
        return found


def database_settings() -> DatabaseSettings:
    """The database alone, for Dagster's storage, which is opened before anything else is read."""
    return _database(_Environment())


def dagster_home() -> Path:
    """The directory of the Dagster instance alone."""
    return _home(_Environment())


def export_embedded_dir(directory: Path) -> None:
    """Tells child processes, which may run in another directory, where the embedded PostgreSQL is."""
    os.environ["ODOO_PIPELINES_POSTGRES_DIR"] = str(directory)


def export_home(home: Path) -> None:
    """Tells Dagster, here and in child processes, where its home is."""
    os.environ["DAGSTER_HOME"] = str(home)


def inherited_environment() -> dict[str, str]:
    """The environment without this project's own variables, for a child process that gets its own."""
    own = {*_VARIABLES.values(), *(name.upper() for name in _Environment.model_fields)}
    return {name: value for name, value in os.environ.items() if name not in own}


def load_settings(needed: str | None = None, *, receiver: bool = False) -> Settings:
    """Reads the environment and, where ODOO_PIPELINES_CONFIG names one, integrations.yaml.

    Args:
        needed: integration whose connections must be complete; None where only the structure matters.
        receiver: the webhook secrets of all active integrations must be complete.

    Raises:
        ConfigurationError: naming every variable or entry that is malformed or, for the needed one, not set; or the
            needed one is unknown, or not active.
    """
    environment = _Environment()
    file = environment.odoo_pipelines_config
    drafts = [_draft_from_environment(environment)] if file is None else _drafts_from_file(file, environment)
    problems: list[str] = []
    retention_days = _retention_days(environment.odoo_pipelines_retention_days, problems)
    ui_url = _ui_url(environment.odoo_pipelines_ui_url, problems)
    integrations = [
        integration for draft in drafts if (integration := draft.validated(needed, problems, receiver=receiver))
    ]
    problems.extend(_clashes(integrations))
    if problems:
        raise ConfigurationError(problems)
    home = _home(environment)
    settings = Settings(
        integrations={integration.name: integration for integration in integrations},
        database=_database(environment),
        data=environment.odoo_pipelines_data or str(home / "data"),
        home=home,
        retention_days=retention_days,
        ui_url=ui_url,
        api_token=environment.odoo_pipelines_api_token,
    )
    if needed is not None:
        settings.integration(needed)
    return settings


@dataclass(frozen=True, slots=True)
class _Draft:
    """An integration as it was written down, before validation.

    Attributes:
        name: of the integration.
        entry: what it consists of.
        labels: what a person calls a place in it: a variable, or a path in the file.
        problems: found while it was read.
        unset: places that refer to a variable which is not set; the entry lacks them.
    """

    name: str
    entry: dict[str, Any]
    labels: Mapping[tuple[str, ...], str]
    problems: tuple[str, ...] = ()
    unset: Collection[tuple[str, ...]] = ()

    def validated(self, needed: str | None, problems: list[str], *, receiver: bool) -> Integration | None:
        """The integration, or None and its faults added to `problems`."""
        problems.extend(self.problems)
        asked = receiver and _is_on(self.entry.get("active")) is not False
        unset = [place for place in self.unset if self.name == needed or (asked and place[:1] == _WEBHOOK_SECRETS)]
        problems.extend(f"{self.labels[place]} is not set" for place in unset)
        try:
            return Integration.model_validate({"name": self.name, **self.entry})
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False)
        if self.name != needed and all(fault["type"] == "missing" for fault in faults):
            incomplete = {fault["loc"][0] for fault in faults}
            kept = {key: value for key, value in self.entry.items() if key not in incomplete}
            return Integration.model_validate({"name": self.name, **kept})
        problems.extend(
            self._sentence(fault["loc"], fault["type"], fault["msg"])
            for fault in faults
            if tuple(map(str, fault["loc"])) not in unset
        )
        return None

    def _sentence(self, location: tuple[int | str, ...], kind: str, message: str) -> str:
        place = tuple(str(part) for part in location)
        label = self.labels.get(place) or f"integrations.{self.name}.{'.'.join(place)}"
        if kind == "missing":
            return f"{label} is not set"
        return f"{label}: {message.removeprefix('Value error, ')}"


def _retention_days(written: str | None, problems: list[str]) -> int:
    days = TypeAdapter(Annotated[int, Field(ge=1, le=_CENTURY)])
    try:
        return _RETENTION_DAYS if written is None else days.validate_python(written)
    except ValidationError:
        problems.append(f"ODOO_PIPELINES_RETENTION_DAYS: must be a whole number of days, from 1 to {_CENTURY}")
        return _RETENTION_DAYS


def _ui_url(written: str | None, problems: list[str]) -> str:
    url = written or _UI_URL
    if not url.startswith(("http://", "https://")):
        problems.append(f"ODOO_PIPELINES_UI_URL: must begin with http:// or https://, such as {_UI_URL}")
    return url.rstrip("/")


def _home(environment: _Environment) -> Path:
    return (environment.dagster_home or Path.cwd() / ".dagster_home").expanduser().resolve()


def _database(environment: _Environment) -> DatabaseSettings:
    directory = environment.odoo_pipelines_postgres_dir or _home(environment) / "postgres"
    return DatabaseSettings(url=environment.odoo_pipelines_database_url, embedded_dir=directory)


def _draft_from_environment(environment: _Environment) -> _Draft:
    entry: dict[str, Any] = {"external": {}, "number": 1}
    if _is_on(environment.odoo_enabled) is not False:
        entry["odoo"] = {}
    for (*sides, key), variable in _VARIABLES.items():
        value = getattr(environment, variable.lower())
        side = entry.get(sides[0]) if sides else entry
        if value is not None and side is not None:
            side[key] = value
    return _Draft(DEFAULT_INTEGRATION, entry, _VARIABLES)


def _is_on(value: Any) -> bool | None:
    """What a switch says, which is on unless something is said; None where it cannot be read."""
    try:
        return True if value is None else TypeAdapter(bool).validate_python(value)
    except ValidationError:
        return None


def _drafts_from_file(file: Path, environment: _Environment) -> list[_Draft]:
    return [_draft_from_entry(name, entry, environment.odoo_enabled) for name, entry in read_entries(file).items()]


def _draft_from_entry(name: str, entry: Any, switch: str | None) -> _Draft:
    """An integration of the file; the switch ODOO_ENABLED turns off the loads of all of them."""
    if not isinstance(entry, dict):
        return _Draft(name, {}, {}, (f"integrations.{name}: must be a mapping",))
    read = expand(entry, os.environ)
    expanded = read.entry
    labels = {place: f"{names} (integrations.{name}.{'.'.join(place)})" for place, names in read.variables.items()}
    if not _is_on(switch):
        expanded["odoo_enabled"], labels[_SWITCH] = switch, _VARIABLES[_SWITCH]
    sides = ["external"] if _is_on(expanded.get("odoo_enabled")) is False else ["external", "odoo"]
    expanded |= {side: {} for side in sides if expanded.get(side) is None}
    return _Draft(name, expanded, labels, tuple(f"integrations.{name}.{each}" for each in read.problems), read.unset)


def _clashes(integrations: Sequence[Integration]) -> list[str]:
    names: dict[str | int, str] = {}
    problems = []
    for each in integrations:
        if (other := names.setdefault(each.identifier, each.name)) != each.name:
            problems.append(f"integrations '{other}' and '{each.name}' differ only in - and _; rename one of them")
        if each.number is not None and (other := names.setdefault(each.number, each.name)) != each.name:
            problems.append(f"integrations '{other}' and '{each.name}' have the same number {each.number}")
    return problems

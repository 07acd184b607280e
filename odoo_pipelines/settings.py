"""Settings from the environment and integrations.yaml; nothing else in the package reads the environment.

Every fault is collected first, then one ConfigurationError names them all. Connections that are not set yet do not stop
the definitions from loading: a run or a command names the integration that it needs complete.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.integration import Integration

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
DEFAULT_INTEGRATION = "pms"

_SECRETS = frozenset({"api_key", "api_secret"})
_VARIABLES: Mapping[tuple[str, ...], str] = {
    ("external", "url"): "PMS_URL",
    ("external", "api_key"): "PMS_API_KEY",
    ("external", "api_secret"): "PMS_API_SECRET",
    ("odoo", "url"): "ODOO_URL",
    ("odoo", "db"): "ODOO_DB",
    ("odoo", "username"): "ODOO_USERNAME",
    ("odoo", "api_key"): "ODOO_API_KEY",
}
"""The variables of the one integration that needs no file, and where they go."""


class _Environment(BaseSettings):
    """The variables that apply to the whole installation, and those of the one integration without a file."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    odoo_url: str | None = None
    odoo_db: str | None = None
    odoo_username: str | None = None
    odoo_api_key: SecretStr | None = None
    odoo_enabled: bool = True
    pms_url: str | None = None
    pms_api_key: SecretStr | None = None
    pms_api_secret: SecretStr | None = None
    odoo_pipelines_database_url: SecretStr | None = None
    odoo_pipelines_data: str | None = None
    odoo_pipelines_config: Path | None = None
    odoo_pipelines_postgres_dir: Path | None = None
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
    """

    integrations: Mapping[str, Integration]
    database: DatabaseSettings
    data: str
    home: Path

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
    return _database(_environment())


def hand_on_embedded_dir(directory: Path) -> None:
    """Tells child processes, which may run in another directory, where the embedded PostgreSQL is."""
    os.environ["ODOO_PIPELINES_POSTGRES_DIR"] = str(directory)


def hand_on_home(home: Path) -> None:
    """Tells Dagster, here and in child processes, where its home is."""
    os.environ["DAGSTER_HOME"] = str(home)


def inherited_environment() -> dict[str, str]:
    """The environment without this project's own variables, for a child process that gets its own."""
    own = {*_VARIABLES.values(), *(name.upper() for name in _Environment.model_fields)}
    return {name: value for name, value in os.environ.items() if name not in own}


def load_settings(needed: str | None = None) -> Settings:
    """Reads the environment and, where ODOO_PIPELINES_CONFIG names one, integrations.yaml.

    Args:
        needed: integration whose connections must be complete; None where only the structure matters.

    Raises:
        ConfigurationError: naming every variable or entry that is malformed or, for the needed one, not set.
    """
    environment = _environment()
    file = environment.odoo_pipelines_config
    drafts = [_draft_from_environment(environment)] if file is None else _drafts_from_file(file)
    problems: list[str] = []
    integrations = [integration for draft in drafts if (integration := draft.validated(needed, problems))]
    problems.extend(_clashes(integrations))
    if problems:
        raise ConfigurationError(problems)
    home = _home(environment)
    return Settings(
        integrations={integration.name: integration for integration in integrations},
        database=_database(environment),
        data=environment.odoo_pipelines_data or str(home / "data"),
        home=home,
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    """An integration as it was written down, before validation.

    Attributes:
        name: of the integration.
        entry: what it consists of.
        labels: what a person calls a place in it: a variable, or a path in the file.
        problems: found while it was read.
    """

    name: str
    entry: dict[str, Any]
    labels: Mapping[tuple[str, ...], str]
    problems: tuple[str, ...] = ()

    def validated(self, needed: str | None, problems: list[str]) -> Integration | None:
        """The integration, or None and its faults added to `problems`."""
        problems.extend(self.problems)
        try:
            return Integration.model_validate({"name": self.name, **self.entry})
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False)
        if self.name != needed and all(fault["type"] == "missing" for fault in faults):
            incomplete = {fault["loc"][0] for fault in faults}
            kept = {key: value for key, value in self.entry.items() if key not in incomplete}
            return Integration.model_validate({"name": self.name, **kept})
        problems.extend(self._sentence(fault["loc"], fault["type"], fault["msg"]) for fault in faults)
        return None

    def _sentence(self, location: tuple[int | str, ...], kind: str, message: str) -> str:
        place = tuple(str(part) for part in location)
        label = self.labels.get(place) or f"integrations.{self.name}.{'.'.join(place)}"
        if kind == "missing":
            return f"{label} is not set"
        return f"{label}: {message.removeprefix('Value error, ')}"


def _environment() -> _Environment:
    try:
        return _Environment()
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        raise ConfigurationError([f"{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in faults]) from None


def _home(environment: _Environment) -> Path:
    return (environment.dagster_home or Path.cwd() / ".dagster_home").expanduser().resolve()


def _database(environment: _Environment) -> DatabaseSettings:
    directory = environment.odoo_pipelines_postgres_dir or _home(environment) / "postgres"
    return DatabaseSettings(url=environment.odoo_pipelines_database_url, embedded_dir=directory)


def _draft_from_environment(environment: _Environment) -> _Draft:
    entry: dict[str, Any] = {"odoo_enabled": environment.odoo_enabled, "external": {}}
    if environment.odoo_enabled:
        entry["odoo"] = {}
    for (side, key), variable in _VARIABLES.items():
        value = getattr(environment, variable.lower())
        if value is not None and side in entry:
            entry[side][key] = value
    return _Draft(DEFAULT_INTEGRATION, entry, _VARIABLES)


def _drafts_from_file(file: Path) -> list[_Draft]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError([f"ODOO_PIPELINES_CONFIG: {file} cannot be read ({error.strerror})"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"ODOO_PIPELINES_CONFIG: {file} is not valid YAML: {error}"]) from error
    entries = content.get("integrations") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise ConfigurationError([f"ODOO_PIPELINES_CONFIG: {file} has no mapping 'integrations' with an entry in it"])
    return [_draft_from_entry(str(name), entry) for name, entry in entries.items()]


def _draft_from_entry(name: str, entry: Any) -> _Draft:
    if not isinstance(entry, dict):
        return _Draft(name, {}, {}, (f"integrations.{name}: must be a mapping",))
    labels: dict[tuple[str, ...], str] = {}
    problems: list[str] = []
    expanded = _expand(entry, (), labels, problems)
    expanded.setdefault("external", {})
    if expanded.get("odoo_enabled", True) is not False:
        expanded.setdefault("odoo", {})
    problems = [f"integrations.{name}.{problem}" for problem in problems]
    labels = {place: f"{variable} (integrations.{name}.{'.'.join(place)})" for place, variable in labels.items()}
    return _Draft(name, expanded, labels, tuple(problems))


def _expand(
    entry: Mapping[str, Any], place: tuple[str, ...], labels: dict[tuple[str, ...], str], problems: list[str]
) -> dict[str, Any]:
    """Replaces ${VARIABLE} in all strings; an unset variable leaves its key out, so that it counts as not set."""
    result: dict[str, Any] = {}
    for key, value in entry.items():
        here = (*place, str(key))
        if isinstance(value, dict):
            result[str(key)] = _expand(value, here, labels, problems)
            continue
        if key in _SECRETS and not (isinstance(value, str) and _REFERENCE.fullmatch(value)):
            problems.append(
                f"{'.'.join(here)}: write a reference such as ${{{str(key).upper()}}}, never the secret itself"
            )
            continue
        names = _REFERENCE.findall(value) if isinstance(value, str) else []
        if names:
            labels[here] = names[0]
        if all(os.environ.get(variable) for variable in names):
            result[str(key)] = _REFERENCE.sub(lambda found: os.environ[found[1]], value) if names else value
    return result


def _clashes(integrations: Sequence[Integration]) -> list[str]:
    names: dict[str, str] = {}
    problems = []
    for integration in integrations:
        other = names.setdefault(integration.identifier, integration.name)
        if other != integration.name:
            problems.append(
                f"integrations '{other}' and '{integration.name}' differ only in - and _; rename one of them"
            )
    return problems

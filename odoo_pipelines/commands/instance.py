"""Dagster's home for shell commands: the one that DAGSTER_HOME names, else .dagster_home in this folder."""

from __future__ import annotations

from pathlib import Path

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.settings import Settings, export_home
from odoo_pipelines.stores.private_files import make_passable

CONFIGURATION = "dagster.yaml"


def prepare_home(settings: Settings) -> None:
    """Makes sure that Dagster finds its home, with this project's configuration in it.

    Raises:
        ConfigurationError: the home has no dagster.yaml, and this folder has none to link to.
    """
    try:
        _fill_home(settings.home)
    except OSError as error:
        where = f"DAGSTER_HOME: {settings.home} cannot be written ({error.strerror})"
        raise ConfigurationError([f"{where}; let this account write there, or choose another folder"]) from error
    export_home(settings.home)


def _fill_home(home: Path) -> None:
    make_passable(home)
    wanted, own = home / CONFIGURATION, Path.cwd() / CONFIGURATION
    if not wanted.exists():
        if not own.exists():
            raise ConfigurationError([f"DAGSTER_HOME: {home} holds no {CONFIGURATION}; copy this project's there"])
        wanted.symlink_to(own)

"""What a look at Dagster's instance tells: whose storage it has, and which pools are limited."""

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg
import sqlalchemy as sa
import yaml
from dagster_postgres.utils import DagsterPostgresException
from dagster_shared.check import CheckError

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.storage import Storage

_CANNOT_BE_OPENED = (
    dg.DagsterError,
    CheckError,
    DagsterPostgresException,
    sa.exc.SQLAlchemyError,
    yaml.YAMLError,
    UnicodeDecodeError,
    OSError,
)
"""Dagster has no common root for them: a class that cannot be imported is a CheckError, broken YAML is just that."""


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """One Dagster instance.

    Attributes:
        own_storage: its storage is this project's, so runs and state share a database.
        pool_limits: of the pools that have one.
    """

    own_storage: bool
    pool_limits: Mapping[str, int]


def instance_facts() -> InstanceFacts:
    """Opens the instance of DAGSTER_HOME and looks at it.

    Raises:
        ConfigurationError: it cannot be opened.
    """
    try:
        with dg.DagsterInstance.get() as instance:
            kept = instance.get_ref().storage_data
            own = kept is not None and (kept.module_name, kept.class_name) == (Storage.__module__, Storage.__name__)
            limits = {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}
    except _CANNOT_BE_OPENED as error:
        raise ConfigurationError([f"DAGSTER_HOME: {str(error).splitlines()[0]}"]) from error
    return InstanceFacts(own, limits)

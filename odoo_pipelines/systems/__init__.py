"""The external systems that are known: packages beside this module, and installed ones that register as entry points.

A package beside this module has its SYSTEM in `flows`. Another distribution names its own in the entry point group
`odoo_pipelines.systems`, such as `club = "our_club.flows:SYSTEM"`.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.systems.base import System

ENTRY_POINTS = "odoo_pipelines.systems"


@cache
def system_names() -> tuple[str, ...]:
    """The names that `system:` of an integration may have, in alphabetical order.

    Raises:
        ConfigurationError: two systems have one name.
    """
    return tuple(sorted({*_packages(), *_installed()}))


@cache
def get_system(name: str) -> System:
    """Returns the description of a system.

    Raises:
        ConfigurationError: there is no system of this name, or what is installed under it is none.
    """
    if name not in system_names():
        raise ConfigurationError([f"system: {name!r} is not known; known are {', '.join(system_names())}"])
    if name not in (installed := _installed()):
        system: System = import_module(f"{__name__}.{name}.flows").SYSTEM
        return system
    entry = installed[name]
    try:
        found = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError([f"system: {name!r} ({entry.value}) cannot be imported: {error}"]) from error
    if not isinstance(found, System):
        raise ConfigurationError([f"system: {name!r}: {entry.value} is no System"])
    return found


def _packages() -> frozenset[str]:
    return frozenset(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)


def _installed() -> dict[str, EntryPoint]:
    """By name, what other distributions bring."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value or entry.name in _packages():
            taken = "a system of odoo-pipelines itself" if entry.name in _packages() else other.value
            raise ConfigurationError([f"system: {entry.name!r} names both {entry.value} and {taken}; uninstall one"])
    return found

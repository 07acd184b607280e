"""The external systems that are known: every package beside this module, each with a SYSTEM in its `flows`."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.systems.base import System


@cache
def system_names() -> tuple[str, ...]:
    """The names that `system:` of an integration may have, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg))


def get_system(name: str) -> System:
    """Returns the description of a system.

    Raises:
        ConfigurationError: no package has this name.
    """
    if name not in system_names():
        raise ConfigurationError([f"system: {name!r} is not known; known are {', '.join(system_names())}"])
    system: System = import_module(f"{__name__}.{name}.flows").SYSTEM
    return system

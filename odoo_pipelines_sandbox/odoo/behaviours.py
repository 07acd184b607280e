"""What single models do beyond the general rules of create, write and unlink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from odoo_pipelines_sandbox.odoo.env import Env
from odoo_pipelines_sandbox.odoo.store import Row


class Behaviour:
    """The rules of a model that has none of its own."""

    def prepare(self, env: Env, vals: dict[str, Any]) -> dict[str, Any]:
        """Fills in what a new record gets without being told; may refuse the values."""
        return vals

    def created(self, env: Env, ids: Sequence[int]) -> None:
        """Follows up on new records."""

    def check_write(self, env: Env, ids: Sequence[int], vals: dict[str, Any]) -> dict[str, Any]:
        """Refuses or changes what is about to be written."""
        return vals

    def written(self, env: Env, before: Mapping[int, Row], vals: dict[str, Any]) -> None:
        """Follows up on a write; `before` holds the records as they were."""

    def check_unlink(self, env: Env, ids: Sequence[int]) -> None:
        """Refuses a deletion."""

    def unlinked(self, env: Env, before: Mapping[int, Row]) -> None:
        """Follows up on a deletion."""


_DEFAULT = Behaviour()
_BEHAVIOURS: dict[str, Behaviour] = {}


def register(model: str, rules: Behaviour) -> None:
    """Gives a model rules of its own."""
    _BEHAVIOURS[model] = rules


def behaviour(model: str) -> Behaviour:
    """The rules of a model."""
    return _BEHAVIOURS.get(model, _DEFAULT)

"""Who wins where the external system and Odoo differ: the choices of an integration, as the engine takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Policy(StrEnum):
    """What happens to a field that was changed in the external system, in Odoo, or in both."""

    EXTERNAL_WINS = "external_wins"
    ODOO_WINS = "odoo_wins"
    LATEST_WINS = "latest_wins"
    MANUAL = "manual"


class DeletedPolicy(StrEnum):
    """What happens to a record that somebody has deleted in Odoo."""

    RECREATE = "recreate"
    IGNORE = "ignore"
    CONFLICT = "conflict"


class Disaster(StrEnum):
    """What was restored from a backup, or lost, and is therefore older than the rest."""

    ODOO_BACKUP = "odoo-backup"
    STATE_BACKUP = "state-backup"
    BATCHES_LOST = "batches-lost"
    PMS_BACKUP = "pms-backup"


class VanishedPolicy(StrEnum):
    """What happens in Odoo to a record that has vanished from the external system."""

    REPORT = "report"
    ARCHIVE = "archive"
    CANCEL = "cancel"


class AdoptPolicy(StrEnum):
    """What happens where a row without a record has something in common with a record of Odoo without a sync key."""

    NAME_AND_ADDRESS = "name_and_address"
    NEVER = "never"
    ASK = "ask"


class UnlockPolicy(StrEnum):
    """When a record that is locked in Odoo is unlocked, written and locked again."""

    OWN = "own"
    """Where the pipelines have locked it, and nobody has changed it in Odoo since."""
    NEVER = "never"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class FlowPolicies:
    """The choices for one flow.

    Attributes:
        default: for every field that `fields` does not name.
        fields: by Odoo field; fields of lines as "order_line.price_unit", the lines themselves as "order_line".
        deleted: for records that are gone in Odoo.
        adopt: for records that may be in Odoo already.
    """

    default: Policy = Policy.LATEST_WINS
    fields: Mapping[str, Policy] = field(default_factory=dict)
    deleted: DeletedPolicy = DeletedPolicy.RECREATE
    adopt: AdoptPolicy = AdoptPolicy.NAME_AND_ADDRESS

    def of(self, name: str) -> Policy:
        """The policy of a field; a field of a line follows its lines unless it is named itself."""
        lines, dot, _ = name.partition(".")
        return self.fields.get(name) or (self.fields.get(lines) if dot else None) or self.default

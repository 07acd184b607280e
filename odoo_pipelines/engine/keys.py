"""Sync keys, by which a record of Odoo is known again, and names of fields and lines. Pure."""

from __future__ import annotations

from urllib.parse import quote, unquote

from odoo_pipelines.systems.targets import Target

SYNC_KEY_FIELD = "x_sync_key"
XMLID_MODULE = "__odoo_pipelines__"
"""No module may ever have this name: Odoo deletes records under a real module's name when that module is upgraded."""


def sync_key(integration: str, entity: str, *ids: str) -> str:
    """Returns `<integration>.<entity>.<id>[.<id>]`, every part quoted so that no two records share a key.

    Letters, digits, `_` and `-` stay readable; everything else, dots included, is percent-encoded. The result is
    also a valid name of an xmlid, which may not hold spaces.
    """
    return ".".join(
        (integration, entity, *(quote(part, safe="").replace(".", "%2E").replace("~", "%7E") for part in ids))
    )


def row_key(integration: str, target: Target, entity: str, external_id: str) -> str:
    """The sync key of a record of a target."""
    return sync_key(integration, *target.sync_parts(entity, external_id))


def external_id_of(key: str, integration: str, entity: str) -> str | None:
    """The external id in a sync key of one part; None where the key is another integration's or entity's."""
    prefix = sync_key(integration, entity, "")
    return unquote(key.removeprefix(prefix)) if key.startswith(prefix) else None


def xmlid(key: str) -> str:
    """The external id under which `load` creates the record at most once."""
    return f"{XMLID_MODULE}.{key}"


STATE = "state"
"""The name of a record's state."""


def line_name(lines: str, key: str) -> str:
    """The name of a line: "order_line[<sync key>]"."""
    return f"{lines}[{key}]"


def line_key(name: str) -> str:
    """The sync key of the line that a name is about; "" for a field of the record."""
    return name.partition("[")[2].rpartition("]")[0]


def line_field(name: str) -> str:
    """The field of a line that a name is about; "" for a line as such, and for a field of the record."""
    return name.rpartition("].")[2] if "]." in name else ""


def general_name(name: str) -> str:
    """The name without the line's key, as policies and tallies have it: "order_line.price_unit"."""
    lines, bracket, rest = name.partition("[")
    return f"{lines}{rest.rpartition(']')[2]}" if bracket else name

"""Which record carries a row's xmlid now: after contacts were merged in Odoo, the one that was kept."""

from __future__ import annotations

from collections.abc import Sequence

from odoo_pipelines.engine.keys import xmlid
from odoo_pipelines.errors import OdooMissingRecordError, OdooServerError, OdooValidationError
from odoo_pipelines.odoo.calls import EVEN_ARCHIVED, Odoo


def record_of_xmlid(odoo: Odoo, key: str) -> int | None:
    """Odoo's id of the record under a sync key's xmlid, even if it is archived.

    Returns:
        None where nobody has the xmlid (a deleted record takes it along) or the user may not see the record.
    """
    module, _, name = xmlid(key).partition(".")
    try:
        _, odoo_id = odoo.call(
            "ir.model.data", "check_object_reference", module=module, xml_id=name, context=EVEN_ARCHIVED
        )
    except (OdooValidationError, OdooServerError, OdooMissingRecordError):
        return None
    return int(odoo_id) or None


def xmlids_of(odoo: Odoo, model: str, ids: Sequence[int]) -> dict[int, str]:
    """The xmlids of records by their ids; "" for a record without one."""
    found = odoo.call(model, "get_external_id", ids) if ids else {}
    return {int(odoo_id): str(name) for odoo_id, name in found.items()}

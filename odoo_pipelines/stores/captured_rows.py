"""Records that were read out of Odoo, as batch files hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa


def captured_schema() -> pa.Schema:
    """Columns of such a batch; the id is the external system's, by which a record's rows are found."""
    texts: dict[str, pa.DataType] = {name: pa.string() for name in ("entity", "external_id", "write_date", "payload")}
    return pa.schema({"odoo_id": pa.int64(), **texts})


def to_columns(entity: str, odoo_id: int, external_id: str, write_date: str, payload: str) -> Mapping[str, Any]:
    """One row by column name."""
    return {
        "odoo_id": odoo_id,
        "entity": entity,
        "external_id": external_id,
        "write_date": write_date,
        "payload": payload,
    }

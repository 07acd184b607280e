"""The variables that the settings read, and values that make them complete."""

from __future__ import annotations

import pytest

COMPLETE = {
    "ODOO_URL": "https://odoo.example",
    "ODOO_DB": "hotel",
    "ODOO_USERNAME": "sync@hotel.example",
    "ODOO_API_KEY": "odoo-key-4711-confidential",
    "PMS_URL": "https://pms.example/api",
    "PMS_API_KEY": "pms-key-0815-confidential",
    "PMS_API_SECRET": "pms-secret-0816-confidential",
}
"""What one integration without a file needs; the last one is optional."""
SECRET_VARIABLES = ("ODOO_API_KEY", "PMS_API_KEY", "PMS_API_SECRET")
VARIABLES = (
    *COMPLETE,
    "ODOO_ENABLED",
    "PMS_WEBHOOK_SECRETS",
    "ODOO_PIPELINES_API_TOKEN",
    "ODOO_PIPELINES_DATABASE_URL",
    "ODOO_PIPELINES_DATA",
    "ODOO_PIPELINES_CONFIG",
    "ODOO_PIPELINES_POSTGRES_DIR",
    "ODOO_PIPELINES_RETENTION_DAYS",
    "ODOO_PIPELINES_UI_URL",
    "DAGSTER_HOME",
)
"""Everything that the settings read."""


def unset_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a test independent of the environment in which it runs, and takes back what the code under test sets."""
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "")  # a variable that was not set would not be noted
        monkeypatch.delenv(variable)

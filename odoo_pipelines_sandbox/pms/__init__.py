"""A property management system that does not exist: it serves the PMS contract with generated data of any size."""

from __future__ import annotations

from odoo_pipelines_sandbox.pms.app import create_app
from odoo_pipelines_sandbox.pms.options import SandboxOptions

__all__ = ["SandboxOptions", "create_app"]

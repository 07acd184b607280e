"""The composition root: everything that Dagster sees of every active integration."""

from odoo_pipelines.defs.build import build_definitions
from odoo_pipelines.defs.resources import log_progress
from odoo_pipelines.settings import load_settings

defs = build_definitions(load_settings().integrations.values(), log_progress)

"""The property management system of a hotel: its payloads, and what becomes of them in Odoo."""

"""What each payload becomes in Odoo: pure functions, one module for each target."""

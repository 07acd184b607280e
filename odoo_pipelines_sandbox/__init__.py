"""Servers to try and test against: a PMS and an Odoo stand-in, both with faults on demand."""

"""The engine: it plans what a chunk of mapped rows needs in Odoo, applies that, and reports what became of each row.

Its collaborators (Odoo, the state, the clock) come in as the Protocols of `ports`.
"""

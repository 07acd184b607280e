"""An Odoo 19 stand-in: answers as Odoo does for every call that the pipelines make, from memory.

It serves the demo and the fast tests. The truth is Odoo: the conformance suite runs against both, and what the stand-in
does differently is a bug in the stand-in.
"""

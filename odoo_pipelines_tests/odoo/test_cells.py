from __future__ import annotations

from typing import Any

import pytest

from odoo_pipelines.odoo.cells import cell, column
from odoo_pipelines.odoo.fields import FieldSchema


@pytest.mark.parametrize(
    ("type_", "name"),
    [("char", "f"), ("date", "f"), ("many2one", "f/.id"), ("many2many", "f/.id")],
)
def test_relations_go_by_database_id(type_: str, name: str) -> None:
    assert column(FieldSchema("f", type_)) == name


@pytest.mark.parametrize(
    ("type_", "value", "text"),
    [
        ("char", " Ann ", " Ann "),
        ("char", False, ""),
        ("html", "<p>a</p>", "<p>a</p>"),
        ("selection", "fr_FR", "fr_FR"),
        ("boolean", True, "1"),
        ("boolean", False, "0"),
        ("integer", 0, "0"),
        ("integer", -7, "-7"),
        ("float", 0.0, "0.0"),
        ("float", 0.30000000000000004, "0.30000000000000004"),
        ("float", 1e-09, "1e-09"),
        ("monetary", 120.5, "120.5"),
        ("date", "2024-02-29", "2024-02-29"),
        ("datetime", "2024-02-29 23:59:59", "2024-02-29 23:59:59"),
        ("date", False, ""),
        ("many2one", 75, "75"),
        ("many2one", False, ""),
        ("many2many", [1, 3], "1,3"),
        ("many2many", [], ""),
    ],
)
def test_a_cell_is_a_string_and_the_empty_one_clears(type_: str, value: Any, text: str) -> None:
    assert cell(value, FieldSchema("f", type_)) == text

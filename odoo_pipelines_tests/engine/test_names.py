from __future__ import annotations

import pytest

from odoo_pipelines.engine.keys import general_name, line_field, line_key, line_name

LINE = line_name("order_line", "hotel.booking_room.7.a[1]%2E5")


@pytest.mark.parametrize(
    ("name", "key", "field", "general"),
    [
        ("city", "", "", "city"),
        (LINE, "hotel.booking_room.7.a[1]%2E5", "", "order_line"),
        (f"{LINE}.price_unit", "hotel.booking_room.7.a[1]%2E5", "price_unit", "order_line.price_unit"),
    ],
)
def test_a_name_tells_the_line_and_the_field_that_it_is_about(name: str, key: str, field: str, general: str) -> None:
    assert (line_key(name), line_field(name), general_name(name)) == (key, field, general)

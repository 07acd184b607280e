from __future__ import annotations

import pytest

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.systems import get_system, system_names


def test_every_package_beside_base_is_a_system_of_its_own_name() -> None:
    assert "pms" in system_names()
    assert [get_system(name).name for name in system_names()] == list(system_names())


def test_a_stream_has_the_kind_of_records_that_its_first_flow_says() -> None:
    pms = get_system("pms")
    kinds = {stream: pms.entity_of(stream) for stream in pms.streams}
    assert kinds == {"rooms": "room_type", "guests": "guest", "bookings": "booking", "payments": "payment"}
    assert pms.entity_of("invoices") == "invoices"


@pytest.mark.parametrize("name", ["opera", "", "base", "..pms", "pms.flows"])
def test_an_unknown_system_is_a_configuration_error_that_names_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigurationError, match="known are pms"):
        get_system(name)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from odoo_pipelines.errors import ConfigurationError
from odoo_pipelines.systems import get_system, system_names
from odoo_pipelines_tests.systems.installed import Install, installing


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


CLUB = 'from odoo_pipelines.systems.base import System\n\nSYSTEM = System("club", {}, ())\n'


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    with installing(tmp_path, monkeypatch) as function:
        yield function


def test_a_system_of_another_distribution_is_found_by_its_entry_point(install: Install) -> None:
    install("club", CLUB)
    assert system_names() == ("club", "pms")
    assert get_system("club").name == "club"
    assert get_system("pms").name == "pms"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_package", r"'club' \(club\.flows:SYSTEM\) cannot be imported: No module named"),
        ("FLOWS = ()", r"'club' \(club\.flows:SYSTEM\) cannot be imported: .* no attribute 'SYSTEM'"),
        ("SYSTEM = 'club'", r"'club': club\.flows:SYSTEM is no System"),
    ],
)
def test_an_installed_system_that_is_none_is_a_configuration_error(install: Install, code: str, reason: str) -> None:
    install("club", code)
    with pytest.raises(ConfigurationError, match=reason):
        get_system("club")
    assert get_system("pms").name == "pms"


def test_two_systems_of_one_name_are_a_configuration_error(install: Install) -> None:
    install("other_pms", CLUB, entry_point="pms = other_pms.flows:SYSTEM")
    with pytest.raises(ConfigurationError, match=r"'pms' names both other_pms\.flows:SYSTEM and a system of odoo-pipe"):
        system_names()

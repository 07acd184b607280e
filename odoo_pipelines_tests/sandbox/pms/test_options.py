"""What a sandbox can be asked to be, from Python and from the command line."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from typer import Typer
from typer.testing import CliRunner

from odoo_pipelines_sandbox.pms.__main__ import main
from odoo_pipelines_tests.sandbox.pms.client import options


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"api_secret": "s"}, "api_secret needs an api_key"),
        ({"bookings": 86_400_001, "days": 1}, "more days"),
        ({"bookings": 5, "bad_rows": 6}, "bad_rows exceeds"),
        ({"currencies": ["JPY"]}, "no cents"),
        ({"currencies": []}, "currencies"),
        ({"page_limit": 501}, "page_limit"),
        ({"bookings": -1}, "bookings"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_impossible_options_are_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        options(**given)


@pytest.mark.parametrize(("bad_rows", "expected"), [(0, 0), (3, 3), (0.1, 20), (0.001, 0)])
def test_bad_rows_are_a_share_or_a_number(bad_rows: float, expected: int) -> None:
    assert options(bookings=200, bad_rows=bad_rows).bad_bookings == expected


def test_secrets_are_not_shown() -> None:
    assert "hush" not in repr(options(api_key="hush-1", api_secret="hush-2"))


def test_the_command_line_names_the_option_at_fault_and_no_secret() -> None:
    app = Typer()
    app.command()(main)
    answer = CliRunner().invoke(app, ["--start", "soon", "--currencies", "JPY", "--api-secret", "hush"])
    assert answer.exit_code == 2
    assert "start" in answer.output
    assert "JPY" in answer.output
    assert "hush" not in answer.output

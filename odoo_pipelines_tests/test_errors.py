"""The error tree: drawn as it is, and without anything that a log must not hold."""

from __future__ import annotations

import inspect
import re

import pytest

from odoo_pipelines import errors
from odoo_pipelines.errors import ConfigurationError, OdooError, OdooPipelinesError, RowRejectedError

CLASSES = {
    name: each for name, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, OdooPipelinesError)
}


def drawn() -> dict[str, str]:
    """Parent by class, as the docstring draws it."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ([| `-]*)(\w+(?:Error))\b", line)
        if found:
            depth = len(found[1]) // 3
            above[depth:] = [found[2]]
            parents[found[2]] = above[depth - 1] if depth else "Exception"
    return parents


def test_the_tree_is_drawn_as_it_is() -> None:
    assert drawn() == {name: each.__bases__[0].__name__ for name, each in CLASSES.items()}


def test_every_class_but_the_roots_says_what_happens_next() -> None:
    doc = errors.__doc__ or ""
    leaves = set(CLASSES) - {"OdooPipelinesError", "ExternalError", "OdooError"}
    assert {
        name for name in leaves if not re.search(rf"{name}\s+(stop|retry|reject the row|look, then retry):", doc)
    } == (set())


def test_a_configuration_error_is_one_message_with_a_line_for_each_problem() -> None:
    error = ConfigurationError(["ODOO_URL is not set", "PMS_URL: must be a URL"])
    assert error.problems == ("ODOO_URL is not set", "PMS_URL: must be a URL")
    assert str(error).splitlines()[1:] == ["  - ODOO_URL is not set", "  - PMS_URL: must be a URL"]


def test_a_rejection_tells_field_and_code_and_keeps_the_value_to_itself() -> None:
    error = RowRejectedError("guest.email", "invalid_email", "guest.email: 'ann@hotel' is not an address")
    assert str(error) == "guest.email: invalid_email"
    assert "ann@hotel" not in repr(error)
    assert "ann@hotel" in error.reason


def test_an_odoo_error_tells_the_call_and_keeps_odoos_message_to_itself() -> None:
    error = OdooError(
        "access denied", model="res.partner", method="write", ids=range(9), odoo_name="x", odoo_message="Ann Lee"
    )
    assert str(error) == "res.partner/write for ids [0, 1, 2, 3, 4] and more: access denied"
    assert (error.ids, error.odoo_message) == (tuple(range(9)), "Ann Lee")
    assert "Ann Lee" not in repr(error)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ({}, "refused"),
        ({"method": "version"}, "version: refused"),
        ({"model": "res.users", "method": "read", "ids": [7]}, "res.users/read for ids [7]: refused"),
    ],
)
def test_an_odoo_error_names_as_much_of_the_call_as_there_is(call: dict[str, object], text: str) -> None:
    assert str(OdooError("refused", **call)) == text  # type: ignore[arg-type]

from __future__ import annotations

import pytest

from odoo_pipelines.errors import (
    OdooAccessError,
    OdooAuthenticationError,
    OdooConflictError,
    OdooError,
    OdooMissingRecordError,
    OdooServerError,
    OdooTransientError,
    OdooUnknownNameError,
    OdooValidationError,
)
from odoo_pipelines.odoo.faults import Call, named_fault, unnamed_fault

WRITE = Call("res.partner", "write", [7, 8], {"vals": {"nope": 1, "country_id": 99}})

RECORDED = [
    # As both protocols of a real Odoo 19 name them; the HTTP status is not looked at.
    ("odoo.exceptions.AccessDenied", "Access Denied", OdooAuthenticationError),
    ("werkzeug.exceptions.Unauthorized", "Invalid apikey", OdooAuthenticationError),
    ("odoo.exceptions.AccessError", "Vous n'êtes pas autorisé à créer 'Contact'", OdooAccessError),
    ("odoo.exceptions.MissingError", "Record does not exist or has been deleted.", OdooMissingRecordError),
    (
        "odoo.exceptions.ValidationError",
        "The operation cannot be completed: Contacts require a name",
        OdooValidationError,
    ),
    ("odoo.exceptions.UserError", "Some orders are not in a state requiring confirmation.", OdooValidationError),
    ("builtins.ValueError", "Wrong value for res.partner.type: 'zzz'", OdooValidationError),
    ("builtins.ValueError", "time data '31/12/2025' does not match format '%Y-%m-%d'", OdooValidationError),
    ("builtins.ValueError", "A string literal cannot contain NUL (0x00) characters.", OdooValidationError),
    ("psycopg2.errors.NumericValueOutOfRange", "integer out of range\n", OdooValidationError),
    ("werkzeug.exceptions.NotFound", "the model 'res.nope' does not exist", OdooUnknownNameError),
    ("odoo.exceptions.UserError", "Object res.partner doesn't exist", OdooUnknownNameError),
    ("builtins.AttributeError", "The method 'res.partner.write' does not exist", OdooUnknownNameError),
    ("builtins.AttributeError", "'bool' object has no attribute 'lower'", OdooServerError),
    ("builtins.KeyError", "nope", OdooUnknownNameError),
    ("builtins.KeyError", "'nope'", OdooUnknownNameError),
    ("builtins.KeyError", "a_key_of_the_server", OdooServerError),
    ("builtins.ValueError", "Invalid field 'nope' in 'res.partner'", OdooUnknownNameError),
    ("builtins.ValueError", "Invalid field name 'nope'", OdooUnknownNameError),
    ("builtins.ValueError", "Invalid field res.partner.nope in condition ('nope', '=', 1)", OdooUnknownNameError),
    ("werkzeug.exceptions.UnprocessableEntity", "missing a required argument: 'vals'", OdooUnknownNameError),
    ("builtins.TypeError", "ResPartner.write() got an unexpected keyword argument 'foo'", OdooUnknownNameError),
    ("builtins.TypeError", "unsupported operand type(s) for +: 'int' and 'str'", OdooServerError),
    ("werkzeug.exceptions.RequestEntityTooLarge", "", OdooServerError),
    ("psycopg2.errors.SerializationFailure", "could not serialize access", OdooConflictError),
    ("psycopg2.errors.DeadlockDetected", "deadlock detected", OdooConflictError),
    ("odoo.exceptions.LockError", "Cannot grab a lock on records", OdooConflictError),
    (
        "psycopg2.OperationalError",
        'connection failed: FATAL:  database "hotel" does not exist',
        OdooAuthenticationError,
    ),
    ("psycopg2.OperationalError", "FATAL:  the database system is starting up", OdooTransientError),
    ("psycopg2.pool.PoolError", "The Connection Pool Is Full", OdooTransientError),
    ("odoo.addons.some_module.SomeError", "what modules invent", OdooServerError),
]


@pytest.mark.parametrize(("name", "message", "kind"), RECORDED)
def test_odoos_name_of_the_error_decides(name: str, message: str, kind: type[OdooError]) -> None:
    assert type(named_fault(name, message, WRITE)) is kind


def test_the_error_tells_the_call_and_odoos_own_words() -> None:
    error = named_fault("odoo.exceptions.UserError", "Ann Miller may not leave", WRITE)

    assert (error.model, error.method, error.ids) == ("res.partner", "write", (7, 8))
    assert (error.odoo_name, error.odoo_message) == ("odoo.exceptions.UserError", "Ann Miller may not leave")


def test_odoos_message_is_never_in_the_text() -> None:
    texts = [str(named_fault(name, f"{message} Ann Miller", WRITE)) for name, message, _ in RECORDED]

    assert not [text for text in texts if "Ann Miller" in text]


def test_an_unknown_field_is_named_in_the_text() -> None:
    error = named_fault(
        "builtins.ValueError", "Invalid field res.partner.nope in condition ('nope', '=', 'Ann')", WRITE
    )

    assert "'res.partner.nope'" in str(error)
    assert "Ann" not in str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, OdooTransientError),  # a log-in page, half an answer
        (401, OdooAuthenticationError),
        (403, OdooAccessError),
        (404, OdooAuthenticationError),  # what Odoo answers for an unknown database
        (408, OdooTransientError),
        (413, OdooServerError),
        (415, OdooServerError),
        (429, OdooTransientError),
        (500, OdooTransientError),
        (502, OdooTransientError),
        (503, OdooTransientError),
        (504, OdooTransientError),
    ],
)
def test_without_a_name_the_status_decides(status: int, kind: type[OdooError]) -> None:
    assert type(unnamed_fault(status, WRITE)) is kind

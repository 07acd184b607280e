"""Errors as Odoo 19 reports them: by name, message and HTTP status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SERIALIZATION_MESSAGE = "could not serialize access due to concurrent update"


@dataclass(frozen=True, slots=True)
class Constraint:
    """What the database says, and about which field."""

    message: str
    model: str = ""
    field: str = ""


@dataclass(slots=True)
class OdooFault(Exception):  # noqa: N818
    """What Odoo raises.

    Attributes:
        name: Odoo's dotted name of the error class.
        message: text for the caller.
        status: HTTP status over /json/2; over /jsonrpc it is always 200.
        arguments: of the exception, when they are more than the message.
        constraint: set when it is the database that refuses; load then speaks in the database's words.
    """

    name: str
    message: str
    status: int = 500
    arguments: tuple[object, ...] | None = None
    constraint: Constraint | None = None

    @property
    def for_users(self) -> bool:
        """Whether Odoo's own rules raised it, as a UserError or one of its kind."""
        return self.name.startswith("odoo.exceptions.") and self.constraint is None


def access_error(message: str) -> OdooFault:
    """A right is missing."""
    return OdooFault("odoo.exceptions.AccessError", message, 403)


def access_denied() -> OdooFault:
    """Login, password or key refused by /jsonrpc."""
    return OdooFault("odoo.exceptions.AccessDenied", "Access Denied", 403)


def missing_record(model: str, ids: Sequence[int], uid: int) -> OdooFault:
    """A record that the call needs is gone."""
    record = f"{model}({', '.join(str(record_id) for record_id in ids)}{',' if len(ids) == 1 else ''})"
    message = f"Record does not exist or has been deleted.\n(Record: {record}, User: {uid})"
    return OdooFault("odoo.exceptions.MissingError", message, 404)


def user_error(message: str) -> OdooFault:
    """The operation is refused."""
    return OdooFault("odoo.exceptions.UserError", message, 422)


def validation_error(message: str) -> OdooFault:
    """The values are refused."""
    return OdooFault("odoo.exceptions.ValidationError", message, 422)


def constraint_violation(message: str, model: str = "", field: str = "") -> OdooFault:
    """The database refuses; Odoo translates."""
    fault = validation_error(f"The operation cannot be completed: {message}")
    fault.constraint = Constraint(message, model, field)
    return fault


def mandatory_field(model: str, description: str, field: str, label: str) -> OdooFault:
    """A required field is empty."""
    return constraint_violation(
        f"Missing required value for the field '{label}' ({field}).\n"
        f"Model: '{description}' ({model})\n"
        "- create/update: a mandatory field is not set\n"
        "- delete: another model requires the record being deleted, you can archive it instead\n",
        model,
        field,
    )


def still_needed(holder: str, description: str, field: str, label: str) -> OdooFault:
    """Another record would be left without a value that it must have."""
    return constraint_violation(
        "another model requires the record being deleted. "
        "If possible, archive it instead.\n\n"
        f"Model: {description} ({holder})\nField: {label} ({field})\n"
    )


def still_used(user: str, description: str, field: str, label: str) -> OdooFault:
    """Another record refers to the one that is to go, although it could do without."""
    return constraint_violation(
        "Another model is using the record you are trying to delete.\n\n"
        f"The troublemaker is: '{description}' ({user})\nThanks to the following constraint: '{label}' ({field})\n"
        "How about archiving the record instead?"
    )


def value_error(message: str) -> OdooFault:
    """Python's ValueError inside Odoo."""
    return OdooFault("builtins.ValueError", message)


def integer_out_of_range() -> OdooFault:
    """PostgreSQL's refusal of a number that is too large."""
    message = "integer out of range\n"
    return OdooFault("psycopg2.errors.NumericValueOutOfRange", message, constraint=Constraint(message))


def key_error(key: str) -> OdooFault:
    """Python's KeyError inside Odoo."""
    return OdooFault("builtins.KeyError", key)


def serialization_failure() -> OdooFault:
    """PostgreSQL's refusal of a concurrent update, after Odoo's own retries."""
    return OdooFault("psycopg2.errors.SerializationFailure", SERIALIZATION_MESSAGE)


def http_error(name: str, status: int, message: str) -> OdooFault:
    """An error of the web framework, such as NotFound."""
    return OdooFault(f"werkzeug.exceptions.{name}", message, status, (message, status))

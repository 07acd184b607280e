"""One field of a model, as the server describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

FIELD_ATTRIBUTES = (
    "type", "required", "readonly", "store", "relation", "digits", "currency_field", "selection", "size"
)  # fmt: skip
"""What `fields_get` is asked for."""


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field of a model on the server.

    Attributes:
        name: the server's name for it.
        type: Odoo's type, such as "many2one".
        required: may not be empty.
        readonly: not to be edited in the web client; the server may accept it nevertheless.
        store: has a column of its own.
        relation: model that it refers to, "" for other types.
        decimals: that a float is rounded to; None where it is not.
        currency_field: field with the currency of a monetary one, "" for other types.
        selection: keys that may be chosen; None for other types.
        size: longest text, in characters, beyond which Odoo cuts; None for any length.
    """

    name: str
    type: str
    required: bool = False
    readonly: bool = False
    store: bool = True
    relation: str = ""
    decimals: int | None = None
    currency_field: str = ""
    selection: frozenset[str | int | bool] | None = None
    size: int | None = None


class FieldDescription(BaseModel):
    """What `fields_get` says about one field."""

    type: str
    required: bool = False
    readonly: bool = False
    store: bool = True
    relation: str = ""
    digits: tuple[int, int] | Literal[False] | None = None
    currency_field: str | Literal[False] | None = None
    selection: list[tuple[str | int | bool, str]] | None = None
    size: int | Literal[False] | None = None

    def field(self, name: str) -> FieldSchema:
        """The field, for use in the package."""
        return FieldSchema(
            name=name,
            type=self.type,
            required=self.required,
            readonly=self.readonly,
            store=self.store,
            relation=self.relation,
            decimals=self.digits[1] if self.digits else None,
            currency_field=self.currency_field or "",
            selection=None if self.selection is None else frozenset(key for key, _ in self.selection),
            size=self.size or None,
        )

"""The shapes of Odoo's answers, checked before anything is built on them."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, StrictBool, StrictInt, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from odoo_pipelines.errors import OdooTransientError

T = TypeVar("T")


class _Context(TypedDict):
    uid: StrictInt


class _Login(TypedDict):
    login: str


ID = TypeAdapter(StrictInt)
IDS = TypeAdapter(list[StrictInt])
COUNT = TypeAdapter(Annotated[StrictInt, Field(ge=0)])
FLAG = TypeAdapter(StrictBool)
ROWS = TypeAdapter(list[dict[str, Any]])
CONTEXT = TypeAdapter(_Context)
LOGINS = TypeAdapter(list[_Login])
FIELDS = TypeAdapter(dict[str, dict[str, Any]])


@dataclasses.dataclass(frozen=True, slots=True)
class LoadMessage:
    """What `load` says about one record.

    Attributes:
        record: number of the record in the call, from 0, sub-rows not counted; None when no record is named.
        rows_from: its first row, from 0.
        rows_to: its last row, sub-rows included.
        field: column or one2many at fault; "" when none is named.
        message: Odoo's text; it may quote row values.
        type: "error" or "warning".
    """

    record: int | None
    rows_from: int | None
    rows_to: int | None
    field: str
    message: str = dataclasses.field(repr=False)
    type: str


@dataclasses.dataclass(frozen=True, slots=True)
class LoadResult:
    """Outcome of `load`.

    Attributes:
        ids: ids of the records in the order of their rows; None when nothing was stored.
        messages: faults and warnings, several for one record possible.
    """

    ids: list[int] | None
    messages: tuple[LoadMessage, ...]


class _Message(BaseModel):
    rows: dict[Literal["from", "to"], StrictInt] | Literal[False] | None = None
    record: StrictInt | None = None
    field: str | Literal[False] | None = None
    message: str
    type: str

    def plain(self) -> LoadMessage:
        rows = self.rows or {}
        return LoadMessage(self.record, rows.get("from"), rows.get("to"), self.field or "", self.message, self.type)


class _Load(BaseModel):
    ids: list[StrictInt] | Literal[False]
    messages: list[_Message]


_LOAD = TypeAdapter(_Load)


def checked(adapter: TypeAdapter[T], result: Any, model: str, method: str) -> T:
    """The result, if it has the shape that Odoo gives it.

    Raises:
        OdooTransientError: it has not, so something else than Odoo answered.
    """
    try:
        return adapter.validate_python(result)
    except ValidationError:  # its text quotes the answer
        raise OdooTransientError(
            "the answer has not the shape that Odoo gives it", model=model, method=method
        ) from None


def load_result(result: Any, model: str) -> LoadResult:
    """Reads the answer of `load`.

    Raises:
        OdooTransientError: it has not the shape that Odoo gives it.
    """
    loaded = checked(_LOAD, result, model, "load")
    return LoadResult(
        ids=None if loaded.ids is False else loaded.ids,
        messages=tuple(message.plain() for message in loaded.messages),
    )

"""The client of an external REST API: JSON in and out, one page at a time, errors as classes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from odoo_pipelines.errors import ExternalProtocolError
from odoo_pipelines.http.answers import Answer, checked, is_absent, storable
from odoo_pipelines.http.auth import ApiKey, Credential, ExchangedToken
from odoo_pipelines.http.connection import ExternalConnection
from odoo_pipelines.http.paging import Page, walk, window
from odoo_pipelines.http.retries import half_to_full
from odoo_pipelines.http.transport import Limiter, Request, RequestCounter, Transport


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of a POST.

    Attributes:
        created: the record is new (201), and was not there before.
        record: as answered.
    """

    created: bool
    record: Any


class ExternalClient:
    """Speaks to one external system; one client serves all threads of a run.

    Every method raises ExternalError: ExternalAuthenticationError, ExternalRequestError (another 4xx),
    ExternalProtocolError (an answer that breaks the contract) or ExternalUnavailableError (after all tries).

    Args:
        connection: where, and with which credentials.
        limiter: asked before every request, repeated ones included.
        clock: gives Unix seconds.
        sleep: waits for seconds between tries.
        jitter: makes a wait from the longest wait, in seconds.
    """

    def __init__(
        self,
        connection: ExternalConnection,
        limiter: Limiter,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[float], float] = half_to_full,
    ) -> None:
        self._page_size = connection.page_size
        self._server_time: datetime | None = None
        self._transport = Transport(connection, limiter, clock=clock, sleep=sleep, jitter=jitter)
        self._credential: Credential = (
            ApiKey(connection.api_key)
            if connection.api_secret is None
            else ExchangedToken(connection, connection.api_secret, self._transport, clock)
        )

    @property
    def requests(self) -> RequestCounter:
        """What went over the wire so far."""
        return self._transport.requests

    @property
    def server_time(self) -> datetime | None:
        """The server's clock at its newest answer, UTC to the second; None where that did not tell."""
        return self._server_time

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Gets the JSON value at a path."""
        return checked(self._send(Request("GET", path, params or {}))).content

    def get_record(self, path: str) -> Any:
        """Gets one record, as a row of a page would hold it; None when there is none (a 404 of the API)."""
        answer = self._send(Request("GET", path))
        if is_absent(answer):
            return None
        record = checked(answer).content
        if record is None:
            raise ExternalProtocolError(
                f"{answer.place} answered null where a record belongs; the external system has to be corrected.",
                status=answer.status,
            )
        self.requests.add_rows(1)
        return storable([record], answer)[0]

    def post_once(self, path: str, body: Any, idempotency_key: str) -> Posted:
        """Posts JSON to a server that may not recognise a repetition: repeats only what was surely not carried out.

        That is what it refuses with 401 or 429, and what it never got. After any other failure the error is
        `in_doubt`: look whether the record is there before posting it again.

        Args:
            path: of the collection.
            body: JSON types; NaN is refused.
            idempotency_key: the same for every attempt at the same thing, also by a later run.
        """
        request = _json_request("POST", path, body, {"Idempotency-Key": quote(idempotency_key, safe="")})
        answer = checked(self._send(replace(request, once=True)))
        return Posted(answer.status == HTTPStatus.CREATED, answer.content)

    def put(self, path: str, body: Any) -> Any:
        """Puts JSON at a path, which may be repeated; gives the JSON answered, None if empty."""
        request = replace(_json_request("PUT", path, body), may_be_empty=True)
        return checked(self._send(request)).content

    def pages(
        self,
        path: str,
        *,
        updated_since: datetime | None = None,
        updated_before: datetime | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> Iterator[Page]:
        """Walks through a list, oldest change first, fetching a page when it is asked for.

        Args:
            path: of the list.
            updated_since: inclusive, with a time zone; rounded down to the second.
            updated_before: exclusive, with a time zone; rounded up to the second.
            extra: further conditions that the endpoint knows.
        """
        query = {**(extra or {}), **window(updated_since, updated_before), "limit": str(self._page_size)}
        return self._counted(walk(lambda params: checked(self._send(Request("GET", path, params))), query))

    def close(self) -> None:
        """Closes idle connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _counted(self, pages: Iterator[Page]) -> Iterator[Page]:
        for page in pages:
            self.requests.add_rows(len(page.rows))
            yield page

    def _send(self, request: Request) -> Answer:
        bearer = self._credential.bearer()
        answer = self._transport.send(request, bearer)
        if answer.status == HTTPStatus.UNAUTHORIZED and (other := self._credential.renewed(refused=bearer)) is not None:
            answer = self._transport.send(request, other)
        self._server_time = answer.server_time
        return answer


def _json_request(method: str, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Request:
    content = json.dumps(body, allow_nan=False).encode()
    return Request(method, path, body=content, headers={"Content-Type": "application/json", **(headers or {})})

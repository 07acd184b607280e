"""One HTTP request with all its tries: limiter, time-outs, signature, retries; and what came back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Protocol

import requests
from requests.exceptions import ChunkedEncodingError, ContentDecodingError
from urllib3.exceptions import NewConnectionError

from odoo_pipelines.errors import ExternalProtocolError, ExternalRequestError, ExternalUnavailableError
from odoo_pipelines.http.answers import Answer, LostBodyError, read_json
from odoo_pipelines.http.bounds import (
    AnswerTooLargeError,
    AnswerTooSlowError,
    Bounds,
    bounded_adapter,
    find_cause,
    parse_http_date,
    read_beginning,
    read_body,
)
from odoo_pipelines.http.connection import ExternalConnection
from odoo_pipelines.http.retries import ATTEMPTS, Fault, Retries, is_transient, parse_retry_after
from odoo_pipelines.http.signing import Authorization

_POOLED_CONNECTIONS = 32
_LOST = (requests.ConnectionError, requests.Timeout, ChunkedEncodingError, ContentDecodingError)


class Limiter(Protocol):
    """Slows requests down to what the server allows."""

    def acquire(self) -> None:
        """Waits until one more request may be made."""


class RequestCounter:
    """Counts what goes over the wire; safe to share between threads.

    Attributes:
        total: requests sent: repeated ones and those for tokens included.
        retried: how many of them repeated one that had failed.
        rows: rows received.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.total = 0
        self.retried = 0
        self.rows = 0

    def add_request(self) -> None:
        """Counts one request."""
        with self._lock:
            self.total += 1

    def add_retry(self) -> None:
        """Counts one repetition; the request itself is counted when it is sent."""
        with self._lock:
            self.retried += 1

    def add_rows(self, rows: int) -> None:
        """Counts rows received."""
        with self._lock:
            self.rows += rows


@dataclass(frozen=True, slots=True)
class Request:
    """A request: one that may be repeated (GET, PUT, the one for a token), or one for once (POST).

    Attributes:
        method: in capitals.
        path: below the connection's URL.
        params: the query.
        body: JSON.
        headers: besides those of every request.
        once: repeated only if it was surely not carried out.
        may_be_empty: a 2xx without a body is an answer, too.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    once: bool = False
    may_be_empty: bool = False


class Transport:
    """Sends requests to one external system; safe to share between threads.

    Attributes:
        requests: what went over the wire.
    """

    def __init__(
        self,
        connection: ExternalConnection,
        limiter: Limiter,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        jitter: Callable[[float], float],
    ) -> None:
        self.requests = RequestCounter()
        self._connection = connection
        self._limiter = limiter
        self._clock = clock
        self._retries = Retries(sleep=sleep, jitter=jitter, on_retry=self.requests.add_retry)
        self._bounds = Bounds(connection.answer_bytes, connection.answer_seconds)
        self._session = _new_session(self._bounds)

    def send(self, request: Request, bearer: str | None) -> Answer:
        """Sends a request, again and again if need be.

        Args:
            request: what to send.
            bearer: key or token; None for the request that asks for a token.

        Raises:
            ExternalUnavailableError: every try was answered with 408, 429 or 5xx, with half an answer, or not at all;
                of a request that is sent once the first that may have been carried out.
            ExternalProtocolError: the answer is no JSON or too large; `in_doubt` if the request is sent once.
            ExternalRequestError: there is no way to send it.
        """
        place = f"{request.method} {self._connection.address(request.path)}"
        outcome = self._retries.run(lambda: self._attempt(request, bearer, place), place, once=request.once)
        if isinstance(outcome, Fault) and request.once and outcome.in_doubt:
            raise ExternalUnavailableError(
                f"{place} {outcome.reason}. It may have been carried out, and is not repeated before somebody looked.",
                status=outcome.status,
                in_doubt=True,
            )
        if isinstance(outcome, Fault):
            raise ExternalUnavailableError(
                f"{place} {outcome.reason}, the last of {ATTEMPTS} tries. {outcome.fix}",
                status=outcome.status,
            )
        return outcome

    def close(self) -> None:
        """Closes idle connections."""
        self._session.close()

    def _attempt(self, request: Request, bearer: str | None, place: str) -> Answer | Fault:
        self._limiter.acquire()
        self.requests.add_request()
        try:
            response = self._ask(request, bearer)
            if is_transient(response.status_code):
                return self._refusal(response)
            return _read(self._answer(response, place), request)
        except _LOST as error:
            if large := find_cause(error, AnswerTooLargeError):
                raise self._too_large(large, request, place) from None
            return Fault(self._reason(error), in_doubt=not _never_connected(error))
        except AnswerTooLargeError as large:
            raise self._too_large(large, request, place) from None
        except LostBodyError as lost:
            return Fault(lost.reason, lost.status, fix=lost.fix)
        except requests.RequestException as error:
            raise ExternalRequestError(
                f"{place} cannot be sent ({type(error).__name__}). Check the URL of the external system and proxies."
            ) from None

    def _ask(self, request: Request, bearer: str | None) -> requests.Response:
        return self._session.request(
            request.method,
            self._connection.address(request.path),
            params=request.params,
            data=request.body,
            headers=request.headers,
            auth=Authorization(bearer, self._connection.api_secret, self._clock),
            timeout=(self._connection.connect_timeout, self._connection.read_timeout),
            stream=True,
        )

    def _refusal(self, response: requests.Response) -> Fault:
        response.close()
        # A date is compared with the server's own clock where it tells it: ours may be wrong.
        now = parse_http_date(response.headers.get("Date")) or datetime.fromtimestamp(self._clock(), UTC)
        wait = parse_retry_after(response.headers.get("Retry-After"), now)
        refused = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
        return Fault(f"answered {response.status_code}", response.status_code, wait, in_doubt=not refused)

    def _answer(self, response: requests.Response, place: str) -> Answer:
        return Answer(
            place,
            response.status_code,
            read_body(response, self._bounds) if response.ok else read_beginning(response),
            content_type=response.headers.get("Content-Type", ""),
            location=response.headers.get("Location", ""),
            server_time=parse_http_date(response.headers.get("Date")),
        )

    def _too_large(self, large: AnswerTooLargeError, request: Request, place: str) -> ExternalProtocolError:
        return ExternalProtocolError(
            f"{place} answered with a body that is {large}, the most that is read of one answer. Set a smaller "
            "external.page_size; if it is one already, the external system has to be corrected.",
            in_doubt=request.once,
        )

    def _reason(self, error: requests.RequestException) -> str:
        # Texts of requests quote the whole URL, so only the class is told.
        if isinstance(error, requests.ConnectTimeout):
            return f"got no connection within {self._connection.connect_timeout:g} s"
        if find_cause(error, AnswerTooSlowError):
            return f"got an answer that had not ended after {self._bounds.seconds:g} s"
        if isinstance(error, requests.Timeout):
            return f"got no answer within {self._connection.read_timeout:g} s"
        if isinstance(error, ChunkedEncodingError | ContentDecodingError):
            return f"got an answer that was cut off or damaged ({type(error).__name__})"
        return f"found or kept no connection ({type(error).__name__})"


def _read(answer: Answer, request: Request) -> Answer:
    """The answer with its content; reading is part of a try, for half an answer is as good as none."""
    if not answer.is_success or (request.may_be_empty and not answer.body.strip()):
        return answer
    try:
        return replace(answer, content=read_json(answer))
    except ExternalProtocolError as error:
        raise ExternalProtocolError(str(error), status=error.status, in_doubt=request.once) from None


def _never_connected(error: requests.RequestException) -> bool:
    """Whether not a byte of the request can have reached the server."""
    cause = error.args[0] if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(getattr(cause, "reason", None), NewConnectionError)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follows no redirect: credentials and signature are for the host and path that are configured."""


def _new_session(bounds: Bounds) -> requests.Session:
    session = _Session()
    session.headers["Accept"] = "application/json"
    session.headers["User-Agent"] = "odoo-pipelines"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # nothing but counters is shared by threads
    for scheme in ("http://", "https://"):
        session.mount(scheme, bounded_adapter(bounds, pool_maxsize=_POOLED_CONNECTIONS))
    return session

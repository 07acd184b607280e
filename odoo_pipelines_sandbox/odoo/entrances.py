"""Odoo's two doors, /json/2 and /jsonrpc: authentication, parameters, and errors in each one's own shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from odoo_pipelines_sandbox.odoo import methods, users
from odoo_pipelines_sandbox.odoo.env import Env
from odoo_pipelines_sandbox.odoo.errors import OdooFault, access_denied, http_error, user_error
from odoo_pipelines_sandbox.odoo.server import Call, Server

VERSION = {"version_info": [19, 0, 0, "final", 0, ""], "version": "19.0"}
_RPC_VERSION = {
    "server_version": "19.0",
    "server_version_info": VERSION["version_info"],
    "server_serie": "19.0",
    "protocol_version": 1,
}
_NO_DATABASE = (
    "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>No database is selected and "
    "the requested URL was not found in the server-wide controllers.</p>\n"
)
_JSON = "application/json"


async def json2(server: Server, request: Request, model: str, method: str) -> Response:
    """POST /json/2/<model>/<method>: bearer key, named parameters, the bare result or an error by status."""
    if request.headers.get("X-Odoo-Database", server.options.database) != server.options.database:
        return HTMLResponse(_NO_DATABASE, 404)
    if not request.headers.get("Content-Type", "").startswith(_JSON):
        return HTMLResponse("<!doctype html>\n<title>415 Unsupported Media Type</title>\n", 415)
    try:
        call = _json2_call(server, request, model, method, await request.body())
        return await server.run(request, call, _json)
    except TypeError as error:
        return _json2_fault(http_error("UnprocessableEntity", 422, str(error)))
    except OdooFault as fault:
        return _json2_fault(fault)


def _json2_call(server: Server, request: Request, model: str, method: str, body: bytes) -> Call:
    uid = _bearer(server, request.headers.get("Authorization", ""))
    try:
        params = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise http_error("BadRequest", 400, f"could not parse the body as json: {error}") from error
    if model not in server.db.models:
        raise http_error("NotFound", 404, f"the model '{model}' does not exist")
    found = methods.find(Env(server.db, uid), model, method)
    if found is None:
        raise http_error("NotFound", 404, f"The method '{model}.{method}' does not exist")
    ids, context = params.pop("ids", ()), params.pop("context", {})
    if ids and not found.on_records:
        raise http_error("UnprocessableEntity", 422, f"cannot call {model}.{method} with ids")
    return Call(uid, model, method, ids, (), params, context)


def _bearer(server: Server, header: str) -> int:
    kind, _, key = header.partition(" ")
    if kind.lower() != "bearer":
        text = "User not authenticated, use an API Key with a Bearer Authorization header."
        raise http_error("Unauthorized", 401, text)
    uid = users.user_of_key(server.db, key)
    if uid is None:
        raise http_error("Unauthorized", 401, "Invalid apikey")
    return uid


def _json2_fault(fault: OdooFault) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if fault.status == 401 else None  # noqa: PLR2004
    return _json(_error_data(fault), fault.status, headers)


async def jsonrpc(server: Server, request: Request) -> Response:
    """POST /jsonrpc: service, method and positional arguments; always 200, errors inside."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return HTMLResponse("<!doctype html>\n<title>400 Bad Request</title>\n", 400)
    params, envelope = body.get("params") or {}, {"jsonrpc": "2.0", "id": body.get("id")}
    try:
        match params.get("service"), params.get("method"):
            case "common", method:
                return _rpc_result(envelope, _common(server, str(method), params.get("args") or []))
            case "object", "execute" | "execute_kw" as method:
                args = params["args"] if method == "execute_kw" else [*params["args"][:5], params["args"][5:]]
                call = _execute_kw(server, args)
                return await server.run(request, call, lambda result: _rpc_result(envelope, _unlisted(call, result)))
        raise user_error(f"Unknown service {params.get('service')!r}")
    except TypeError as error:
        return _rpc_fault(envelope, OdooFault("builtins.TypeError", str(error)))
    except OdooFault as fault:
        return _rpc_fault(envelope, fault)


def _common(server: Server, method: str, args: list[Any]) -> Any:
    if method == "version":
        return _RPC_VERSION
    if method not in {"authenticate", "login"}:
        raise OdooFault("builtins.Exception", f"Method not found: {method}")
    _check_database(server, args[0])
    return users.user_of_login(server.db, args[1], args[2]) or False


def _execute_kw(server: Server, args: list[Any]) -> Call:
    database, uid, password, model, method, positional, *rest = args
    _check_database(server, database)
    if not users.is_secret_of(server.db, uid, password):
        raise access_denied()
    if model not in server.db.models:
        raise user_error(f"Object {model} doesn't exist")
    found = methods.find(Env(server.db, uid), model, method)
    if found is None:
        raise OdooFault("builtins.AttributeError", f"The method '{model}.{method}' does not exist")
    kwargs = dict(rest[0]) if rest else {}
    context = kwargs.pop("context", {}) or {}
    positional = list(positional)
    ids = positional.pop(0) if found.on_records and positional else ()
    return Call(uid, model, method, [ids] if isinstance(ids, int) else ids, positional, kwargs, context)


def _rpc_result(envelope: Mapping[str, Any], result: Any) -> Response:
    """Odoo leaves the key out when there is no result."""
    return _json(dict(envelope) if result is None else {**envelope, "result": result})


def _unlisted(call: Call, result: Any) -> Any:
    """Over /jsonrpc a single dict given to create gives a single id."""
    given = call.kwargs.get("vals_list", call.args[0] if call.args else None)
    return result[0] if call.method == "create" and isinstance(given, Mapping) else result


def _check_database(server: Server, database: str) -> None:
    if database != server.options.database:
        message = f'connection to server failed: FATAL:  database "{database}" does not exist\n'
        raise OdooFault("psycopg2.OperationalError", message)


def _rpc_fault(envelope: Mapping[str, Any], fault: OdooFault) -> Response:
    return _json({**envelope, "error": {"code": 0, "message": "Odoo Server Error", "data": _error_data(fault)}})


def _error_data(fault: OdooFault) -> dict[str, Any]:
    arguments = list(fault.arguments or (fault.message,))
    debug = "Traceback (most recent call last):\n  ...\n"
    return {"name": fault.name, "message": fault.message, "arguments": arguments, "context": {}, "debug": debug}


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)
    return Response(body, status, headers, media_type=_JSON)

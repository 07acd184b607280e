"""Which version answers, and which protocol it and the secret allow."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from odoo_pipelines.odoo.connection import OdooConnection, OdooVersion
from odoo_pipelines.odoo.faults import Call, unnamed_fault
from odoo_pipelines.odoo.http import HttpSender
from odoo_pipelines.odoo.json2 import Json2Transport
from odoo_pipelines.odoo.jsonrpc import JsonRpcTransport, common_version
from odoo_pipelines.odoo.transport import Transport

JSON2_SINCE = 19

_VERSION_PATH = "/web/version"
_VERSION_CALL = Call("", "version")


def server_version(sender: HttpSender) -> OdooVersion:
    """Asks for the version, without logging in; servers before 19 tell it over JSON-RPC only.

    Raises:
        OdooTransientError: no answer, or not Odoo's.
        OdooAuthenticationError: no Odoo at this address.
    """
    answer = sender.get(_VERSION_PATH, _VERSION_CALL)
    if answer.status == HTTPStatus.NOT_FOUND:
        return _version(common_version(sender))
    if answer.status != HTTPStatus.OK:
        raise unnamed_fault(answer.status, _VERSION_CALL)
    return _version(answer.body)


def choose_transport(version: OdooVersion, sender: HttpSender, connection: OdooConnection) -> Transport:
    """The protocol that is set, or for "auto": JSON-2 from Odoo 19 with an API key, otherwise JSON-RPC.

    Raises:
        OdooAuthenticationError: neither protocol takes the secret.
    """
    json2, jsonrpc = Json2Transport(sender, connection), JsonRpcTransport(sender, connection)
    if connection.transport == "jsonrpc" or (connection.transport == "auto" and version.major < JSON2_SINCE):
        return jsonrpc
    if connection.transport == "json2" or json2.accepts_secret():
        return json2
    jsonrpc.authenticate()  # a password, then
    return jsonrpc


def _version(told: Any) -> OdooVersion:
    match told:
        case {"version_info": [int() | str() as major, int(minor), *_], "version": str(text)} | {
            "server_version_info": [int() | str() as major, int(minor), *_],
            "server_version": str(text),
        } if number := re.search(r"\d+", str(major)):  # interim releases are called "saas~18"
            return OdooVersion(int(number.group()), minor, text)
    raise unnamed_fault(HTTPStatus.OK, _VERSION_CALL)

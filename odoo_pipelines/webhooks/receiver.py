"""What the receiver decides about a request: whose it is, whether it is genuine, and what is to be stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from odoo_pipelines.integration import Integration
from odoo_pipelines.settings import Settings
from odoo_pipelines.stores.inbox_rows import NewEvent
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.base import System
from odoo_pipelines.systems.not_kept import NotKept
from odoo_pipelines.webhooks.events import Delivery, new_events, read_json
from odoo_pipelines.webhooks.manual import check_flow, check_token, new_sync
from odoo_pipelines.webhooks.refusals import UNKNOWN_INTEGRATION, RefusedError
from odoo_pipelines.webhooks.signatures import (
    RawHeaders,
    SignedHeaders,
    SigningKey,
    check_signature,
    read_signature,
    signing_keys,
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An active integration, as requests see it.

    Attributes:
        name: of the integration.
        system: whose events it understands.
        keys: with which its webhooks may be signed.
        unsigned: its webhooks need no signature, since no key is configured and the settings allow it.
        not_kept: fields that are taken out of an event before it is stored.
    """

    name: str
    system: System
    keys: tuple[SigningKey, ...]
    unsigned: bool
    not_kept: NotKept


class Receiver:
    """Decides about requests; knows nothing of HTTP but raw headers and bodies.

    Args:
        settings: of all integrations, and the token of manual syncs.
        clock: Unix seconds.

    Raises:
        ConfigurationError: a webhook secret cannot be used.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        active = [each for each in settings.integrations.values() if each.active]
        self._endpoints = {name: _endpoint(each) for each in active for name in _names(each)}
        self._token = settings.api_token
        self._clock = clock

    def endpoint(self, name: str) -> Endpoint:
        """The integration of a name, or of a number as older senders have it.

        Raises:
            RefusedError: UNKNOWN_INTEGRATION.
        """
        found = self._endpoints.get(name)
        if found is None:
            raise RefusedError(UNKNOWN_INTEGRATION)
        return found

    def signature(self, endpoint: Endpoint, headers: RawHeaders) -> SignedHeaders | None:
        """What the headers of a webhook say of its signature, before its body is read; None where it needs none.

        Raises:
            RefusedError: it cannot be genuine.
        """
        return None if endpoint.unsigned else read_signature(headers, endpoint.keys, self._clock())

    def events(self, endpoint: Endpoint, signed: SignedHeaders | None, body: bytes) -> Delivery:
        """What is to be stored of a webhook.

        Args:
            endpoint: to which it came.
            signed: as `signature` has read it.
            body: as it came.

        Raises:
            RefusedError: it is not genuine, or one of its events is none.
        """
        message_id = None if signed is None else check_signature(signed, body)
        delivery = new_events(endpoint.name, endpoint.system.events, body, message_id, signed=signed is not None)
        if not endpoint.not_kept:
            return delivery
        kept = tuple(replace(each, body=_kept(each, endpoint.not_kept)) for each in delivery.events)
        return replace(delivery, events=kept)

    def check_token(self, headers: RawHeaders) -> None:
        """Checks who asks for a manual sync.

        Raises:
            RefusedError: NO_TOKEN.
        """
        check_token(headers, self._token)

    def check_flow(self, endpoint: Endpoint, flow: str) -> None:
        """Checks that an integration has a flow.

        Raises:
            RefusedError: UNKNOWN_FLOW.
        """
        check_flow(endpoint.system, flow)

    def sync(self, endpoint: Endpoint, flow: str, body: bytes) -> NewEvent:
        """What is to be stored of a manual sync.

        Raises:
            RefusedError: the body does not say what is to be looked at.
        """
        return new_sync(endpoint.name, flow, body)


def _endpoint(integration: Integration) -> Endpoint:
    keys = signing_keys(integration)
    unsigned = integration.webhook_unsigned and not keys
    return Endpoint(integration.name, get_system(integration.system), keys, unsigned, NotKept(integration.not_kept))


def _kept(event: NewEvent, not_kept: NotKept) -> str:
    """The body without fields that are not kept; of a type that is not understood its record may be of any kind."""
    content = read_json(event.body.encode())
    if "data" not in content:
        return json.dumps(not_kept.without(content, event.entity), ensure_ascii=False)
    return json.dumps({**content, "data": not_kept.without(content["data"], event.entity)}, ensure_ascii=False)


def _names(integration: Integration) -> list[str]:
    return [integration.name] if integration.number is None else [integration.name, str(integration.number)]

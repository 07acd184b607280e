"""Delivers one message exactly once: noted before it is posted, looked for whenever it may have got through.

A server that recognises the idempotency key, or the key of the record, would do with a repetition. One that recognises
neither makes a second record of it; so nothing that may have got through is posted again before it was looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

from odoo_pipelines.engine.keys import sync_key
from odoo_pipelines.errors import ExternalError, ExternalRequestError, RowRejectedError
from odoo_pipelines.pipeline.posting_ports import Posting, Postings, Recipient
from odoo_pipelines.systems.outbound import Message, PostedFlow

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message of one record of Odoo.

    Attributes:
        odoo_id: of the record.
        message: what is posted.
        begun: all messages of the record that were begun before.
    """

    odoo_id: int
    message: Message
    begun: Sequence[Posting] = ()


class Delivery:
    """Delivers the messages of one flow.

    Args:
        integration: name, the first part of every idempotency key.
        flow: what is sent.
        recipient: of the messages.
        postings: of the state.
        look_since: gives the change time from which a message that is posted now would be found.
        sleep: waits between tries, in seconds.
    """

    def __init__(
        self,
        integration: str,
        flow: PostedFlow,
        recipient: Recipient,
        postings: Postings,
        *,
        look_since: Callable[[], datetime | None],
        sleep: Callable[[float], None],
    ) -> None:
        self._integration = integration
        self._flow = flow
        self._recipient = recipient
        self._postings = postings
        self._look_since = look_since
        self._sleep = sleep

    def found(self, postings: Sequence[Posting], others: Collection[str] = ()) -> dict[str, Any]:
        """The records, by key, of those messages that did get through; one walk for all.

        Args:
            postings: messages that may have got through.
            others: further keys, of which nothing is known.
        """
        keys = {posting.key for posting in postings} | set(others)
        if not keys:
            return {}
        starts = [posting.look_since for posting in postings]
        known = [start for start in starts if start is not None]
        return self._look(keys, min(known) if len(known) == len(starts) and not others else None)

    def deliver(self, outgoing: Outgoing, found: Mapping[str, Any]) -> bool:
        """Delivers a message, unless the external system has it; gives whether this made a new record.

        Args:
            outgoing: with what was begun before.
            found: of the messages that it may have, those that it has.

        Raises:
            RowRejectedError: the external system refuses it, or has another record in its place.
            ExternalError: it could not be delivered now; the next run looks before it goes on.
        """
        key = outgoing.message.key
        self._refuse_renamed(outgoing, found)
        begun = next((posting for posting in outgoing.begun if posting.key == key), None)
        look_since = begun.look_since if begun else self._look_since()
        if begun is None:
            self._postings.begin(outgoing.odoo_id, key, look_since)
        if key in found:
            self._take(outgoing, found[key])
            return False
        return self._post(outgoing, look_since)

    def _post(self, outgoing: Outgoing, look_since: datetime | None) -> bool:
        message = outgoing.message
        idempotency_key = sync_key(self._integration, self._flow.entity, str(outgoing.odoo_id), message.key)

        def attempt(number: int) -> bool:
            lost = self._look({message.key}, look_since) if number > 1 else {}
            if message.key in lost:
                created, told = True, lost[message.key]
            else:
                created, told = self._posted(message, idempotency_key)
            self._take(outgoing, told)
            return created

        return self._patiently(attempt)

    def _posted(self, message: Message, idempotency_key: str) -> tuple[bool, Any]:
        try:
            return self._recipient.post(message, idempotency_key)
        except ExternalRequestError as error:
            if error.status is None:
                raise
            raise RowRejectedError("", f"refused_with_{error.status}", error.reason or str(error)) from error

    def _patiently(self, attempt: Callable[[int], bool]) -> bool:
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=FIRST_PAUSE_SECONDS, max=LONGEST_PAUSE_SECONDS) + wait_random(0, 1),
            retry=retry_if_exception(_is_in_doubt),
            sleep=self._sleep,
            reraise=True,
        )
        for each in retrying:
            with each:
                created = attempt(each.retry_state.attempt_number)
        return created

    def _take(self, outgoing: Outgoing, told: Any) -> None:
        """Notes that a message got through, if it is ours that did."""
        if not self._flow.is_same(outgoing.message, told):
            key = outgoing.message.key
            reason = f"the external system has another record under {key}, or with other values; see outbound.md"
            raise RowRejectedError("", "other_record", reason)
        self._postings.done(outgoing.odoo_id, outgoing.message.key)

    def _refuse_renamed(self, outgoing: Outgoing, found: Mapping[str, Any]) -> None:
        for posting in outgoing.begun:
            former = replace(outgoing.message, key=posting.key)
            if former != outgoing.message and posting.key in found and self._flow.is_same(former, found[posting.key]):
                reason = f"the external system has it as {posting.key}, which is no longer its {self._flow.key} in Odoo"
                raise RowRejectedError(self._flow.key, "renamed", reason)

    def _look(self, keys: Collection[str], since: datetime | None) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for told in self._recipient.listed(since):
            key = self._flow.key_of(told)
            if key in keys:
                found.setdefault(key, told)
            if len(found) == len(keys):
                break
        return found


def _is_in_doubt(error: BaseException) -> bool:
    return isinstance(error, ExternalError) and error.in_doubt

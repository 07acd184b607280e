"""Every error that this package raises; the class decides what happens next.

    OdooPipelinesError
    |- ConfigurationError              stop: a setting is missing or wrong; the text names every variable at fault
    |- IntegrationBusyError            stop: another run is writing for the same integration
    |- EmbeddedPostgresError           stop: the embedded PostgreSQL cannot run here
    |- RowCountError                 stop: rows in and outcomes out do not add up
    |- TooManyVanishedError            stop: the external system lacks so many known records that it must be a mistake
    |- StateError                      stop: the database of the state failed
    |  `- NewerSchemaError             stop: a newer version of this package has brought its tables up to date
    |- BatchStoreError                 stop: a batch file cannot be written or read
    |  `- UnreadableBatchError         stop: the file itself is gone or damaged; the next run makes it again
    |- BatchChoiceError                stop: there is no such batch, or it can be read and is not discarded
    |- ResolutionError                 stop: a conflict is unknown or over, or does not allow this answer
    |- DuplicateNoteError              stop: there is no such note of a possible duplicate
    |- ExternalError                   the external system answered, or did not
    |  |- ExternalAuthenticationError  stop: key, secret or signature refused
    |  |- ExternalRequestError         stop: another 4xx; `status` tells which
    |  |- ExternalProtocolError        stop: an answer that breaks the contract (no JSON, a repeating cursor)
    |  `- ExternalUnavailableError     retry: 408, 429, 5xx, time-out or lost connection, after all tries
    |- OdooError                       Odoo answered, or did not
    |  |- OdooAuthenticationError      stop: wrong database, login or key
    |  |- OdooAccessError              stop: a right is missing
    |  |- OdooUnknownNameError         stop: no such model, field or method on this server
    |  |- OdooMissingRecordError       reject the row: a record is gone
    |  |- OdooValidationError          reject the row: Odoo refuses the values
    |  |- OdooServerError              reject the row: any other error of the server's code
    |  |- OdooConflictError            retry: concurrent update; Odoo has rolled the call back
    |  `- OdooTransientError           look, then retry: no answer, so the call may or may not have been committed
    `- RowRejectedError                reject the row: its values cannot be mapped

Texts never hold secrets or personal data: values of a row are kept apart, in attributes that only the state stores.
"""

from __future__ import annotations

from collections.abc import Sequence

_IDS_SHOWN = 5
_ABOUT_BATCHES = "`odoo-pipelines batches list --all` names each that cannot be read, with its fix"


class OdooPipelinesError(Exception):
    """Root of all errors of this package."""


class ConfigurationError(OdooPipelinesError):
    """Settings are missing or malformed.

    Attributes:
        problems: one sentence for each fault, each naming its variable or its place in integrations.yaml.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("The configuration cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))


class IntegrationBusyError(OdooPipelinesError):
    """Another run is writing for this integration."""


class EmbeddedPostgresError(OdooPipelinesError):
    """The embedded PostgreSQL cannot be started or reached."""


class RowCountError(OdooPipelinesError):
    """The outcomes of a run do not add up to the rows that it was given."""


class TooManyVanishedError(OdooPipelinesError):
    """More known records seem to have vanished from the external system than the integration allows."""


class StateError(OdooPipelinesError):
    """The database of the state cannot be reached, or refuses a statement."""


class NewerSchemaError(StateError):
    """The tables of the state are of a newer version of this package than the one that runs."""


class BatchStoreError(OdooPipelinesError):
    """A batch file cannot be written or read."""


class UnreadableBatchError(BatchStoreError):
    """A batch file is gone, damaged, closed to this account, or of another form; trying again does not help.

    Args:
        fault: names the batch, and says what is wrong with it.
    """

    def __init__(self, fault: str) -> None:
        super().__init__(f"{fault}. The next sync makes it again if anything waits for it: {_ABOUT_BATCHES}")
        self.fault = fault


class BatchChoiceError(OdooPipelinesError):
    """There is no such batch, or it is none to be discarded."""


class ResolutionError(OdooPipelinesError):
    """A conflict is unknown or over, or does not allow this answer."""


class DuplicateNoteError(OdooPipelinesError):
    """There is no such note of a possible duplicate."""


class ExternalError(OdooPipelinesError):
    """The external system refused a request, or could not be asked.

    Attributes:
        status: HTTP status of the answer, None when there was none.
        in_doubt: the request was not repeated, and may have been carried out all the same.
        reason: what the external system says; it may quote row values, so it goes to the state and never to a log.
    """

    def __init__(self, message: str, *, status: int | None = None, in_doubt: bool = False, reason: str = "") -> None:
        self.status = status
        self.in_doubt = in_doubt
        self.reason = reason
        super().__init__(message)


class ExternalAuthenticationError(ExternalError):
    """The external system refuses the key, the token or the signature."""


class ExternalRequestError(ExternalError):
    """The external system refuses this request; repeating it would not help."""


class ExternalProtocolError(ExternalError):
    """The external system's answer breaks its contract."""


class ExternalUnavailableError(ExternalError):
    """The external system could not be asked; later it may be."""


class OdooError(OdooPipelinesError):
    """Odoo refused a call, or could not be asked.

    Attributes:
        model: technical name of the model called, "" for calls without one.
        method: name of the method called.
        ids: ids that the call named.
        odoo_name: Odoo's own name of the error, such as "odoo.exceptions.AccessError"; "" when there was no answer.
        odoo_message: Odoo's message; it may quote row values, so it goes to the state and never to a log.
    """

    def __init__(
        self,
        summary: str,
        *,
        model: str = "",
        method: str = "",
        ids: Sequence[int] = (),
        odoo_name: str = "",
        odoo_message: str = "",
    ) -> None:
        self.model = model
        self.method = method
        self.ids = tuple(ids)
        self.odoo_name = odoo_name
        self.odoo_message = odoo_message
        place = f"{model}/{method}" if model else method
        about = f" for ids {list(ids[:_IDS_SHOWN])}{' and more' if len(ids) > _IDS_SHOWN else ''}" if ids else ""
        super().__init__(f"{place}{about}: {summary}" if place else summary)


class OdooAuthenticationError(OdooError):
    """Odoo refuses the database, the login or the key."""


class OdooAccessError(OdooError):
    """The user lacks a right that the call needs."""


class OdooUnknownNameError(OdooError):
    """The server has no such model, field or method."""


class OdooMissingRecordError(OdooError):
    """A record that the call names does not exist any more."""


class OdooValidationError(OdooError):
    """Odoo refuses the values or the operation."""


class OdooServerError(OdooError):
    """Odoo's code failed in a way that no other class describes."""


class OdooConflictError(OdooError):
    """A concurrent update; Odoo has rolled the call back and it may be repeated."""


class OdooTransientError(OdooError):
    """No answer: the call may or may not have been committed."""


class RowRejectedError(OdooPipelinesError):
    """A row cannot be mapped or loaded; the others go on.

    Attributes:
        field: path of the field at fault, such as "rooms[1].price_per_night".
        code: short, stable and free of personal data, such as "invalid_date": for metadata and statistics.
        reason: the whole sentence with the value; for the state only.
    """

    def __init__(self, field: str, code: str, reason: str) -> None:
        self.field = field
        self.code = code
        self.reason = reason
        super().__init__(f"{field}: {code}")

"""What the client needs of a protocol: one call, one answer or one error of `odoo_pipelines.errors`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

READ_METHODS = frozenset(
    {
        "check_access_rights",
        "check_object_reference",
        "context_get",
        "default_get",
        "fields_get",
        "formatted_read_group",
        "get_external_id",
        "get_metadata",
        "has_access",
        "has_group",
        "name_search",
        "read",
        "search",
        "search_count",
        "search_read",
        "web_read",
        "web_search_read",
    }
)
"""Public methods that change nothing: they may be repeated. Every other method counts as a write."""


class Transport(Protocol):
    """A protocol of Odoo, for one connection; safe to share between threads."""

    @property
    def name(self) -> str:
        """Short name, "json2" or "jsonrpc"."""

    def authenticate(self) -> int:
        """Checks the credentials.

        Returns:
            Id of the user.

        Raises:
            OdooAuthenticationError: database, login or secret is refused.
        """

    def call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None,
        kwargs: Mapping[str, Any],
        context: Mapping[str, Any],
    ) -> Any:
        """Calls a public method; one call is one transaction.

        Args:
            model: technical name.
            method: name of the method.
            ids: records that it is called on; None for a method of the model itself.
            kwargs: parameters by name.
            context: Odoo's context for this call.

        Returns:
            The result as JSON types.

        Raises:
            OdooError: the class tells what to do, see `odoo_pipelines.errors`.
        """

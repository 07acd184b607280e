"""The methods that can be called from outside, with their parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from odoo_pipelines_sandbox.odoo import access, domains, entries, loading, orders, payments, reading, writing
from odoo_pipelines_sandbox.odoo.env import Env
from odoo_pipelines_sandbox.odoo.errors import OdooFault, access_error, value_error

READS = frozenset(
    {
        "check_object_reference",
        "context_get",
        "fields_get",
        "formatted_read_group",
        "get_external_id",
        "has_access",
        "has_group",
        "read",
        "search",
        "search_count",
        "search_read",
        "web_read",
    }
)


@dataclass(frozen=True, slots=True)
class Method:
    """A public method of a model.

    Attributes:
        run: takes the call's environment, the model's name, the ids unless it is for the model, and the parameters.
        on_records: whether it works on records; otherwise it refuses ids.
    """

    run: Callable[..., Any]
    on_records: bool

    @property
    def signature(self) -> inspect.Signature:
        """Of the parameters that a caller gives."""
        return _signature(self.run, hidden=3 if self.on_records else 2)


@cache
def _signature(function: Callable[..., Any], *, hidden: int) -> inspect.Signature:
    """Without the first parameters. Looked at once: each call of a method asks for it."""
    full = inspect.signature(function)
    return full.replace(parameters=list(full.parameters.values())[hidden:])


def find(env: Env, model: str, name: str) -> Method | None:
    """A method of a model.

    Raises:
        OdooFault: the method is private.
    """
    if name.startswith("_"):
        raise access_error(f"Private methods (such as '{model}.{name}') cannot be called remotely.")
    if model not in env.db.models:
        return None
    return _OF_ONE_MODEL.get((model, name)) or METHODS.get(name)


def call(  # noqa: PLR0917
    env: Env, model: str, method: Method, ids: Sequence[int], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Runs a method in a transaction of its own.

    Raises:
        TypeError: the parameters do not fit.
        OdooFault: what Odoo would raise.
    """
    bound = method.signature.bind(*args, **kwargs)
    records = (list(ids),) if method.on_records else ()
    with env.db.transaction():
        return method.run(env, model, *records, *bound.args, **bound.kwargs)


def _search_count(env: Env, model: str, domain: Sequence[Any], limit: int | None = None) -> int:
    return len(reading.search(env, model, domain, limit=limit))


def _search_read(  # noqa: PLR0917
    env: Env,
    model: str,
    domain: Sequence[Any] = (),
    fields: Sequence[str] | None = None,
    offset: int = 0,
    limit: int | None = None,
    order: str | None = None,
    load: str | None = "_classic_read",
) -> list[dict[str, Any]]:
    return reading.read(env, model, reading.search(env, model, domain, offset, limit, order), fields, load)


def _create(env: Env, model: str, vals_list: Any) -> list[int]:
    return writing.create_with_xmlids(env, model, [dict(vals) for vals in _as_list(vals_list)])


def _as_list(vals_list: Any) -> list[Any]:
    return [vals_list] if isinstance(vals_list, dict) else vals_list


def _web_save_multi(
    env: Env, model: str, ids: Sequence[int], vals_list: Sequence[Any], specification: Mapping[str, Any]
) -> list[dict[str, Any]]:
    if len(ids) != len(vals_list):
        raise value_error("Each record must have a corresponding vals entry.")
    for record_id, vals in zip(ids, vals_list, strict=True):
        writing.write(env, model, [record_id], vals)
    return reading.web_read(env, model, ids, specification)


def _fields_get(
    env: Env, model: str, allfields: Sequence[str] | None = None, attributes: Sequence[str] | None = None
) -> dict[str, dict[str, Any]]:
    fields = env.model(model).fields
    described = {name: field.description() for name, field in fields.items() if not allfields or name in allfields}
    for name, description in described.items():
        if name == "lang":
            installed = domains.search(env, env.model("res.lang"), [])
            rows = [env.row("res.lang", lang) for lang in sorted(installed)]
            description["selection"] = [[row["code"], row["name"]] for row in rows]
    if attributes is None:
        return described
    return {name: {key: full[key] for key in attributes if key in full} for name, full in described.items()}


def _has_access(env: Env, model: str, _ids: Sequence[int], operation: str) -> bool:
    return access.may(env, model, operation)


def _context_get(env: Env, _model: str) -> dict[str, Any]:
    partner = env.row("res.partner", env.row("res.users", env.uid)["partner_id"])
    return {"lang": partner.get("lang") or False, "tz": partner.get("tz") or False, "uid": env.uid}


def _has_group(env: Env, _model: str, ids: Sequence[int], group_ext_id: str) -> bool:
    [user] = ids
    return group_ext_id in access.user_groups(env, user)


def _check_object_reference(env: Env, _model: str, module: str, xml_id: str) -> list[Any]:
    target = env.db.xmlid_target(f"{module}.{xml_id}")
    if target is None:
        raise OdooFault("builtins.ValueError", f"External ID not found in the system: {module}.{xml_id}")
    model, record_id = target
    found = reading.search(env, model, [("id", "=", record_id)])
    return [model, record_id if found else False]


def _archiving(*, active: bool) -> Method:
    def run(env: Env, model: str, ids: Sequence[int]) -> None:
        if not env.model(model).archivable:
            raise OdooFault("builtins.AssertionError", f"No 'active' field on model {model}")
        writing.write(
            env, model, [each for each in ids if env.row(model, each)["active"] is not active], {"active": active}
        )
        if model == "product.product":
            _archive_templates(env, {env.row(model, each)["product_tmpl_id"] for each in ids}, active=active)

    return Method(run, on_records=True)


def _archive_templates(env: Env, templates: Iterable[int], *, active: bool) -> None:
    """A template goes with its last product, and comes back with its first."""
    for template in templates:
        products = env.table("product.product").lookup("product_tmpl_id", template)
        if any(env.row("product.product", each)["active"] for each in products) is active:
            writing.write(env, "product.template", [template], {"active": active})


def _action(run: Callable[[Env, Sequence[int]], Any]) -> Method:
    def on_records(env: Env, _model: str, ids: Sequence[int]) -> Any:
        return run(env, ids)

    return Method(on_records, on_records=True)


METHODS: Mapping[str, Method] = {
    "search": Method(reading.search, on_records=False),
    "formatted_read_group": Method(reading.formatted_read_group, on_records=False),
    "search_count": Method(_search_count, on_records=False),
    "search_read": Method(_search_read, on_records=False),
    "read": Method(reading.read, on_records=True),
    "web_read": Method(reading.web_read, on_records=True),
    "fields_get": Method(_fields_get, on_records=False),
    "has_access": Method(_has_access, on_records=True),
    "get_external_id": Method(reading.external_ids, on_records=True),
    "create": Method(_create, on_records=False),
    "write": Method(writing.write, on_records=True),
    "unlink": Method(writing.unlink, on_records=True),
    "load": Method(loading.load, on_records=False),
    "web_save_multi": Method(_web_save_multi, on_records=True),
    "action_archive": _archiving(active=False),
    "action_unarchive": _archiving(active=True),
}
_OF_ONE_MODEL: Mapping[tuple[str, str], Method] = {
    ("res.users", "context_get"): Method(_context_get, on_records=False),
    ("res.users", "has_group"): Method(_has_group, on_records=True),
    ("ir.model.data", "check_object_reference"): Method(_check_object_reference, on_records=False),
    ("sale.order", "action_confirm"): _action(orders.action_confirm),
    ("sale.order", "action_cancel"): _action(orders.action_cancel),
    ("sale.order", "action_draft"): _action(orders.action_draft),
    ("sale.order", "action_lock"): _action(orders.action_lock),
    ("sale.order", "action_unlock"): _action(orders.action_unlock),
    ("account.payment", "action_post"): _action(payments.action_post),
    ("account.payment", "action_validate"): _action(payments.action_validate),
    ("account.payment", "action_reject"): _action(payments.action_reject),
    ("account.payment", "action_draft"): _action(payments.action_draft),
    ("account.payment", "action_cancel"): _action(payments.action_cancel),
    ("account.move", "button_draft"): _action(entries.button_draft),
}

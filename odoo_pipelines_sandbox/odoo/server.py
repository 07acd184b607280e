"""One stand-in: its database, its faults, and what it was asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from odoo_pipelines_sandbox.odoo import methods
from odoo_pipelines_sandbox.odoo.env import Env
from odoo_pipelines_sandbox.odoo.errors import SERIALIZATION_MESSAGE, OdooFault, serialization_failure
from odoo_pipelines_sandbox.odoo.faults import Fault, FaultPlan
from odoo_pipelines_sandbox.odoo.loading import POISON
from odoo_pipelines_sandbox.odoo.seeds import add_custom_fields, fresh_database
from odoo_pipelines_sandbox.serving import drop_connection

_LOAD_CONFLICT = {
    "ids": False,
    "messages": [{"rows": {"from": 0, "to": 0}, "record": 0, "type": "error", "message": SERIALIZATION_MESSAGE}],
    "nextrow": 0,
}
SYNC_KEY_FIELDS: Mapping[str, Mapping[str, str]] = {
    model: {"x_sync_key": "char"}
    for model in ("res.partner", "product.product", "sale.order", "sale.order.line", "account.payment")
}


@dataclass(frozen=True, slots=True)
class Options:
    """How a stand-in is set up.

    Attributes:
        database: name that callers must give.
        password: of the user `admin`.
        api_key: of the user `admin`.
        custom_fields: x_ fields that exist from the start: types by field name by model.
        clock: gives the time, aware; None for the machine's.
    """

    database: str = "odoo"
    password: str = field(default="admin", repr=False)
    api_key: str = field(default="sandbox-api-key", repr=False)
    custom_fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    clock: Callable[[], datetime] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model's method, as either entrance understood it."""

    uid: int
    model: str
    method: str
    ids: Sequence[int]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    context: Mapping[str, Any]


class Server:
    """State that a reset throws away."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.reset()

    def reset(self) -> None:
        """A fresh database, no faults, nothing counted."""
        self.db = fresh_database(self.options.clock, self.options.password, self.options.api_key)
        add_custom_fields(self.db, self.options.custom_fields)
        self.faults = FaultPlan()
        self.calls: Counter[str] = Counter()

    def statistics(self) -> dict[str, Any]:
        """Calls in all, reading, writing, and by model/method."""
        reads = sum(count for name, count in self.calls.items() if name.rpartition("/")[2] in methods.READS)
        total = self.calls.total()
        return {"requests": total, "reads": reads, "writes": total - reads, "calls": dict(sorted(self.calls.items()))}

    async def run(self, request: Request, call: Call, answer: Callable[[Any], Response]) -> Response:
        """Runs a call and lets the fault that is due, if any, strike.

        Raises:
            OdooFault: what Odoo answers instead of a result.
            TypeError: the parameters do not fit the method.
        """
        self.calls[f"{call.model}/{call.method}"] += 1
        fault = self.faults.pick(call.model, call.method)
        refusal = await self._strike_before(request, fault) if fault else None
        if refusal:
            return refusal
        response = answer(self._result(call, fault))
        if fault and fault.kind == "drop_after":
            await drop_connection(request)
        return response

    async def _strike_before(self, request: Request, fault: Fault) -> Response | None:
        match fault.kind:
            case "too_many_requests":
                headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
                return JSONResponse({"error": "too many requests"}, 429, headers)
            case "bad_gateway":
                return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", 502)
            case "serialization_failure":
                raise serialization_failure()
            case "delay":
                await asyncio.sleep(fault.seconds)
            case "drop_before":
                await drop_connection(request)
                return Response()
        return None

    def _result(self, call: Call, fault: Fault | None) -> Any:
        if fault and fault.kind == "load_conflict":
            return _LOAD_CONFLICT
        poison = {POISON: fault.contains} if fault and fault.kind == "bad_row" else {}
        env = Env(self.db, call.uid, {**call.context, **poison})
        method = methods.find(env, call.model, call.method)
        if method is None:
            raise OdooFault("builtins.AttributeError", f"The method '{call.model}.{call.method}' does not exist")
        return methods.call(env, call.model, method, call.ids, call.args, call.kwargs)

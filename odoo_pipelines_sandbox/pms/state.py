"""One running sandbox: its world and what clients have done to it."""

from __future__ import annotations

from collections.abc import Callable

from odoo_pipelines_sandbox.pms.auth import Gate
from odoo_pipelines_sandbox.pms.faults import FaultPlan
from odoo_pipelines_sandbox.pms.ledger import Ledger
from odoo_pipelines_sandbox.pms.options import SandboxOptions
from odoo_pipelines_sandbox.pms.stats import Stats
from odoo_pipelines_sandbox.pms.webhooks import Webhooks
from odoo_pipelines_sandbox.pms.world import World


class Sandbox:
    """Everything that a running sandbox holds.

    Attributes:
        options: it was made from these.
        world: the data.
        ledger: what was written to it.
        stats: what was asked.
        faults: misbehaviour to come.
        gate: keys and tokens.
        webhooks: tell others of what happens.
    """

    world: World
    ledger: Ledger
    stats: Stats
    faults: FaultPlan
    gate: Gate

    def __init__(self, options: SandboxOptions, now: Callable[[], float]) -> None:
        self.options = options
        self._now = now
        self._started = now()
        self.webhooks = Webhooks(options.webhook_url, options.webhook_secret, now)
        self.reset()

    def reset(self) -> None:
        """Goes back to the very beginning: the same data, nothing written, no tokens, no faults."""
        options = self.options
        self.world = World(options, self._started)
        self.ledger = Ledger(options.repeats)
        self.stats = Stats()
        self.faults = FaultPlan(options.seed)
        self.gate = Gate(options.api_key, options.api_secret, options.token_seconds, self._now)

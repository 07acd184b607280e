"""Asset checks of the loads: numbers balance, few rejections, none waits, one record per external id, totals agree."""

from collections.abc import Mapping
from typing import Any, Protocol

import dagster as dg

from odoo_pipelines.defs.metadata import counts_metadata
from odoo_pipelines.engine.report import FlowReport
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.loading import FlowLoad
from odoo_pipelines.systems.base import Flow
from odoo_pipelines.systems.policies import VanishedPolicy
from odoo_pipelines.systems.records import Outcome
from odoo_pipelines.systems.targets import Requirement

BALANCE = "numbers_balance"
REJECTED = "rejected_share"
UNIQUE = "external_ids_unique"
VANISHED = "vanished"
LETTERS = "dead_letters"
TOTALS = "totals_agree"
_SAMPLE = 20


class Accounts(Protocol):
    """The numbers of a flow in a run, whichever way it goes."""

    @property
    def report(self) -> FlowReport:
        """What became of the rows."""

    @property
    def rows_in(self) -> int:
        """Rows that went in."""

    @property
    def balanced(self) -> bool:
        """Whether every one of them has exactly one outcome."""

    @property
    def dead_letters(self) -> Mapping[str, int]:
        """Rejected rows that wait, by class."""


def account_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of everything that has accounts."""
    return [
        dg.AssetCheckSpec(BALANCE, asset=key, blocking=True, description="Every row has exactly one outcome."),
        dg.AssetCheckSpec(
            REJECTED,
            asset=key,
            description="Few rows were rejected (rejected_share_limit, from rejected_share_minimum rows on).",
        ),
        dg.AssetCheckSpec(LETTERS, asset=key, description="No rejected row waits: odoo-pipelines dead-letters list."),
    ]


def account_results(integration: Integration, accounts: Accounts) -> list[dg.AssetCheckResult]:
    """Checks accounts that are closed."""
    return [_balance(accounts), _rejected(integration, accounts), _letters(accounts)]


def accounts_not_checked(why: str) -> list[dg.AssetCheckResult]:
    """Results when there are no accounts: nothing was checked, and that is a warning."""
    return [_not_checked(name, why) for name in (BALANCE, REJECTED, LETTERS)]


def check_specs(key: dg.AssetKey, flow: Flow) -> list[dg.AssetCheckSpec]:
    """The checks of a load; those whose target has a total, or requires something, have one more."""
    specs = [
        *account_specs(key),
        dg.AssetCheckSpec(UNIQUE, asset=key, description="No external id has two records in Odoo."),
        dg.AssetCheckSpec(VANISHED, asset=key, description="No record waits that the external system has no more."),
    ]
    if flow.target.total:
        total = "No record waits whose total in Odoo is not the external one: odoo-pipelines conflicts list."
        specs.append(dg.AssetCheckSpec(TOTALS, asset=key, description=total))
    if flow.target.requires:
        specs.append(
            dg.AssetCheckSpec(flow.target.requires.name, asset=key, description=flow.target.requires.description)
        )
    return specs


def not_checked(flow: Flow, why: str) -> list[dg.AssetCheckResult]:
    """Results when nothing was loaded: nothing was checked, and that is a warning."""
    names = [BALANCE, REJECTED, LETTERS, UNIQUE, VANISHED, *([TOTALS] if flow.target.total else [])]
    names += [flow.target.requires.name] if flow.target.requires else []
    return [_not_checked(name, why) for name in names]


def _not_checked(name: str, why: str) -> dg.AssetCheckResult:
    return _result(name, passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"not_checked": why})


def check_results(integration: Integration, flow: Flow, load: FlowLoad) -> list[dg.AssetCheckResult]:
    """Checks a load that has ended."""
    results = [*account_results(integration, load), _unique(load), _vanished(load)]
    results += [_totals(load)] if flow.target.total else []
    return [*results, _required(flow.target.requires, load)] if flow.target.requires else results


def _balance(load: Accounts) -> dg.AssetCheckResult:
    return _result(
        BALANCE, passed=load.balanced, metadata=counts_metadata(load.report.counts) | {"rows_in": load.rows_in}
    )


def _rejected(integration: Integration, load: Accounts) -> dg.AssetCheckResult:
    rejected, rows = load.report.counts.by_outcome[Outcome.REJECTED], load.report.counts.extracted
    share = rejected / rows if rows else 0.0
    limit, minimum = integration.rejected_share_limit, integration.rejected_share_minimum
    metadata = {"share": share, "limit": limit, "minimum": minimum, "rejected": rejected}
    return _result(
        REJECTED,
        passed=share <= limit or rows < minimum,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


def _unique(load: FlowLoad) -> dg.AssetCheckResult:
    numbers = load.uniqueness
    doubled = "the server cannot tell" if numbers.doubled is None else ", ".join(numbers.doubled) or "none"
    metadata = {"in_odoo": numbers.in_odoo, "known": numbers.known, "doubled_sample": doubled}
    return _result(UNIQUE, passed=numbers.holds, metadata=metadata)


def _vanished(load: FlowLoad) -> dg.AssetCheckResult:
    """Where the policy is to report, they wait for a person; otherwise those do that could not be treated."""
    found = load.vanished
    waiting = found.marked.count if found.policy is VanishedPolicy.REPORT else found.refused
    metadata = {
        "vanished": found.marked.count,
        "vanished_new": found.new,
        "back": found.back,
        "refused": found.refused,
        "policy": found.policy.value,
        "checked_in_this_run": found.checked,
        "since": f"{found.marked.since:%Y-%m-%d %H:%M} UTC" if found.marked.since else "none",
        "vanished_sample": ", ".join(found.marked.sample) or "none",
    }
    return _result(VANISHED, passed=not waiting, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


def _letters(load: Accounts) -> dg.AssetCheckResult:
    """How many rejected rows of each class of error wait, whichever run rejected them."""
    waiting = sum(load.dead_letters.values())
    metadata = {"waiting": waiting, **{f"waiting_{code}": count for code, count in load.dead_letters.items()}}
    return _result(LETTERS, passed=not waiting, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


def _totals(load: FlowLoad) -> dg.AssetCheckResult:
    metadata = {"waiting": len(load.totals), "waiting_sample": ", ".join(load.totals[:_SAMPLE]) or "none"}
    return _result(TOTALS, passed=not load.totals, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


def _required(requirement: Requirement, load: FlowLoad) -> dg.AssetCheckResult:
    found = load.required
    sample = ", ".join(found.sample) or "none"
    metadata = {"records": found.records, "lacking": found.lacking, "lacking_sample": sample}
    return _result(requirement.name, passed=not found.lacking, metadata=metadata)


def _result(
    name: str,
    *,
    passed: bool,
    metadata: dict[str, Any],
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(check_name=name, passed=passed, severity=severity, metadata=metadata)

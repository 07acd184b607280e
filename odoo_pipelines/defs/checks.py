"""Asset checks of the loads: numbers balance, few rejections, none waits, one record per external id, totals agree."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from odoo_pipelines.defs.loading import FlowLoad
from odoo_pipelines.defs.metadata import counts_metadata
from odoo_pipelines.integration import Integration
from odoo_pipelines.systems.base import Flow
from odoo_pipelines.systems.policies import VanishedPolicy
from odoo_pipelines.systems.records import Outcome

BALANCE = "numbers_balance"
REJECTED = "rejected_share"
UNIQUE = "external_ids_unique"
VANISHED = "vanished"
LETTERS = "dead_letters"
TOTALS = "totals_agree"


def check_specs(key: dg.AssetKey, flow: Flow) -> list[dg.AssetCheckSpec]:
    """The checks of a load; those whose target has a total have one more."""
    specs = [
        dg.AssetCheckSpec(BALANCE, asset=key, blocking=True, description="Every row has exactly one outcome."),
        dg.AssetCheckSpec(REJECTED, asset=key, description="Few rows were rejected (limit: rejected_share_limit)."),
        dg.AssetCheckSpec(UNIQUE, asset=key, description="No external id has two records in Odoo."),
        dg.AssetCheckSpec(VANISHED, asset=key, description="No record waits that the external system has no more."),
        dg.AssetCheckSpec(LETTERS, asset=key, description="No rejected row waits: odoo-pipelines dead-letters list."),
    ]
    if flow.target.total:
        total = f"{flow.target.total} in Odoo equals the external total, for all records read in this run."
        specs.append(dg.AssetCheckSpec(TOTALS, asset=key, description=total))
    return specs


def not_checked(flow: Flow, why: str) -> list[dg.AssetCheckResult]:
    """Results when nothing was loaded: nothing was checked, and that is a warning."""
    names = [BALANCE, REJECTED, UNIQUE, VANISHED, LETTERS, *([TOTALS] if flow.target.total else [])]
    return [
        _result(name, passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"not_checked": why})
        for name in names
    ]


def check_results(integration: Integration, flow: Flow, load: FlowLoad) -> list[dg.AssetCheckResult]:
    """Checks a load that has ended."""
    results = [_balance(load), _rejected(integration, load), _unique(load), _vanished(load), _letters(load)]
    return [*results, _totals(load)] if flow.target.total else results


def _balance(load: FlowLoad) -> dg.AssetCheckResult:
    return _result(
        BALANCE, passed=load.balanced, metadata=counts_metadata(load.report.counts) | {"rows_in": load.rows_in}
    )


def _rejected(integration: Integration, load: FlowLoad) -> dg.AssetCheckResult:
    rejected, rows = load.report.counts.by_outcome[Outcome.REJECTED], load.report.counts.extracted
    share = rejected / rows if rows else 0.0
    metadata = {"share": share, "limit": integration.rejected_share_limit, "rejected": rejected}
    return _result(
        REJECTED,
        passed=share <= integration.rejected_share_limit,
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
        "judged_in_this_run": found.judged,
        "since": f"{found.marked.since:%Y-%m-%d %H:%M} UTC" if found.marked.since else "none",
        "vanished_sample": ", ".join(found.marked.sample) or "none",
    }
    return _result(VANISHED, passed=not waiting, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


def _letters(load: FlowLoad) -> dg.AssetCheckResult:
    """How many rejected rows of each class of error wait, whichever run rejected them."""
    waiting = sum(load.dead_letters.values())
    metadata = {"waiting": waiting, **{f"waiting_{code}": count for code, count in load.dead_letters.items()}}
    return _result(LETTERS, passed=not waiting, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


def _totals(load: FlowLoad) -> dg.AssetCheckResult:
    differing: Sequence[str] = load.report.totals_differing
    metadata = {"compared": load.report.totals_compared, "differing_sample": ", ".join(differing) or "none"}
    return _result(TOTALS, passed=not differing, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


def _result(
    name: str,
    *,
    passed: bool,
    metadata: dict[str, Any],
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(check_name=name, passed=passed, severity=severity, metadata=metadata)

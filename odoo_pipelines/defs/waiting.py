"""Batches as a person looks at them: those that wait, those that cannot be read, and giving up the latter."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from odoo_pipelines.defs.partitions import partitions_of, windows
from odoo_pipelines.errors import BatchChoiceError
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.unreadable import awaited, fault_of, fix_of, full_sync
from odoo_pipelines.pipeline.windows import Window
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems import get_system
from odoo_pipelines.systems.records import Batch


@dataclass(frozen=True, slots=True)
class Found:
    """A batch, and how it is.

    Attributes:
        batch: as the state knows it.
        window: of change times that it was extracted for; open where it has none.
        awaited_by: who has still to do it; nobody where it is kept only.
        fault: why it cannot be read; "" if it can.
        fix: what brings again what it held; "" where nothing is needed.
    """

    batch: Batch
    window: Window
    awaited_by: tuple[str, ...]
    fault: str
    fix: str


def find_batches(state: State, store: BatchStore, integration: Integration, *, kept: bool = False) -> list[Found]:
    """Reads the batches that wait, and tells how each is.

    Args:
        state: that knows them.
        store: that holds them.
        integration: whose batches these are.
        kept: all that are registered, not only those that wait.

    Raises:
        BatchStoreError: the storage could not be asked.
    """
    consumers: dict[int, set[str]] = {}
    waiting: dict[int, Batch] = {}
    for batch, consumer in awaited(state, get_system(integration.system), integration.name):
        waiting[batch.id] = batch
        consumers.setdefault(batch.id, set()).add(consumer)
    batches = state.all_batches(integration.name) if kept else sorted(waiting.values(), key=lambda each: each.id)
    definition = partitions_of(integration)
    known = {each.partition: each for each in windows(definition, definition.get_partition_keys())}
    return [_found(store, integration, each, sorted(consumers.get(each.id, ())), known) for each in batches]


def discard(state: State, store: BatchStore, found: Sequence[Found]) -> None:
    """Forgets batches that cannot be read; their files go first, so that none is left that nobody knows.

    Raises:
        BatchStoreError: a file cannot be removed; nothing is forgotten then.
    """
    for each in found:
        store.remove(each.batch.path)
    state.forget_batches([each.batch.id for each in found])


def chosen(found: Sequence[Found], ids: Collection[int]) -> list[Found]:
    """Those that may be discarded: of these numbers, or without any all that wait and cannot be read.

    Raises:
        BatchChoiceError: there is no such batch, or it can be read: then the next run does it, and nothing is lost.
    """
    if not ids:
        return [each for each in found if each.fault and each.awaited_by]
    known = {each.batch.id: each for each in found}
    if unknown := sorted(set(ids) - known.keys()):
        raise BatchChoiceError(f"there is no batch {unknown[0]} in this integration")
    if readable := sorted(each for each in ids if not known[each].fault):
        raise BatchChoiceError(f"batch {readable[0]} can be read: it is never discarded, the next run does it")
    return [known[each] for each in sorted(set(ids))]


def loss_of(found: Found, integration: Integration) -> str:
    """What is lost with a batch that is discarded, and how it comes back."""
    batch = found.batch
    if not found.awaited_by:
        return "nothing: it was done before, and is kept only"
    if batch.layer == "odoo":
        return f"{batch.rows} rows of {batch.name} stay unsent until the next full outbound sync"
    return f"{batch.rows} rows of {batch.name} stay as Odoo has them until the next full sync: {full_sync(integration)}"


def _found(
    store: BatchStore, integration: Integration, batch: Batch, awaited_by: Sequence[str], known: Mapping[str, Window]
) -> Found:
    fault = fault_of(store, batch, whole=True)
    kept_only = "Nothing waits for it: a newer batch replaces it, or discard it."
    fix = (fix_of(batch, integration, [*known]) if awaited_by else kept_only) if fault else ""
    return Found(batch, known.get(batch.partition, Window(batch.partition)), tuple(awaited_by), fault, fix)

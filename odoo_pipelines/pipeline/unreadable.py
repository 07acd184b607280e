"""Pending batches whose files cannot be read any more: what they held is extracted or mapped again, the others go on.

A batch that was lost stays pending until what replaces it is known: a complete batch of its partition, or for a mapped
one what is mapped again from the batches of its streams. So a run that dies in between, or an external system that
cannot be asked, loses nothing. Single records (fetched one by one, or to be tried again) are known by their ids, and
fetched or looked for again. What none of this brings back comes with the next full sync, which sees every record.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from odoo_pipelines.errors import UnreadableBatchError
from odoo_pipelines.integration import Integration
from odoo_pipelines.pipeline.consumers import by_id_consumer, load_consumer, mapping_consumer, sending_consumer
from odoo_pipelines.stores.batch_registry import since_complete
from odoo_pipelines.stores.batches import BatchStore
from odoo_pipelines.stores.rows import core_schema
from odoo_pipelines.stores.state import State
from odoo_pipelines.systems.base import Flow, System
from odoo_pipelines.systems.records import BY_ID, REPLAY, WHOLE, Batch, Layer

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Unreadable:
    """What a run has found of such batches when it began.

    Attributes:
        batches: by id, those that cannot be read.
        extract_again: streams and partitions that have to be extracted as a whole.
        map_again: flows and partitions whose streams' batches are mapped again.
        mapped_again: those of them for which that is done.
        replaced: ids of those batches of single records that others hold by now.
    """

    batches: dict[int, Batch] = field(default_factory=dict)
    extract_again: set[tuple[str, str]] = field(default_factory=set)
    map_again: set[tuple[str, str]] = field(default_factory=set)
    mapped_again: set[tuple[str, str]] = field(default_factory=set)
    replaced: set[int] = field(default_factory=set)

    def readable(self, batches: Sequence[Batch]) -> list[Batch]:
        """Without those that cannot be read."""
        return [batch for batch in batches if batch.id not in self.batches] if self.batches else list(batches)

    def over(self, batches: Sequence[Batch]) -> list[Batch]:
        """Those that count as done once all readable ones of them are: lost ones only where others replace them."""
        if not self.batches:
            return list(batches)
        later = {(each.name, each.partition): each.id for each in self.readable(batches) if each.complete}
        return [
            each
            for each in batches
            if each.id not in self.batches
            or each.id in self.replaced
            or each.id < later.get((each.name, each.partition), 0)
            or (each.layer == "mapped" and (each.name, each.partition) in self.mapped_again)
        ]

    def single(self, stream: str) -> list[Batch]:
        """Those of a stream whose records were fetched one by one, as far as it is known which."""
        return [each for each in self._with_records("external", BY_ID) if each.name == stream]

    def replays(self, flow: str) -> list[Batch]:
        """Those of a flow whose records were to be tried again, as far as it is known which."""
        return [each for each in self._with_records("mapped", REPLAY) if each.name == flow]

    def _with_records(self, layer: Layer, partition: str) -> Iterator[Batch]:
        for each in self.batches.values():
            if (each.layer, each.partition) == (layer, partition) and each.records:
                yield each

    def holds(self, layer: Layer, name: str) -> bool:
        """Whether batches of a stream or flow are among them."""
        return any((batch.layer, batch.name) == (layer, name) for batch in self.batches.values())

    def note_mapped(self, flow: Flow, partition: str, sources: Sequence[Batch]) -> None:
        """Notes that a partition was mapped; what was lost of it is replaced if nothing of its streams is lost, too."""
        if (flow.name, partition) in self.map_again and len(self.over(sources)) == len(sources):
            self.mapped_again.add((flow.name, partition))

    @property
    def metadata(self) -> dict[str, int | str]:
        """For a run's assets; nothing where all is well."""
        paths = ", ".join(sorted(batch.path for batch in self.batches.values()))
        return {"unreadable_batches": len(self.batches), "unreadable_sample": paths[:500]} if self.batches else {}


def awaited(state: State, system: System, integration: str) -> Iterator[tuple[Batch, str]]:
    """Batches that a mapping or a load has still to do, each with the consumer."""
    for flow in system.flows:
        layers: tuple[tuple[Layer, list[str], str], ...] = (
            ("external", list(flow.mappers), mapping_consumer(flow)),
            ("mapped", [flow.name], load_consumer(flow)),
        )
        for layer, names, consumer in layers:
            for batch in state.pending(integration, layer, names, consumer):
                yield batch, consumer
    for outbound in system.outbound:
        for batch in state.pending(integration, "odoo", [outbound.name], sending_consumer(outbound)):
            yield batch, sending_consumer(outbound)
    for stream in system.streams.values():
        consumer = by_id_consumer(stream)
        for batch in (
            state.pending(integration, "external", list(stream.by_id.named_by), consumer) if stream.by_id else ()
        ):
            yield batch, consumer


def fault_of(batches: BatchStore, batch: Batch, *, whole: bool) -> str:
    """Why a batch cannot be read; "" if it can.

    Raises:
        BatchStoreError: the storage could not be asked.
    """
    try:
        rows = batches.examine(batch.path, core_schema(batch.layer), whole=whole)
    except UnreadableBatchError as error:
        return error.fault
    if batch.layer == "external" and rows != batch.rows:
        return f"batch {batch.path} cannot be read: it holds {rows} rows, and {batch.rows} were extracted"
    return ""


def is_extracted(partition: str, partition_keys: Sequence[str]) -> bool:
    """Whether a partition is one that syncs extract: none of single records, nor of another partition size."""
    return partition == WHOLE or partition in partition_keys


def fix_of(batch: Batch, integration: Integration, partition_keys: Sequence[str]) -> str:
    """What brings again what a lost batch held, as long as it is pending."""
    if batch.layer == "odoo":
        return "The next outbound sync reads it out of Odoo again."
    if batch.records and batch.layer == "external":
        return "The next sync asks for its records again, one by one."
    if batch.records:
        return "The next sync tries its records again, in their newest version."
    if batch.layer == "external" and is_extracted(batch.partition, partition_keys):
        return "Its partition is extracted again by the next delta or full sync."
    if batch.layer == "mapped" and is_extracted(batch.partition, partition_keys):
        return "It is mapped again by the next sync, from the batches of its streams."
    again = "" if batch.layer == "external" or batch.partition == REPLAY else "It is mapped again, as far as possible. "
    return f"{again}Run a full sync, which brings all of it: {full_sync(integration)}"


def full_sync(integration: Integration) -> str:
    """The command."""
    return f"odoo-pipelines sync --integration {integration.name} --mode full"


def find_unreadable(
    state: State,
    batches: BatchStore,
    system: System,
    integration: Integration,
    *,
    run_id: str,
    partition_keys: Sequence[str],
) -> Unreadable:
    """Reads the batches that earlier runs have left, and prepares that what cannot be read is made again.

    Args:
        state: knows the batches.
        batches: where they are.
        system: whose streams and flows they are of.
        integration: whose they are.
        run_id: of the run, whose own batches are left alone.
        partition_keys: what can be extracted again.

    Raises:
        BatchStoreError: the storage could not be asked.
    """
    return _Finder(state, batches, system, integration, partition_keys).find(run_id)


class _Finder:
    def __init__(
        self,
        state: State,
        batches: BatchStore,
        system: System,
        integration: Integration,
        partition_keys: Sequence[str],
    ) -> None:
        self._state = state
        self._batches = batches
        self._system = system
        self._integration = integration
        self._partition_keys = partition_keys
        self._faults: dict[int, str] = {}
        self._found = Unreadable()

    def find(self, run_id: str) -> Unreadable:
        left = [
            (batch, consumer)
            for batch, consumer in awaited(self._state, self._system, self._integration.name)
            if batch.run_id != run_id and (batch.layer == "external" or self._integration.odoo_enabled)
        ]
        lost = [(batch, consumer) for batch, consumer in left if not self._is_readable(batch)]
        for batch, _ in lost:
            if batch.layer == "external":
                self._extract_again(batch.name, batch.partition)
        for batch, consumer in lost:
            if batch.layer == "mapped":
                self._map_again(next(flow for flow in self._system.flows if load_consumer(flow) == consumer), batch)
        for batch in self._found.batches.values():
            log.error(
                "%s. It is batch %d of %s/%s, partition %s, written by run %s. %s",
                self._faults[batch.id],
                batch.id,
                batch.layer,
                batch.name,
                batch.partition or "none",
                batch.run_id,
                fix_of(batch, self._integration, self._partition_keys),
            )
        return self._found

    def _is_readable(self, batch: Batch) -> bool:
        if batch.id not in self._faults:
            self._faults[batch.id] = fault_of(self._batches, batch, whole=True)
            if self._faults[batch.id]:
                self._found.batches[batch.id] = batch
        return not self._faults[batch.id]

    def _extract_again(self, stream: str, partition: str) -> None:
        if is_extracted(partition, self._partition_keys):
            self._found.extract_again.add((stream, partition))

    def _map_again(self, flow: Flow, batch: Batch) -> None:
        """The batches of its streams are mapped again; where they do not hold all of it, it is extracted again."""
        if batch.partition == REPLAY:
            return
        known = self._state.batches(self._integration.name, "external", list(flow.mappers), [batch.partition])
        still_count = since_complete(known)
        sources = [each for each in still_count if self._is_readable(each)]
        # Nothing else brings single records again: as long as one of their batches is lost, so is what was made of it.
        begun = still_count if batch.partition == BY_ID else sources
        self._state.begin(mapping_consumer(flow), [each.id for each in begun])
        self._found.map_again.add((flow.name, batch.partition))
        if batch.partition != BY_ID:
            complete = {each.name for each in sources if each.complete}
            for stream in self._streams_of(flow, batch.partition) - complete:
                self._extract_again(stream, batch.partition)

    def _streams_of(self, flow: Flow, partition: str) -> set[str]:
        return {each for each in flow.mappers if self._system.streams[each].partitioned == (partition != WHOLE)}


def settle(state: State, flow: Flow, lost: Unreadable) -> None:
    """After a full sync of everything: what was lost of a flow, and nothing replaces, has come with it."""
    streams = set(flow.mappers)
    state.done(
        mapping_consumer(flow),
        [each.id for each in lost.batches.values() if each.layer == "external" and each.name in streams],
    )
    state.done(
        load_consumer(flow),
        [each.id for each in lost.batches.values() if each.layer == "mapped" and each.name == flow.name],
    )

"""The state: what has been extracted, mapped and loaded, and what became of every row.

Every method is one transaction; a process that dies inside one leaves nothing of it behind. A database that cannot be
reached, or refuses, is a StateError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from odoo_pipelines.stores import (
    batch_registry,
    bindings,
    conflicts,
    dead_letters,
    duplicates,
    history,
    recovered,
    renaming,
    sayings,
    vanished,
)
from odoo_pipelines.stores import run_counts as accounting
from odoo_pipelines.stores.conflicts import ConflictFilter, StoredConflict
from odoo_pipelines.stores.dead_letters import DeadLetter, LetterFilter
from odoo_pipelines.stores.duplicates import DuplicateNote, NoteFilter
from odoo_pipelines.stores.forgetting import Forgotten, Person, forget
from odoo_pipelines.stores.history import History
from odoo_pipelines.stores.recovered import RecoveredRecord
from odoo_pipelines.stores.run_counts import RunRef
from odoo_pipelines.stores.run_rows import (
    RunFilter,
    RunOutcome,
    select_newest_run,
    select_run_outcomes,
    select_runs,
)
from odoo_pipelines.stores.transactions import Transactions, transaction
from odoo_pipelines.stores.vanished import Marked, MissingRecords
from odoo_pipelines.systems.records import (
    Batch,
    Binding,
    Choice,
    Counts,
    Key,
    Layer,
    Outcome,
    Record,
    Resolution,
    RowOutcome,
    Said,
)

__all__ = ["DeadLetter", "RunRef", "State"]


class State:
    """The state of all integrations, in one PostgreSQL database.

    Args:
        engine: of a database that `migrate` has brought up to date, or what stands for it in a dry run.
    """

    def __init__(self, engine: Transactions) -> None:
        self._engine = engine

    def watermark(self, integration: str, stream: str) -> datetime | None:
        """Newest change time (UTC) that is safely in a batch; None before the first extraction."""
        with transaction(self._engine) as connection:
            return batch_registry.watermark_of(connection, integration, stream)

    def bring_back_watermark(
        self, integration: str, stream: str, now: datetime, tolerance: timedelta
    ) -> datetime | None:
        """Brings a watermark back that lies in the future, because a clock was wrong when it was moved there.

        It is then a day before that: all that was changed earlier is in batches.

        Returns:
            What it was; None if it is none of the future.
        """
        with transaction(self._engine) as connection:
            return batch_registry.bring_back_watermark(connection, integration, stream, now, tolerance)

    def register(
        self,
        batch: Batch,
        *,
        watermark: tuple[str, datetime] | None = None,
        consumer: str | None = None,
        consumed: Sequence[int] = (),
        mapped: Sequence[Key] = (),
        awaited_by: Sequence[str] = (),
        said: Mapping[str, Sequence[Said]] = MappingProxyType({}),
    ) -> Batch:
        """Makes a complete batch known, together with what it changes.

        Args:
            batch: its `id` is not looked at.
            watermark: stream and change time up to which the stream is now in batches; it never moves back.
            consumer: who made this batch out of others, such as "mapped/orders".
            consumed: ids of those others, which the consumer has thereby done.
            mapped: dead letters of the flow whose rows are in the batch, as rows of other records.
            said: by kind of record, what records say of others inside them from now on.
            awaited_by: consumers that must have done the batch before it is removed, since no later one replaces it.

        Returns:
            The batch with its id. A path that is registered already keeps its id.
        """
        with transaction(self._engine) as connection:
            registered = batch_registry.insert_batch(connection, batch)
            if watermark is not None:
                batch_registry.move_watermark(connection, batch.integration, *watermark)
            if consumer is not None:
                batch_registry.mark_done(connection, consumer, consumed)
            dead_letters.delete_letters(connection, batch.integration, batch.name, mapped)
            for holder_entity, some in said.items():
                sayings.upsert(connection, batch.integration, holder_entity, some)
            for each in awaited_by:
                batch_registry.mark_begun(connection, each, [registered.id])
            return registered

    def said(self, integration: str, holder_entity: str, holders: Sequence[str]) -> dict[str, dict[Key, Said]]:
        """What records of a kind last said of others inside them, by their id; those that said nothing are absent."""
        with transaction(self._engine) as connection:
            return sayings.select(connection, integration, holder_entity, holders)

    def done(self, consumer: str, batch_ids: Sequence[int]) -> None:
        """Notes that a consumer has done batches of which nothing was to be made."""
        with transaction(self._engine) as connection:
            batch_registry.mark_done(connection, consumer, batch_ids)

    def begin(self, consumer: str, batch_ids: Sequence[int]) -> None:
        """Notes that a consumer begins with batches; if it dies, they are pending and known as begun."""
        with transaction(self._engine) as connection:
            batch_registry.mark_begun(connection, consumer, batch_ids)

    def pending(
        self,
        integration: str,
        layer: Layer,
        names: Sequence[str],
        consumer: str,
        partitions: Sequence[str] | None = None,
    ) -> list[Batch]:
        """Batches that the consumer has not done yet, oldest first; None takes every partition."""
        with transaction(self._engine) as connection:
            return batch_registry.select_batches(
                connection, integration, layer, names, partitions, not_done_by=consumer
            )

    def batches(
        self, integration: str, layer: Layer, names: Sequence[str], partitions: Sequence[str] | None = None
    ) -> list[Batch]:
        """All batches, oldest first; None takes every partition."""
        with transaction(self._engine) as connection:
            return batch_registry.select_batches(connection, integration, layer, names, partitions)

    def bindings(self, integration: str, entity: str, external_ids: Iterable[str]) -> dict[str, Binding]:
        """Bindings by external id; unknown ids are absent."""
        with transaction(self._engine) as connection:
            return bindings.select_bindings(connection, integration, entity, external_ids)

    def records(self, integration: str, keys: Iterable[Key]) -> dict[Key, Record]:
        """Records by key; unknown keys are absent."""
        wanted = list(keys)
        if not wanted:
            return {}
        with transaction(self._engine) as connection:
            return bindings.select_records(connection, integration, wanted)

    def missing_records(self, integration: str, entity: str, seen: Iterable[Sequence[str]]) -> MissingRecords:
        """Holds the known records of an entity against the external ids that a run carried, in lists of any length."""
        with transaction(self._engine) as connection:
            return vanished.find_missing(connection, integration, entity, seen)

    def mark_vanished(self, integration: str, entity: str, external_ids: Sequence[str]) -> None:
        """Marks records as vanished from the external system; those that are marked keep their time."""
        with transaction(self._engine) as connection:
            vanished.mark(connection, integration, entity, external_ids)

    def unmark_vanished(self, integration: str, entity: str, external_ids: Sequence[str]) -> None:
        """Takes the mark from records that are there again."""
        with transaction(self._engine) as connection:
            vanished.unmark(connection, integration, entity, external_ids)

    def vanished(self, integration: str, entity: str, sample: int) -> Marked:
        """The records of an entity that are marked as vanished, with a sample of so many ids."""
        with transaction(self._engine) as connection:
            return vanished.select_marked(connection, integration, entity, sample)

    def vanished_among(self, integration: str, entity: str, external_ids: Sequence[str]) -> tuple[str, ...]:
        """Those of some ids whose records are marked as vanished."""
        with transaction(self._engine) as connection:
            return vanished.select_among(connection, integration, entity, external_ids)

    def history(self, integration: str, entity: str, external_id: str) -> History:
        """All that is known of one record."""
        with transaction(self._engine) as connection:
            return history.select_history(connection, integration, entity, external_id)

    def superseded_batches(self, before: datetime) -> list[Batch]:
        """Batches registered before a time that nobody reads any more; remove their files, then forget them."""
        with transaction(self._engine) as connection:
            return batch_registry.select_superseded(connection, before)

    def forget_batches(self, batch_ids: Sequence[int]) -> None:
        """Forgets batches whose files are gone."""
        with transaction(self._engine) as connection:
            batch_registry.delete_batches(connection, batch_ids)

    def forget_lost_batches(self, integration: str, exists: Callable[[str], bool]) -> int:
        """Forgets the batches whose files are gone, and returns how many.

        Args:
            integration: name.
            exists: tells whether there is a file at a path.
        """
        with transaction(self._engine) as connection:
            return recovered.forget_lost(connection, integration, exists)

    def set_back(self, run_ids: Sequence[str]) -> list[RecoveredRecord]:
        """Records of which runs wrote values again that Odoo had lost."""
        with transaction(self._engine) as connection:
            return recovered.select_set_back(connection, run_ids)

    def recreated(self, run_ids: Sequence[str]) -> list[RecoveredRecord]:
        """Records that runs created again, because Odoo had them no more."""
        with transaction(self._engine) as connection:
            return recovered.select_recreated(connection, run_ids)

    def sent(self, integration: str, flow: str) -> list[str]:
        """Keys under which records of Odoo were sent to the external system, or may have been."""
        with transaction(self._engine) as connection:
            return recovered.select_sent(connection, integration, flow)

    def owners(self, integration: str, model: str, odoo_ids: Iterable[int]) -> dict[int, Key]:
        """Keys of the records that are bound to these Odoo records, by Odoo id."""
        with transaction(self._engine) as connection:
            return bindings.select_owners(connection, integration, model, odoo_ids)

    def record_count(self, integration: str, model: str) -> int:
        """Number of records of a model that are bound; no two share an Odoo record."""
        with transaction(self._engine) as connection:
            return bindings.count_records(connection, integration, model)

    def close_dead_runs(self, integration: str, run_id: str) -> None:
        """Closes what other runs left open; to be called by the run that has the right to write."""
        with transaction(self._engine) as connection:
            accounting.close_dead_runs(connection, integration, run_id)

    def start(self, run: RunRef, mode: str) -> None:
        """Begins the row counts of a flow in a run; a repeated attempt of the same run starts its numbers anew."""
        with transaction(self._engine) as connection:
            accounting.open_run(connection, run, mode)

    def commit_chunk(
        self, run: RunRef, records: Sequence[Record], outcomes: Sequence[RowOutcome], counts: Counts
    ) -> None:
        """Records what became of one chunk: all of it or nothing.

        Args:
            run: a flow that was started.
            records: bindings and bases to keep, as they are in Odoo now.
            outcomes: of the chunk's rows, unchanged ones included: a key that went through leaves the dead letters.
            counts: what the chunk adds to the run's numbers.

        Raises:
            RowCountError: the flow is not running, or two records would be bound to one Odoo record.
        """
        with transaction(self._engine) as connection:
            attempt = accounting.add_counts(connection, run, counts)
            renaming.rename(connection, run.integration, run.flow, outcomes)
            bindings.upsert_records(connection, run.integration, run.run_id, records)
            accounting.insert_outcomes(connection, run, attempt, outcomes)
            dead_letters.settle(connection, run.integration, run.flow, run.run_id, outcomes)
            conflicts.settle(connection, run.integration, run.flow, run.run_id, outcomes)
            duplicates.settle(connection, run.integration, run.flow, run.run_id, outcomes)

    def finish(self, run: RunRef, extracted: int, *, consumer: str, batch_ids: Sequence[int]) -> Counts:
        """Ends the row counts of a flow, and marks its batches as done if they add up.

        Args:
            run: a flow that was started.
            extracted: rows that went in.
            consumer: such as "odoo/sale_order".
            batch_ids: batches that the rows came from.

        Raises:
            RowCountError: outcomes and rows differ; the run is marked as failed and its batches stay to be done.
        """
        with transaction(self._engine) as connection:
            counts = accounting.close_run(connection, run, extracted)
            if counts.balanced:
                batch_registry.mark_done(connection, consumer, batch_ids)
        accounting.require_balance(run, counts)
        return counts

    def fail(self, run: RunRef, reason: str) -> None:
        """Marks a flow as failed; its batches stay to be done. A reason must not hold personal data."""
        with transaction(self._engine) as connection:
            accounting.fail_run(connection, run, reason)

    def run_counts(self, run_id: str) -> dict[str, Counts]:
        """Numbers of a run by flow."""
        with transaction(self._engine) as connection:
            return accounting.select_counts(connection, run_id)

    def run_outcomes(self, wanted: RunFilter, limit: int | None = None) -> list[RunOutcome]:
        """What became of the rows of a run, in the order in which they were done; unchanged ones are only counted."""
        with transaction(self._engine) as connection:
            return select_run_outcomes(connection, wanted, limit)

    def newest_run(self, integration: str) -> str | None:
        """The run of an integration that started last; None if there was none."""
        with transaction(self._engine) as connection:
            return select_newest_run(connection, integration)

    def newest_runs(self, integration: str, limit: int) -> list[dict[str, Any]]:
        """Numbers of the newest runs, one for each flow."""
        with transaction(self._engine) as connection:
            return select_runs(connection, integration, limit)

    def batches_of_run(self, integration: str, layer: Layer, run_id: str) -> list[Batch]:
        """Batches that a run wrote, oldest first."""
        with transaction(self._engine) as connection:
            return batch_registry.select_batches_of(connection, integration, layer, [run_id])

    def outcomes(self, run: RunRef, keys: Sequence[Key]) -> dict[Key, Outcome]:
        """What became of records in a run; records that were unchanged, or not in it, are absent."""
        with transaction(self._engine) as connection:
            return accounting.select_outcomes(connection, run, keys)

    def letters(self, wanted: LetterFilter) -> list[DeadLetter]:
        """Rows that did not get through yet, longest waiting first."""
        with transaction(self._engine) as connection:
            return dead_letters.select_dead_letters(connection, wanted)

    def count_letters(self, wanted: LetterFilter) -> dict[str, int]:
        """How many rows of each class of error did not get through yet."""
        with transaction(self._engine) as connection:
            return dead_letters.count_letters(connection, wanted)

    def request_replay(self, wanted: LetterFilter) -> int:
        """Has the next retry run try letters again, and returns how many."""
        with transaction(self._engine) as connection:
            return dead_letters.request_replay(connection, wanted)

    def end_letters(self, integration: str, flow: str, *, over: Sequence[Key], lost: Sequence[Key]) -> None:
        """Ends what a replay can do nothing for.

        Args:
            integration: name.
            flow: name.
            over: letters whose record is in Odoo in a newer version.
            lost: letters whose row nobody has any more; they wait for a person.
        """
        with transaction(self._engine) as connection:
            dead_letters.delete_letters(connection, integration, flow, over)
            dead_letters.leave_to_a_person(connection, integration, flow, lost)

    def conflicts(self, wanted: ConflictFilter, limit: int | None = None) -> list[StoredConflict]:
        """Conflicts, longest waiting first."""
        with transaction(self._engine) as connection:
            return conflicts.select_conflicts(connection, wanted, limit)

    def conflict(self, conflict_id: int) -> StoredConflict:
        """One conflict; a ResolutionError if there is none with this id."""
        with transaction(self._engine) as connection:
            return conflicts.select_conflict(connection, conflict_id)

    def resolve(self, conflict_ids: Iterable[int], choice: Choice, value: Any = None) -> None:
        """Answers conflicts, all of them or none; the next run applies it.

        Raises:
            ResolutionError: one of them is unknown or over, or does not allow this answer.
        """
        with transaction(self._engine) as connection:
            conflicts.resolve(connection, conflict_ids, choice, value)

    def resolutions(self, integration: str, flow: str) -> dict[Key, list[Resolution]]:
        """Answers to conflicts of a flow that have not been applied yet, by record."""
        with transaction(self._engine) as connection:
            return conflicts.select_resolutions(connection, integration, flow)

    def asked(self, integration: str, flow: str) -> set[Key]:
        """Rows of a flow over whose record a human is asked, and has not said that it is a new one."""
        with transaction(self._engine) as connection:
            return conflicts.select_asked(connection, integration, flow)

    def in_doubt(self, integration: str) -> set[Key]:
        """Records of which nobody has decided yet whether they are still those of their external ids."""
        with transaction(self._engine) as connection:
            return conflicts.select_in_doubt(connection, integration)

    def duplicates(self, wanted: NoteFilter, limit: int | None = None) -> list[DuplicateNote]:
        """Notes of possible duplicates, oldest first."""
        with transaction(self._engine) as connection:
            return duplicates.select_notes(connection, wanted, limit)

    def dismiss_duplicates(self, note_ids: Iterable[int]) -> None:
        """Takes notes from the list for good, all of them or none; a DuplicateNoteError if one is unknown."""
        with transaction(self._engine) as connection:
            duplicates.dismiss(connection, note_ids)

    def noted_records(self, integration: str, model: str) -> list[int]:
        """Ids of the Odoo records that notes of possible duplicates are about."""
        with transaction(self._engine) as connection:
            return duplicates.select_noted_ids(connection, integration, model)

    def end_duplicates(self, integration: str, model: str, gone: Iterable[int]) -> None:
        """Deletes notes about records that Odoo has no more, and those whose own record is another one by now."""
        with transaction(self._engine) as connection:
            duplicates.delete_notes(connection, integration, model, gone)

    def forget(self, person: Person, related: Collection[Key]) -> Forgotten:
        """Removes all that the state keeps of a record, and its values from what it keeps of others.

        Args:
            person: the record.
            related: others whose batches named it.
        """
        with transaction(self._engine) as connection:
            return forget(connection, person, related)

    def would_forget(self, person: Person, related: Collection[Key]) -> Forgotten:
        """What `forget` would remove."""
        with transaction(self._engine) as connection, connection.begin_nested() as savepoint:
            forgotten = forget(connection, person, related)
            savepoint.rollback()
            return forgotten

    def all_batches(self, integration: str) -> list[Batch]:
        """Every batch of an integration, oldest first."""
        with transaction(self._engine) as connection:
            return batch_registry.select_all(connection, integration)

    def purge(self, before: datetime) -> int:
        """Deletes what is older than a time, and returns how many outcomes.

        Outcomes, conflicts that are over, and the values of records that have vanished.
        """
        with transaction(self._engine) as connection:
            conflicts.purge_conflicts(connection, before)
            vanished.empty_old_bases(connection, before)
            return accounting.purge_outcomes(connection, before)

"""`odoo-pipelines events`: what came in over HTTP, what became of it, and doing it again; with the database alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import Result

from odoo_pipelines.commands.console import out
from odoo_pipelines.stores.inbox import Inbox, NewEvent
from odoo_pipelines_tests import command_line
from odoo_pipelines_tests.environment import unset_all
from odoo_pipelines_tests.stores.builders import NOON

GUEST = "guest@example.com"
DAY = timedelta(days=1)


class Arrivals:
    """Has events come in, a day after one another, from NOON on."""

    def __init__(self, engine: sa.Engine) -> None:
        self.now = NOON
        self.inbox = Inbox(engine, lambda: self.now)

    def receive(self, key: str, event_type: str = "booking.updated", **changes: Any) -> int:
        """Its job id."""
        body = json.dumps({"event_type": event_type, "data": {"id": key, "email": GUEST}})
        named = {"entity": "booking", "external_id": f"bk_{key}", "body": body, **changes}
        [stored] = self.inbox.store([NewEvent("pms", f"id:{key}", event_type, **named)])
        self.now += DAY
        return stored.job_id

    def claim(self, run_id: str) -> str:
        """Of all that waits, begun by a run."""
        claim = self.inbox.claim("pms")
        assert claim
        assert self.inbox.begin(claim.id, run_id)
        return claim.id


@pytest.fixture
def arrivals(engine: sa.Engine) -> Arrivals:
    return Arrivals(engine)


@pytest.fixture(autouse=True)
def _database_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_database_url: str) -> None:
    unset_all(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", fresh_database_url)


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(out, "_width", 160)


@pytest.fixture
def ids(arrivals: Arrivals) -> Sequence[int]:
    """Job ids of events that are done, failed, dead, claimed and pending, one a day in this order."""
    done = arrivals.receive("a")
    arrivals.inbox.acknowledge(arrivals.claim("run-done"))
    failed = arrivals.receive("b", "booking.cancelled")
    arrivals.inbox.fail(arrivals.claim("run-failed"), "run_failed")
    dead = arrivals.receive("c", state="dead", reason="given_up")
    arrivals.now -= 2 * DAY  # the failed one is not due
    claimed = arrivals.receive("d")
    arrivals.claim("run-claimed")
    arrivals.now += 2 * DAY
    return [done, failed, dead, claimed, arrivals.receive("e")]


def run(*arguments: object, typed: str = "") -> Result:
    return command_line.run("events", *map(str, arguments), typed=typed)


def listed(*arguments: object) -> list[int]:
    return [each["job_id"] for each in json.loads(run("list", "--json", *arguments).stdout)]


@pytest.mark.parametrize("command", [(), ("list",), ("show",), ("replay",), ("discard",)])
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert (result.exit_code, "Usage:" in result.stdout) == (0, True)


class TestList:
    def test_events_are_shown_one_a_line_the_last_one_first(self, ids: Sequence[int]) -> None:
        result = run("list")
        assert result.exit_code == 0, result.stderr
        _, *lines = result.stdout.splitlines()
        assert [int(line.split()[0]) for line in lines] == list(reversed(ids))
        assert "pending" in lines[0]
        told = ("2026-03-02 12:00", "booking.cancelled", "pms: booking bk_b", "failed", "run_failed 2026-03-03 12:10")
        assert all(word in lines[3] for word in told)

    @pytest.mark.usefixtures("ids")
    def test_what_they_were_sent_with_is_not_shown(self) -> None:
        assert GUEST not in run("list").stdout + run("list", "--json").stdout

    def test_filters_narrow_it_down(self, ids: Sequence[int]) -> None:
        done, failed, dead, claimed, pending = ids
        assert listed("--state", "failed", "--state", "dead") == [dead, failed]
        assert listed("--state", "claimed", "--state", "done") == [claimed, done]
        assert listed("--type", "booking.cancelled", "--integration", "pms") == [failed]
        assert listed("--since", "2026-03-02", "--until", "2026-03-03T11:00:00") == [claimed, failed]
        assert listed("--job", pending, "--job", done) == [pending, done]
        assert listed("--job", 4711) == []

    def test_more_than_asked_for_are_not_concealed(self, ids: Sequence[int]) -> None:
        result = run("list", "--limit", len(ids) - 1)
        assert "more than 4" in result.stderr
        assert result.stdout.count("booking bk_") == len(ids) - 1
        assert run("list", "--limit", len(ids)).stderr == ""

    def test_where_there_are_none_it_says_so(self) -> None:
        assert run("list").stdout == "No events.\n"
        assert run("list", "--json").stdout.strip() == "[]"

    def test_a_manual_sync_names_its_flow(self, arrivals: Arrivals) -> None:
        arrivals.receive("s", "sync", flow="orders", entity="", external_id="")
        assert "flow orders" in run("list").stdout

    def test_what_a_sender_wrote_does_not_steer_the_terminal(self, arrivals: Arrivals) -> None:
        arrivals.receive("x", "[red]\x1b[2J", entity="", external_id="", state="done", reason="unknown_type")
        assert "[red]\\x1b[2J" in run("list").stdout

    def test_an_unknown_integration_is_refused_with_the_known_ones(self) -> None:
        for command in ("list", "replay", "discard"):
            result = run(command, "-i", "spa")
            assert (result.exit_code, result.stdout) == (1, "")
            assert "there is no integration 'spa'; configured: pms" in result.stderr

    def test_without_the_database_there_is_one_clear_message(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ODOO_PIPELINES_DATABASE_URL", "postgresql://nobody:hidden-word@127.0.0.1:1/none")
        result = run("list")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "check ODOO_PIPELINES_DATABASE_URL" in result.stderr
        assert "hidden-word" not in result.stderr


class TestShow:
    def test_it_tells_what_became_of_an_event_but_not_what_it_was_sent_with(self, ids: Sequence[int]) -> None:
        result = run("show", ids[1])
        assert result.exit_code == 0, result.stderr
        told = ("booking.cancelled", "booking bk_b", "failed", "run_failed", "run-failed", "came 1 times")
        assert all(word in result.stdout for word in told)
        assert GUEST not in result.stdout + run("show", ids[1], "--json").stdout

    def test_what_it_was_sent_with_is_shown_if_asked_for(self, ids: Sequence[int]) -> None:
        assert GUEST in run("show", ids[1], "--payload").stdout
        document = json.loads(run("show", ids[1], "--payload", "--json").stdout)
        assert document["payload"]["data"] == {"id": "b", "email": GUEST}
        assert (document["job_id"], document["state"], document["attempts"]) == (ids[1], "failed", 1)

    def test_an_event_that_does_not_wait_has_no_next_try(self, ids: Sequence[int]) -> None:
        tries = [json.loads(run("show", each, "--json").stdout)["next_try"] is not None for each in ids]
        assert tries == [False, True, False, False, True]

    def test_one_that_is_not_there_exits_1(self) -> None:
        result = run("show", 4711)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "There is no event 4711" in result.stderr


class TestReplay:
    def test_dead_and_failed_events_wait_again_after_a_yes(self, ids: Sequence[int]) -> None:
        result = run("replay", typed="y\n")
        assert result.exit_code == 0, result.stderr
        assert "Replay 2 events?" in result.stderr
        assert result.stdout == "2 wait for the next run.\n"
        assert listed("--state", "pending") == [ids[4], ids[2], ids[1]]

    def test_without_a_yes_nothing_happens(self, ids: Sequence[int]) -> None:
        result = run("replay", typed="n\n")
        assert (result.exit_code, result.stdout) == (1, "")
        assert listed("--state", "pending") == [ids[4]]

    def test_a_day_is_replayed_whatever_became_of_it_but_for_what_a_run_is_at(self, ids: Sequence[int]) -> None:
        states = [word for state in ("done", "failed", "dead") for word in ("--state", state)]
        result = run("replay", *states, "--since", "2026-03-01", "--until", "2026-03-03", "--yes")
        assert (result.exit_code, result.stdout) == (0, "2 wait for the next run.\n")
        assert listed("--state", "pending") == [ids[4], ids[1], ids[0]]
        assert listed("--state", "claimed") == [ids[3]]

    def test_single_events_are_replayed_by_their_job_ids(self, ids: Sequence[int]) -> None:
        result = run("replay", "--job", ids[0], "--yes", "--json")
        assert json.loads(result.stdout) == {"replayed": 1}
        assert listed("--state", "pending") == [ids[4], ids[0]]

    def test_other_types_are_left_alone(self, ids: Sequence[int]) -> None:
        run("replay", "--type", "booking.cancelled", "--yes")
        assert listed("--state", "pending") == [ids[4], ids[1]]

    def test_what_no_run_can_do_anything_for_is_left_alone(self, arrivals: Arrivals) -> None:
        arrivals.receive("x", entity="", external_id="", state="dead", reason="no_record")
        assert run("replay", "--yes").stdout == "No events to replay.\n"

    def test_where_there_are_none_it_does_not_ask(self) -> None:
        result = run("replay")
        assert (result.exit_code, result.stdout, result.stderr) == (0, "No events to replay.\n", "")
        assert json.loads(run("replay", "--json").stdout) == {"replayed": 0}


class TestDiscard:
    def test_dead_events_are_given_up_after_a_yes_and_stay_in_the_list(self, ids: Sequence[int]) -> None:
        result = run("discard", typed="y\n")
        assert result.exit_code == 0, result.stderr
        assert "Discard 1 events?" in result.stderr
        assert result.stdout == "1 discarded.\n"
        document = json.loads(run("show", ids[2], "--json").stdout)
        assert (document["state"], document["reason"]) == ("done", "discarded")
        assert "discarded" in run("list").stdout

    def test_without_a_yes_nothing_happens(self, ids: Sequence[int]) -> None:
        result = run("discard", typed="n\n")
        assert (result.exit_code, result.stdout) == (1, "")
        assert listed("--state", "dead") == [ids[2]]

    def test_a_flood_of_manual_syncs_is_given_up_by_its_type(self, arrivals: Arrivals, ids: Sequence[int]) -> None:
        for number in range(3):
            arrivals.inbox.store([NewEvent("pms", f"sync:{number}:a", "sync", "{}", flow="orders")])
        result = run("discard", "--type", "sync", "--state", "pending", "--yes", "--json")
        assert json.loads(result.stdout) == {"discarded": 3}
        assert listed("--state", "pending") == [ids[4]]

    def test_single_events_are_given_up_by_their_job_ids_but_not_what_a_run_is_at_or_has_done(
        self, ids: Sequence[int]
    ) -> None:
        done, failed, _, claimed, pending = ids
        jobs = [word for each in (done, failed, claimed, pending) for word in ("--job", each)]
        assert run("discard", *jobs, "--yes").stdout == "2 discarded.\n"
        assert listed("--state", "claimed") == [claimed]
        assert run("discard", *jobs).stdout == "No events to discard.\n"

    def test_states_that_cannot_be_given_up_are_refused(self) -> None:
        for state in ("claimed", "done"):
            assert run("discard", "--state", state).exit_code == 2

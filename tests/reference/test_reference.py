"""Pins the reference for single processes: small histories with tables worked out by hand.

Funnels and sums over processes belong to the test beside this one.
"""

from __future__ import annotations

from typing import Any

from . import history
from .examples import JOB, columns, job
from .versions import Row, Version


def lifecycle(versions: list[Version], as_of: int) -> Row:
    (row,) = history.process_lifecycle(versions, JOB, as_of=as_of * 1000)
    return row


def test_visits_join_equal_versions_and_the_last_one_runs_to_as_of() -> None:
    versions = [job(0), job(2), job(5, "DOING", assigned_to="a"), job(9, "DOING", assigned_to="b")]
    assert history.state_visits(versions, JOB, as_of=20_000) == [
        {
            "process_id": "p",
            "procedure": "job",
            "visit_no": 1,
            "state": "NEW",
            "state_name": "New",
            "state_kind": "queue",
            "state_rank": 1,
            "entered_at": 0,
            "left_at": 5000,
            "is_current": False,
            "seconds": 5.0,
            "previous_state": None,
            "next_state": "DOING",
            "direction": "start",
            "is_allowed": None,
            "n_previous_visits": 0,
            "assigned_to": None,
            "entered_source": "created",
            "is_left_by_deletion": False,
            "is_left_by_procedure_change": False,
        },
        {
            "process_id": "p",
            "procedure": "job",
            "visit_no": 2,
            "state": "DOING",
            "state_name": "Doing",
            "state_kind": "work",
            "state_rank": 2,
            "entered_at": 5000,
            "left_at": None,
            "is_current": True,
            "seconds": 15.0,
            "previous_state": "NEW",
            "next_state": None,
            "direction": "forward",
            "is_allowed": True,
            "n_previous_visits": 0,
            "assigned_to": "a",
            "entered_source": "observed",
            "is_left_by_deletion": False,
            "is_left_by_procedure_change": False,
        },
    ]


def test_ties_pass_by_ingest_order_and_leave_a_visit_of_no_length() -> None:
    versions = [
        job(5, "DONE", ingest_seq=(1, 2)),
        job(5, "DOING", ingest_seq=(1, 1)),
        job(3, "ASKING", ingest_seq=(2, 1)),
    ]
    visits = history.state_visits(versions, JOB, as_of=6000)
    assert columns(visits, "state", "entered_at", "left_at", "direction", "is_allowed") == [
        ("ASKING", 0, 5000, "start", None),
        ("DOING", 5000, 5000, "backward", False),
        ("DONE", 5000, None, "forward", True),
    ]
    assert visits[0]["entered_source"] == "inferred"


def test_as_of_hides_later_versions_and_unseen_processes() -> None:
    versions = [job(1), job(8, "DONE", "COMPLETED"), job(9, process_id="q")]
    (process,) = history.processes(versions, JOB, as_of=8000)
    assert (process["state"], process["outcome"], process["n_versions"]) == ("DONE", "completed", 2)
    (process,) = history.processes(versions, JOB, as_of=7999)
    assert (process["state"], process["outcome"], process["n_versions"]) == ("NEW", "open", 1)
    assert history.processes(versions, JOB, as_of=999) == []


def test_deletion_ends_stays_and_restoring_opens_new_ones() -> None:
    versions = [job(0), job(4, is_deleted=True), job(6, is_deleted=True), job(7)]
    visits = history.state_visits(versions, JOB, as_of=9000)
    assert columns(
        visits, "entered_at", "left_at", "direction", "is_allowed", "previous_state"
    ) == [
        (0, 4000, "start", None, None),
        (7000, None, "same", None, "NEW"),
    ]
    assert columns(visits, "n_previous_visits") == [(0,), (1,)]
    spells = history.status_spells(versions, as_of=9000)
    assert columns(spells, "spell_no", "status", "started_at", "ended_at", "seconds") == [
        (1, "OPEN", 0, 4000, 4.0),
        (2, "OPEN", 7000, None, 2.0),
    ]
    (process,) = history.processes(versions, JOB, as_of=6000)
    assert (process["outcome"], process["deleted_at"]) == ("deleted", 4000)
    assert lifecycle(versions, 6)["seconds_in_state"] is None


def test_process_first_seen_deleted_starts_its_stays_when_restored() -> None:
    versions = [job(3, is_deleted=True), job(5, "DOING")]
    assert columns(
        history.state_visits(versions, JOB, as_of=9000), "visit_no", "entered_at", "entered_source"
    ) == [(1, 5000, "observed")]
    assert columns(history.status_spells(versions, as_of=9000), "started_at") == [(5000,)]
    assert columns(history.assignments(versions, as_of=9000), "started_at") == [(5000,)]
    assert lifecycle(versions, 9)["age_seconds"] == 9.0
    assert history.state_visits(versions, JOB, as_of=4000) == []


def test_creation_after_the_first_version_never_makes_a_duration_negative() -> None:
    versions = [job(2, created_at=5), job(4, "DOING", created_at=6)]
    visits = history.state_visits(versions, JOB, as_of=7000)
    assert columns(visits, "entered_at", "seconds", "entered_source") == [
        (2000, 2.0, "inferred"),
        (4000, 3.0, "observed"),
    ]
    (process,) = history.processes(versions, JOB, as_of=7000)
    assert (process["created_at"], process["first_seen_at"]) == (6000, 2000)
    assert lifecycle(versions, 7)["age_seconds"] == 5.0


def test_corrected_creation_time_of_the_latest_version_counts() -> None:
    versions = [job(5, created_at=4), job(8, "DOING", created_at=1)]
    assert columns(history.state_visits(versions, JOB, as_of=8000), "entered_at") == [
        (1000,),
        (8000,),
    ]
    assert columns(history.state_visits(versions, JOB, as_of=7000), "entered_at") == [(4000,)]


def test_completion_starts_at_its_own_time_only_when_believable() -> None:
    def completed_from(supplied: int | None) -> int:
        versions = [
            job(0),
            job(4, status="CANCELLED"),
            job(6),
            job(9, status="COMPLETED", completed_at=supplied),
        ]
        *_, opened, completed = history.status_spells(versions, as_of=20_000)
        assert opened["ended_at"] == completed["started_at"]
        return completed["started_at"] // 1000

    # Before the spell before began, as it began, inside it, at the version, after it, missing.
    supplied = (5, 6, 8, 9, 10, None)
    assert [completed_from(at) for at in supplied] == [9, 6, 8, 9, 9, 9]


def test_process_first_seen_closed_was_open_before() -> None:
    versions = [job(9, "DONE", "COMPLETED", created_at=2, completed_at=5)]
    assert columns(
        history.status_spells(versions, as_of=10_000), "status", "started_at", "ended_at"
    ) == [("OPEN", 2000, 5000), ("COMPLETED", 5000, None)]


def test_process_closed_at_its_start_was_open_for_an_instant() -> None:
    closed_at_once = [job(9, status="CANCELLED", created_at=2, cancelled_at=2)]
    assert columns(
        history.status_spells(closed_at_once, as_of=10_000),
        "status",
        "started_at",
        "ended_at",
        "began_by",
    ) == [("OPEN", 2000, 2000, "created"), ("CANCELLED", 2000, None, "cancelled")]


def test_nothing_completes_while_deleted() -> None:
    versions = [job(0), job(3, is_deleted=True), job(8, status="COMPLETED", completed_at=2)]
    assert columns(
        history.status_spells(versions, as_of=9000), "status", "started_at", "ended_at"
    ) == [("OPEN", 0, 3000), ("COMPLETED", 8000, None)]


def test_lifecycle_of_a_process_reopened_and_running() -> None:
    versions = [
        job(0),
        job(10, "DOING"),
        job(30, "ASKING"),
        job(60, "DONE", "COMPLETED", completed_at=50),
        job(100, "DOING", next_action_at=120),
        job(110, "DOING", next_action_at=130),
    ]
    row = lifecycle(versions, 150)
    expected = {
        "first_completed_at": 50_000,
        "last_completed_at": 50_000,
        "n_completions": 1,
        "n_reopens": 1,
        "is_reopened": True,
        "resolution_seconds": 50.0,
        "full_resolution_seconds": None,
        "open_seconds": 100.0,
        "age_seconds": 150.0,
        "queue_seconds": 10.0,
        "work_seconds": 70.0,
        # From 50 to 60 it was asking but no longer open.
        "waiting_customer_seconds": 20.0,
        "waiting_other_seconds": 0.0,
        "done_seconds": 0.0,
        "seconds_in_state": 50.0,
        "n_visits": 5,
        "n_states": 4,
        "n_backward": 1,
        "n_not_allowed": 1,
        "n_reentries": 1,
        "n_done_exits": 1,
        "next_action_at": 130_000,
        "is_overdue": True,
        "overdue_seconds": 20.0,
        "n_next_action_moves": 1,
        "last_changed_at": 100_000,
    }
    assert {column: row[column] for column in expected} == expected


def test_full_resolution_counts_to_the_last_completion_and_only_while_completed() -> None:
    versions = [
        job(0),
        job(10, status="COMPLETED"),
        job(20),
        job(40, status="COMPLETED"),
        job(50, status="COMPLETED", is_deleted=True),
    ]
    row = lifecycle(versions, 45)
    assert (row["n_completions"], row["resolution_seconds"]) == (2, 10.0)
    assert (row["full_resolution_seconds"], row["is_reopened"]) == (40.0, False)
    (process,) = history.processes(versions, JOB, as_of=45_000)
    assert process["completed_at"] == 40_000
    deleted = lifecycle(versions, 60)
    assert (deleted["full_resolution_seconds"], deleted["last_completed_at"]) == (None, 40_000)
    (process,) = history.processes(versions, JOB, as_of=60_000)
    assert (process["completed_at"], process["deleted_at"]) == (None, 50_000)


def test_ownership_counts_handoffs_over_unassigned_stays() -> None:
    versions = [
        job(0),
        job(10, assigned_to="a"),
        job(20, "DOING", assigned_to="b"),
        job(30, "DOING"),
        job(40, "DOING", assigned_to="a"),
        job(45, "DOING", assigned_to="a", is_deleted=True),
        job(46, "DOING", assigned_to="a"),
        job(50, "DOING"),
    ]
    stays = history.assignments(versions, as_of=60_000)
    assert columns(stays, "assignment_no", "assigned_to", "started_at", "ended_at", "state") == [
        (1, None, 0, 10_000, "NEW"),
        (2, "a", 10_000, 20_000, "NEW"),
        (3, "b", 20_000, 30_000, "DOING"),
        (4, None, 30_000, 40_000, "DOING"),
        (5, "a", 40_000, 45_000, "DOING"),
        (6, "a", 46_000, 50_000, "DOING"),
        (7, None, 50_000, None, "DOING"),
    ]
    row = lifecycle(versions, 60)
    assert (row["n_assignments"], row["n_assignees"]) == (4, 2)
    assert (row["n_handoffs"], row["n_ping_pongs"]) == (2, 1)
    assert row["unassigned_seconds"] == 30.0


def test_first_assignment_is_the_records_when_valid_else_observed() -> None:
    def first(*versions: Version) -> tuple[Any, ...]:
        row = lifecycle(list(versions), 100)
        return row["first_assigned_at"], row["first_assignment_source"]

    assert first(job(5), job(9, assigned_to="a", first_assigned_at=7)) == (7000, "record")
    assert first(job(5), job(9, assigned_to="a", first_assigned_at=10)) == (9000, "observed")
    assert first(job(5, assigned_to="a"), job(9)) == (0, "observed")
    assert first(job(5, assigned_to="a", is_deleted=True), job(9)) == (None, None)


def test_exact_duplicates_are_one_version_and_other_content_is_another() -> None:
    versions = [
        job(1, data={"score": True}, ingest_seq=(2, 1)),
        job(1, data={"score": 1}, ingest_seq=(1, 3)),
        job(1, data={"score": 1}, ingest_seq=(1, 2)),
        job(2, data={"score": 1}, ingest_seq=(1, 1)),
    ]
    kept = history.drop_duplicates(versions)
    assert columns(kept, "ingest_seq") == [((1, 1),), ((1, 2),), ((2, 1),)]
    assert lifecycle(versions, 9)["last_changed_at"] == 2000

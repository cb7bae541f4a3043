"""Processes that change their procedure: stays, changes, flow and figures, row by row."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from schemas.definitions.procedure import Procedure, Procedures
from tests.reference.days import last_instant
from tests.reference.versions import Row, Version
from tests.support.flow_rows import ANN, BOB, FEW, MONDAY, bare_procedures, in_order, seen, shown
from tests.support.jobs import HOUR, JOB, A, B
from tests.support.strategies import INSTANTS, TIME_ZONE, version_lists
from tests.support.warehouse import MemoryWarehouse, differences

_TRACKED = {"shortId": "size", "type": "integer", "track": True}
_JOB = {
    "attributes": [_TRACKED | {"id": "20000000-0000-4000-8000-000000000000"}],
    "stategraph": {"NEW": ["WORK"], "WORK": ["NEW", "DONE"]},
    "funnels": [{"name": "all", "steps": ["NEW", "WORK", "DONE"]}],
}
_TASK = {
    "id": "10000000-0000-4000-8000-000000000001",
    "shortId": "task",
    "attributes": [_TRACKED | {"id": "20000000-0000-4000-8000-000000000001"}],
    "states": [
        {"id": f"31000000-0000-4000-8000-00000000000{n}", "shortId": name, "kind": kind}
        for n, (name, kind) in enumerate(
            [("INTAKE", "queue"), ("NEW", "work"), ("BUILD", "work"), ("SHIPPED", "done")]
        )
    ],
    "startState": "INTAKE",
    "completedState": "SHIPPED",
    "funnels": [{"name": "all", "steps": ["INTAKE", "SHIPPED"]}],
}


def two_procedures() -> Procedures:
    made = [Procedure.model_validate(JOB | changes) for changes in (_JOB, _TASK)]
    return Procedures(tuple(made), dict.fromkeys(("job", "task"), ""))


def built(*versions: Version, as_of: float) -> MemoryWarehouse:
    """A warehouse as at so many hours after Monday, 0:00."""
    warehouse = MemoryWarehouse(two_procedures())
    warehouse.add_file("versions.ndjson")
    warehouse.add(in_order(*versions))
    warehouse.build(MONDAY + round(as_of * HOUR))
    return warehouse


def task(process_id: str, hours: float, state: str = "BUILD", **fields: Any) -> Version:
    return seen(process_id, hours, state=state, procedure="task", **fields)


def table(warehouse: MemoryWarehouse, name: str, *names: str, order: str = "all") -> list[Any]:
    return shown(warehouse.rows(f"from {name} order by {order}"), *names)


def flow(warehouse: MemoryWarehouse) -> list[Any]:
    """Days on which something happened, with the events that did."""
    names = ("created", "reopened", "restored", "moved_in")
    names += ("completed", "cancelled", "deleted", "moved_out")
    found: list[Any] = []
    for row in warehouse.rows("from flow_daily order by procedure, day"):
        opened, ended = (sum(row[name] for name in half) for half in (names[:4], names[4:]))
        assert row["open_at_end"] == row["open_at_start"] + opened - ended
        events = {name: row[name] for name in names if row[name]}
        if events:
            found.append((row["procedure"], f"{row['day']:%a}", events, row["open_at_end"]))
    return found


def test_stays_end_at_the_change_and_new_ones_begin() -> None:
    warehouse = built(
        seen(A, 0, assigned_to=ANN, next_action_at=20),
        seen(A, 2, assigned_to=ANN, state="WORK", next_action_at=30),
        task(A, 26, assigned_to=ANN, next_action_at=30),
        task(A, 50, "INTAKE", assigned_to=BOB),
        as_of=72,
    )
    names = ("procedure", "state", "entered_at", "left_at", "previous_state", "next_state")
    assert table(warehouse, "state_visits", *names, order="visit_no") == [
        ("job", "NEW", 0, 2, None, "WORK"),
        ("job", "WORK", 2, 26, "NEW", None),
        ("task", "BUILD", 26, 50, None, "INTAKE"),
        ("task", "INTAKE", 50, None, "BUILD", None),
    ]
    names = ("direction", "is_allowed", "is_left_by_deletion", "is_left_by_procedure_change")
    assert table(warehouse, "state_visits", *names, order="visit_no") == [
        ("start", None, False, False),
        ("forward", True, False, True),
        ("start", None, False, False),
        ("backward", True, False, False),
    ]
    names = ("procedure", "status", "started_at", "ended_at", "began_by")
    assert table(warehouse, "status_spells", *names, order="spell_no") == [
        ("job", "OPEN", 0, 26, "created"),
        ("task", "OPEN", 26, None, "moved_in"),
    ]
    names = ("procedure", "state", "assigned_to", "started_at", "ended_at", "began_by", "ended_by")
    assert table(warehouse, "open_stays", *names, order="stay_no") == [
        ("job", "NEW", "ann", 0, 2, "created", "moved"),
        ("job", "WORK", "ann", 2, 26, "moved", "moved_out"),
        ("task", "BUILD", "ann", 26, 50, "moved_in", "reassigned"),
        ("task", "INTAKE", "bob", 50, None, "reassigned", None),
    ]
    names = ("procedure", "assigned_to", "started_at", "ended_at")
    assert table(warehouse, "assignments", *names, order="assignment_no") == [
        ("job", "ann", 0, 26),
        ("task", "ann", 26, 50),
        ("task", "bob", 50, None),
    ]
    names = ("procedure", "set_at", "due_at", "ended_at", "ended_by", "outcome")
    assert table(warehouse, "follow_ups", *names, order="follow_up_no") == [
        ("job", 0, 20, 2, "state_changed", "done_in_time"),
        ("job", 2, 30, 26, "moved_out", "moved_out"),
        ("task", 26, 30, 50, "cleared", "done_late"),
    ]
    assert warehouse.rows("from procedure_changes") == [
        {
            "process_id": A,
            "team_id": A,
            "change_no": 1,
            "from_procedure": "job",
            "to_procedure": "task",
            "from_state": "WORK",
            "to_state": "BUILD",
            "changed_at": MONDAY + 26 * HOUR,
            "is_deleted": False,
        }
    ]
    (found,) = warehouse.rows("from violations where rule = 'core:procedure:changed'")
    assert (found["procedure"], found["severity"], found["value"]) == ("task", "flag", "job > task")
    assert flow(warehouse) == [
        ("job", "Mon", {"created": 1}, 1),
        ("job", "Tue", {"moved_out": 1}, 0),
        ("task", "Tue", {"moved_in": 1}, 1),
    ]
    assert table(warehouse, "backlog_daily", "procedure", "day", "state") == [
        ("job", "Mon", "WORK"),
        ("task", "Tue", "BUILD"),
        ("task", "Wed", "INTAKE"),
        ("task", "Thu", "INTAKE"),
    ]
    names = ("procedure", "assigned_to", "day", "held", "moved_in", "moved_out")
    assert table(warehouse, "assignee_daily", *names, order="procedure, day, assigned_to") == [
        ("job", "ann", "Mon", 1, 0, 0),
        ("job", "ann", "Tue", 0, 0, 1),
        ("task", "ann", "Tue", 1, 1, 0),
        ("task", "ann", "Wed", 0, 0, 0),
        ("task", "bob", "Wed", 1, 0, 0),
        ("task", "bob", "Thu", 1, 0, 0),
    ]
    (week,) = warehouse.rows("from flow_weekly where procedure = 'task'")
    assert (week["arrivals"], week["moved_in"], week["open_at_end"]) == (0, 1, 1)


def test_a_process_that_arrives_closed_came_in_and_was_closed_at_once() -> None:
    warehouse = built(
        seen(A, 0, assigned_to=ANN),
        task(A, 26, "SHIPPED", status="COMPLETED", completed_at=20, assigned_to=BOB),
        as_of=72,
    )
    names = ("procedure", "status", "started_at", "ended_at", "began_by")
    assert table(warehouse, "status_spells", *names, order="spell_no") == [
        ("job", "OPEN", 0, 20, "created"),
        ("task", "OPEN", 20, 20, "moved_in"),
        ("task", "COMPLETED", 20, None, "completed"),
    ]
    assert flow(warehouse) == [
        ("job", "Mon", {"created": 1, "moved_out": 1}, 0),
        ("task", "Mon", {"moved_in": 1, "completed": 1}, 0),
    ]
    (process,) = warehouse.rows("from process_lifecycle")
    assert (process["open_seconds"], process["resolution_seconds"]) == (20 * 3600, 20 * 3600)
    assert table(
        warehouse, "assignee_stats where period is null", "procedure", "assigned_to", "completed"
    ) == [("job", "ann", 0), ("task", "bob", 1)]


def test_a_closed_process_is_not_closed_again() -> None:
    warehouse = built(
        seen(A, 0),
        seen(A, 10, status="COMPLETED", state="DONE"),
        task(A, 30, "SHIPPED", status="COMPLETED", completed_at=30),
        as_of=72,
    )
    names = ("procedure", "status", "started_at", "ended_at", "began_by")
    assert table(warehouse, "status_spells", *names, order="spell_no") == [
        ("job", "OPEN", 0, 10, "created"),
        ("job", "COMPLETED", 10, 30, "completed"),
        ("task", "COMPLETED", 30, None, "moved_in"),
    ]
    names = ("n_completions", "last_completed_at", "n_reopens", "n_done_exits")
    assert table(warehouse, "process_lifecycle", *names) == [(1, 10, 0, 0)]
    assert table(warehouse, "processes", "procedure", "completed_at") == [("task", 10)]
    assert flow(warehouse) == [
        ("job", "Mon", {"created": 1, "completed": 1}, 0),
    ]
    # A completion stays with the procedure in which it happened.
    resolution = "duration_stats where measure = 'resolution' and period is null"
    assert table(warehouse, resolution, "procedure", "n") == [("job", 1)]
    assert table(warehouse, "variants", "procedure", "variant", "p50_resolution_seconds") == [
        ("job", "NEW > DONE", 10),
        ("task", "SHIPPED", None),
    ]


def test_a_closed_process_may_be_reopened_in_another_procedure() -> None:
    warehouse = built(
        seen(A, 0, assigned_to=ANN),
        seen(A, 10, status="COMPLETED", assigned_to=ANN),
        task(A, 30, assigned_to=BOB),
        as_of=40,
    )
    assert flow(warehouse) == [
        ("job", "Mon", {"created": 1, "completed": 1}, 0),
        ("task", "Tue", {"reopened": 1}, 1),
    ]
    assert table(warehouse, "process_lifecycle", "n_reopens", "is_reopened") == [(1, True)]
    undone = "assignee_daily where reopened_after_completion > 0"
    assert table(warehouse, undone, "procedure", "assigned_to", "day") == [("job", "ann", "Tue")]


def test_moves_while_deleted_with_a_deletion_and_back() -> None:
    warehouse = built(
        seen(A, 0),
        seen(A, 5, is_deleted=True),
        task(A, 6, is_deleted=True),
        task(A, 30),
        seen(B, 0),
        task(B, 5, is_deleted=True),
        seen(B, 30),
        as_of=40,
    )
    assert flow(warehouse) == [
        ("job", "Mon", {"created": 2, "deleted": 2}, 0),
        ("job", "Tue", {"restored": 1}, 1),
        ("task", "Tue", {"restored": 1}, 1),
    ]
    names = ("process_id", "change_no", "from_procedure", "to_procedure", "changed_at")
    assert table(warehouse, "procedure_changes", *names, "is_deleted") == [
        ("A", 1, "job", "task", 6, True),
        ("B", 1, "job", "task", 5, True),
        ("B", 2, "task", "job", 30, False),
    ]
    visits = table(warehouse, "state_visits", "process_id", "procedure", "direction")
    assert visits == [
        ("A", "job", "start"),
        ("A", "task", "start"),
        ("B", "job", "start"),
        ("B", "job", "same"),
    ]


def test_moves_at_one_instant_pass_in_order_of_versions() -> None:
    warehouse = built(
        seen(A, 0, state="WORK"),
        task(A, 3, "NEW"),  # the same name, and the same rank
        seen(A, 3, state="WORK"),
        task(A, 3, "NEW"),
        as_of=4,
    )
    names = ("procedure", "state", "entered_at", "left_at", "n_previous_visits", "direction")
    assert table(warehouse, "state_visits", *names, order="visit_no") == [
        ("job", "WORK", 0, 3, 0, "start"),
        ("task", "NEW", 3, 3, 0, "start"),
        ("job", "WORK", 3, 3, 1, "start"),
        ("task", "NEW", 3, None, 1, "start"),
    ]
    assert flow(warehouse) == [
        ("job", "Mon", {"created": 1, "moved_in": 1, "moved_out": 2}, 0),
        ("task", "Mon", {"moved_in": 2, "moved_out": 1}, 1),
    ]


def test_a_process_that_moved_out_stops_in_the_funnels_of_its_former_procedure() -> None:
    """It is not one that may still advance there: `immature` leaves it out."""
    warehouse = built(
        seen(A, 0),
        seen(A, 2, state="WORK"),
        task(A, 26, "INTAKE"),
        task(A, 30, "BUILD"),
        seen(B, 0),
        as_of=72,
    )
    names = ("procedure", "mode", "step", "stop_reason")
    rows = warehouse.rows(
        f"from funnel_progress where process_id = '{A}' and mode in ('ordered', 'strict') "
        "order by procedure, mode, step_no"
    )
    assert shown(rows, *names) == [
        ("job", "ordered", "NEW", None),
        ("job", "ordered", "WORK", "moved_out"),
        ("job", "strict", "NEW", None),
        ("job", "strict", "WORK", "strayed"),
        ("task", "ordered", "INTAKE", "open"),
        ("task", "strict", "INTAKE", "strayed"),
    ]
    steps = "from funnel_steps where mode = 'ordered' order by procedure, step_no"
    assert shown(warehouse.rows(steps), "procedure", "step", "processes", "immature") == [
        ("job", "NEW", 2, 0),
        ("job", "WORK", 1, 1),
        ("job", "DONE", 0, 1),
        ("task", "INTAKE", 1, 0),
        ("task", "SHIPPED", 0, 1),
    ]


def test_figures_of_a_procedure_are_of_what_happened_in_it() -> None:
    warehouse = built(
        seen(A, 0, state="WORK", assigned_to=ANN, data={"size": 1}),
        seen(A, 1, state="WORK", assigned_to=ANN, data={"size": 2}),
        task(A, 2, "NEW", assigned_to=BOB, data={"size": 3}),
        task(A, 3, "BUILD", assigned_to=BOB, data={"size": 3}),
        task(A, 4, "NEW", assigned_to=BOB, data={"size": 4}),
        seen(A, 5, state="DONE", assigned_to=ANN, data={"size": 5}),
        as_of=6,
    )
    assert table(warehouse, "variants", "procedure", "variant") == [
        ("job", "WORK > DONE"),
        ("task", "NEW > BUILD > NEW"),
    ]
    names = ("procedure", "from_state", "to_state")
    assert table(warehouse, "state_transitions", *names) == [
        ("task", "BUILD", "NEW"),
        ("task", "NEW", "BUILD"),
    ]
    names = ("procedure", "state", "n_reentries", "n_ping_pongs", "n_changes_in_place")
    assert table(warehouse, "rework", *names, order="procedure, state") == [
        ("job", "DONE", 0, 0, 0),
        ("job", "WORK", 0, 0, 1),
        ("task", "BUILD", 0, 0, 0),
        ("task", "NEW", 1, 1, 1),
    ]
    names = ("procedure", "change_no", "old_value", "new_value", "changed_at", "previous_seconds")
    assert table(warehouse, "attribute_changes", *names, order="changed_at") == [
        ("job", 1, "1", "2", 1, 1),
        ("task", 2, "3", "4", 4, 2),
    ]
    names = ("procedure", "processes", "n_without_moves", "n_moves", "n_not_allowed")
    assert table(warehouse, "conformance", *names) == [("job", 1, 1, 0, 0), ("task", 1, 0, 2, 0)]
    names = ("procedure", "from_assignee", "to_assignee", "p50_held_seconds")
    assert table(warehouse, "handoffs", *names) == [
        ("job", "bob", "ann", 3),
        ("task", "ann", "bob", 2),
    ]
    arrived = warehouse.rows("from cumulative_flow where arrived_so_far > 0 order by all")
    assert {(row["procedure"], row["state"]) for row in arrived} == {
        ("job", "NEW"),
        ("job", "WORK"),
        ("job", "DONE"),
        ("task", "INTAKE"),
        ("task", "NEW"),
        ("task", "BUILD"),
    }


def test_a_late_version_in_another_procedure_takes_its_place() -> None:
    versions = in_order(
        seen(A, 0),
        seen(A, 40, state="WORK"),
        seen(B, 0),
        task(A, 20),
        task(B, 30),
    )
    at_once, late = MemoryWarehouse(two_procedures()), MemoryWarehouse(two_procedures())
    at_once.add(versions)
    late.add(versions[:3])
    late.build(MONDAY + 50 * HOUR)
    late.add(versions[3:])
    for warehouse in (at_once, late):
        warehouse.build(MONDAY + 50 * HOUR)
    assert len(late.rows("from procedure_changes")) == 3
    for name in ("state_visits", "open_stays", "status_spells", "process_lifecycle", "processes"):
        rows = at_once.rows(f"from {name}")
        assert differences(late.rows(f"from {name}"), rows) == [], name
    assert flow(late) == flow(at_once)


@pytest.mark.nightly
@given(versions=version_lists(max_processes=30, max_versions=5, with_procedure_changes=True))
@FEW
def test_the_backlog_of_a_midnight_is_what_was_open_then(versions: list[Version]) -> None:
    """By procedure, and by a build as at the end of that day; no time is dated back here."""
    plain: list[Version] = []
    for version in versions:
        mine = [v for v in versions if v["process_id"] == version["process_id"]]
        created = min(v["updated_at"] for v in mine)
        plain.append(version | {"created_at": created, "completed_at": None, "cancelled_at": None})
    latest, then = MemoryWarehouse(bare_procedures()), MemoryWarehouse(bare_procedures())
    for warehouse in (latest, then):
        warehouse.add(plain)
    latest.build(INSTANTS[-1], time_zone=TIME_ZONE)
    query = "select day, procedure, open_at_end from flow_daily where open_at_end > 0 order by all"
    for day in sorted({row["day"] for row in latest.rows("from flow_daily")})[:4]:
        at = _end_of(day)
        then.build(at, time_zone=TIME_ZONE)
        found = then.rows(
            "select procedure, count(*) as open_at_end from processes where outcome = 'open' "
            "group by procedure order by procedure"
        )
        rows: list[Row] = [row for row in latest.rows(query) if row["day"] == day]
        assert [{k: row[k] for k in ("procedure", "open_at_end")} for row in rows] == found


def _end_of(day: date) -> int:
    return last_instant(day, INSTANTS[-1], ZoneInfo(TIME_ZONE))

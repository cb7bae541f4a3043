"""What became of planned next actions, and who was answerable, row by row."""

from __future__ import annotations

import pytest

from tests.support.flow_rows import ANN, BOB, built, seen, shown, week
from tests.support.jobs import A, B, C, D
from tests.support.warehouse import MemoryWarehouse

_COLUMNS = ("process_id", "follow_up_no", "assigned_to", "set_at", "due_at", "ended_at", "ended_by")
_OUTCOMES = ("removed_at", "outcome", "is_late")


@pytest.fixture(scope="module")
def jobs_of_a_week() -> MemoryWarehouse:
    return week()


def test_what_became_of_each(jobs_of_a_week: MemoryWarehouse) -> None:
    rows = jobs_of_a_week.rows("from follow_ups order by process_id, follow_up_no")
    assert shown(rows, *_COLUMNS, *_OUTCOMES) == [
        # Done by the change of state; the value stands on until another takes its place.
        ("A", 1, "ann", 2, 20, 10, "state_changed", 30, "done_in_time", False),
        ("A", 2, "bob", 30, 35, 40, "completed", 40, "done_late", True),
        ("A", 3, "bob", 60, 70, None, None, None, "overdue", True),
        ("B", 1, "ann", 5, 10, 8, "rescheduled", 8, "moved", False),
        ("B", 2, "ann", 8, 15, 20, "deleted", 20, "deleted", True),
        ("B", 3, "ann", 28, 40, 50, "cancelled", 50, "cancelled", True),
        # D was closed when first seen: what was planned before is not known.
    ]
    stats = jobs_of_a_week.rows("from follow_up_stats order by assigned_to")
    names = ("assigned_to", "assigned_to_name", "n", "done_in_time", "done_late", "moved")
    names += ("cancelled", "deleted", "open", "overdue", "late", "share_in_time")
    assert shown(stats, *names) == [
        ("ann", "Ann", 4, 1, 0, 1, 1, 1, 0, 0, 2, pytest.approx(1 / 3)),
        ("bob", "bob", 2, 0, 1, 0, 0, 0, 0, 1, 2, 0),
    ]


def test_who_held_it_when_it_fell_due_is_answerable() -> None:
    warehouse = built(
        seen(A, 1, created=1, assigned_to=ANN, next_action_at=6),
        seen(A, 4, created=1, assigned_to=BOB, next_action_at=6),
        # Taken away too late, and by somebody else.
        seen(A, 7, created=1, assigned_to=ANN),
        seen(A, 8, created=1, next_action_at=9),
        # Another plan with another state: the first is done, not moved.
        seen(A, 8.5, created=1, state="WORK", next_action_at=12),
        seen(A, 12, created=1, state="WORK", assigned_to=BOB, next_action_at=12),
        seen(A, 13, created=1, state="WORK", assigned_to=ANN, next_action_at=12),
        seen(A, 14, created=1, state="DONE", assigned_to=ANN, next_action_at=12),
        seen(
            A, 15, created=1, state="DONE", assigned_to=ANN, next_action_at=12, status="COMPLETED"
        ),
        as_of=20,
    )
    rows = warehouse.rows("from follow_ups order by follow_up_no")
    assert shown(rows, *_COLUMNS[1:], *_OUTCOMES) == [
        (1, "bob", 1, 6, 7, "cleared", 7, "done_late", True),
        (2, None, 8, 9, 8.5, "state_changed", 8.5, "done_in_time", False),
        (3, "bob", 8.5, 12, 14, "state_changed", 15, "done_late", True),
    ]


def test_borders() -> None:
    warehouse = built(
        # Done in the very millisecond in which it was due.
        seen(A, 0, next_action_at=4),
        seen(A, 4),
        # Planned after the process was closed, as the record says later.
        seen(B, 0),
        seen(B, 5, next_action_at=9),
        seen(B, 6, status="COMPLETED", completed_at=3),
        # Due in the millisecond of the build, and a plan made for a time that was past.
        seen(C, 0, next_action_at=10),
        seen(D, 6, created=6, next_action_at=5),
        seen(D, 7, created=6, next_action_at=8),
        as_of=10,
    )
    rows = warehouse.rows("from follow_ups order by process_id, follow_up_no")
    assert shown(rows, "process_id", "set_at", "due_at", "ended_at", "outcome", "is_late") == [
        ("A", 0, 4, 4, "done_in_time", False),
        ("C", 0, 10, None, "open", False),
        ("D", 6, 5, 7, "moved", True),
        ("D", 7, 8, None, "overdue", True),
    ]
    # What was not known to be planned does not count for nobody.
    (row,) = warehouse.rows("select n, open, overdue, late, share_in_time from follow_up_stats")
    assert row == {
        "n": 4,
        "open": 1,
        "overdue": 1,
        "late": 2,
        "share_in_time": pytest.approx(1 / 3),
    }

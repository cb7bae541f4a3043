"""Time in states, rework and ageing work, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.jobs import HOUR, START, A, B, C, D, jobs, version
from tests.support.warehouse import MemoryWarehouse


@pytest.fixture(scope="module")
def warehouse() -> MemoryWarehouse:
    """A goes to and fro and is done; B is stuck in WORK; C waits; D is deleted."""
    job: dict[str, Any] = {
        "attributes": [
            {
                "id": "20000000-0000-4000-8000-000000000000",
                "shortId": "size",
                "type": "integer",
                "track": True,
            }
        ]
    }
    built = MemoryWarehouse(jobs(**job))
    built.add(
        [
            version(A, 0),
            version(A, 1, state="WORK"),
            version(A, 2, state="NEW"),
            version(A, 5, state="WORK", data={"size": 1}),
            version(A, 6, state="WORK", data={"size": 2}),
            version(A, 9, state="DONE", status="COMPLETED", data={"size": 2}),
            version(B, 0),
            version(B, 4, state="WORK"),
            version(C, 100),
            version(D, 0),
            version(D, 30, is_deleted=True, data={"size": 3}),  # not made in a state
        ]
    )
    built.build(START + 104 * HOUR)
    return built


def test_time_in_states(warehouse: MemoryWarehouse) -> None:
    rows = warehouse.rows(
        "select state, n_visits, processes, n_current, n, mean_seconds / 3600, p50_seconds / 3600, "
        "longest_current_seconds / 3600, total_open_seconds / 3600, share_of_open_time, "
        "bottleneck_rank from state_durations order by state_rank"
    )
    assert [tuple(row.values()) for row in rows] == [
        # C was created with its process: START, as all are.
        # That D was deleted after 30 hours does not say how long it would have been there.
        ("NEW", 5, 4, 1, 3, pytest.approx(8 / 3), 3, 104, 142, pytest.approx(142 / 247), 1),
        ("WORK", 3, 2, 1, 2, 2.5, 2.5, 100, 105, pytest.approx(105 / 247), 2),
        ("DONE", 1, 1, 1, 0, None, None, 95, 0, 0, None),
    ]


def test_rework(warehouse: MemoryWarehouse) -> None:
    rows = warehouse.rows("select * exclude (procedure) from rework order by state")
    assert [tuple(row.values()) for row in rows] == [
        ("DONE", 1, 1, 0, 0, 0, 0, 0, 0),
        ("NEW", 5, 4, 1, 1, 0.25, 1, 1, 0),
        ("WORK", 3, 2, 1, 1, 0.5, 0, 1, 2),
    ]


def test_without_tracked_attributes_changes_are_not_mentioned() -> None:
    built = MemoryWarehouse(jobs())
    built.add([version(A)])
    built.build(START + HOUR)
    assert built.rows("select n_changes_in_place from rework") == [{"n_changes_in_place": None}]


def test_a_restored_process_has_neither_moved_nor_come_back() -> None:
    """A was deleted and restored in NEW, B restored in WORK in the millisecond of its deletion."""
    built = MemoryWarehouse(jobs())
    built.add(
        [
            version(A, 0),
            version(A, 1, is_deleted=True),
            version(A, 2),
            version(A, 3, state="WORK"),
            version(B, 0),
            version(B, 1, is_deleted=True),
            version(B, 1, state="WORK", ingest_seq=(2, 1)),
        ]
    )
    built.build(START + 10 * HOUR)
    assert built.rows("select from_state, to_state, n from state_transitions") == [
        {"from_state": "NEW", "to_state": "WORK", "n": 1}
    ]
    assert built.rows("select state, n_visits, n_reentries, share_back from rework") == [
        {"state": "NEW", "n_visits": 3, "n_reentries": 0, "share_back": 0},
        {"state": "WORK", "n_visits": 2, "n_reentries": 0, "share_back": 0},
    ]
    assert built.rows("select variant, n_steps, processes from variants") == [
        {"variant": "NEW > WORK", "n_steps": 2, "processes": 2}
    ]
    assert built.rows("select n_reentries from process_lifecycle") == [{"n_reentries": 0}] * 2


@pytest.mark.parametrize(
    ("hours", "bucket"),
    [
        (24 - 1e-6, "under 1 day"),
        (24, "1 to 3 days"),
        (72, "3 to 7 days"),
        (90 * 24, "90 days and more"),
    ],
)
def test_the_lower_limit_belongs_to_a_bucket(hours: float, bucket: str) -> None:
    built = MemoryWarehouse(jobs())
    built.add([version(A)])
    built.build(START + round(hours * HOUR))
    assert built.rows("select bucket, p85_seconds from open_ageing") == [
        {"bucket": bucket, "p85_seconds": None}
    ]
    assert built.rows("from stalled_processes") == []

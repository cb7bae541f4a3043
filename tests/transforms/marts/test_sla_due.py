"""The clocks that have not ended: what breaches next, when it warns, and in which order."""

from __future__ import annotations

from typing import Any

from tests.reference.versions import Version
from tests.support.jobs import START, version
from tests.support.sla_rows import ANN, built, history, jobs_with, policy, since_start
from tests.support.warehouse import MemoryWarehouse

ASKING, DONE = {"state": "ASKING"}, {"state": "DONE", "status": "COMPLETED"}
POLICY = policy("answer", "created", "completed", pause=["ASKING"], warn="80%")
OFFICE = {
    "name": "office",
    "timezone": "UTC",
    "weekly": {"monday": ["09:00-17:00"], "tuesday": ["09:00-17:00"]},
}


def due(warehouse: MemoryWarehouse, *columns: str) -> list[tuple[Any, ...]]:
    rows = warehouse.rows("from sla_due")
    return [
        (int(row["process_id"][-2:]), *(since_start(row[column]) for column in columns))
        for row in rows
    ]


def test_a_clock_warns_from_the_instant_at_which_its_share_is_counted() -> None:
    for as_of, expected in (
        (79.999, (1, "running", "in_time", 80.0, 100.0, 20.001)),
        (80, (1, "running", "warning", None, 100.0, 20.0)),
        (100, (1, "running", "warning", None, 100.0, 0.0)),
        (100.001, (1, "breached", "breached", None, 100.0, -0.001)),
    ):
        warehouse = built(jobs_with(POLICY), history(1, (0, {})), as_of=as_of)
        columns = ("status", "level", "warns_at", "due_at", "remaining_seconds")
        assert due(warehouse, *columns) == [expected]


def test_ended_clocks_are_left_out_and_the_next_to_breach_comes_first() -> None:
    histories = (
        history(1, (0, {}), (10, DONE)),
        history(2, (0, {})),
        history(3, (50, {"created_at": START + 50_000})),
        history(4, (0, {}), (30, ASKING)),
        history(5, (0, {}), (85, ASKING)),
        history(6, (-30, {"created_at": START - 30_000})),
        history(7, (-20, {"created_at": START - 20_000, "assigned_to": ANN})),
    )
    warehouse = built(jobs_with(POLICY), *histories, as_of=90)
    assert due(warehouse, "status", "level", "due_at", "warns_at") == [
        (2, "running", "warning", 100.0, None),
        (3, "running", "in_time", 150.0, 130.0),
        (5, "paused", "warning", None, None),
        (4, "paused", "in_time", None, None),
        (6, "breached", "breached", 70.0, None),
        (7, "breached", "breached", 80.0, None),
    ]
    assert [row["assigned_to"] for row in warehouse.rows("from sla_due")][-1] == ANN


def test_without_a_share_nothing_warns() -> None:
    warehouse = built(jobs_with(POLICY | {"warn": "80%"}), history(1, (0, {})), as_of=10)
    assert due(warehouse, "level", "warns_at") == [(1, "in_time", 80.0)]
    plain = {key: value for key, value in POLICY.items() if key != "warn"}
    warehouse = built(jobs_with(plain), history(1, (0, {})), as_of=99)
    assert due(warehouse, "level", "warns_at") == [(1, "in_time", None)]


def test_a_warning_falls_into_working_time() -> None:
    """From Monday at 16:00, one hour counts on Monday: the third is over on Tuesday at 11:00."""
    monday = 1_700_467_200_000 + 8 * 3_600_000  # 2023-11-20 16:00
    made: list[Version] = [
        version("60000000-0000-4000-8000-000000000001", created_at=monday, ingest_seq=(1, 1))
        | {"updated_at": monday}
    ]
    half = policy("answer", "created", "completed", target="10h", calendar="office", warn="30%")
    procedures = jobs_with(half, calendars=[OFFICE])
    warehouse = MemoryWarehouse(procedures)
    warehouse.add(made)
    warehouse.build(monday + 30 * 60_000)
    (row,) = warehouse.rows("from sla_due")
    tuesday = monday + 17 * 3_600_000  # 09:00
    assert (row["level"], row["remaining_seconds"]) == ("in_time", 9.5 * 3600)
    assert row["warns_at"] == tuesday + 2 * 3_600_000

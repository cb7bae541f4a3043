"""Counts of SLA clocks, row by row.

The clocks themselves belong to `test_sla.py`.
"""

from __future__ import annotations

from datetime import date

import pytest

from tests.support.sla_rows import ANN, BOB, built, history, jobs_with, policy
from tests.support.warehouse import MemoryWarehouse

# The start is 2023-11-14 22:13:20 UTC.
DAY = 86_400
RED, BLUE = ("70000000-0000-4000-8000-00000000000" + digit for digit in "12")
DONE = {"status": "COMPLETED"}
POLICY = policy("solve", "created", "completed", "2d")
CASES = (
    history(1, (0, {"assigned_to": ANN, "belongs_to": RED}), (DAY, DONE)),
    history(2, (0, {"assigned_to": ANN}), (DAY + 5, {"belongs_to": BLUE}), (3 * DAY, DONE)),
    # 2023-11-30 23:30 UTC is in December in Berlin.
    history(3, (0, {"belongs_to": RED}), (16 * DAY + 4600, DONE | {"assigned_to": BOB})),
    history(4, (0, {"belongs_to": RED}), (10, {"status": "CANCELLED", "belongs_to": BLUE})),
    history(5, (19.5 * DAY, {"created_at": 1_700_000_000_000 + 1_684_800_000})),
    history(6, (0, {"assigned_to": BOB})),
)


@pytest.fixture(scope="module")
def warehouse() -> MemoryWarehouse:
    return built(jobs_with(POLICY), *CASES, as_of=20 * DAY, time_zone="Europe/Berlin")


COUNTS = "n, met, breached, running, called_off, round(share_met, 4)"


def rows(warehouse: MemoryWarehouse, level: str, columns: str) -> list[tuple[object, ...]]:
    query = f"select {columns} from sla_attainment where level = '{level}' order by all nulls first"
    return [tuple(row.values()) for row in warehouse.rows(query)]


def test_all_clocks_of_a_policy(warehouse: MemoryWarehouse) -> None:
    assert rows(warehouse, "all", COUNTS) == [(6, 1, 3, 1, 1, 0.25)]


def test_months_are_those_of_the_ending_in_the_reporting_zone(
    warehouse: MemoryWarehouse,
) -> None:
    assert rows(warehouse, "month", f"period, {COUNTS}") == [
        (None, 2, 0, 1, 1, 0, 0),
        (date(2023, 11, 1), 3, 1, 1, 0, 1, 0.5),
        (date(2023, 12, 1), 1, 0, 1, 0, 0, 0),
    ]


def test_pods_and_people_are_those_at_the_ending(warehouse: MemoryWarehouse) -> None:
    assert rows(warehouse, "pod", f"pod_id, {COUNTS}") == [
        (None, 2, 0, 1, 1, 0, 0),
        (RED, 2, 1, 1, 0, 0, 0.5),
        (BLUE, 2, 0, 1, 0, 1, 0),
    ]
    assert rows(warehouse, "assignee", f"assigned_to, {COUNTS}") == [
        (None, 2, 0, 0, 1, 1, None),
        (ANN, 2, 1, 1, 0, 0, 0.5),
        (BOB, 2, 0, 2, 0, 0, 0),
    ]
    assert rows(warehouse, "assignee_month", "assigned_to, period, n") == [
        (None, None, 1),
        (None, date(2023, 11, 1), 1),
        (ANN, date(2023, 11, 1), 2),
        (BOB, None, 1),
        (BOB, date(2023, 12, 1), 1),
    ]
    assert rows(warehouse, "pod_month", "pod_id, period, n")[-1] == (BLUE, date(2023, 11, 1), 2)


def test_clocks_of_people_stand_beside_what_they_did(warehouse: MemoryWarehouse) -> None:
    columns = "assigned_to, period, sla_met, sla_breached, share_sla_met"
    found = warehouse.rows(f"select {columns} from assignee_stats order by all nulls first")
    november, december = date(2023, 11, 1), date(2023, 12, 1)
    assert [tuple(row.values()) for row in found] == [
        (None, None, 0, 0, None),
        (None, november, 0, 0, None),
        (None, december, 0, 0, None),
        (ANN, None, 1, 1, 0.5),
        (ANN, november, 1, 1, 0.5),
        # One clock stopped in December; the one that still runs belongs to no month.
        (BOB, None, 0, 2, 0),
        (BOB, november, 0, 0, None),
        (BOB, december, 0, 1, 0),
    ]


def test_elapsed_times_are_those_of_clocks_that_were_stopped(warehouse: MemoryWarehouse) -> None:
    """A day, three days, and 16 days and 4,600 seconds."""
    assert rows(warehouse, "all", "p50_elapsed_seconds, p90_elapsed_seconds") == [
        (3 * DAY, 13.4 * DAY + 3680)
    ]


def test_every_level_has_every_clock_once(warehouse: MemoryWarehouse) -> None:
    levels = warehouse.rows("select level, sum(n)::bigint as n from sla_attainment group by level")
    assert {row["n"] for row in levels} == {6}
    assert len(levels) == 6


def test_policies_are_published_as_defined(warehouse: MemoryWarehouse) -> None:
    (row,) = warehouse.rows("from sla_policies")
    assert (row["policy"], row["starts"], row["stops"], row["pauses"], row["target"]) == (
        "solve",
        "created",
        "completed",
        None,
        "2 d",
    )

"""Clocks that begin again: with each event that starts one, and with each stop of a policy that is
repeated.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference.versions import Version
from tests.support.identifiers import uid
from tests.support.jobs import START
from tests.support.sla_rows import built, clocks_of, history, jobs_with, policy
from tests.support.warehouse import MemoryWarehouse

DAY = 86_400
WORK, ASKING, VENDOR = ({"state": name} for name in ("WORK", "ASKING", "VENDOR"))
DONE: dict[str, Any] = {"state": "DONE", "status": "COMPLETED"}
OPEN: dict[str, Any] = {"status": "OPEN"}
CANCELLED: dict[str, Any] = {"status": "CANCELLED"}
DELETED, RESTORED = {"is_deleted": True}, {"is_deleted": False}
LOW, HIGH = {"data": {"priority": 3}}, {"data": {"priority": 1}}

POLICIES = (
    # Each question of the customer waits for an answer of its own.
    policy("reply", "state: ASKING", {"left": "ASKING"}),
    # An update at least every 100 seconds; work for a vendor does not count.
    policy("update", "created", "connected_call", repeat=True, pause=["VENDOR"]),
    # Going back to work is what renews it, and being done what ends it.
    policy("touch", "created", ["state: WORK", "left: NEW", "closed"], repeat=True),
    policy("urgent", "created", "state: WORK", repeat=True, where="priority < 3"),
    policy(
        "by",
        "created",
        "state: WORK",
        {"by": "priority", "values": {1: "10s"}, "otherwise": "100s"},
        repeat=True,
    ),
)
CASES: dict[int, list[Version]] = {
    1: history(
        1, (0, {}), (10, ASKING), (70, WORK), (80, ASKING), (300, WORK), (310, ASKING), (320, DONE)
    ),
    2: history(2, (0, {}), (60, VENDOR), (90, WORK), (400, DONE)),
    3: history(3, (0, {}), (50, CANCELLED), (200, OPEN | ASKING), (230, CANCELLED)),
    4: history(
        4, (0, LOW), (20, HIGH | WORK), (30, ASKING), (40, WORK), (45, ASKING), (60, LOW | WORK)
    ),
    5: history(
        5, (0, HIGH), (20, WORK), (30, LOW | ASKING), (40, WORK), (50, HIGH | ASKING), (60, WORK)
    ),
    6: history(6, (0, {}), (30, DELETED), (70, RESTORED), (90, {})),
}
CALLS = {2: (50, 140, 400, 450), 3: (20, 100, 210), 6: (10, 50, 80)}


def call(number: int, at: float) -> dict[str, Any]:
    """A call about a process that was connected so many seconds after the start."""
    instant = START + round(at * 1000)
    return {
        "id": uid(f"call {number} {at}"),
        "forProcess": f"60000000-0000-4000-8000-{number:012}",
        "callStatus": "COMPLETED",
        "callStart": instant,
        "connectionStart": instant,
        "updatedAt": instant,
    }


@pytest.fixture(scope="module")
def warehouse() -> MemoryWarehouse:
    warehouse = MemoryWarehouse(jobs_with(*POLICIES))
    warehouse.add([version for versions in CASES.values() for version in versions])
    calls = [call(number, at) for number, times in CALLS.items() for at in times]
    warehouse.add_activities("calls", calls)
    warehouse.build(START + 1_000_000)
    return warehouse


TIMES = ("started_at", "stopped_at", "elapsed_seconds", "status", "ended_by")
MET, LATE = ("met", "stop"), ("breached", "stop")


def test_each_start_has_a_clock_of_its_own(warehouse: MemoryWarehouse) -> None:
    """Being done answers the last question too: the version leaves the state."""
    assert clocks_of(warehouse, 1, "reply", *TIMES) == [
        (10, 70, 60, *MET),
        (80, 300, 220, *LATE),
        (310, 320, 10, *MET),
    ]
    numbers = clocks_of(warehouse, 1, "reply", "cycle", "due_at", "breached_at")
    assert numbers == [(1, 110, None), (2, 180, 180), (3, 410, None)]


def test_a_stop_starts_the_next_clock_until_the_process_is_closed(
    warehouse: MemoryWarehouse,
) -> None:
    """The call at the instant of the completion is the last one, and the pause counts once."""
    assert clocks_of(warehouse, 2, "update", *TIMES) == [
        (0, 50, 50, *MET),
        (50, 140, 60, *MET),
        (140, 400, 260, *LATE),
    ]
    assert clocks_of(warehouse, 2, "update", "breached_at") == [(None,), (None,), (240,)]
    assert clocks_of(warehouse, 2, "touch", *TIMES) == [
        (0, 60, 60, *MET),
        (60, 90, 30, *MET),
        (90, 400, 310, *LATE),
    ]


def test_closing_and_deleting_end_it_and_reopening_starts_it_again(
    warehouse: MemoryWarehouse,
) -> None:
    assert clocks_of(warehouse, 3, "update", *TIMES) == [
        (0, 20, 20, *MET),
        (20, 50, 30, None, "cancelled"),
        (200, 210, 10, *MET),
        (210, 230, 20, None, "cancelled"),
    ]
    assert clocks_of(warehouse, 6, "update", *TIMES) == [
        (0, 10, 10, *MET),
        (10, 30, 20, None, "deleted"),
        (70, 80, 10, *MET),
        (80, None, 920, "breached", None),
    ]


def test_stops_by_one_version_count_once(warehouse: MemoryWarehouse) -> None:
    """It leaves a state and enters another."""
    assert clocks_of(warehouse, 4, "touch", *TIMES) == [
        (0, 20, 20, *MET),
        (20, 40, 20, *MET),
        (40, 60, 20, *MET),
        (60, None, 940, "breached", None),
    ]


def test_each_clock_has_the_condition_and_the_target_of_its_own_start(
    warehouse: MemoryWarehouse,
) -> None:
    assert clocks_of(warehouse, 4, "urgent", *TIMES) == []
    assert clocks_of(warehouse, 5, "urgent", *TIMES) == [(0, 20, 20, *MET), (20, 40, 20, *MET)]
    names = ("started_at", "stopped_at", "target_seconds", "status")
    assert clocks_of(warehouse, 5, "by", *names) == [
        (0, 20, 10, "breached"),
        (20, 40, 10, "breached"),
        (40, 60, 100, "met"),
        (60, None, 10, "breached"),
    ]


def test_the_clock_that_runs_is_due_and_the_policy_says_that_it_is_repeated(
    warehouse: MemoryWarehouse,
) -> None:
    rows = warehouse.rows("select process_id, due_at from sla_due where policy = 'update'")
    assert [(row["process_id"][-1], row["due_at"] - START) for row in rows] == [
        *(("4", 100_000), ("5", 100_000)),
        ("6", 180_000),
    ]
    repeated = "select policy from sla_policies where is_repeated order by policy"
    names = [row["policy"] for row in warehouse.rows(repeated)]
    assert names == ["by", "touch", "update", "urgent"]


def test_an_update_every_two_working_days() -> None:
    """START is on a Tuesday at 22:13 UTC: the first two working days are Wednesday and Thursday."""
    office = {"name": "office", "timezone": "UTC", "weekly": {"workdays": ["09:00-17:00"]}}
    jobs = jobs_with(
        policy("update", "created", "state: WORK", "2d", repeat=True, calendar="office"),
        calendars=[office],
    )
    to_midnight = 86_400 - (START // 1000) % 86_400
    thursday, friday = to_midnight + DAY, to_midnight + 2 * DAY
    steps = history(1, (0, {}), (thursday + 16 * 3600, WORK), (friday + 10 * 3600, ASKING))
    warehouse = built(jobs, steps, as_of=friday + 12 * 3600)
    monday = friday + 3 * DAY
    names = ("started_at", "due_at", "elapsed_seconds", "status")
    assert clocks_of(warehouse, 1, "update", *names) == [
        (0, thursday + 17 * 3600, 15 * 3600, "met"),
        # From Thursday 16:00 on: 16 hours, which Thursday and Friday have, are over on Monday.
        (thursday + 16 * 3600, monday + 16 * 3600, 4 * 3600, "running"),
    ]

"""Clocks of SLA policies that calls and completed tasks start and stop."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.identifiers import uid
from tests.support.jobs import START
from tests.support.sla_rows import clocks_of, history, jobs_with, policy
from tests.support.warehouse import MemoryWarehouse

JOBS = jobs_with(
    policy("respond", "created", "first_call"),
    policy("reach", "created", "connected_call"),
    policy("do", "first_call", "task_completed"),
    policy("after", "connected_call", "closed"),
)
TIMES = ("started_at", "stopped_at", "elapsed_seconds", "status")
DONE: dict[str, Any] = {"state": "DONE", "status": "COMPLETED"}
OPEN: dict[str, Any] = {"state": "NEW", "status": "OPEN"}


def process(number: int) -> str:
    return f"60000000-0000-4000-8000-{number:012}"


def call(number: int, seconds: float, *, answered: bool = False, **changes: Any) -> dict[str, Any]:
    """A call about a process, recorded as it begins; answered after 2 s."""
    at = START + round(seconds * 1000)
    good: dict[str, Any] = {
        "id": uid(f"call {number} {seconds}"),
        "forProcess": process(number),
        "callStatus": "COMPLETED" if answered else "BUSY",
        "callStart": at,
        "connectionStart": at + 2_000 if answered else 0,
        "updatedAt": at + 2_000,
    }
    return good | changes


def task(number: int, seconds: float, **changes: Any) -> dict[str, Any]:
    at = START + round(seconds * 1000)
    good = {"id": process(number), "process": process(number), "status": "COMPLETED"}
    return good | {"completedAt": at, "updatedAt": at} | changes


@pytest.fixture(scope="module")
def warehouse() -> MemoryWarehouse:
    warehouse = MemoryWarehouse(JOBS)
    warehouse.add(
        [
            *history(1, (0, {}), (500, DONE)),
            *history(2, (0, {}), (60, DONE)),
            *history(3, (0, {})),
            *history(4, (0, {}), (50, DONE), (300, OPEN)),
            *history(5, (0, {}), (10, {"is_deleted": True}), (90, {"is_deleted": False})),
        ]
    )
    warehouse.add_activities(
        "calls",
        [
            call(1, -5, answered=True),
            call(1, 30),
            call(1, 150, answered=True),
            call(1, 200, answered=True),
            call(2, 60),
            call(3, 20, isDeleted=True),
            call(4, 40, answered=True),
            call(4, 320, answered=True),
            call(5, 20, answered=True),
        ],
    )
    warehouse.add_activities("tasks", [task(1, 70), task(3, 10, status="OPEN")])
    warehouse.build(START + 1_000_000)
    return warehouse


def test_a_clock_stops_at_the_first_call_of_the_process(warehouse: MemoryWarehouse) -> None:
    assert clocks_of(warehouse, 1, "respond", *TIMES) == [(0, 30, 30, "met")]
    # At the instant of the closing.
    assert clocks_of(warehouse, 2, "respond", *TIMES) == [(0, 60, 60, "met")]
    # The only call is deleted.
    assert clocks_of(warehouse, 3, "respond", *TIMES) == [(0, None, 1000, "breached")]


def test_a_clock_stops_at_the_next_call_that_is_answered(warehouse: MemoryWarehouse) -> None:
    assert clocks_of(warehouse, 1, "reach", *TIMES) == [(0, 152, 152, "breached")]
    assert clocks_of(warehouse, 2, "reach", *TIMES, "ended_by") == [(0, 60, 60, None, "completed")]


def test_a_reopening_waits_for_another_connection_but_not_for_the_first_call(
    warehouse: MemoryWarehouse,
) -> None:
    assert clocks_of(warehouse, 4, "respond", *TIMES) == [(0, 40, 40, "met")]
    assert clocks_of(warehouse, 4, "reach", *TIMES) == [(0, 42, 42, "met"), (300, 322, 22, "met")]


def test_calls_start_clocks_while_the_process_is_there(warehouse: MemoryWarehouse) -> None:
    assert clocks_of(warehouse, 1, "do", *TIMES) == [(30, 70, 40, "met")]
    # The call before the process does not; the second answered one finds a clock running.
    assert clocks_of(warehouse, 1, "after", *TIMES) == [(152, 500, 348, "breached")]
    assert clocks_of(warehouse, 5, "after", *TIMES) == []
    assert clocks_of(warehouse, 5, "reach", *TIMES, "ended_by") == [
        (0, 10, 10, None, "deleted"),
        (90, None, 910, "breached", None),
    ]


def at_seconds(warehouse: MemoryWarehouse, seconds: float) -> list[Any]:
    warehouse.build(START + round(seconds * 1000))
    return clocks_of(warehouse, 1, "respond", *TIMES)


def test_a_late_file_of_calls_alone_moves_the_clock_of_an_old_process() -> None:
    warehouse = MemoryWarehouse(JOBS)
    warehouse.add([*history(1, (0, {})), *history(2, (0, {}))])
    assert at_seconds(warehouse, 1000) == [(0, None, 1000, "breached")]
    warehouse.add_activities("calls", [call(1, 80)])
    assert at_seconds(warehouse, 1000) == [(0, 80, 80, "met")]
    assert clocks_of(warehouse, 2, "respond", *TIMES) == [(0, None, 1000, "breached")]
    # An earlier one comes later, and the first one is corrected: it was about another process.
    warehouse.add_activities("calls", [call(1, 50)])
    assert at_seconds(warehouse, 1000) == [(0, 50, 50, "met")]
    warehouse.add_activities(
        "calls", [call(1, 50, forProcess=process(2), updatedAt=START + 900_000)]
    )
    assert at_seconds(warehouse, 1000) == [(0, 80, 80, "met")]
    assert clocks_of(warehouse, 2, "respond", *TIMES) == [(0, 50, 50, "met")]
    # As at earlier instants, each call is seen from when it was recorded on.
    assert at_seconds(warehouse, 81) == [(0, 50, 50, "met")]
    assert at_seconds(warehouse, 51) == [(0, None, 51, "running")]


def test_a_call_that_claims_to_be_later_than_its_record_counts_from_the_record() -> None:
    warehouse = MemoryWarehouse(JOBS)
    warehouse.add(history(1, (0, {})))
    warehouse.add_activities("calls", [call(1, 80, updatedAt=START + 40_000)])
    assert at_seconds(warehouse, 60) == [(0, 40, 40, "met")]

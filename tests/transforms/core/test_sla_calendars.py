"""SLA clocks on working time: the calendar of their start, and targets in working days."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.reference.versions import Version
from tests.support.jobs import START
from tests.support.sla_rows import ATTRIBUTES, built, clocks_of, history, jobs_with, policy
from tests.support.warehouse import MemoryWarehouse

OFFICE: dict[str, Any] = {
    "name": "office",
    "timezone": "Europe/Berlin",
    "weekly": {"workdays": ["09:00-17:00"]},
    "holidays": [{"date": "2024-05-01"}],
}
# Days of 8, 8, 8, 8 and 5 hours; a half day on Christmas Eve.
UNEVEN: dict[str, Any] = {
    "name": "uneven",
    "timezone": "UTC",
    "weekly": {"workdays": ["09:00-17:00"], "friday": ["09:00-14:00"]},
    "holidays": [
        {"date": "2024-12-24", "closed": ["12:00-24:00"]},
        {"date": "2024-12-25"},
        {"date": "2024-12-26"},
    ],
}
NIGHTS: dict[str, Any] = {
    "name": "nights",
    "timezone": "UTC",
    "weekly": {"workdays": ["22:00-06:00"]},
}
CALENDARS = (OFFICE, UNEVEN, NIGHTS)
ATTRIBUTE = next(a for a in ATTRIBUTES if a["shortId"] == "priority")
BY_PRIORITY = {
    "formula": "case when priority = 1 then 'always' when priority = 2 then 'uneven' end",
    "otherwise": "office",
}
DONE: dict[str, Any] = {"state": "DONE", "status": "COMPLETED"}


def at(text: str) -> float:
    """An instant (UTC) in seconds after the start of the histories."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() - START / 1000


def created(text: str, number: int, *steps: tuple[str, dict[str, Any]]) -> list[Version]:
    """A process created at an instant, and its later versions."""
    first = {"created_at": START + round(at(text) * 1000)}
    return history(
        number,
        (at(text), first | (steps[0][1] if steps and steps[0][0] == text else {})),
        *((at(when), changes) for when, changes in steps if when != text),
    )


def due(target: str, calendar: str, *starts: str) -> list[str]:
    """When clocks with a target are due that start at these instants."""
    warehouse = built(
        jobs_with(
            policy("p", "created", "completed", target, calendar=calendar), calendars=CALENDARS
        ),
        *(created(start, number) for number, start in enumerate(starts)),
        as_of=at("2025-03-31"),
    )
    rows = warehouse.rows("select process_id, due_at from sla_clocks order by process_id")
    return [str(datetime.fromtimestamp(row["due_at"] / 1000, UTC))[:16] for row in rows]


@pytest.mark.nightly
def test_a_day_is_a_working_day_and_an_hour_an_hour() -> None:
    """From Thursday 10:00 in Berlin (08:00 UTC)."""
    start = "2024-06-06 08:00"
    assert due("1d", "office", start) == ["2024-06-07 08:00"]
    assert due("8h", "office", start) == ["2024-06-07 08:00"]
    assert due("3d", "office", start) == ["2024-06-11 08:00"]
    assert due("24h", "office", start) == ["2024-06-11 08:00"]
    assert due("1d", "always", start) == ["2024-06-07 08:00"]
    assert due("24h", "always", start) == ["2024-06-07 08:00"]


def test_the_first_day_is_that_of_the_start_or_the_next() -> None:
    """Before the office opens, after it has closed, on a weekend, on a holiday."""
    assert due(
        "1d",
        "office",
        "2024-06-06 05:00",
        "2024-06-06 15:00",
        "2024-06-08 12:00",
        "2024-05-01 10:00",
    ) == ["2024-06-06 15:00", "2024-06-07 15:00", "2024-06-10 15:00", "2024-05-02 15:00"]


def test_days_of_different_length_end_at_the_same_time_of_day() -> None:
    """Thursday 13:00 to Friday 13:00; Friday 11:00 to Monday 11:00."""
    assert due("1d", "uneven", "2024-06-06 13:00", "2024-06-07 11:00") == [
        "2024-06-07 13:00",
        "2024-06-10 11:00",
    ]
    assert due("2d", "uneven", "2024-06-06 13:00") == ["2024-06-10 13:00"]
    # Monday, Tuesday (half a day) and Friday.
    assert due("3d", "uneven", "2024-12-23 10:00") == ["2024-12-30 10:00"]


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    """Friday 01:00 is still Thursday's night; the next one is Friday's, then Monday's."""
    assert due("1d", "nights", "2024-06-07 01:00") == ["2024-06-08 01:00"]
    assert due("2d", "nights", "2024-06-07 01:00") == ["2024-06-11 01:00"]


def test_the_clocks_going_forward_do_not_shorten_an_office_day() -> None:
    """Friday 10:00 in winter time to Monday 10:00 in summer time."""
    assert due("1d", "office", "2024-03-29 09:00") == ["2024-04-01 08:00"]


def test_paused_days_do_not_count() -> None:
    """Two working days from Monday 10:00, one of them paused from Tuesday 09:00 to 17:00."""
    steps = (("2024-06-04 07:00", {"state": "ASKING"}), ("2024-06-04 15:00", {"state": "WORK"}))
    warehouse = built(
        jobs_with(
            policy("p", "created", "completed", "2d", calendar="office", pause=["ASKING"]),
            calendars=CALENDARS,
        ),
        created("2024-06-03 08:00", 1, *steps),
        as_of=at("2024-06-07 00:00"),
    )
    columns = ("target_seconds", "elapsed_seconds", "status", "breached_at")
    breached_at = round(at("2024-06-06 08:00"))
    assert clocks_of(warehouse, 1, "p", *columns) == [
        (16 * 3600, 23 * 3600, "breached", breached_at)
    ]


@pytest.fixture(scope="module")
def by_priority() -> MemoryWarehouse:
    """Tickets of Friday 2024-06-07 15:00 UTC (17:00 in Berlin), whose priority changes later."""
    policies = (
        policy(
            "solve",
            "created",
            "completed",
            {"by": "priority", "values": {1: "4h", 2: "1d", 3: "8h"}, "otherwise": "1d"},
        ),
        policy("urgent", "created", "completed", "4h", where="priority = 1"),
    )
    start = "2024-06-07 13:00"
    return built(
        jobs_with(*policies, calendar=BY_PRIORITY, calendars=CALENDARS),
        created(
            start,
            1,
            (start, {"data": {"priority": 3}}),
            ("2024-06-10 08:00", {"data": {"priority": 1}}),
            ("2024-06-10 09:00", DONE),
        ),
        created(
            start,
            2,
            (start, {"data": {"priority": 1}}),
            ("2024-06-07 18:00", {"data": {"priority": 3}}),
            ("2024-06-10 08:00", DONE),
        ),
        # Reopened with another priority: the second clock has the calendar of that.
        created(
            start,
            3,
            (start, {"data": {"priority": 2}}),
            ("2024-06-07 13:30", DONE),
            ("2024-06-10 08:00", {"state": "WORK", "status": "OPEN", "data": {"priority": 1}}),
            ("2024-06-10 13:00", {"data": {"priority": 3}}),
        ),
        as_of=at("2024-06-12 00:00"),
    )


def test_calendar_and_target_are_those_of_the_start(by_priority: MemoryWarehouse) -> None:
    """In Berlin 15:00 to 17:00 on Friday and 09:00 to 11:00 on Monday are four hours."""
    columns = ("calendar", "target_seconds", "elapsed_seconds", "status")
    assert clocks_of(by_priority, 1, "solve", *columns) == [("office", 28800, 4 * 3600, "met")]
    assert clocks_of(by_priority, 2, "solve", *columns) == [
        ("always", 14400, 67 * 3600, "breached")
    ]
    assert clocks_of(by_priority, 3, "solve", *columns) == [
        # A Friday in the calendar `uneven`, from 13:00 on.
        ("uneven", 5 * 3600, 1800, "met"),
        ("always", 14400, 40 * 3600, "breached"),
    ]


def test_a_condition_is_that_of_the_start(by_priority: MemoryWarehouse) -> None:
    columns = ("started_at", "status")
    assert clocks_of(by_priority, 1, "urgent", *columns) == []
    assert clocks_of(by_priority, 2, "urgent", *columns) == [(at("2024-06-07 13:00"), "breached")]
    reopened = [(at("2024-06-10 08:00"), "breached")]
    assert clocks_of(by_priority, 3, "urgent", *columns) == reopened


def test_of_one_instant_the_calendar_of_the_version_that_starts_the_clock_counts() -> None:
    warehouse = built(
        jobs_with(
            policy("work", "state: WORK", "completed", "4h"),
            policy("ask", "state: ASKING", "completed", "4h"),
            calendar=BY_PRIORITY,
            calendars=CALENDARS,
        ),
        history(
            1,
            (0, {"data": {"priority": 3}}),
            (10, {"state": "WORK", "data": {"priority": 1}}),
            (10, {"state": "ASKING", "data": {"priority": 2}}),
        ),
        as_of=100,
    )
    assert clocks_of(warehouse, 1, "work", "calendar") == [("always",)]
    assert clocks_of(warehouse, 1, "ask", "calendar") == [("uneven",)]

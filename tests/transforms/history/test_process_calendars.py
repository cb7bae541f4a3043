"""Working time in the calendars that applied: histories in, working time of stays out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.reference.versions import Version
from tests.support.jobs import START
from tests.support.sla_rows import ANN, history, jobs_with
from tests.support.warehouse import MemoryWarehouse

OFFICE: dict[str, Any] = {
    "name": "office",
    "timezone": "Europe/Berlin",
    "weekly": {"workdays": ["09:00-17:00"]},
    "holidays": [{"date": "2024-05-01"}, {"date": "2024-12-24", "closed": ["12:00-24:00"]}],
}
NIGHTS: dict[str, Any] = {
    "name": "nights",
    "timezone": "UTC",
    "weekly": {"daily": ["22:00-06:00"]},
}
BY_PRIORITY = {
    "formula": "case priority when 1 then 'always' when 2 then 'nights' end",
    "otherwise": "office",
}
URGENT, NIGHTLY, USUAL = ({"data": {"priority": number}} for number in (1, 2, 3))
DONE: dict[str, Any] = {"state": "DONE", "status": "COMPLETED"}
WORK: dict[str, Any] = {"state": "WORK", "status": "OPEN"}
ASKING: dict[str, Any] = {"state": "ASKING"}
DELETED, RESTORED = {"is_deleted": True}, {"is_deleted": False}
OTHER = "50000000-0000-4000-8000-000000000009"


def at(text: str) -> float:
    """An instant (UTC) in seconds after the start of the histories."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() - START / 1000


def created(*steps: tuple[str, dict[str, Any]]) -> list[Version]:
    """A process with its versions; the first one is the creation."""
    first = {"created_at": START + round(at(steps[0][0]) * 1000)}
    return history(1, *((at(when), first | changes) for when, changes in steps))


def warehouse_of(
    *versions: Version, as_of: str, calendar: Any = BY_PRIORITY, at_once: bool = True
) -> MemoryWarehouse:
    """Built at once, or after each version."""
    warehouse = MemoryWarehouse(jobs_with(calendar=calendar, calendars=(OFFICE, NIGHTS)))
    for batch in [versions] if at_once else [(version,) for version in versions]:
        warehouse.add(batch)
        if not at_once:
            warehouse.build(batch[0]["updated_at"])
    warehouse.build(START + round(at(as_of) * 1000))
    return warehouse


def hours_of(warehouse: MemoryWarehouse, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Columns of a table; those in seconds as hours."""
    shown = ", ".join(f"{c} / 3600" if c.endswith("seconds") else c for c in columns)
    order = {"state_visits": ", visit_no", "assignments": ", assignment_no"}.get(table, "")
    query = f"select {shown} from {table} order by process_id{order}"
    return warehouse.executed(query).fetchall()


@pytest.mark.parametrize("at_once", [True, pytest.param(False, marks=pytest.mark.nightly)])
def test_a_switch_does_not_measure_the_time_before_it_again(*, at_once: bool) -> None:
    """Friday 15:00 to Monday 10:00 in Berlin, urgent from Monday 09:30 on."""
    warehouse = warehouse_of(
        *created(
            ("2024-06-07 13:00", USUAL),
            ("2024-06-10 07:30", WORK | URGENT | {"assigned_to": ANN}),
            ("2024-06-10 08:00", DONE),
        ),
        as_of="2024-06-12",
        at_once=at_once,
    )
    assert hours_of(warehouse, "state_visits", "state", "business_seconds") == [
        ("NEW", 2.5),
        ("WORK", 0.5),
        ("DONE", 40),
    ]
    assert hours_of(warehouse, "assignments", "business_seconds") == [(2.5,), (40.5,)]
    columns = ("calendar", "business_resolution_seconds", "business_first_assignment_seconds")
    assert hours_of(warehouse, "process_lifecycle", *columns, "business_open_seconds") == [
        ("always", 3, 2.5, 3)
    ]
    stats = warehouse.rows(
        "select measure, mean_seconds / 3600 as hours from duration_stats "
        "where period is null and starts_with(measure, 'business_') order by measure"
    )
    assert [tuple(row.values()) for row in stats] == [
        ("business_first_assignment", 2.5),
        ("business_full_resolution", 3),
        ("business_open", 3),
        ("business_resolution", 3),
    ]


@pytest.mark.parametrize("at_once", [True, pytest.param(False, marks=pytest.mark.nightly)])
def test_several_switches_within_one_stay(*, at_once: bool) -> None:
    """Of a stay from Monday 09:00 to Wednesday 15:00 in Berlin: 3 hours of the office, 4 of all
    hours, 8 of the night, 4 of all hours, and 6 of the office.
    """
    warehouse = warehouse_of(
        *created(
            ("2024-06-10 07:00", ASKING | USUAL),
            ("2024-06-10 10:00", URGENT),
            ("2024-06-10 14:00", NIGHTLY),
            ("2024-06-11 20:00", URGENT),
            ("2024-06-12 00:00", USUAL),
            ("2024-06-12 13:00", WORK),
        ),
        as_of="2024-06-12 14:00",
        at_once=at_once,
    )
    assert hours_of(warehouse, "state_visits", "state", "business_seconds") == [
        ("ASKING", 3 + 4 + 8 + 4 + 6),
        ("WORK", 1),
    ]
    columns = ("business_open_seconds", "business_age_seconds", "business_resolution_seconds")
    assert hours_of(warehouse, "process_lifecycle", *columns) == [(26, 26, None)]


def test_running_stays_are_measured_to_the_as_of_after_a_switch() -> None:
    """From Friday 16:00 in Berlin: to all hours, and from all hours to the office."""
    for first, second, as_of, hours in (
        (USUAL, URGENT, "2024-06-09 08:00", 1 + 24),
        (URGENT, USUAL, "2024-06-10 10:00", 18 + 3),
    ):
        warehouse = warehouse_of(
            *created(("2024-06-07 14:00", first), ("2024-06-08 08:00", second)), as_of=as_of
        )
        assert hours_of(warehouse, "state_visits", "business_seconds") == [(hours,)]
        assert hours_of(warehouse, "assignments", "business_seconds") == [(hours,)]
        columns = ("business_open_seconds", "business_age_seconds")
        assert hours_of(warehouse, "process_lifecycle", *columns) == [(hours, hours)]


def test_a_switch_while_deleted_and_a_reopening() -> None:
    """Deleted from Tuesday 10:00 to Wednesday 10:00 UTC, urgent from Tuesday 20:00 on."""
    warehouse = warehouse_of(
        *created(
            ("2024-06-11 07:00", USUAL),
            ("2024-06-11 10:00", DELETED),
            ("2024-06-11 20:00", URGENT),
            ("2024-06-12 10:00", RESTORED),
            ("2024-06-12 12:00", DONE),
            ("2024-06-13 05:00", USUAL),
            ("2024-06-13 09:00", WORK),
            ("2024-06-13 11:00", DONE),
        ),
        as_of="2024-06-14",
    )
    assert hours_of(warehouse, "state_visits", "state", "business_seconds") == [
        ("NEW", 3),
        ("NEW", 2),
        # 17 hours while urgent, two of the office.
        ("DONE", 19),
        ("WORK", 2),
        ("DONE", 4),
    ]
    columns = ("business_resolution_seconds", "business_full_resolution_seconds")
    assert hours_of(warehouse, "process_lifecycle", *columns, "business_open_seconds") == [
        (3 + 5 + 14 + 2, 3 + 5 + 14 + 2 + 17 + 2 + 2, 3 + 2 + 2)
    ]


def test_holidays_and_changes_of_the_clock_count_in_the_calendar_of_then() -> None:
    """All hours for half of the Sunday on which the clocks go forward in Berlin."""
    steps = (
        ("2024-03-29 15:00", USUAL),  # Friday 16:00 in Berlin
        ("2024-03-31 00:00", URGENT),
        ("2024-03-31 12:00", USUAL),
        ("2024-04-01 08:00", WORK),  # Monday 10:00
    )
    warehouse = warehouse_of(*created(*steps), as_of="2024-04-01 09:00")
    assert hours_of(warehouse, "state_visits", "business_seconds") == [(1 + 12 + 1,), (1,)]
    # On 2024-12-24 the office works until 12:00 in Berlin, on 2024-05-01 not at all.
    steps = (("2024-12-24 09:00", USUAL), ("2024-12-24 10:00", NIGHTLY), ("2024-12-25 01:00", WORK))
    warehouse = warehouse_of(*created(*steps), as_of="2024-12-25 02:00")
    assert hours_of(warehouse, "state_visits", "business_seconds") == [(1 + 3,), (1,)]
    steps = (("2024-04-30 14:00", USUAL), ("2024-05-01 12:00", URGENT), ("2024-05-01 13:00", USUAL))
    warehouse = warehouse_of(*created(*steps), as_of="2024-05-02 08:00")
    assert hours_of(warehouse, "state_visits", "business_seconds") == [(1 + 1 + 1,)]


def test_versions_of_one_instant_switch_without_time_between() -> None:
    warehouse = warehouse_of(
        *created(
            ("2024-06-08 10:00", USUAL),
            ("2024-06-08 11:00", URGENT),
            ("2024-06-08 11:00", NIGHTLY),
            ("2024-06-08 12:00", WORK | URGENT),
        ),
        as_of="2024-06-08 13:00",
    )
    assert hours_of(warehouse, "state_visits", "business_seconds") == [(0,), (1,)]


def stretches(calendar: Any, *versions: Version) -> list[tuple[str, float]]:
    """The calendars that applied, with the hour since Monday 00:00 UTC from which they did."""
    warehouse = MemoryWarehouse(jobs_with(calendar=calendar, calendars=(OFFICE, NIGHTS)))
    warehouse.add(versions)
    warehouse.refresh("process_calendars", START + round(at("2024-06-20") * 1000))
    rows = warehouse.rows(
        "select calendar, started_at from history.process_calendars order by stretch_no"
    )
    monday = START + round(at("2024-06-10") * 1000)
    return [(row["calendar"], (row["started_at"] - monday) / 3_600_000) for row in rows]


VERSIONS = created(
    ("2024-06-10 00:00", USUAL | {"state": "NEW"}),
    ("2024-06-10 02:00", WORK | {"belongs_to": OTHER, "data": {"size": 1}}),
    (
        "2024-06-10 03:00",
        {
            "assigned_to": ANN,
            "first_assigned_to": ANN,
            "last_assigned_at": START,
            "created_by": ANN,
            "entity": OTHER,
            "data": {"priority": 2, "size": 1},
        },
    ),
    (
        "2024-06-10 04:00",
        {
            "assigned_to": None,
            "record": OTHER,
            "next_action_at": START,
            "primary_booking": OTHER,
            "parent_procedure": OTHER,
            "parent_process": OTHER,
            "data": {"priority": 2},
        },
    ),
    ("2024-06-10 05:00", DONE | {"completed_at": START + round(at("2024-06-10 04:30") * 1000)}),
    ("2024-06-10 06:00", DELETED),
)


@pytest.mark.parametrize(
    ("condition", "switches"),
    [
        ("state = 'WORK'", [2, 5]),
        ("state_kind = 'done'", [5]),
        ("status = 'COMPLETED'", [5]),
        ("outcome = 'completed'", [5, 6]),
        ("outcome = 'deleted'", [6]),
        ("assigned_to is not null", [3, 4]),
        ("first_assigned_at is not null", [3]),
        ("completed_at = timestamp '2024-06-10 04:30:00'", [5, 6]),
        ("cancelled_at is not null", []),
        ("deleted_at is not null", [6]),
        ("n_versions >= 3", [3]),
        ("updated_at >= timestamp '2024-06-10 04:00:00'", [4]),
        ("first_seen_at = updated_at", [0, 2]),
        ("created_at < updated_at", [2]),
        ("next_action_at is not null", [4]),
        ("pod_id is not null", [2]),
        ("team_id is null", []),
        ("record_id is not null", [4]),
        ("entity_id is not null", [3]),
        ("created_by is not null", [3]),
        ("first_assigned_to is not null", [3]),
        ("last_assigned_at is not null", [3]),
        ("primary_booking_id is not null", [4]),
        ("parent_procedure is not null", [4]),
        ("parent_process_id is not null", [4]),
        ("procedure = 'job'", [0]),
        ("process_id is null", []),
        ("state_name = 'WORK' and priority = 2", [3, 5]),
        ("size = 1", [2, 4]),
    ],
)
def test_a_formula_reads_the_values_of_each_version(condition: str, switches: list[int]) -> None:
    """It switches to all hours where the condition begins to hold, and back where it ends."""
    calendar = {"formula": f"case when {condition} then 'always' end", "otherwise": "office"}
    names = ["always"] if 0 in switches else ["office"]
    hours = [hour for hour in switches if hour]
    for _ in hours:
        names.append("office" if names[-1] == "always" else "always")
    assert stretches(calendar, *VERSIONS) == list(zip(names, [0, *hours], strict=True))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("colour", [("nights", 0), ("office", 1), ("nights", 2)]),
        ("'elsewhere'", [("nights", 0)]),
        ("case when 1 / size > 0 then 'office' end", [("nights", 0), ("office", 1)]),
    ],
)
def test_an_unknown_calendar_name_counts_as_otherwise(
    formula: str, expected: list[tuple[str, float]]
) -> None:
    """Null, another name, and a formula that cannot be computed."""
    versions = created(
        ("2024-06-10 00:00", {"data": {"size": 0}}),
        ("2024-06-10 01:00", {"data": {"size": 1, "colour": "office"}}),
        ("2024-06-10 02:00", {"data": {"size": 1, "colour": "blue"}}),
    )
    assert stretches({"formula": formula, "otherwise": "nights"}, *versions) == expected

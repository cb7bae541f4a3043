"""Until when a build shows what a later one would show, apart from longer durations."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from schemas.catalogue.processes import PROCESS_LIFECYCLE
from schemas.compiled.wide_table import built_tables
from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures
from tests.reference.versions import Row, Version
from tests.support.jobs import HOUR, START, A, B, derived, jobs, version
from tests.support.sla_rows import jobs_with, policy
from tests.support.strategies import TIME_ZONE, as_ofs, call_lists, task_lists, version_lists
from tests.support.warehouse import MemoryWarehouse, differences, plain
from transforms.builder.builder import Builder

PROCEDURES = load_procedures(Path(__file__).parents[3] / "schemas" / "procedures")
MINUTE = HOUR // 60
DAY = 24 * HOUR
# START is 22:13:20 UTC.
NEXT_DAY = START - START % DAY + DAY - 1

# What runs to the as_of, and what follows from it.
RUNNING = {column.name for column in PROCESS_LIFECYCLE.columns if "as_of" in column.open_rule}
QUANTILES = {
    *("p25_seconds", "p50_seconds", "p75_seconds", "p90_seconds"),
    *("p50_seconds_low", "p50_seconds_high"),
}
ADJUSTED = {f"share_of_first_adjusted{end}" for end in ("", "_low", "_high")}
FOLLOWING: dict[str, set[str]] = {
    "process_lifecycle": RUNNING,
    "lead_processes": RUNNING,
    "ticket_processes": RUNNING | {"age_band", "is_first_contact_resolution"},
    "state_visits": {"seconds", "business_seconds"},
    "status_spells": {"seconds"},
    "assignments": {"seconds", "business_seconds"},
    "open_stays": {"seconds"},
    "process_durations": {"seconds", "business_seconds"},
    "process_outcomes": {"ended_at", "seconds"},
    "hierarchy": {"slowest_child_id", "slowest_child_seconds"},
    "sla_clocks": {"elapsed_seconds", "remaining_seconds"},
    "sla_segments": {"elapsed_seconds"},
    "sla_due": {"remaining_seconds"},
    "state_durations": {
        "longest_current_seconds",
        "total_open_seconds",
        "share_of_open_time",
        "bottleneck_rank",
    },
    "assignee_stats": {"held_seconds"},
    "tasks": {"overdue_seconds"},
    "flow_weekly": {
        "arrivals_per_day",
        "throughput_per_day",
        "average_open_processes",
        "predicted_open_processes",
    },
    "funnel_steps": ADJUSTED,
    "funnel_cohorts": ADJUSTED,
    "funnel_breakdowns": ADJUSTED,
    "time_to_outcome": QUANTILES,
    "time_to_outcome_cohorts": QUANTILES,
}
# Counted by age, or compared with a limit.
BY_AGE = {"open_ageing", "stalled_processes", "outcome_curves", "outcome_curves_by"}
# Written at the publication.
OF_THE_RUN = {"build", "catalog", "metric_catalog", "questions"}

Tables = dict[str, list[Row]]


def tables_at(warehouse: MemoryWarehouse, as_of: int) -> tuple[Tables, int]:
    """The published tables as at an instant, and the instant of the next change (epoch ms)."""
    builder = warehouse.build(as_of, time_zone=TIME_ZONE, whole=True)
    names = {table.name for table in built_tables(PROCEDURES)} - OF_THE_RUN - BY_AGE
    return {name: warehouse.rows(f"from {name}") for name in names}, plain(builder.next_change())


@pytest.mark.nightly
@given(
    versions=version_lists(max_processes=8, max_versions=5, with_procedure_changes=True),
    tasks=task_lists(max_processes=8),
    calls=call_lists(max_processes=8),
    as_of=as_ofs(),
)
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_only_durations_grow_before_the_next_change(
    versions: list[Version], tasks: list[Row], calls: list[Row], as_of: int
) -> None:
    warehouse = MemoryWarehouse(PROCEDURES)
    warehouse.add(versions)
    warehouse.add_activities("tasks", tasks)
    warehouse.add_activities("calls", calls)
    before, next_change = tables_at(warehouse, as_of)
    if next_change - 1 <= as_of:
        return
    after, _ = tables_at(warehouse, next_change - 1)
    for name, rows in before.items():
        columns = set(rows[0] if rows else ()) - FOLLOWING.get(name, set())
        assert differences(after[name], rows, columns=columns) == [], name


def next_change_of(builder: Builder) -> int:
    for mart in ("cohort_outcomes", "sla_due"):  # which no step brings up
        builder.build("mart", mart)
    return plain(builder.next_change())


def next_change(procedures: Procedures, versions: list[Version], as_of: int) -> int:
    warehouse = MemoryWarehouse(procedures)
    warehouse.add(versions)
    return next_change_of(warehouse.build(as_of))


SLA = {"name": "answer", "start": "created", "stop": "closed", "target": "1h"}
FUNNEL = {"name": "all", "steps": ["NEW", "DONE"], "within": "1h"}
STEP = FUNNEL | {"steps": ["NEW", {"name": "done", "states": ["DONE"], "within": "30m"}]}
LATER = FUNNEL | {"steps": ["WORK", "DONE"]}


@pytest.mark.parametrize(
    ("definition", "fields", "expected"),
    [
        ({}, {}, NEXT_DAY),
        ({"slas": [SLA]}, {}, START + HOUR + 1),
        ({"slas": [SLA | {"warn": "80%"}]}, {}, START + 48 * MINUTE),
        ({"slas": [SLA]}, {"status": "CANCELLED"}, NEXT_DAY),
        ({"funnels": [FUNNEL]}, {}, START + HOUR),
        ({"funnels": [STEP]}, {}, START + 30 * MINUTE),
        ({"funnels": [LATER]}, {}, NEXT_DAY),
        ({}, {"next_action_at": START + 5 * MINUTE}, START + 5 * MINUTE + 1),
        ({}, {"next_action_at": START + 5 * MINUTE, "status": "CANCELLED"}, NEXT_DAY),
    ],
    ids=str,
)
def test_a_clock_that_runs_out_is_a_change(
    definition: dict[str, Any], fields: dict[str, Any], expected: int
) -> None:
    versions = [version(A, **fields)]
    assert next_change(jobs(**definition), versions, START + MINUTE) == expected


def test_a_clock_due_at_the_end_of_a_slot_is_late_from_the_next_slot_on() -> None:
    """Due at 12:00, as at 13:00: it is not late before the break is over."""
    shop = {"name": "shop", "timezone": "UTC", "weekly": {"daily": ["09:00-12:00", "14:00-18:00"]}}
    answer = policy("answer", "created", "closed", "3h")
    procedures = jobs_with(answer, calendar="shop", calendars=(shop,))
    # START is 22:13:20 UTC.
    midnight = NEXT_DAY + 1
    for hour, expected in ((11, 12 * HOUR + 1), (13, 14 * HOUR + 1), (15, DAY - 1)):
        assert next_change(procedures, [version(A)], midnight + hour * HOUR) == midnight + expected


def test_a_task_that_becomes_overdue_and_a_later_one_are_changes() -> None:
    warehouse = MemoryWarehouse(jobs())
    warehouse.add([version(A)])
    task = {"id": A, "process": B, "status": "OPEN", "updatedAt": START}
    due = {"dueBy": START + 20 * MINUTE}
    warehouse.add_activities("tasks", [task | due, task | due | {"id": B, "isDeleted": True}])
    builder = warehouse.build(START + MINUTE)
    assert next_change_of(builder) == START + 20 * MINUTE + 1
    warehouse.add_activities("tasks", [task | {"updatedAt": START + 9 * MINUTE}])
    builder = warehouse.build(START + MINUTE)
    assert next_change_of(builder) == START + 9 * MINUTE


def test_a_version_of_a_later_instant_is_a_change() -> None:
    versions = [version(A), version(B, 0.25)]
    assert next_change(jobs(), versions, START + MINUTE) == START + 15 * MINUTE


def test_a_computed_attribute_that_reads_as_of_may_change_at_once() -> None:
    late = derived("is_late", "boolean", formula="as_of > created_at")
    old = derived("is_old", "boolean", formula="age_seconds > 60")
    assert next_change(jobs(late), [version(A)], START + MINUTE) == START + MINUTE
    assert next_change(jobs(old), [version(A)], START + MINUTE) == NEXT_DAY


def test_a_cohort_that_reaches_an_age_is_a_change() -> None:
    """Created in October: 30 days after its end, and summer time ended in between."""
    made = datetime(2023, 9, 20, 12)
    created = round((made - datetime(1970, 1, 1)) / timedelta(milliseconds=1))
    warehouse = MemoryWarehouse(jobs())
    warehouse.add([version(A) | {"created_at": created, "updated_at": created}])
    # 30 days of 24 hours after midnight of October 1 in Berlin (22:00 UTC) end at 22:00 UTC.
    as_of = round((datetime(2023, 10, 30, 21) - datetime(1970, 1, 1)) / timedelta(milliseconds=1))
    builder = warehouse.build(as_of, time_zone=TIME_ZONE)
    assert next_change_of(builder) == as_of + HOUR - 1

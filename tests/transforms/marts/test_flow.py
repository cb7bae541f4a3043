"""Stays while open, weeks and cumulative flow, row by row; and that the past stays as it was."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest
from hypothesis import given

from tests.reference.versions import Version
from tests.support.flow_rows import (
    ANN,
    AS_OF,
    FEW,
    bare_procedures,
    built,
    seen,
    shown,
    week,
)
from tests.support.jobs import HOUR, A, B, C
from tests.support.strategies import INSTANTS, TIME_ZONE, version_lists
from tests.support.warehouse import MemoryWarehouse, differences, plain
from transforms.macros.load import MACROS


@pytest.fixture(scope="module")
def jobs_of_a_week() -> MemoryWarehouse:
    return week()


def test_stays_while_open(jobs_of_a_week: MemoryWarehouse) -> None:
    rows = jobs_of_a_week.rows("from open_stays order by process_id, stay_no")
    columns = ("process_id", "stay_no", "spell_no", "state", "assigned_to", "pod_id")
    columns += ("started_at", "ended_at", "seconds", "began_by", "ended_by")
    rows = [row | {"seconds": row["seconds"] / 3600} for row in rows]
    assert shown(rows, *columns) == [
        ("A", 1, 1, "NEW", None, None, 0, 2, 2, "created", "reassigned"),
        ("A", 2, 1, "NEW", "ann", None, 2, 10, 8, "reassigned", "moved"),
        ("A", 3, 1, "WORK", "ann", "pod", 10, 30, 20, "moved", "reassigned"),
        ("A", 4, 1, "WORK", "bob", "pod", 30, 40, 10, "reassigned", "completed"),
        ("A", 5, 3, "WORK", "bob", "pod", 60, None, 24, "reopened", None),
        ("B", 1, 1, "NEW", "ann", None, 5, 20, 15, "created", "deleted"),
        ("B", 2, 2, "NEW", "ann", None, 28, 50, 22, "restored", "cancelled"),
        # Open for no time, yet opened and completed.
        ("C", 1, 1, "NEW", "ann", None, 0, 0, 0, "created", "completed"),
        # First seen closed: open before that.
        ("D", 1, 1, "DONE", "bob", None, 4, 6, 2, "created", "completed"),
    ]


def test_a_process_created_closed_arrives_and_is_closed_at_once() -> None:
    warehouse = built(
        seen(A, 10, created=10, status="COMPLETED", completed_at=10, assigned_to=ANN),
        seen(B, 20, created=10, status="CANCELLED", cancelled_at=10),  # seen later, closed then
        seen(C, 30, created=30, status="COMPLETED", is_deleted=True),  # never open: no arrival
        seen(C, 31, created=30, status="COMPLETED"),
        as_of=40,
    )
    stays = warehouse.rows("from open_stays order by process_id")
    assert shown(stays, "process_id", "assigned_to", "started_at", "ended_at") == [
        ("A", "ann", 10, 10),
        ("B", None, 10, 10),
    ]
    assert [(row["began_by"], row["ended_by"]) for row in stays] == [
        ("created", "completed"),
        ("created", "cancelled"),
    ]
    events = ("created", "completed", "cancelled", "open_at_end")
    days = warehouse.rows("from flow_daily order by day")
    assert shown(days, "day", *events) == [("Mon", 2, 1, 1, 0), ("Tue", 0, 0, 0, 0)]
    (week,) = warehouse.rows("from flow_weekly")
    assert (week["arrivals"], week["closed"], week["mean_open_seconds"]) == (2, 2, 0.0)
    assert warehouse.rows("from backlog_daily") == []
    (ann,) = warehouse.rows("from assignee_daily where assigned_to is not null")
    assert (ann["held"], ann["opened"], ann["completed"]) == (0, 1, 1)
    (stats,) = warehouse.rows(
        "from assignee_stats where assigned_to is not null and period is null"
    )
    assert (stats["completed"], stats["p50_resolution_seconds"]) == (1, 0.0)


def test_ties_pass_in_order_of_versions() -> None:
    """Deleted when first seen, and restored in the same millisecond: restored, not created."""
    warehouse = built(
        seen(A, 5, created=5, is_deleted=True),
        seen(A, 5, created=5),
        seen(B, 5, created=5),
        seen(B, 7, created=5, is_deleted=True),
        seen(B, 7, created=5, status="COMPLETED"),  # deleted before it was closed
        as_of=10,
    )
    stays = warehouse.rows("from open_stays order by process_id")
    assert [(row["began_by"], row["ended_by"]) for row in stays] == [
        ("restored", None),
        ("created", "deleted"),
    ]
    (day,) = warehouse.rows("from flow_daily")
    assert {name: day[name] for name in ("created", "restored", "completed", "deleted")} == {
        "created": 1,
        "restored": 1,
        "completed": 0,
        "deleted": 1,
    }


def test_unassigned_time_counts_while_open() -> None:
    warehouse = built(
        seen(A, 0),
        seen(A, 3, assigned_to=ANN),
        seen(A, 5),
        seen(A, 9, status="COMPLETED", completed_at=7),
        seen(A, 20, status="COMPLETED", state="WORK", completed_at=7),
        seen(B, 0),
        seen(B, 4, is_deleted=True),
        seen(B, 6),
        as_of=40,
    )
    rows = warehouse.rows("from process_lifecycle order by process_id")
    # A: 3 h and, until it was closed, 2 h. B: 4 h, and 34 h that still run.
    assert shown(rows, "process_id", "unassigned_seconds") == [("A", 5), ("B", 38)]


def test_a_stay_ends_when_the_record_says_it_was_closed() -> None:
    warehouse = built(
        seen(A, 0),
        seen(A, 3, state="WORK"),
        seen(A, 5, state="NEW"),
        seen(A, 9, state="DONE", status="COMPLETED", completed_at=4),
        # In one millisecond, the last version decides who had it completed.
        seen(B, 0),
        seen(B, 4, state="WORK"),
        seen(B, 4, state="DONE", status="COMPLETED"),
        as_of=10,
    )
    rows = warehouse.rows("from open_stays order by process_id, stay_no")
    assert shown(rows, "process_id", "state", "started_at", "ended_at", "ended_by") == [
        ("A", "NEW", 0, 3, "moved"),
        ("A", "WORK", 3, 4, "completed"),
        ("B", "NEW", 0, 4, "moved"),
        ("B", "WORK", 4, 4, "completed"),
    ]


def test_weeks_and_littles_law(jobs_of_a_week: MemoryWarehouse) -> None:
    (row,) = jobs_of_a_week.rows("from flow_weekly")
    assert row == {
        "week": date(2023, 11, 20),
        "procedure": "job",
        "is_partial": True,
        "open_at_start": 0,
        "created": 4,
        "reopened": 1,
        "restored": 1,
        "moved_in": 0,
        "arrivals": 6,
        "completed": 3,
        "cancelled": 1,
        "closed": 4,
        "deleted": 1,
        "moved_out": 0,
        "open_at_end": 1,
        "arrivals_per_day": pytest.approx(6 / 3.5),
        "throughput_per_day": pytest.approx(4 / 3.5),
        # A 40 h and 24 h, B 15 h and 22 h, D 2 h, of 84 h.
        "average_open_processes": pytest.approx(103 / AS_OF),
        # A 40 h, B 22 h, C 0 h, D 2 h; the deletion of B is no closing.
        "mean_open_seconds": 16 * 3600.0,
        # The week is not over.
        "predicted_open_processes": None,
    }


def test_a_week_that_is_over_and_one_of_25_more_hours() -> None:
    """In Berlin 2023-10-23 begins a week of 169 hours; the job is open for its last 100."""
    first = -28 * 24 - 2  # Monday 2023-10-23 00:00 there
    warehouse = built(
        seen(A, first + 69, created=first + 69),
        seen(A, first + 179, created=first + 69, status="COMPLETED"),
        as_of=first + 169 + 168,
        time_zone="Europe/Berlin",
    )
    rows = warehouse.rows("from flow_weekly order by week")
    columns = ("week", "is_partial", "average_open_processes", "predicted_open_processes")
    assert shown(rows, *columns) == [
        (date(2023, 10, 23), False, pytest.approx(100 / 169), None),
        (date(2023, 10, 30), False, pytest.approx(10 / 168), None),
        # Begun in the very millisecond of the build.
        (date(2023, 11, 6), True, None, None),
    ]


def test_a_week_is_over_in_its_last_millisecond() -> None:
    """As at the end of its Sunday a week is whole; a millisecond before, it is not."""
    monday = -28 * 24  # 2023-10-23 00:00 UTC
    millisecond = 1 / HOUR
    for before, is_partial in ((1, False), (2, True)):
        warehouse = built(
            seen(A, monday, created=monday),
            as_of=monday + 7 * 24 - before * millisecond,
            time_zone="UTC",
        )
        (row,) = shown(
            warehouse.rows("from flow_weekly"), "week", "is_partial", "average_open_processes"
        )
        assert row == (date(2023, 10, 23), is_partial, pytest.approx(1))


def test_cumulative_flow_never_falls(jobs_of_a_week: MemoryWarehouse) -> None:
    rows = jobs_of_a_week.rows("from cumulative_flow order by day, state_rank")
    # B, cancelled, and A, reopened, stay counted; D is in all states up to DONE.
    assert shown(rows, "day", "state", "arrived", "arrived_so_far") == [
        ("Mon", "NEW", 4, 4),
        ("Mon", "WORK", 2, 2),
        ("Mon", "DONE", 1, 1),
        ("Tue", "NEW", 0, 4),
        ("Tue", "WORK", 0, 2),
        ("Tue", "DONE", 1, 2),
        *(
            row
            for day in ("Wed", "Thu")
            for row in ((day, "NEW", 0, 4), (day, "WORK", 0, 2), (day, "DONE", 0, 2))
        ),
    ]


def test_backlog_by_pod(jobs_of_a_week: MemoryWarehouse) -> None:
    rows = jobs_of_a_week.rows("from backlog_daily_by_pod order by day, pod_id")
    assert shown(rows, "day", "pod_id", "open_processes") == [
        ("Mon", "pod", 1),
        ("Tue", None, 1),
        ("Wed", "pod", 1),
        ("Thu", "pod", 1),
    ]
    assert {row["pod_name"] for row in rows} == {None, rows[0]["pod_id"]}


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        pytest.param("UTC", "2024-01-01", "2024-01-01 00:00", id="plain"),
        pytest.param("Europe/Berlin", "2024-10-28", "2024-10-27 23:00", id="after a long day"),
        pytest.param("America/Havana", "2023-11-05", "2023-11-05 04:00", id="midnight twice"),
        pytest.param("America/Havana", "2023-03-12", "2023-03-12 05:00", id="no midnight"),
        pytest.param(
            "Africa/Cairo", "2024-04-26", "2024-04-25 22:00", id="no midnight on a Friday"
        ),
        pytest.param("America/Sao_Paulo", "2018-02-18", "2018-02-18 03:00", id="23 h twice"),
    ],
)
def test_the_first_instant_of_a_day(zone: str, day: str, first: str) -> None:
    with duckdb.connect() as con:
        con.execute(MACROS)
        parameters = {"day": day, "zone": zone}
        (found,) = con.execute("select day_start($day::date, $zone)", parameters).fetchall()
    assert f"{found[0]:%Y-%m-%d %H:%M}" == first


# Whatever happens later, what is counted for a day that is over stays as it was.

_DAYS = {
    "backlog_daily": "from backlog_daily where day < $today",
    "backlog_daily_by_assignee": "from backlog_daily_by_assignee where day < $today",
    "backlog_daily_by_pod": "from backlog_daily_by_pod where day < $today",
    "flow_daily": "from flow_daily where day < $today",
    "cumulative_flow": "from cumulative_flow where day < $today",
    "assignee_daily": "from assignee_daily where day < $today",
    "flow_weekly": "from flow_weekly where not is_partial and week + 7 <= $today",
}


def _in_time(versions: list[Version], until: int) -> list[Version]:
    """The versions, of which none seen later than `until` says anything about the time before."""
    created = {v["process_id"]: v["created_at"] for v in reversed(versions)}
    kept: list[Version] = []
    for version in versions:
        kept.append(version | {"created_at": created[version["process_id"]]})
        if version["updated_at"] > until:
            kept[-1] |= {"completed_at": None, "cancelled_at": None}
    early = {v["process_id"] for v in kept if v["updated_at"] <= until}
    # What is first seen later started later, too.
    return [
        v
        if v["process_id"] in early or v["updated_at"] <= until
        else v | {"created_at": max(v["created_at"], until + 1)}
        for v in kept
    ]


@pytest.mark.nightly
@given(versions=version_lists(max_processes=16, max_versions=8))
@FEW
def test_days_that_are_over_do_not_change(versions: list[Version]) -> None:
    # From the first instant of a Monday in Berlin to forty days after its Sunday.
    first, second = INSTANTS[4], INSTANTS[5]
    warehouse = MemoryWarehouse(bare_procedures())
    in_time = _in_time(versions, first)
    warehouse.add(v for v in in_time if v["updated_at"] <= first)
    today = {"today": date(2024, 4, 1)}
    seen_at: list[dict[str, list[dict[str, object]]]] = []
    for as_of in (first, second):
        warehouse.build(as_of, time_zone=TIME_ZONE, whole=True)
        found: dict[str, list[dict[str, object]]] = {}
        for name, query in _DAYS.items():
            result = warehouse.con.execute(query, today)
            names = [column[0] for column in result.description or []]
            found[name] = [dict(zip(names, map(plain, r), strict=True)) for r in result.fetchall()]
        seen_at.append(found)
        warehouse.add(v for v in in_time if v["updated_at"] > first)
    for name, rows in seen_at[0].items():
        # A procedure of which nothing was known yet may have begun since then.
        known = {row["procedure"] for row in rows}
        later = [row for row in seen_at[1][name] if row["procedure"] in known]
        columns = rows[0] if rows else None
        assert differences(later, rows, columns=columns) == [], name

"""What assignees held and did by day and month, and hand-offs, row by row; that it all adds up."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given

from tests.reference.versions import Version
from tests.support.flow_rows import (
    ANN,
    BOB,
    FEW,
    POD,
    bare_procedures,
    built,
    seen,
    shown,
    week,
)
from tests.support.jobs import A, B
from tests.support.strategies import TIME_ZONE, as_ofs, version_lists
from tests.support.warehouse import MemoryWarehouse

_DOINGS = ("opened", "received", "handed_on", "completed", "cancelled", "deleted")


@pytest.fixture(scope="module")
def jobs_of_a_week() -> MemoryWarehouse:
    return week()


def test_days_of_assignees(jobs_of_a_week: MemoryWarehouse) -> None:
    rows = jobs_of_a_week.rows("from assignee_daily order by day, assigned_to nulls first")
    names = ("day", "assigned_to", "held", *_DOINGS, "reopened_after_completion", "overdue")
    assert shown(rows, *names) == [
        # held, then opened, received, handed on, completed, cancelled, deleted, reopened, overdue
        ("Mon", None, 0, 1, 0, 1, 0, 0, 0, 0, 0),
        ("Mon", "ann", 1, 2, 1, 0, 1, 0, 1, 0, 1),
        ("Mon", "bob", 0, 1, 0, 0, 1, 0, 0, 0, 0),
        ("Tue", "ann", 1, 1, 0, 1, 0, 0, 0, 0, 1),
        ("Tue", "bob", 0, 0, 1, 0, 1, 0, 0, 0, 0),
        ("Wed", "ann", 0, 0, 0, 0, 0, 1, 0, 0, 0),
        ("Wed", "bob", 1, 1, 0, 0, 0, 0, 0, 1, 1),
        ("Thu", "bob", 1, 0, 0, 0, 0, 0, 0, 0, 1),
    ]
    named = {(row["assigned_to"], row["assigned_to_name"]) for row in rows}
    assert named == {(None, None), (ANN, "Ann"), (BOB, BOB)}
    held = jobs_of_a_week.rows(
        "from backlog_daily_by_assignee order by day, assigned_to nulls first"
    )
    assert shown(held, "day", "assigned_to", "open_processes") == [
        ("Mon", "ann", 1),
        ("Tue", "ann", 1),
        ("Wed", "bob", 1),
        ("Thu", "bob", 1),
    ]


def test_months_of_assignees(jobs_of_a_week: MemoryWarehouse) -> None:
    rows = jobs_of_a_week.rows(
        "from assignee_stats order by assigned_to nulls first, period nulls first"
    )
    names = ("assigned_to", "period", "held_seconds", "held", "overdue", *_DOINGS)
    expected = [
        (None, 2, 0, 0, 1, 0, 1, 0, 0, 0),
        ("ann", 65, 0, 0, 3, 1, 1, 1, 1, 1),
        ("bob", 36, 1, 1, 2, 1, 0, 2, 0, 0),
    ]
    assert shown(rows, *names) == [
        (person, period, *figures)
        for person, *figures in expected
        for period in (None, date(2023, 11, 1))
    ]
    # A took 40 h to its first completion, which did not last, C no time, D 2 h.
    names = ("assigned_to", "share_of_completed", "p50_resolution_seconds")
    names += ("p90_resolution_seconds", "completed_then_reopened", "share_reopened")
    assert shown(rows[::2], *names) == [
        (None, 0, None, None, 0, None),
        ("ann", pytest.approx(1 / 3), 0, 0, 0, 0),
        ("bob", pytest.approx(2 / 3), 21, pytest.approx(36.2), 1, 0.5),
    ]


def test_months_are_cut_at_local_midnight() -> None:
    """Held from 2023-11-29 12:00 to 12-02 06:00 in Berlin, and again from 2024-02-01."""
    noon = 9 * 24 + 11
    ann: dict[str, Any] = {"created": noon, "assigned_to": ANN}
    warehouse = built(
        seen(A, noon, **ann),
        seen(A, noon + 66, **ann, status="COMPLETED"),
        seen(A, noon + 64 * 24 - 12, **ann),
        as_of=noon + 64 * 24,
        time_zone="Europe/Berlin",
    )
    rows = warehouse.rows("from assignee_stats order by period nulls first")
    names = ("period", "held_seconds", "held", "completed", "completed_then_reopened")
    # Nothing was held in January, and what was completed in December counts there.
    assert shown(rows, *names) == [
        (None, 78, 1, 1, 1),
        (date(2023, 11, 1), 36, 0 + 1, 0, 0),
        (date(2023, 12, 1), 30, 0, 1, 1),
        (date(2024, 2, 1), 12, 1, 0, 0),
    ]


def test_handoffs_go_from_person_to_person() -> None:
    warehouse = built(
        seen(A, 0, assigned_to=ANN),
        seen(A, 5),
        seen(A, 6, assigned_to=ANN),
        seen(A, 8, assigned_to=ANN, is_deleted=True),
        seen(A, 9),
        # Seven hours in Ann's hands, whatever came between.
        seen(A, 10, assigned_to=BOB, status="COMPLETED"),
        seen(A, 13, assigned_to=ANN),
        seen(A, 20, assigned_to=BOB),
        seen(B, 0, assigned_to=ANN),
        seen(B, 1, assigned_to=BOB),
        seen(B, 2, assigned_to=POD),
        as_of=30,
    )
    rows = warehouse.rows("from handoffs order by n desc, from_assignee, to_assignee")
    names = ("from_assignee", "to_assignee", "n", "processes")
    assert shown(rows, *names, "p50_held_seconds", "p90_held_seconds") == [
        ("ann", "bob", 3, 2, 7, 7),
        ("bob", "ann", 1, 1, 3, 3),
        ("bob", "pod", 1, 1, 1, 1),
    ]
    assert {row["from_assignee_name"] for row in rows} == {ANN, BOB}
    (total,) = warehouse.rows("select sum(n_handoffs)::bigint as n from process_lifecycle")
    assert total == {"n": 5}


_IDENTITIES = {
    "assignees hold what is open": """
        select count(*) from (
            select procedure, day, sum(held) as n from assignee_daily group by all having n > 0
        )
        full join (select * from flow_daily where open_at_end > 0) using (procedure, day)
        where n is distinct from open_at_end
    """,
    "assignees do what flows": """
        select count(*) from (
            select procedure, day,
                sum(opened) as opened, sum(completed) as done, sum(cancelled) as ended,
                sum(deleted) as gone, sum(received) - sum(handed_on) as passed
            from assignee_daily
            group by all
        )
        right join flow_daily as f using (procedure, day)
        where coalesce(opened, 0) <> f.created + f.reopened + f.restored
            or coalesce(done, 0) <> f.completed or coalesce(ended, 0) <> f.cancelled
            or coalesce(gone, 0) <> f.deleted or coalesce(passed, 0) <> 0
    """,
    "each day of an assignee follows from the one before": """
        select count(*) from (
            select *, lag(held, 1, 0) over (
                partition by procedure, assigned_to order by day
            ) as before
            from assignee_daily
        )
        where before + opened + received - handed_on - completed - cancelled - deleted <> held
    """,
    "overdue now is overdue on the last day": """
        select count(*) from build, (
            select p.procedure, p.assigned_to, count(*) filter (l.is_overdue) as n
            from processes as p inner join process_lifecycle as l using (process_id)
            group by all having n > 0
        ) as now
        full join (
            select d.procedure, d.assigned_to, d.overdue
            from assignee_daily as d, build as b
            where d.overdue > 0 and d.day = local_day(b.as_of, b.time_zone)
        ) as last
            on last.procedure = now.procedure
            and last.assigned_to is not distinct from now.assigned_to
        where now.n is distinct from last.overdue
    """,
    "held time is open time": """
        select count(*) from (
            select procedure, sum(held_seconds) as held from assignee_stats
            where period is null group by all
        )
        full join (select procedure, sum(open_seconds) as open from process_lifecycle group by all)
            using (procedure)
        where abs(coalesce(held, 0) - coalesce(open, 0)) > 0.001
    """,
    "hand-offs are those of the lifecycles": """
        select count(*) from (select procedure, sum(n) as n from handoffs group by all)
        full join (
            select procedure, sum(n_handoffs) as m from process_lifecycle
            group by all having m > 0
        ) using (procedure)
        where n is distinct from m
    """,
    "stays add up to their spell": """
        select count(*) from (
            select process_id, spell_no, sum(seconds) as held from open_stays group by all
        )
        full join (select * from status_spells where status = 'OPEN') using (process_id, spell_no)
        where held is null or seconds is null or abs(held - seconds) > 0.001
    """,
    "follow-ups have one outcome each": """
        select count(*) from follow_up_stats
        where n <> done_in_time + done_late + moved + cancelled + deleted + open + overdue
            or share_in_time not between 0 and 1
    """,
}


@pytest.mark.nightly
@given(versions=version_lists(max_processes=16, max_versions=8), as_of=as_ofs())
@FEW
def test_it_adds_up(versions: list[Version], as_of: int) -> None:
    warehouse = MemoryWarehouse(bare_procedures())
    warehouse.add(versions)
    warehouse.build(as_of, time_zone=TIME_ZONE, whole=True)
    for name, query in _IDENTITIES.items():
        assert warehouse.con.execute(query).fetchall() == [(0,)], name

"""What funnels can be asked for: groups of states, outcomes, attempts and filters, by hand."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from tests.reference.versions import Version
from tests.support.jobs import HOUR, JOB, START, A, B, C, D, built, jobs, version
from tests.support.random_funnels import as_published
from tests.support.warehouse import MemoryWarehouse

STEPS = "['NEW', 'work|Done', 'outcome: completed']"


@pytest.fixture(scope="module")
def published() -> MemoryWarehouse:
    completed = {"status": "COMPLETED", "completed_at": START + 2 * HOUR}
    cancelled = {"status": "CANCELLED", "cancelled_at": START + 8 * HOUR}
    red: dict[str, Any] = {
        "data": {"colour": "red", "price": "1.50", "size": 3, "t": "Ä", "column_name": "x"}
    }
    blue: dict[str, Any] = {"data": {"colour": "3", "size": 4}}
    versions: list[Version] = [
        # Completed in WORK, reopened, then cancelled.
        version(A, 0, **red),
        version(A, 1, state="WORK", **red),
        version(A, 2, state="WORK", **completed, **red),
        version(A, 5, **red),
        version(A, 6, state="WORK", **red),
        version(A, 8, state="WORK", **cancelled, **red),
        # Completed with one version, which dates it back to before WORK.
        version(B, 0, **blue),
        version(B, 3, state="DONE", **completed, **blue),
        # Back to NEW, and from WORK to DONE without being completed.
        version(C, 0),
        version(C, 1, state="WORK"),
        version(C, 2),
        version(C, 3, state="WORK"),
        version(C, 4, state="DONE"),
        version(D, 0),
    ]
    # Names that the macros use too.
    more = [
        {"id": f"20000000-0000-4000-8000-00000000001{n}", "shortId": name, "type": "string"}
        for n, name in enumerate(("t", "c", "b", "column_name", "wanted"))
    ]
    procedures = jobs(attributes=[*JOB["attributes"], *more])
    warehouse = built(procedures, *versions, whole=True)
    as_published(warehouse, "job_processes")
    return warehouse


def steps(published: MemoryWarehouse, arguments: str) -> list[tuple[Any, ...]]:
    query = f"select step, processes, immature from funnel({arguments})"
    return published.executed(query).fetchall()


def test_a_column_may_have_the_name_of_something_in_the_macro(published: MemoryWarehouse) -> None:
    query = (
        "select value, processes from funnel(['NEW'], procedure := 'job', by := '{}') "
        "order by value nulls last"
    )
    assert published.executed(query.format("t")).fetchall() == [("Ä", 1), (None, 3)]
    assert published.executed(query.format("column_name")).fetchall() == [("x", 1), (None, 3)]


def test_groups_of_states_and_outcomes(published: MemoryWarehouse) -> None:
    assert steps(published, STEPS) == [
        ("NEW", 4, 0),
        ("WORK | DONE", 3, 1),
        ("completed", 2, 2),
    ]
    # The completion of B is dated an hour before it reached DONE, and counts from there.
    times = published.executed(
        f"select median_seconds_from_first from funnel({STEPS}, procedure := 'job', "
        "filter := {'size': 4})"
    )
    assert times.fetchall() == [(0.0,), (3 * 3600.0,), (3 * 3600.0,)]
    assert steps(published, "['NEW', 'outcome: cancelled'], mode := 'any_order'") == [
        ("1 of 2 steps", 4, 0),
        ("2 of 2 steps", 1, 2),
    ]
    assert steps(published, "['outcome: completed', 'outcome:CANCELLED']") == [
        ("completed", 2, 0),
        ("cancelled", 1, 0),
    ]


def test_attempts(published: MemoryWarehouse) -> None:
    asked = f"{STEPS}, unit := 'attempt'"
    assert steps(published, asked) == [("NEW", 6, 0), ("WORK | DONE", 5, 1), ("completed", 2, 2)]
    query = (
        "select process_id::varchar, attempt_no, step_no, seconds_from_first / 3600, stop_reason "
        "from funnel_processes({}) order by process_id, attempt_no"
    )
    assert published.executed(query.format(asked)).fetchall() == [
        (A, 1, 3, 2.0, "finished"),
        (A, 2, 2, 1.0, "cancelled"),
        (B, 1, 3, 3.0, "finished"),
        (C, 1, 2, 1.0, "restarted"),
        (C, 2, 2, 1.0, "open"),
        (D, 1, 1, 0.0, "open"),
    ]
    # The first attempt of C was out of time when the second began.
    soon = published.executed(query.format(f"{asked}, within := interval 90 minutes")).fetchall()
    assert [row[4] for row in soon if row[0] == C] == ["out_of_time", "out_of_time"]
    # A move from one state of step 1 to another is no new attempt.
    assert steps(published, "['WORK | DONE'], unit := 'attempt'") == [("WORK | DONE", 5, 0)]
    assert steps(published, "['NEW', 'NEW'], unit := 'attempt'") == [("NEW", 6, 0), ("NEW", 2, 2)]


@pytest.mark.parametrize(
    ("wanted", "processes"),
    [
        ("{'colour': 'red'}", 1),
        ("{'t': 'Ä', 'column_name': 'x'}", 1),
        ("{'c': null, 'wanted': null}", 4),
        ("{'price': 1.5}", 1),
        ("{'price': '1.50'}", 0),
        ("{'colour': 3}", 1),
        ("{'colour': ['red', null]}", 3),
        ("{'colour': null, 'outcome': 'open'}", 2),
        ("{'is_reopened': false, 'size': [3, 4, 5]}", 2),
        ("map {'created_month': ['2023-11', '2023-12']}", 4),
        ("{'colour': ''' or 1 = 1'}", 0),
    ],
)
def test_filters(published: MemoryWarehouse, wanted: str, processes: int) -> None:
    found = steps(published, f"['NEW'], procedure := 'job', filter := {wanted}")
    assert found == [("NEW", processes, 0)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("['outcome: won']", "unknown outcomes won; allowed: completed, cancelled"),
        ("['NEW | outcome: completed']", "unknown states outcome: completed; allowed: DONE, NEW"),
        ("['NEW | NOPE']", "unknown states NOPE; allowed: DONE, NEW, WORK"),
        ("['NEW'], unit := 'job'", "unit job; allowed: process, attempt"),
        (
            "['NEW'], unit := 'attempt', mode := 'any_order'",
            "unit attempt with mode any_order; allowed: ordered, strict",
        ),
        (
            "['NEW'], filter := {'created_month': '2023-11', 'size': 3}",
            "a filter on size without a procedure; allowed: created_month, or columns together "
            "with procedure := one of job",
        ),
        (
            "['NEW'], procedure := 'job', filter := {'size': 3, 'hue': 3}",
            "a filter on hue; allowed: created_month, and columns of job_processes",
        ),
        ("['NEW'], filter := 'size = 3'", "a filter without columns; allowed: {'column': 'value'}"),
        (
            "['NEW'], procedure := 'job', filter := {'size': []}",
            "no value in the filter for size; allowed: text, a number, true, false, null, or a",
        ),
        (
            "['NEW'], procedure := 'job', filter := {'size': {'a': 1}}",
            "no value in the filter for size; allowed",
        ),
    ],
)
def test_wrong_arguments(published: MemoryWarehouse, arguments: str, message: str) -> None:
    with pytest.raises(duckdb.Error) as raised:
        published.executed(f"select count(*) from funnel({arguments})").fetchall()
    assert f"funnel: found {message}" in str(raised.value)

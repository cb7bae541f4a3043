"""Tables of tasks and calls, and what they add up to for each process."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.settings import PROCEDURES_FOLDER
from schemas.load import load_procedures
from schemas.records.activities import ACTIVITIES
from tests.reference import activities as reference
from tests.reference.versions import Row, Version
from tests.support.jobs import HOUR, LATER, START, A, B, C, D, jobs, version
from tests.support.sla_rows import jobs_with
from tests.support.strategies import PROCEDURES, as_ofs, call_lists, task_lists, version_lists
from tests.support.warehouse import MemoryWarehouse, differences
from transforms.builder.tables import load_tables

LEAD_AND_TICKET = load_procedures(PROCEDURES_FOLDER)
USER = "00000000-0000-4000-8000-00000000000a"
CONTACTS = "first_call_at, n_calls_until_connected, n_calls, n_connected_calls, talk_seconds"


def call(id_: str, hours: float, process: str | None = A, **changes: Any) -> dict[str, Any]:
    """A call that was not answered, recorded a minute after it began."""
    at = START + round(hours * HOUR)
    good = {"id": id_, "forProcess": process, "callStatus": "UNANSWERED", "callStart": at}
    return good | {"updatedAt": at + 60_000} | changes


def answered(id_: str, hours: float, process: str = A, **changes: Any) -> dict[str, Any]:
    """A call that rang 5 s, was connected 40 s and disposed 10 s later."""
    at = START + round(hours * HOUR)
    times = {"connectionStart": at + 5_000, "connectionEnd": at + 45_000, "disposedAt": at + 55_000}
    return call(id_, hours, process, callStatus="COMPLETED", **times) | changes


def task(id_: str, hours: float, process: str | None = A, **changes: Any) -> dict[str, Any]:
    at = START + round(hours * HOUR)
    good = {"id": id_, "process": process, "status": "OPEN", "createdAt": at, "updatedAt": at}
    return good | changes


def built(
    *versions: Version,
    calls: tuple[dict[str, Any], ...] = (),
    tasks: tuple[dict[str, Any], ...] = (),
    as_of: int = LATER,
) -> MemoryWarehouse:
    warehouse = MemoryWarehouse(jobs())
    warehouse.add_file("jobs.ndjson")
    warehouse.add(versions)
    warehouse.add_activities("calls", calls)
    warehouse.add_activities("tasks", tasks)
    warehouse.build(as_of)
    return warehouse


def numbered(number: int) -> str:
    return f"10000000-0000-4000-8000-{number:012}"


def row(warehouse: MemoryWarehouse, query: str) -> Row:
    (found,) = warehouse.rows(query)
    return found


def test_a_call_is_typed_and_joined_to_its_process() -> None:
    more = {"to": "+20 100", "from": 201, "user": USER, "type": "outbound", "callDuration": "95.5"}
    warehouse = built(version(A, assigned_to=B), calls=(answered(C, 1, provider="Acme", **more),))
    found = row(warehouse, "from calls")
    at = START + HOUR
    assert {name: value for name, value in found.items() if value is not None} == {
        "call_id": C,
        "process_id": A,
        "is_orphan": False,
        "procedure": "job",
        "process_assigned_to": B,
        "user_id": USER,
        "direction": "OUTBOUND",
        "status": "COMPLETED",
        "is_connected": True,
        "call_start_at": at,
        "connection_start_at": at + 5_000,
        "connection_end_at": at + 45_000,
        "disposed_at": at + 55_000,
        "call_seconds": 95.5,
        "ring_seconds": 5,
        "talk_seconds": 40,
        "wrap_up_seconds": 10,
        "from_number": "201",
        "to_number": "+20 100",
        "provider": "Acme",
        "updated_at": at + 60_000,
        "is_deleted": False,
    }


def test_either_end_of_a_part_of_a_call_may_be_missing() -> None:
    cases: list[tuple[dict[str, Any], tuple[object, ...]]] = [
        # Ringing, talking, wrapping up, and whether somebody answered.
        ({"connectionEnd": None}, (5, None, None, True)),
        ({"connectionEnd": None, "connectionDuration": 38}, (5, 38, None, True)),
        ({"connectionStart": None, "connectionDuration": 38}, (None, 38, 10, True)),
        ({"connectionStart": None}, (None, None, 10, False)),
        ({"connectionStart": 0, "connectionEnd": 0, "disposedAt": 0}, (None, None, None, False)),
        ({"connectionStart": None, "callStatus": "answered"}, (None, None, 10, True)),
        ({"disposedAt": START}, (5, 40, None, True)),
        ({"callStart": "2030-01-01T00:00:00Z"}, (None, 40, 10, True)),
    ]
    calls = tuple(answered(numbered(n), 1) | changes for n, (changes, _) in enumerate(cases))
    warehouse = built(version(A), calls=calls)
    columns = "ring_seconds, talk_seconds, wrap_up_seconds, is_connected"
    found = warehouse.rows(f"select {columns} from calls order by call_id")
    assert [tuple(each.values()) for each in found] == [expected for _, expected in cases]


def test_a_task_is_overdue_or_took_a_time() -> None:
    done = {"status": "COMPLETED", "createdAt": START - 9_000}
    cases: list[tuple[dict[str, Any], tuple[object, ...]]] = [
        # Whether it is overdue, for how long, and how long it took.
        ({}, (False, None, None)),
        ({"dueBy": LATER}, (False, None, None)),
        ({"dueBy": LATER - 1_500}, (True, 1.5, None)),
        ({"dueBy": LATER - 1_500, "isDeleted": True}, (False, None, None)),
        ({"dueBy": START, "status": "CANCELLED"}, (False, None, None)),
        ({"dueBy": START, "status": "COMPLETED"}, (False, None, 0)),
        (done, (False, None, 9)),
        (done | {"completedAt": START - 2_000}, (False, None, 7)),
        (done | {"completedAt": START + 1}, (False, None, 9)),
        # Recorded after it was done.
        ({"status": "COMPLETED", "completedAt": START - 2_000}, (False, None, 0)),
        ({"status": "COMPLETED", "createdAt": None}, (False, None, None)),
    ]
    tasks = tuple(task(numbered(n), 0, **changes) for n, (changes, _) in enumerate(cases))
    warehouse = built(version(A), tasks=tasks)
    columns = "is_overdue, overdue_seconds, completion_seconds"
    found = warehouse.rows(f"select {columns} from tasks order by task_id")
    assert [tuple(each.values()) for each in found] == [expected for _, expected in cases]


def test_the_latest_version_as_at_the_instant_counts() -> None:
    versions = (task(C, 5, title="late"), task(C, 1, title="first"), task(C, 5, title="last"))
    warehouse = built(version(A), tasks=versions, as_of=START + 5 * HOUR)
    assert [found["title"] for found in warehouse.rows("from tasks")] == ["last"]
    warehouse.build(START + 4 * HOUR)
    assert [found["title"] for found in warehouse.rows("from tasks")] == ["first"]
    warehouse.build(START + HOUR // 2)
    assert warehouse.rows("from tasks") == []


def test_what_is_about_an_unknown_process_is_kept_and_flagged() -> None:
    warehouse = built(
        version(A), calls=(call(C, 1, D), call(D, 2, None)), tasks=(task(D, 1), task(C, 1, D))
    )
    orphans = "select process_id, is_orphan, procedure from {} order by all"
    nobody = {"process_id": None, "is_orphan": False, "procedure": None}
    unknown = {"process_id": D, "is_orphan": True, "procedure": None}
    known = {"process_id": A, "is_orphan": False, "procedure": "job"}
    assert warehouse.rows(orphans.format("calls")) == [unknown, nobody]
    assert warehouse.rows(orphans.format("tasks")) == [known, unknown]
    query = (
        "select process_id, procedure, rule, column_name, value, line from violations order by rule"
    )
    assert [tuple(found.values()) for found in warehouse.rows(query)] == [
        (D, None, "call:process_id:known", "forProcess", D, 1),
        (D, None, "task:process_id:known", "process", D, 2),
    ]
    # It is known later.
    warehouse.add([version(D)])
    warehouse.build(LATER)
    assert warehouse.rows("from violations") == []
    assert row(
        warehouse, f"select n_calls, n_tasks from process_contacts where process_id = '{D}'"
    ) == {
        "n_calls": 1,
        "n_tasks": 1,
    }


def test_a_process_has_the_sums_of_its_calls_and_tasks() -> None:
    warehouse = built(
        version(A, 0, next_action_at=START + 2 * HOUR),
        version(B, 0),
        calls=(
            answered(A, -1),  # it led to the process
            call(B, 1),
            answered(C, 3),
            call(D, 2.5, isDeleted=True),
            call(USER, 4),
        ),
        tasks=(
            task(A, 1, dueBy=START + 2 * HOUR),
            task(B, 1, status="COMPLETED"),
            task(C, 1, status="CANCELLED"),
            task(D, 1, isDeleted=True, dueBy=START),
        ),
    )
    expected = {
        "process_id": A,
        "team_id": A,
        "procedure": "job",
        "first_call_at": START + HOUR,
        "first_call_seconds": 3600,
        "business_first_call_seconds": 3600,
        "first_connected_call_at": START + 3 * HOUR + 5_000,
        "n_calls_until_connected": 2,
        "n_calls": 4,
        "n_connected_calls": 2,
        "share_calls_connected": 0.5,
        "talk_seconds": 80,
        "last_call_at": START + 4 * HOUR,
        "n_tasks": 3,
        "n_open_tasks": 1,
        "n_completed_tasks": 1,
        "n_overdue_tasks": 1,
        "is_followed_up": False,
    }
    assert warehouse.rows("from process_contacts order by process_id")[0] == expected
    wide = warehouse.rows("from job_processes order by process_id")
    assert {name: wide[0][name] for name in expected} == expected
    assert [found["n_calls"] for found in wide] == [4, 0]
    assert [found["is_followed_up"] for found in wide] == [False, None]


def test_when_a_call_without_an_instant_was_made_is_not_known() -> None:
    """It counts, but is neither the first nor the last one."""
    unknown = call(A, 1, callStart=None, callStatus="COMPLETED", connectionDuration=30)
    (row,) = built(version(A, 0), calls=(unknown,)).rows("from process_contacts")
    names = ("first_call_at", "first_connected_call_at", "last_call_at", "is_followed_up")
    assert {row[name] for name in names} == {None}
    assert (row["n_calls"], row["n_connected_calls"]) == (1, 1)
    (row,) = built(version(A, 0), calls=(unknown, answered(B, 2))).rows("from process_contacts")
    assert (row["first_call_at"], row["n_calls_until_connected"]) == (START + 2 * HOUR, 1)


def test_a_call_is_followed_up_by_a_task_or_the_next_action() -> None:
    due_before, due_after = {"dueBy": START + 3 * HOUR}, {"dueBy": START + 5 * HOUR}
    planned = {"next_action_at": START + 4 * HOUR}
    # What the process has, and its task: when it was made, and what is in it.
    cases: list[tuple[bool, dict[str, Any], tuple[float, dict[str, Any]] | None]] = [
        (False, {}, None),
        (True, {}, (5, {})),
        (False, {}, (3, {})),
        (True, {}, (3, due_after)),
        (False, {}, (5, due_before)),
        (False, {}, (5, {"status": "COMPLETED"})),
        (True, planned, None),
        (False, planned | {"status": "COMPLETED"}, None),
    ]
    ids = [numbered(n) for n in range(len(cases))]
    warehouse = built(
        *(version(id_, **changes) for id_, (_, changes, _) in zip(ids, cases, strict=True)),
        calls=tuple(call(id_, 4, id_) for id_ in ids),
        tasks=tuple(
            task(id_, made[0], id_, **made[1])
            for id_, (*_, made) in zip(ids, cases, strict=True)
            if made
        ),
    )
    found = warehouse.rows("select is_followed_up as f from process_contacts order by process_id")
    assert [each["f"] for each in found] == [expected for expected, *_ in cases]


def test_the_first_call_is_measured_in_working_time_and_by_month() -> None:
    """From Tuesday 23:13:20 in Berlin to Thursday 12:00, and for another process by two hours."""
    to_noon = 36 + 2_800 / 3_600
    office = {
        "name": "office",
        "timezone": "Europe/Berlin",
        "weekly": {"workdays": ["09:00-17:00"]},
    }
    warehouse = MemoryWarehouse(jobs_with(calendar="office", calendars=(office,)))
    warehouse.add([version(A), version(B)])
    warehouse.add_activities("calls", [call(C, to_noon), call(D, 2, B)])
    warehouse.build(LATER)
    query = """
        select measure, period is null as is_sum, n, round(p50_seconds / 3600, 6) as hours
        from duration_stats where measure like '%first_call' order by measure, period nulls first
    """
    both = round((to_noon + 2) / 2, 6)
    assert [tuple(each.values()) for each in warehouse.rows(query)] == [
        ("business_first_call", True, 2, 5.5),
        ("business_first_call", False, 2, 5.5),
        ("first_call", True, 2, both),
        ("first_call", False, 2, both),
    ]


def test_calls_are_summed_by_month_and_by_who_called() -> None:
    december = 24 * 20
    warehouse = built(
        version(A),
        version(B),
        calls=(
            answered(A, 1, user=USER),
            call(B, 2, B, user=USER),
            call(C, december, B),
            call(D, 3, isDeleted=True),
            answered(USER, 4, D),
        ),
        as_of=START + 100 * 24 * HOUR,
    )
    names = "level, period::varchar as p, user_id, calls, connected, processes, talk_seconds"
    found = warehouse.rows(f"select {names} from call_stats order by all nulls first")
    months = ("2023-11-01", "2023-12-01")
    assert [tuple(each.values()) for each in found] == [
        ("all", None, None, 3, 1, 2, 40),
        ("month", months[0], None, 2, 1, 2, 40),
        ("month", months[1], None, 1, 0, 1, 0),
        ("user", None, None, 1, 0, 1, 0),
        ("user", None, USER, 2, 1, 2, 40),
        ("user_month", months[0], USER, 2, 1, 2, 40),
        ("user_month", months[1], None, 1, 0, 1, 0),
    ]
    shares = row(
        warehouse,
        "select share_connected, round(share_connected_low, 4) as low, is_small, "
        "calls_per_process_connected as attempts, p50_ring_seconds as ring "
        "from call_stats where level = 'all'",
    )
    # Wilson (1927) for 1 of 3.
    assert shares == {
        "share_connected": 1 / 3,
        "low": 0.0615,
        "is_small": True,
        "attempts": 3,
        "ring": 5,
    }


def test_a_call_that_goes_to_another_process_leaves_the_first() -> None:
    warehouse = built(version(A), version(B), calls=(call(C, 1, A),))
    counts = "select n_calls from process_contacts order by process_id"
    assert [found["n_calls"] for found in warehouse.rows(counts)] == [1, 0]
    warehouse.add_activities("calls", [call(C, 1, B, updatedAt=START + 9 * HOUR)])
    warehouse.build(LATER)
    assert [found["n_calls"] for found in warehouse.rows(counts)] == [0, 1]
    # A late version of the first process, and a new version of that process.
    warehouse.add_activities("calls", [call(C, 1, A, updatedAt=START + 2 * HOUR)])
    warehouse.add([version(A, 3, state="WORK")])
    warehouse.build(LATER)
    assert [found["n_calls"] for found in warehouse.rows(counts)] == [0, 1]
    warehouse.build(START + 3 * HOUR)
    assert [found["n_calls"] for found in warehouse.rows(counts)] == [1, 0]


def test_the_tables_read_every_key_that_is_not_left_out() -> None:
    tables = load_tables(jobs())
    unread = {
        name: [f.name for f in fields if f"/{f.name}'" not in tables["history", name].sql]
        for name, fields in ACTIVITIES.items()
    }
    stored = {"id", "updatedAt"}
    assert {*unread["tasks"]} - stored == {"process", "data", "derivedData"}
    assert {*unread["calls"]} - stored == {
        "forProcess",
        "providerCallId",
        "providerPayload",
        "recordingUrl",
        "callInitiateLocation",
    }


@given(
    versions=version_lists(max_processes=4, max_versions=3),
    tasks=task_lists(),
    calls=call_lists(),
    steps=st.lists(st.tuples(st.integers(0, 100), as_ofs()), min_size=1, max_size=4),
)
@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_tables_in_steps_equal_the_reference(
    versions: list[Version],
    tasks: list[dict[str, Any]],
    calls: list[dict[str, Any]],
    steps: list[tuple[int, int]],
) -> None:
    """Whatever arrives first, and as at instants that move forward and back."""
    warehouse = MemoryWarehouse(LEAD_AND_TICKET)
    landed = [0, 0, 0]
    batches: list[list[Any]] = [versions, tasks, calls]
    for share, as_of in steps:
        ends = [max(n, share * len(each) // 100) for n, each in zip(landed, batches, strict=True)]
        new = [each[n:end] for n, end, each in zip(landed, ends, batches, strict=True)]
        landed = ends
        warehouse.add(new[0])
        warehouse.add_activities("tasks", new[1])
        warehouse.add_activities("calls", new[2])
        warehouse.build(as_of)
        versions_then, tasks_then, calls_then = (
            each[:end] for each, end in zip(batches, ends, strict=True)
        )
        given_: dict[str, Any] = {"procedures": PROCEDURES, "as_of": as_of}
        for name, rows in (
            ("tasks", reference.tasks(tasks_then, versions_then, **given_)),
            ("calls", reference.calls(calls_then, versions_then, **given_)),
            (
                "call_stats",
                reference.call_stats(
                    versions_then, time_zone="UTC", documents=calls_then, **given_
                ),
            ),
            (
                "process_contacts",
                reference.process_contacts(tasks_then, calls_then, versions_then, **given_),
            ),
        ):
            found = warehouse.rows(f"from {name}")
            columns = rows[0] if rows else None
            assert differences(found, rows, columns=columns) == [], name

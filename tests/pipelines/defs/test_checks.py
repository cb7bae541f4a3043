"""The checks that keep a wrong picture from being published, each on a few literal rows."""

import duckdb
import pytest

from pipelines.defs.checks import (
    CHECKS,
    FLOW_IDENTITY,
    FUNNEL_COUNTS,
    INGEST_IDENTITY,
    NOTHING_LOST,
    REJECTED_SHARE,
    UNIQUE_PROCESS,
    UNIQUE_VISIT,
    VISITS_TOUCH,
    Check,
    evaluate_rejected_share,
)
from pipelines.ingest.files import IngestReport
from pipelines.ingest.raw_writer import Counts


@pytest.mark.parametrize(
    ("lines", "quarantined", "passed", "severity"),
    [(0, 0, True, "warn"), (100, 5, True, "warn"), (100, 6, False, "warn"), (9, 5, False, "error")],
)
def test_rejected_share(lines: int, quarantined: int, passed: bool, severity: str) -> None:
    report = IngestReport(counts=Counts(lines=lines + 3, quarantined=quarantined, blank=3))
    with duckdb.connect() as con:
        verdict = evaluate_rejected_share(con, report)
    assert (verdict.passed, verdict.severity) == (passed, severity)


# Each check on tables in which it holds, and how many wrong rows it finds after one change.
TABLES = {
    UNIQUE_PROCESS: "create table processes as select unnest([1, 2, 3]) as process_id;",
    UNIQUE_VISIT: """
        create table state_visits as
        select unnest([1, 1, 2]) as process_id, unnest([1, 2, 1]) as visit_no;
    """,
    VISITS_TOUCH: """
        create table state_visits (
            process_id int, visit_no int, entered_at timestamp, left_at timestamp, seconds double
        );
        insert into state_visits values
            (1, 1, '2026-01-01', '2026-01-02', 86400),
            (1, 2, '2026-01-02', '2026-01-03', 86400),
            (1, 3, '2026-01-05', null, 60);
        create schema raw;
        create table raw.process_versions (process_id int, updated_at timestamp, is_deleted boolean);
        insert into raw.process_versions values (1, '2026-01-03', true);
    """,
    FLOW_IDENTITY: """
        create table flow_daily as
        select 'lead' as procedure, * from (values
            (date '2026-01-01', 0, 3, 0, 0, 0, 1, 0, 0, 0, 2),
            (date '2026-01-02', 2, 0, 0, 0, 1, 2, 0, 0, 1, 0)
        ) as t(day, open_at_start, created, reopened, restored, moved_in,
            completed, cancelled, deleted, moved_out, open_at_end);
        create table backlog_daily as
        select 'lead' as procedure, date '2026-01-01' as day, unnest([1, 1]) as open_processes;
    """,
    FUNNEL_COUNTS: """
        create table funnel_steps as
        select 'lead' as procedure, 'f' as funnel, 'ordered' as mode,
            unnest([1, 2, 3]) as step_no, unnest([2, 1, 0]) as processes,
            unnest([1, 0.5, 0]) as share_of_previous;
        create table funnel_progress as
        select 'lead' as procedure, 'f' as funnel, 'ordered' as mode,
            unnest([1, 1, 1, 2]) as step_no, unnest([7, 8, 9, 7]) as process_id,
            process_id <> 9 as is_observed_from_start;
    """,
    NOTHING_LOST: """
        create table last_build as
        select 7 as generation, date '2026-01-01' as first_day, date '2026-01-09' as last_day;
        create table last_files as
        select 'a' || n as sha256, 'processes' as content, 'ingested' as status, 10 as lines
        from range(1, 4) as t(n);
        create table last_processes as
        select ('00000000-0000-4000-8000-00000000000' || n)::uuid as process_id
        from range(1, 4) as t(n);
        create schema raw;
        create table raw.ingest_files as select *, []::varchar[] as former_sha256 from last_files;
        create table raw.quarantine as
        select '00000000-0000-4000-8000-000000000003' as process_id;
        create table processes as
        select process_id, timestamp '2026-01-01 10:00' as created_at,
            timestamp '2026-01-09 10:00' as updated_at
        from last_processes where process_id::varchar not like '%3';
    """,
    INGEST_IDENTITY: """
        create schema raw;
        create table raw.ingest_files as
        select 1 as file_seq, 10 as lines, 5 as accepted, 1 as duplicates, 1 as quarantined,
            1 as blank, 2 as erased, 0 as added;
        create table raw.process_versions as from range(3);
        create table raw.dimension_rows as from range(2);
        create table raw.quarantine as
        select 1 as file_seq, unnest([1, 2]) as n_lines, unnest(['x', null]) as raw_text;
    """,
}


@pytest.mark.parametrize(
    ("check", "statement", "n_wrong"),
    [
        (UNIQUE_PROCESS, "insert into processes values (3)", 1),
        (UNIQUE_VISIT, "insert into state_visits values (2, 1)", 1),
        (UNIQUE_VISIT, "insert into state_visits values (2, 3)", 1),
        (VISITS_TOUCH, "update state_visits set seconds = -1 where visit_no = 3", 1),
        (VISITS_TOUCH, "update state_visits set left_at = null where visit_no = 1", 1),
        (VISITS_TOUCH, "update state_visits set left_at = '2026-01-06' where visit_no = 2", 1),
        (VISITS_TOUCH, "delete from raw.process_versions", 1),
        (FLOW_IDENTITY, "update flow_daily set created = 4 where open_at_start = 0", 1),
        (FLOW_IDENTITY, "update flow_daily set open_at_start = 1, completed = 1 where day > '2026-01-01'", 1),
        (FLOW_IDENTITY, "update flow_daily set moved_in = 0 where moved_in = 1", 1),
        (FLOW_IDENTITY, "update flow_daily set moved_out = 0 where moved_out = 1", 1),
        (FLOW_IDENTITY, "insert into backlog_daily values ('lead', '2026-01-02', 1)", 1),
        (FLOW_IDENTITY, "insert into backlog_daily values ('ticket', '2026-01-02', 1)", 1),
        (FUNNEL_COUNTS, "update funnel_steps set processes = 1 where step_no = 1", 1),
        (FUNNEL_COUNTS, "update funnel_steps set share_of_previous = 1.1 where step_no = 2", 1),
        (FUNNEL_COUNTS, "insert into funnel_progress values ('lead', 'f', 'ordered', 4, 7, true)", 1),
        (FUNNEL_COUNTS, "update funnel_progress set is_observed_from_start = true", 1),
        (NOTHING_LOST, "delete from processes where process_id::varchar like '%1'", 1),
        (NOTHING_LOST, "delete from raw.quarantine", 1),
        (NOTHING_LOST, "update raw.quarantine set process_id = 'x'", 1),
        (NOTHING_LOST, "delete from raw.ingest_files where sha256 <> 'a1'", 2),
        (NOTHING_LOST, "update raw.ingest_files set content = 'users' where sha256 = 'a1'", 1),
        (NOTHING_LOST, "update raw.ingest_files set lines = 9 where sha256 = 'a1'", 1),
        (NOTHING_LOST, "update processes set updated_at = '2026-01-08'", 1),
        (INGEST_IDENTITY, "update raw.ingest_files set blank = 2", 1),
        (INGEST_IDENTITY, "update raw.ingest_files set added = 1", 1),
        (INGEST_IDENTITY, "insert into raw.process_versions values (9)", 1),
        (INGEST_IDENTITY, "delete from raw.dimension_rows where range = 1", 1),
        (INGEST_IDENTITY, "delete from raw.quarantine", 1),
        (INGEST_IDENTITY, "update raw.quarantine set raw_text = null", 1),
        (INGEST_IDENTITY, "update raw.ingest_files set quarantined = 3, erased = 0", 1),
    ],
)  # fmt: skip
def test_a_check_finds_what_is_wrong(check: Check, statement: str, n_wrong: int) -> None:
    with duckdb.connect() as con:
        con.execute(TABLES[check])
        assert check.evaluate(con, None).passed
        con.execute(statement)
        verdict = check.evaluate(con, None)
    assert (verdict.passed, verdict.severity, verdict.n_wrong) == (False, "error", n_wrong)


def test_a_loss_is_described_and_nothing_else_is_one() -> None:
    with duckdb.connect() as con:
        con.execute(TABLES[NOTHING_LOST])
        con.execute("insert into raw.ingest_files values ('a4', 'processes', 'ingested', 5, [])")
        con.execute(
            "insert into processes values ('00000000-0000-4000-8000-000000000009', '2026-01-02', '2026-01-10')"
        )
        assert NOTHING_LOST.evaluate(con, None).sentence == "Nothing is missing since generation 7."
        con.execute("delete from raw.ingest_files where sha256 = 'a2'")
        con.execute("delete from processes where process_id::varchar like '%1'")
        assert NOTHING_LOST.evaluate(con, None).sentence == (
            "Missing since generation 7: 1 of 3 files, 1 of 3 processes, 10 lines. It had changes "
            "from 2026-01-01 to 2026-01-09, now they are from 2026-01-01 to 2026-01-10."
        )
        con.execute("delete from last_build")
        assert NOTHING_LOST.evaluate(con, None).passed


def test_the_content_of_a_forgotten_file_is_not_a_loss() -> None:
    with duckdb.connect() as con:
        con.execute(TABLES[NOTHING_LOST])
        con.execute(
            "update raw.ingest_files set status = 'forgotten', lines = 0 where sha256 = 'a3'"
        )
        con.execute("delete from processes")
        assert NOTHING_LOST.evaluate(con, None).passed
        con.execute("delete from raw.ingest_files where sha256 = 'a1'")
        assert NOTHING_LOST.evaluate(con, None).sentence.startswith(
            "Missing since generation 7: 1 of 3 files. It had changes"
        )


def test_a_file_in_which_values_were_erased_is_not_a_loss() -> None:
    with duckdb.connect() as con:
        con.execute(TABLES[NOTHING_LOST])
        con.execute(
            "update raw.ingest_files set sha256 = 'new', former_sha256 = ['x', 'a3'] "
            "where sha256 = 'a3'"
        )
        assert NOTHING_LOST.evaluate(con, None).passed


def test_every_check_is_tested_and_says_what_to_do() -> None:
    assert {*TABLES, REJECTED_SHARE} == set(CHECKS)
    assert all(check.is_blocking for check in TABLES)
    assert all(check.description.endswith(".") for check in CHECKS)

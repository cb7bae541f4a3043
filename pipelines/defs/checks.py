"""The checks of assets: what must hold before a generation is published."""

import duckdb

from pipelines.defs.check import Check, Severity, Verdict, expect_none
from pipelines.defs.nothing_lost import NOTHING_LOST
from pipelines.ingest.files import IngestReport

_WARN_SHARE = 0.05
_ERROR_SHARE = 0.5
_AGAIN = "Run again with `--full`; if it fails again, it is a defect of the pipeline."


def evaluate_rejected_share(_: duckdb.DuckDBPyConnection, report: IngestReport | None) -> Verdict:
    """Passes when at most one in twenty of the new lines that are not blank was rejected."""
    lines = report.counts.not_blank if report else 0
    if report is None or lines == 0:
        return Verdict(passed=True, severity="warn", sentence="There were no new lines.")
    share = report.counts.quarantined / lines
    severity: Severity = "error" if share > _ERROR_SHARE else "warn"
    sentence = f"{report.counts.quarantined:,} of {lines:,} new lines were rejected ({share:.1%})."
    return Verdict(share <= _WARN_SHARE, severity, sentence, report.counts.quarantined)


INGEST_IDENTITY = Check(
    "ingest_identity",
    "raw",
    "ingest_files",
    "Every line of every file is accounted for: lines + added = accepted + duplicates + "
    "quarantined + blank + erased, and as many versions, dimension rows and quarantined lines are "
    "stored as the ledger says. If not, nothing is built: the warehouse was changed from outside, "
    "restore it or start a new one.",
    expect_none("""
        with stored as (
            select
                file_seq,
                coalesce(sum(n_lines) filter (raw_text is not null), 0) as with_text,
                coalesce(sum(n_lines) filter (raw_text is null), 0) as without_text
            from raw.quarantine
            group by file_seq
        )
        select count(*) filter (
            f.lines + f.added
                <> f.accepted + f.duplicates + f.quarantined + f.blank + f.erased
            or f.quarantined <> coalesce(s.with_text, 0)
            or f.erased <> coalesce(s.without_text, 0)
        ) + (
            coalesce(sum(f.accepted), 0) <> (select count(*) from raw.process_versions)
                + (select count(*) from raw.dimension_rows)
        )::integer
        from raw.ingest_files as f
        left join stored as s using (file_seq)
    """),
)

REJECTED_SHARE = Check(
    "rejected_share",
    "raw",
    "quarantine",
    "At most 5 % of the new lines were rejected (more is a warning, more than 50 % an error; "
    "either way the rest is published). See `leadtime quarantine` for the reasons; once the "
    "source or the procedure is fixed, `leadtime quarantine --replay` puts the lines through.",
    evaluate_rejected_share,
    is_blocking=False,
)

UNIQUE_PROCESS = Check(
    "unique_process",
    "core",
    "processes",
    f"Every process has exactly one row. If not, nothing is published. {_AGAIN}",
    expect_none("select count(process_id) - count(distinct process_id) from processes"),
)

UNIQUE_VISIT = Check(
    "unique_visit",
    "core",
    "state_visits",
    "The visits of a process are numbered 1, 2, 3 without gap or repetition. If not, nothing is "
    f"published. {_AGAIN}",
    expect_none("""
        select count(*) from (
            select process_id
            from state_visits
            group by process_id
            having min(visit_no) <> 1 or max(visit_no) <> count(*)
                or count(distinct visit_no) <> count(*)
        )
    """),
)

VISITS_TOUCH = Check(
    "visits_touch",
    "core",
    "state_visits",
    "No visit has a negative duration, and each ends when the next of the process begins, unless "
    f"the process was deleted in between. If not, nothing is published. {_AGAIN}",
    expect_none("""
        with beside_next as (
            select
                process_id,
                left_at,
                seconds,
                lead(entered_at) over (partition by process_id order by visit_no) as next_at
            from state_visits
        ),

        gaps as (
            select process_id, left_at from beside_next where left_at < next_at
        ),

        deletions as (
            select process_id, updated_at as left_at
            from raw.process_versions
            where is_deleted
        )

        select count(*) filter (
            seconds < 0
            or (next_at is not null and (left_at is null or left_at > next_at))
        ) + (select count(*) from gaps anti join deletions using (process_id, left_at))
        from beside_next
    """),
)

FLOW_IDENTITY = Check(
    "flow_identity",
    "mart",
    "flow_daily",
    "Each day adds up (open at start + opened + moved in - closed - moved out = open at end), "
    "begins where the day before ended, and ends with as many open processes as backlog_daily "
    f"counts. If not, nothing is published. {_AGAIN}",
    expect_none("""
        with days as (
            select
                *,
                lag(open_at_end, 1, 0) over (partition by procedure order by day) as before
            from flow_daily
        ),

        backlog as (
            select procedure, day, sum(open_processes) as open_processes
            from backlog_daily
            group by procedure, day
        )

        select count(*) filter (
            d.open_at_start + d.created + d.reopened + d.restored + d.moved_in
                - d.completed - d.cancelled - d.deleted - d.moved_out
                is distinct from d.open_at_end
            or d.open_at_start is distinct from d.before
            or d.open_at_end is distinct from coalesce(b.open_processes, 0)
        )
        from days as d
        full join backlog as b using (procedure, day)
    """),
    reads=("flow_daily", "backlog_daily"),
)

FUNNEL_COUNTS = Check(
    "funnel_counts",
    "mart",
    "funnel_steps",
    "Each step of a funnel counts the processes that funnel_progress says reached it (those that "
    "were observed from their start), and no step "
    f"more than the one before that is not optional. If not, nothing is published. {_AGAIN}",
    expect_none("""
        with progress as (
            select procedure, funnel, mode, step_no, count(distinct process_id) as processes
            from funnel_progress
            where is_observed_from_start
            group by all
        )

        select count(*) filter (
            coalesce(p.processes, 0) is distinct from s.processes or s.share_of_previous > 1
        )
        from funnel_steps as s
        full join progress as p using (procedure, funnel, mode, step_no)
    """),
    reads=("funnel_steps", "funnel_progress"),
)

CHECKS = (
    INGEST_IDENTITY,
    REJECTED_SHARE,
    UNIQUE_PROCESS,
    NOTHING_LOST,
    UNIQUE_VISIT,
    VISITS_TOUCH,
    FLOW_IDENTITY,
    FUNNEL_COUNTS,
)

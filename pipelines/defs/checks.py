"""What must hold before anything is published: the checks that assets carry.

Rules about single records are in `schemas/`; what a number means is in `transforms/`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import dagster as dg
import duckdb

from pipelines.ingest import IngestReport

Severity = Literal["warn", "error"]
_WARN_SHARE = 0.05
_ERROR_SHARE = 0.5
_AGAIN = "Run again with `--full`; if it fails again, it is a defect of the pipeline."


@dataclass(frozen=True)
class Verdict:
    """What a check found: whether it passed, how bad it is if not, and a sentence about it."""

    passed: bool
    severity: Severity
    sentence: str
    n_wrong: int = 0


Judge = Callable[[duckdb.DuckDBPyConnection, IngestReport | None], Verdict]


@dataclass(frozen=True)
class Check:
    """A check of one asset; `layer` is the step it runs in, after the tables in `reads`.

    When a blocking check fails, its step fails, and nothing that follows runs.
    """

    name: str
    layer: Literal["raw", "core", "mart"]
    table: str
    description: str
    judge: Judge
    is_blocking: bool = True
    reads: tuple[str, ...] = ()

    @property
    def spec(self) -> dg.AssetCheckSpec:
        return dg.AssetCheckSpec(
            self.name,
            asset=dg.AssetKey([self.layer, self.table]),
            description=self.description,
            blocking=self.is_blocking,
        )


def _none_wrong(query: str) -> Judge:
    """Passes when `query`, which counts wrong rows, finds none."""

    def judge(con: duckdb.DuckDBPyConnection, _: IngestReport | None) -> Verdict:
        n_wrong = int(con.execute(query).fetchall()[0][0])
        if n_wrong == 0:
            return Verdict(passed=True, severity="error", sentence="It holds.")
        noun = "case" if n_wrong == 1 else "cases"
        return Verdict(False, "error", f"It does not hold in {n_wrong:,} {noun}.", n_wrong)

    return judge


def judge_rejected_share(_: duckdb.DuckDBPyConnection, report: IngestReport | None) -> Verdict:
    """Passes when at most one in twenty of the new lines that are not blank was rejected."""
    lines = report.counts.lines - report.counts.blank if report else 0
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
    "Every line of every file is accounted for: lines = accepted + duplicates + quarantined + "
    "blank, and as many versions, dimension rows and quarantined lines are stored as the ledger "
    "says. If not, nothing is built: the warehouse was changed from outside, restore it or start "
    "a new one.",
    _none_wrong("""
        with stored as (
            select file_seq, count(*) as n from raw.quarantine group by file_seq
        )
        select count(*) filter (
            f.lines <> f.accepted + f.duplicates + f.quarantined + f.blank
            or f.quarantined <> coalesce(s.n, 0)
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
    "source or the procedure is mended, `leadtime quarantine --replay` puts the lines through.",
    judge_rejected_share,
    is_blocking=False,
)

UNIQUE_PROCESS = Check(
    "unique_process",
    "core",
    "processes",
    f"Every process has exactly one row. If not, nothing is published. {_AGAIN}",
    _none_wrong("select count(process_id) - count(distinct process_id) from processes"),
)

UNIQUE_VISIT = Check(
    "unique_visit",
    "core",
    "state_visits",
    "The visits of a process are numbered 1, 2, 3 without gap or repetition. If not, nothing is "
    f"published. {_AGAIN}",
    _none_wrong("""
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
    "No visit lasts less than no time, and each ends where the next of the process begins, unless "
    f"the process was deleted in between. If not, nothing is published. {_AGAIN}",
    _none_wrong("""
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
    "Each day adds up (open at start + opened - closed = open at end), begins where the day "
    "before ended, and ends with as many open processes as backlog_daily counts. If not, nothing "
    f"is published. {_AGAIN}",
    _none_wrong("""
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
            d.open_at_start + d.created + d.reopened + d.restored
                - d.completed - d.cancelled - d.deleted is distinct from d.open_at_end
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
    "Each step of a funnel counts the processes that funnel_progress says reached it, and no step "
    f"more than the one before that is not optional. If not, nothing is published. {_AGAIN}",
    _none_wrong("""
        with progress as (
            select procedure, funnel, mode, step_no, count(distinct process_id) as processes
            from funnel_progress
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
    UNIQUE_VISIT,
    VISITS_TOUCH,
    FLOW_IDENTITY,
    FUNNEL_COUNTS,
)

"""The queries of the notebook `resolution_times`: durations, open work, SLA clocks."""

from typing import Any

import duckdb
import polars as pl

from notebooks.parts.published import ask, bins, user_names

MEASURES = {
    "to the first completion": "resolution",
    "to the last completion": "full_resolution",
    "to the first assignment": "first_assignment",
}
CLOCKS = {"calendar time": "", "working time": "business_"}
PERCENTILES = {"p50": "median", "p75": "75 %", "p90": "90 %", "p95": "95 %"}


def totals(con: duckdb.DuckDBPyConnection, procedure: str, measure: str) -> dict[str, Any] | None:
    """The row of `duration_stats` over all months; None if no interval has ended."""
    query = "from duration_stats where procedure = $procedure and measure = $measure"
    found = ask(con, f"{query} and period is null", procedure=procedure, measure=measure)
    return next(iter(found.rows(named=True)), None)


def still_open(con: duckdb.DuckDBPyConnection, procedure: str, measure: str) -> int:
    """How many processes are open and lack the end of this measure."""
    query = f"""
        select count(*) from processes as p inner join process_lifecycle as l using (process_id)
        where p.procedure = $procedure and p.outcome = 'open' and l.{measure}_seconds is null
    """
    return ask(con, query, procedure=procedure).item()


def spread(con: duckdb.DuckDBPyConnection, procedure: str, measure: str) -> pl.DataFrame:
    """Bins of a duration, over all processes that have it."""
    query = f"""
        select {measure}_seconds as seconds from process_lifecycle where procedure = $procedure
    """
    return bins(con, query, procedure=procedure)


def by_month(con: duckdb.DuckDBPyConnection, procedure: str, measure: str) -> pl.DataFrame:
    """Percentiles (`within`) in seconds by the month in which the interval ended."""
    query = """
        select strftime(period, '%Y-%m') as month, n,
            p50_seconds, p75_seconds, p90_seconds, p95_seconds
        from duration_stats
        where procedure = $procedure and measure = $measure and period is not null
        order by period
    """
    rows = ask(con, query, procedure=procedure, measure=measure)
    names = {f"{name}_seconds": words for name, words in PERCENTILES.items()}
    return rows.rename(names).unpivot(
        [*names.values()], index=["month", "n"], variable_name="within", value_name="seconds"
    )


def by_clock(con: duckdb.DuckDBPyConnection, procedure: str) -> pl.DataFrame:
    """Each measure in calendar time and in working time, over all months."""
    query = """
        select measure, p50_seconds, p90_seconds, n from duration_stats
        where procedure = $procedure and period is null
    """
    rows = {row["measure"]: row for row in ask(con, query, procedure=procedure).rows(named=True)}
    return pl.DataFrame(
        [
            {**rows[f"{prefix}{measure}"], "measure": words, "clock": clock}
            for words, measure in MEASURES.items()
            for clock, prefix in CLOCKS.items()
            if f"{prefix}{measure}" in rows
        ]
    )


def calendars(con: duckdb.DuckDBPyConnection, procedure: str) -> list[str]:
    """The names of the working calendars of a procedure's processes."""
    query = """
        select distinct calendar from process_lifecycle
        where procedure = $procedure and calendar is not null order by calendar
    """
    return ask(con, query, procedure=procedure)["calendar"].to_list()


def by_state(con: duckdb.DuckDBPyConnection, procedure: str) -> pl.DataFrame:
    """The states that have been visited, by rank."""
    query = """
        select state, state_kind, n_visits, n_current, n, p50_seconds, p90_seconds,
            coalesce(share_of_open_time, 0) as share_of_open_time, n < 5 as is_small
        from state_durations where procedure = $procedure and n_visits > 0 order by state_rank
    """
    return ask(con, query, procedure=procedure)


def by_assignee(con: duckdb.DuckDBPyConnection, procedure: str) -> pl.DataFrame:
    """Assignees over all months, by completed processes."""
    query = f"""
        select
            -- Without a name, or one that may be read: the start of the id.
            coalesce(u.name, left(a.assigned_to::varchar, 8), '(unassigned)') as assignee,
            held, overdue, completed, p50_resolution_seconds, p90_resolution_seconds,
            share_reopened, share_sla_met
        from assignee_stats as a left join {user_names(con)} as u on u.user_id = a.assigned_to
        where procedure = $procedure and period is null
        order by completed desc, assignee
    """
    return ask(con, query, procedure=procedure)


def ageing(con: duckdb.DuckDBPyConnection, procedure: str) -> pl.DataFrame:
    """Open processes by state (by rank) and time in the state."""
    query = """
        select a.state, a.bucket, a.open_processes, a.n_stalled
        from open_ageing as a inner join states as s using (procedure, state)
        where a.procedure = $procedure and a.open_processes > 0
        order by s.state_rank, a.bucket_no
    """
    return ask(con, query, procedure=procedure)


def buckets(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of the time buckets of `open_ageing`, from the shortest."""
    query = "select bucket from open_ageing group by bucket_no, bucket order by bucket_no"
    return ask(con, query)["bucket"].to_list()


def stalled(con: duckdb.DuckDBPyConnection, procedure: str) -> pl.DataFrame:
    """The stalled processes, longest first, with the 85th percentile of their state."""
    query = f"""
        select
            coalesce(p.label, p.process_id::varchar) as process, p.state,
            coalesce(u.name, left(p.assigned_to::varchar, 8), '(unassigned)') as assignee,
            strftime(p.in_state_since, '%Y-%m-%d %H:%M') as in_state_since,
            p.seconds_in_state, p.p85_seconds as p85_of_stays_seconds,
            round(p.times_p85, 1) as times_p85, p.link
        from stalled_processes as p
        left join {user_names(con)} as u on u.user_id = p.assigned_to
        where p.procedure = $procedure
        order by p.seconds_in_state desc, p.process_id limit 200
    """
    return ask(con, query, procedure=procedure)


def due(con: duckdb.DuckDBPyConnection, procedure: str) -> pl.DataFrame:
    """The clocks that have not ended: what breaches next first, late ones last."""
    query = f"""
        select
            coalesce(p.label, p.process_id::varchar) as process, p.policy, p.state,
            coalesce(u.name, left(p.assigned_to::varchar, 8), '(unassigned)') as assignee,
            p.status, p.level, strftime(p.due_at, '%Y-%m-%d %H:%M') as due_at,
            p.remaining_seconds, p.link
        from sla_due as p
        left join {user_names(con)} as u on u.user_id = p.assigned_to
        where p.procedure = $procedure
        order by
            list_position(['running', 'paused', 'breached'], p.status),
            if(p.status = 'running', p.due_at, null) nulls last, p.remaining_seconds, p.process_id
        limit 200
    """
    return ask(con, query, procedure=procedure)


def sla(con: duckdb.DuckDBPyConnection, procedure: str, *, level: str) -> pl.DataFrame:
    """SLA clocks by policy: level `all`, or `month` (in which they stopped)."""
    query = """
        select strftime(period, '%Y-%m') as month, policy, n, met, breached, running, called_off,
            share_met, p50_elapsed_seconds, p90_elapsed_seconds
        from sla_attainment
        where procedure = $procedure and level = $level and (level = 'all' or period is not null)
        order by period, policy
    """
    return ask(con, query, procedure=procedure, level=level)

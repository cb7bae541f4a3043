"""The queries of the notebook `flow`: cumulative flow, weeks, ages, cycle times, forecasts."""

from collections.abc import Sequence
from datetime import date

import duckdb
import polars as pl

from notebooks.parts.filters import Filter, with_value
from notebooks.parts.published import ask, user_names

CYCLE_PERCENTILES = {"50 %": 0.5, "85 %": 0.85, "95 %": 0.95}
MOST_DOTS = 2_000
_MAX_DAYS = 180  # an area needs no more points to look smooth


def cumulative(
    con: duckdb.DuckDBPyConnection, procedure: str, days: Sequence[date]
) -> pl.DataFrame:
    """Processes (`n`) by day and the state they had come to, by rank, highest state first.

    Those that had come to the last state before the first day are left out.
    """
    query = """
        with shown as (
            select *, last_value(state) over ranks as last_state
            from cumulative_flow
            where procedure = $procedure and day between $first_day and $last_day
            window ranks as (
                partition by day order by state_rank
                rows between unbounded preceding and unbounded following
            )
        )
        select
            day, state, state_rank,
            arrived_so_far - coalesce(
                lead(arrived_so_far) over (partition by day order by state_rank),
                first_value(arrived_so_far) over (partition by state order by day)
            ) as n
        from shown
        qualify date_diff('day', day, max(day) over ())
            % (date_diff('day', min(day) over (), max(day) over ()) // $points + 1) = 0
        order by state_rank desc, day
    """
    first, last = days
    return ask(con, query, procedure=procedure, first_day=first, last_day=last, points=_MAX_DAYS)


def weeks(con: duckdb.DuckDBPyConnection, procedure: str, days: Sequence[date]) -> pl.DataFrame:
    """Arrivals, closings and open processes (`line`, `n`) of the weeks that lie in these days."""
    query = """
        select week, unnest(['arrivals', 'closed', 'open at the end']) as line,
            unnest([arrivals, closed, open_at_end]) as n
        from flow_weekly
        where procedure = $procedure and not is_partial
            and week >= $first_day and week + 6 <= $last_day
        order by week
    """
    first, last = days
    return ask(con, query, procedure=procedure, first_day=first, last_day=last)


def ages(con: duckdb.DuckDBPyConnection, procedure: str, only: Filter) -> pl.DataFrame:
    """The open processes with their time in the state, longest first, of `n` the longest 2,000."""
    query = f"""
        select
            coalesce(p.label, p.process_id::varchar) as process, p.state,
            coalesce(u.name, left(p.assigned_to::varchar, 8), '(unassigned)') as assignee,
            l.seconds_in_state, s.process_id is not null as is_stalled,
            count(*) over () as n
        from {with_value(procedure, only)} as p
        inner join process_lifecycle as l on l.process_id = p.process_id
        left join stalled_processes as s on s.process_id = p.process_id
        left join {user_names(con)} as u on u.user_id = p.assigned_to
        where p.outcome = 'open'
        order by l.seconds_in_state desc, p.process_id limit {MOST_DOTS}
    """
    return ask(con, query, procedure=procedure, value=only.value)


def limits(con: duckdb.DuckDBPyConnection, procedure: str) -> pl.DataFrame:
    """The percentiles of finished visits by state, by rank, with retired states."""
    query = """
        select s.state, d.n, d.p50_seconds, d.p75_seconds, d.p90_seconds, d.p95_seconds
        from states as s
        left join state_durations as d on d.procedure = s.procedure and d.state = s.state
        where s.procedure = $procedure order by s.state_rank
    """
    return ask(con, query, procedure=procedure)


def cycles(con: duckdb.DuckDBPyConnection, procedure: str, only: Filter) -> pl.DataFrame:
    """The time from creation to the first completion, by its instant, latest first.

    Days are those of the completion. `n` is the number of all, of which 2,000 are returned, and
    `percentiles` those of all.
    """
    query = f"""
        with closed as (
            select
                coalesce(p.label, p.process_id::varchar) as process,
                l.first_completed_at as completed_at, l.resolution_seconds
            from {with_value(procedure, only)} as p
            inner join process_lifecycle as l on l.process_id = p.process_id
            cross join build as b
            where l.resolution_seconds is not null and is_day_within(
                local_day(l.first_completed_at, b.time_zone), $first_day, $last_day
            )
        )
        select
            *, count(*) over () as n,
            quantile_cont(resolution_seconds, $shares) over () as percentiles
        from closed order by completed_at desc, process limit {MOST_DOTS}
    """
    shares = [*CYCLE_PERCENTILES.values()]
    return ask(con, query, procedure=procedure, shares=shares, **vars(only))


def forecast(con: duckdb.DuckDBPyConnection, procedure: str, *, ahead: int) -> pl.DataFrame:
    """The rows of the macro `forecast`, with how often such forecasts of the past held."""
    query = """
        select f.*, h.n_forecasts, h.n_held, coalesce(h.is_small, true) as is_small
        from forecast(procedure := $procedure, ahead := $ahead) as f
        left join forecast_held(procedure := $procedure, ahead := $ahead) as h
            on h.chance = f.chance
        order by f.chance
    """
    return ask(con, query, procedure=procedure, ahead=ahead)

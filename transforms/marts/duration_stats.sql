-- How long things took, over intervals that have ended; open ones are not in it.
-- Grain: one row per procedure, measure and month (local, of the ending event), and one with a null
-- month for all together. `open` is the time a closed process spent open, reopenings included.
with processes as (from processes),

lifecycles as (from process_lifecycle),

build as (from build),

ended as (
    select
        procedure,
        'resolution' as measure,
        resolution_seconds as seconds,
        first_completed_at as ended_at
    from lifecycles
    union all
    select procedure, 'full_resolution', full_resolution_seconds, last_completed_at
    from lifecycles
    union all
    select procedure, 'first_assignment', first_assignment_seconds, first_assigned_at
    from lifecycles
    union all
    select p.procedure, 'open', l.open_seconds, coalesce(p.completed_at, p.cancelled_at)
    from lifecycles as l
    inner join processes as p using (process_id)
    where p.outcome in ('completed', 'cancelled')
),

by_month as (
    select
        e.procedure,
        e.measure,
        e.seconds,
        date_trunc('month', local_day(e.ended_at, b.time_zone))::date as period
    from ended as e
    cross join build as b
    where e.seconds is not null
),

sums as (
    select
        procedure,
        measure,
        period,
        count(*) as n,
        -- Whole milliseconds add up to the same sum in any order.
        sum(round(seconds * 1000)::bigint) as total_ms,
        quantile_cont(seconds, [0.5, 0.75, 0.9, 0.95]) as quantiles
    from by_month
    group by grouping sets ((procedure, measure), (procedure, measure, period))
)

select
    procedure,
    measure,
    period,
    n,
    total_ms / n / 1000 as mean_seconds,
    round(quantiles[1], 3) as p50_seconds,
    round(quantiles[2], 3) as p75_seconds,
    round(quantiles[3], 3) as p90_seconds,
    round(quantiles[4], 3) as p95_seconds
from sums
order by procedure, measure, period nulls first

-- How long things took, over intervals that have ended; open ones are not in it.
-- Grain: one row per procedure, measure and month (local, of the ending event), and one with a null
-- month for all together. `open` is the time a closed process spent open, reopenings included.
with processes as (from processes),

lifecycles as (from process_lifecycle),

build as (from build),

ended as (
    select
        procedure,
        first_completed_at as ended_at,
        'resolution' as measure,
        resolution_seconds as seconds,
        business_resolution_seconds as business_seconds
    from lifecycles
    union all
    select
        procedure,
        last_completed_at,
        'full_resolution',
        full_resolution_seconds,
        business_full_resolution_seconds
    from lifecycles
    union all
    select
        procedure,
        first_assigned_at,
        'first_assignment',
        first_assignment_seconds,
        business_first_assignment_seconds
    from lifecycles
    union all
    select
        p.procedure,
        coalesce(p.completed_at, p.cancelled_at),
        'open',
        l.open_seconds,
        l.business_open_seconds
    from lifecycles as l
    inner join processes as p using (process_id)
    where p.outcome in ('completed', 'cancelled')
),

in_both_times as (
    select procedure, ended_at, measure, seconds from ended
    union all
    select procedure, ended_at, 'business_' || measure, business_seconds from ended
),

by_month as (
    select
        e.procedure,
        e.measure,
        e.seconds,
        date_trunc('month', local_day(e.ended_at, b.time_zone))::date as period
    from in_both_times as e
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

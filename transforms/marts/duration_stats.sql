-- How long things took, over intervals that have ended; running ones are left out.
-- Grain: one row per procedure, measure and month (local, of the ending event), and one with a null
-- month for all months together. An interval counts in the procedure that the process was in when
-- it ended. `open` is the time a closed process spent open, reopenings included. Intervals that had
-- ended before the procedure was observed are left out, and counted: most others are not known.
with processes as (from processes),

lifecycles as (from process_lifecycle),

contacts as (from process_contacts),

named as (from process_durations where ended_by = 'stop'),

visits as (from state_visits),

closings as (from closings),

observed as (from observed_since),

build as (from build),

-- The record may say that a process was assigned while it was deleted.
find_first_assignments as (
    select
        l.process_id,
        coalesce(arg_max(v.procedure, v.visit_no), any_value(l.procedure)) as assigned_in
    from lifecycles as l
    left join visits as v
        on v.process_id = l.process_id and v.entered_at <= l.first_assigned_at
    where l.first_assigned_at is not null
    group by l.process_id
),

-- A call may be made while the process is deleted.
find_first_calls as (
    select
        c.process_id,
        coalesce(arg_max(v.procedure, v.visit_no), any_value(c.procedure)) as called_in
    from contacts as c
    left join visits as v on v.process_id = c.process_id and v.entered_at <= c.first_call_at
    where c.first_call_at is not null
    group by c.process_id
),

find_ended as (
    select
        c.first_completed_in as procedure,
        l.first_completed_at as ended_at,
        'resolution' as measure,
        l.resolution_seconds as seconds,
        l.business_resolution_seconds as business_seconds
    from lifecycles as l
    inner join closings as c using (process_id)
    union all
    select
        c.last_completed_in,
        l.last_completed_at,
        'full_resolution',
        l.full_resolution_seconds,
        l.business_full_resolution_seconds
    from lifecycles as l
    inner join closings as c using (process_id)
    union all
    select
        a.assigned_in,
        l.first_assigned_at,
        'first_assignment',
        l.first_assignment_seconds,
        l.business_first_assignment_seconds
    from lifecycles as l
    inner join find_first_assignments as a using (process_id)
    union all
    select
        f.called_in,
        c.first_call_at,
        'first_call',
        c.first_call_seconds,
        c.business_first_call_seconds
    from contacts as c
    inner join find_first_calls as f using (process_id)
    union all
    select
        c.closed_in,
        coalesce(p.completed_at, p.cancelled_at),
        'open',
        l.open_seconds,
        l.business_open_seconds
    from lifecycles as l
    inner join processes as p using (process_id)
    inner join closings as c using (process_id)
    where p.outcome in ('completed', 'cancelled')
    union all
    select procedure, ended_at, measure, seconds, business_seconds
    from named
),

list_both_times as (
    select procedure, ended_at, measure, seconds from find_ended
    union all
    select procedure, ended_at, 'business_' || measure, business_seconds from find_ended
),

date_ended as (
    select
        e.procedure,
        e.measure,
        e.seconds,
        date_trunc('month', local_day(e.ended_at, b.time_zone))::date as period,
        coalesce(e.ended_at >= o.observed_since, true) as is_seen
    from list_both_times as e
    inner join observed as o on o.procedure = e.procedure
    cross join build as b
    where e.seconds is not null
),

sum_durations as (
    select
        procedure,
        measure,
        period,
        count(*) filter (is_seen) as n,
        count(*) filter (not is_seen) as n_left_out,
        -- Whole milliseconds add up to the same sum in any order.
        sum(round(seconds * 1000)::bigint) filter (is_seen) as total_ms,
        quantile_cont(seconds, [0.5, 0.75, 0.9, 0.95]) filter (is_seen) as quantiles
    from date_ended
    group by grouping sets ((procedure, measure), (procedure, measure, period))
)

select
    procedure,
    measure,
    period,
    n,
    total_ms / nullif(n, 0) / 1000 as mean_seconds,
    round(quantiles[1], 3) as p50_seconds,
    round(quantiles[2], 3) as p75_seconds,
    round(quantiles[3], 3) as p90_seconds,
    round(quantiles[4], 3) as p95_seconds,
    n_left_out
from sum_durations
order by procedure, measure, period nulls first

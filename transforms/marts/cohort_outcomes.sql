-- The shares of the processes created in a month that were closed by an age.
-- Grain: one row per procedure, month of creation (local) and age in days. Shares are null until
-- the whole month has reached the age, and for a month before the procedure was observed. Processes
-- that were created before that are left out, and counted.
with outcomes as (from process_outcomes),

build as (from build),

ages as (select unnest([1, 3, 7, 14, 30, 60, 90, 180]) as age_days),

members as (
    select
        o.procedure,
        date_trunc('month', local_day(o.started_at, b.time_zone))::date as cohort,
        o.outcome,
        o.is_observed_from_start,
        epoch_ms(o.ended_at) - epoch_ms(o.started_at) as ms
    from outcomes as o
    cross join build as b
    where o.ended_by <> 'deleted'
),

counted as (
    select
        m.procedure,
        m.cohort,
        a.age_days,
        count(*) filter (m.is_observed_from_start) as processes,
        count(*) filter (not m.is_observed_from_start) as n_left_out,
        count(*) filter (
            m.is_observed_from_start
            and m.outcome = 'completed'
            and m.ms <= a.age_days * 86400000::bigint
        ) as n_completed,
        count(*) filter (
            m.is_observed_from_start
            and m.outcome = 'cancelled'
            and m.ms <= a.age_days * 86400000::bigint
        ) as n_cancelled
    from members as m
    cross join ages as a
    group by m.procedure, m.cohort, a.age_days
),

-- What happens at the build's instant is seen: the picture ends a millisecond after it.
observed as (
    select
        c.*,
        case
            when c.processes = 0 then 'not observed from the start'
            when
                epoch_ms(b.as_of) + 1
                - epoch_ms(day_start((c.cohort + interval 1 month)::date, b.time_zone))
                < c.age_days * 86400000::bigint
                then 'not old enough'
        end as not_observed_because
    from counted as c
    cross join build as b
)

select
    procedure,
    cohort,
    age_days,
    processes,
    if(not_observed_because is null, n_completed / processes, null) as share_completed,
    if(not_observed_because is null, n_cancelled / processes, null) as share_cancelled,
    not_observed_because is null as is_observed,
    if(not_observed_because is null, share_low(n_completed, processes), null)
        as share_completed_low,
    if(not_observed_because is null, share_high(n_completed, processes), null)
        as share_completed_high,
    if(not_observed_because is null, share_low(n_cancelled, processes), null)
        as share_cancelled_low,
    if(not_observed_because is null, share_high(n_cancelled, processes), null)
        as share_cancelled_high,
    is_small_sample(processes) as is_small,
    not_observed_because,
    n_left_out
from observed
order by procedure, cohort, age_days

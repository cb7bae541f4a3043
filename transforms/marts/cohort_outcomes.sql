-- What became of the processes of each month by some ages.
-- Grain: one row per procedure, month of creation (local) and age in days. Shares are null until
-- every process that the month could bring has reached the age.
with outcomes as (from process_outcomes),

build as (from build),

ages as (select unnest([1, 3, 7, 14, 30, 60, 90, 180]) as age_days),

members as (
    select
        o.procedure,
        date_trunc('month', local_day(o.started_at, b.time_zone))::date as cohort,
        o.outcome,
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
        count(*) as processes,
        count(*) filter (m.outcome = 'completed' and m.ms <= a.age_days * 86400000::bigint)
            as n_completed,
        count(*) filter (m.outcome = 'cancelled' and m.ms <= a.age_days * 86400000::bigint)
            as n_cancelled
    from members as m
    cross join ages as a
    group by m.procedure, m.cohort, a.age_days
),

-- What happens at the build's instant is seen: the picture ends a millisecond after it.
observed as (
    select
        c.*,
        epoch_ms(b.as_of) + 1
        - epoch_ms(day_start((c.cohort + interval 1 month)::date, b.time_zone))
        >= c.age_days * 86400000::bigint as is_observed
    from counted as c
    cross join build as b
)

select
    procedure,
    cohort,
    age_days,
    processes,
    case when is_observed then n_completed / processes end as share_completed,
    case when is_observed then n_cancelled / processes end as share_cancelled,
    is_observed
from observed
order by procedure, cohort, age_days

-- The times by which given shares of the processes created in a month have an outcome; open ones
-- are censored, so that a month can be compared before all its processes are closed.
-- Grain: one row per procedure, month of creation (local) and outcome. A share that has not been
-- reached yet has no time. Processes that began before their procedure was observed are left out,
-- and counted.
with quantiles as (from outcome_quantiles where attribute = ' month'),

all_processes as (from process_outcomes),

build as (from build),

outcomes as (select unnest(['completed', 'cancelled', 'any']) as outcome),

members as (
    select
        p.procedure,
        date_trunc('month', local_day(p.started_at, b.time_zone))::date as cohort,
        count(*) filter (not p.is_observed_from_start) as n_left_out
    from all_processes as p
    cross join build as b
    group by p.procedure, cohort
)

select
    m.procedure,
    m.cohort,
    o.outcome,
    coalesce(q.processes, 0) as processes,
    coalesce(q.events, 0) as events,
    coalesce(q.n_censored, 0) as n_censored,
    q.p25_seconds,
    q.p50_seconds,
    q.p75_seconds,
    q.p90_seconds,
    q.p50_seconds_low,
    q.p50_seconds_high,
    m.n_left_out,
    is_small_sample(coalesce(q.events, 0)) as is_small
from members as m
cross join outcomes as o
left join quantiles as q
    on q.procedure = m.procedure and q.value = m.cohort::varchar and q.outcome = o.outcome
order by m.procedure, m.cohort, o.outcome

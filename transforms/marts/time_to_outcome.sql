-- The times by which given shares of all processes have an outcome; open processes are censored.
-- Grain: one row per procedure and outcome (`completed`, `cancelled`, or `any` of them). A share
-- that has not been reached yet has no time. Processes that were never at risk are left out, and
-- counted.
with quantiles as (from outcome_quantiles where attribute = ''),

all_processes as (from process_outcomes),

outcomes as (select unnest(['completed', 'cancelled', 'any']) as outcome),

members as (
    select
        procedure,
        count(entered_at) filter (not is_observed_from_start) as n_entered_late,
        count(*) filter (entered_at is null) as n_left_out
    from all_processes
    group by procedure
)

select
    m.procedure,
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
    m.n_entered_late,
    m.n_left_out,
    is_small_sample(coalesce(q.events, 0)) as is_small
from members as m
cross join outcomes as o
left join quantiles as q on q.procedure = m.procedure and q.outcome = o.outcome
order by m.procedure, o.outcome

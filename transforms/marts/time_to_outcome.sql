-- How long it takes until so many of all processes have had an outcome, open ones included.
-- Grain: one row per procedure and outcome (`completed`, `cancelled`, or `any` of them). A share
-- that has not been reached yet has no time.
with groups as (from outcome_groups),

estimates as (from outcome_estimates),

outcomes as (select unnest(['completed', 'cancelled', 'any']) as outcome),

counted as (
    select
        g.procedure,
        o.outcome,
        count(*) as processes,
        count(*) filter (g.outcome = o.outcome or (o.outcome = 'any' and g.outcome is not null))
            as events,
        count(*) filter (g.outcome is null) as n_censored
    from groups as g
    cross join outcomes as o
    where g.attribute = ''
    group by g.procedure, o.outcome
),

reached as (
    select
        procedure,
        outcome,
        -- A share such as 0.5 may come out as 0.4999999999999999.
        min(ms) filter (incidence >= 0.25 - 1e-12) as p25_ms,
        min(ms) filter (incidence >= 0.5 - 1e-12) as p50_ms,
        min(ms) filter (incidence >= 0.75 - 1e-12) as p75_ms,
        min(ms) filter (incidence >= 0.9 - 1e-12) as p90_ms
    from estimates
    where attribute = ''
    group by procedure, outcome
)

select
    c.procedure,
    c.outcome,
    c.processes,
    c.events,
    c.n_censored,
    r.p25_ms / 1000 as p25_seconds,
    r.p50_ms / 1000 as p50_seconds,
    r.p75_ms / 1000 as p75_seconds,
    r.p90_ms / 1000 as p90_seconds
from counted as c
left join reached as r using (procedure, outcome)
order by c.procedure, c.outcome

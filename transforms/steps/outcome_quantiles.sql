-- The times by which given shares of a group have an outcome, and the interval of the median.
-- Grain: one row per group of processes and outcome (`completed`, `cancelled`, or `any` of them). A
-- share that has not been reached yet has no time.
-- kind: table
with groups as (from outcome_groups),

estimates as (from outcome_estimates),

outcomes as (select unnest(['completed', 'cancelled', 'any']) as outcome),

counted as (
    select
        g.procedure,
        g.attribute,
        g.value,
        o.outcome,
        count(*) as processes,
        count(*) filter (g.outcome = o.outcome or (o.outcome = 'any' and g.outcome is not null))
            as events,
        count(*) filter (g.outcome is null) as n_censored
    from groups as g
    cross join outcomes as o
    group by g.procedure, g.attribute, g.value, o.outcome
),

reached as (
    select
        procedure,
        attribute,
        value,
        outcome,
        -- A share such as 0.5 may come out as 0.4999999999999999.
        min(ms) filter (incidence >= 0.25 - 1e-12) as p25_ms,
        min(ms) filter (incidence >= 0.5 - 1e-12) as p50_ms,
        min(ms) filter (incidence >= 0.75 - 1e-12) as p75_ms,
        min(ms) filter (incidence >= 0.9 - 1e-12) as p90_ms,
        -- The upper limit of the curve is the first to reach the share, the lower one the last.
        min(ms) filter (upper_95 >= 0.5 - 1e-12) as p50_low_ms,
        min(ms) filter (lower_95 >= 0.5 - 1e-12) as p50_high_ms
    from estimates
    group by procedure, attribute, value, outcome
)

select
    c.procedure,
    c.attribute,
    c.value,
    c.outcome,
    c.processes,
    c.events,
    c.n_censored,
    r.p25_ms / 1000 as p25_seconds,
    r.p50_ms / 1000 as p50_seconds,
    r.p75_ms / 1000 as p75_seconds,
    r.p90_ms / 1000 as p90_seconds,
    r.p50_low_ms / 1000 as p50_seconds_low,
    r.p50_high_ms / 1000 as p50_seconds_high
from counted as c
left join reached as r
    on r.procedure = c.procedure
    and r.attribute = c.attribute
    and r.value = c.value
    and r.outcome = c.outcome

-- Estimates of how many have had which outcome by when, at each instant of an outcome.
-- Grain: one row per group of processes, outcome (or `any`) and time since creation at which some
-- process of the group had an outcome. Aalen-Johansen: those who are watched no longer leave the
-- ones at risk without counting as kept open. Who is watched until the very time of an outcome is
-- still at risk then.
with groups as (from outcome_groups),

at_times as (
    select
        procedure,
        attribute,
        value,
        ms,
        count(*) as n_leaving,
        count(*) filter (outcome = 'completed') as n_completed,
        count(*) filter (outcome = 'cancelled') as n_cancelled,
        count(outcome) as n_any
    from groups
    group by procedure, attribute, value, ms
),

at_risk as (
    select
        *,
        sum(n_leaving) over (
            partition by procedure, attribute, value order by ms desc
            rows between unbounded preceding and current row
        )::bigint as n_at_risk
    from at_times
),

surviving as (
    select
        *,
        product(1 - n_any / n_at_risk) over (
            partition by procedure, attribute, value order by ms
            rows between unbounded preceding and current row
        ) as survival
    from at_risk
    where n_any > 0
),

beside_before as (
    select
        *,
        coalesce(lag(survival) over (partition by procedure, attribute, value order by ms), 1)
            as survival_before
    from surviving
),

by_outcome as (
    select *, 'completed' as outcome, n_completed as n from beside_before
    union all
    select *, 'cancelled', n_cancelled from beside_before
    union all
    select *, 'any', n_any from beside_before
),

summed as (
    select
        *,
        sum(survival_before * n / n_at_risk) over up_to_here as incidence,
        -- When the last ones at risk all end together nothing follows, and so nothing is added.
        coalesce(n_any / nullif(n_at_risk * (n_at_risk - n_any), 0), 0) as hazard_variance
    from by_outcome
    window up_to_here as (
        partition by procedure, attribute, value, outcome order by ms
        rows between unbounded preceding and current row
    )
),

-- The variance is a sum over earlier times in which the present incidence stands: written out, so
-- that each part is a running sum.
terms as (
    select
        *,
        sum(hazard_variance) over up_to_here as a_0,
        sum(hazard_variance * incidence) over up_to_here as a_1,
        sum(hazard_variance * incidence * incidence) over up_to_here as a_2,
        sum(survival_before * survival_before * n * (n_at_risk - n) / pow(n_at_risk, 3))
            over up_to_here as b,
        sum(survival_before * n / pow(n_at_risk, 2)) over up_to_here as c_0,
        sum(survival_before * n / pow(n_at_risk, 2) * incidence) over up_to_here as c_1
    from summed
    window up_to_here as (
        partition by procedure, attribute, value, outcome order by ms
        rows between unbounded preceding and current row
    )
)

select
    procedure,
    attribute,
    value,
    outcome,
    ms,
    -- Products and sums of floats end beside 0 and 1, where limits would mean something.
    if(t.survival < 1e-12, 0, t.survival) as survival,
    if(t.incidence > 1 - 1e-12, 1, t.incidence) as incidence,
    sqrt(greatest(
        t.incidence * t.incidence * a_0 - 2 * t.incidence * a_1 + a_2
        + b - 2 * (t.incidence * c_0 - c_1),
        0
    )) as standard_error
from terms as t

-- Aalen-Johansen estimates of the share of processes with each outcome, at each time of an outcome.
-- Grain: one row per group of processes, outcome (or `any`) and time since creation at which some
-- process of the group had an outcome. A process is at risk up to its end: one censored at the
-- exact time of an outcome is still at risk then.
-- kind: table
with groups as (from outcome_groups),

moves as (
    select procedure, attribute, value, ms, outcome, 1 as leaves, 0 as enters from groups
    union all
    select procedure, attribute, value, from_ms, null, 0, 1 from groups
),

at_times as (
    select
        procedure,
        attribute,
        value,
        ms,
        sum(leaves) as n_leaving,
        sum(enters) as n_entering,
        count(*) filter (outcome = 'completed') as n_completed,
        count(*) filter (outcome = 'cancelled') as n_cancelled,
        count(outcome) as n_any
    from moves
    group by procedure, attribute, value, ms
),

-- Those who leave now or later, without those who enter later.
at_risk as (
    select
        *,
        (
            sum(n_leaving) over (later rows between unbounded preceding and current row)
            - coalesce(
                sum(n_entering) over (later rows between unbounded preceding and 1 preceding), 0
            )
        )::bigint as n_at_risk
    from at_times
    window later as (partition by procedure, attribute, value order by ms desc)
),

surviving as (
    select
        *,
        min(n_at_risk) over (
            partition by procedure, attribute, value order by ms
            rows between unbounded preceding and current row
        ) as fewest_at_risk,
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
        -- When all processes at risk end together, nothing follows and nothing is added.
        coalesce(n_any / nullif(n_at_risk * (n_at_risk - n_any), 0), 0) as hazard_variance
    from by_outcome
    window up_to_here as (
        partition by procedure, attribute, value, outcome order by ms
        rows between unbounded preceding and current row
    )
),

-- The variance is a sum over earlier times that contains the current incidence. It is expanded, so
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
),

estimated as (
    select
        t.procedure,
        t.attribute,
        t.value,
        t.outcome,
        t.ms,
        t.fewest_at_risk,
        -- Rounding leaves products and sums of floats just beside 0 and 1.
        if(t.survival < 1e-12, 0, t.survival) as survival,
        if(t.incidence > 1 - 1e-12, 1, t.incidence) as incidence,
        sqrt(greatest(
            t.incidence * t.incidence * a_0 - 2 * t.incidence * a_1 + a_2
            + b - 2 * (t.incidence * c_0 - c_1),
            0
        )) as standard_error
    from terms as t
)

-- For `any` the scale is that of the survival.
select
    procedure,
    attribute,
    value,
    outcome,
    ms,
    fewest_at_risk,
    survival,
    incidence,
    standard_error,
    if(
        outcome = 'any',
        1 - log_log_high(survival, standard_error),
        log_log_low(incidence, standard_error)
    ) as lower_95,
    if(
        outcome = 'any',
        1 - log_log_low(survival, standard_error),
        log_log_high(incidence, standard_error)
    ) as upper_95
from estimated

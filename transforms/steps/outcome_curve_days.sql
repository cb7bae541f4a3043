-- The estimates at the end of each whole day since creation.
-- Grain: one row per group of processes, outcome (or `any`) and day. `events` and `at_risk` are of
-- the day that ends there: after day - 1 and up to day; day 0 is the very moment of creation.
with groups as (from outcome_groups),

estimates as (from outcome_estimates),

outcomes as (select unnest(['completed', 'cancelled', 'any']) as outcome),

in_days as (
    select procedure, attribute, value, outcome, ceil(ms / 86400000)::integer as day
    from groups
),

spans as (
    select procedure, attribute, value, max(day) as last_day
    from in_days
    group by procedure, attribute, value
),

days as (
    select s.*, o.outcome, unnest(generate_series(0, s.last_day))::integer as day
    from spans as s
    cross join outcomes as o
),

day_sums as (
    select
        procedure,
        attribute,
        value,
        day,
        count(*) as n_leaving,
        count(*) filter (outcome = 'completed') as n_completed,
        count(*) filter (outcome = 'cancelled') as n_cancelled
    from in_days
    group by procedure, attribute, value, day
),

counted as (
    select
        d.procedure,
        d.attribute,
        d.value,
        d.outcome,
        d.day,
        sum(coalesce(s.n_leaving, 0)) over (
            partition by d.procedure, d.attribute, d.value, d.outcome order by d.day desc
            rows between unbounded preceding and current row
        )::bigint as at_risk,
        coalesce(
            case d.outcome
                when 'completed' then s.n_completed
                when 'cancelled' then s.n_cancelled
                else s.n_completed + s.n_cancelled
            end,
            0
        ) as events
    from days as d
    left join day_sums as s using (procedure, attribute, value, day)
),

estimated as (
    select
        c.*,
        coalesce(e.incidence, 0) as cumulative_incidence,
        coalesce(e.standard_error, 0) as standard_error,
        coalesce(e.survival, 1) as survival
    from counted as c
    asof left join estimates as e
        on e.procedure = c.procedure
        and e.attribute = c.attribute
        and e.value = c.value
        and e.outcome = c.outcome
        and e.ms <= c.day * 86400000::bigint
),

-- Limits on the scale log(-log(incidence)) stay between 0 and 1.
scaled as (
    select
        *,
        case
            when cumulative_incidence > 0 and cumulative_incidence < 1
                then 1.959963984540054 * standard_error
                    / (cumulative_incidence * ln(cumulative_incidence))
        end as width
    from estimated
)

select
    procedure,
    attribute,
    value,
    outcome,
    day,
    at_risk,
    events,
    least(cumulative_incidence, 1) as cumulative_incidence,
    standard_error,
    pow(cumulative_incidence, exp(-width)) as lower_95,
    pow(cumulative_incidence, exp(width)) as upper_95,
    survival
from scaled

-- The estimates at the end of each whole day since creation.
-- Grain: one row per group of processes, outcome (or `any`) and day. `events` and `at_risk` are of
-- the day that ends there: after day - 1 and up to day; day 0 is the instant of creation. At risk
-- are those who were under observation at some time of the day.
-- kind: table
with groups as (from outcome_groups where attribute <> ' month'),

estimates as (from outcome_estimates),

outcomes as (select unnest(['completed', 'cancelled', 'any']) as outcome),

in_days as (
    select
        procedure,
        attribute,
        value,
        outcome,
        ceil(ms / 86400000)::integer as day,
        ceil(from_ms / 86400000)::integer as entry_day
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

entries as (
    select procedure, attribute, value, entry_day as day, count(*) as n_entering
    from in_days
    group by procedure, attribute, value, entry_day
),

counted as (
    select
        d.procedure,
        d.attribute,
        d.value,
        d.outcome,
        d.day,
        (
            sum(coalesce(s.n_leaving, 0)) over (
                later rows between unbounded preceding and current row
            )
            - coalesce(
                sum(coalesce(e.n_entering, 0)) over (
                    later rows between unbounded preceding and 1 preceding
                ),
                0
            )
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
    left join entries as e using (procedure, attribute, value, day)
    window later as (
        partition by d.procedure, d.attribute, d.value, d.outcome order by d.day desc
    )
),

estimated as (
    select
        c.*,
        coalesce(e.incidence, 0) as cumulative_incidence,
        coalesce(e.standard_error, 0) as standard_error,
        coalesce(e.survival, 1) as survival,
        e.lower_95,
        e.upper_95,
        coalesce(e.fewest_at_risk, c.at_risk) as fewest_at_risk
    from counted as c
    asof left join estimates as e
        on e.procedure = c.procedure
        and e.attribute = c.attribute
        and e.value = c.value
        and e.outcome = c.outcome
        and e.ms <= c.day * 86400000::bigint
)

select
    procedure,
    attribute,
    value,
    outcome,
    day,
    at_risk,
    events,
    cumulative_incidence,
    standard_error,
    lower_95,
    upper_95,
    survival,
    is_small_sample(least(
        fewest_at_risk,
        min(at_risk) over (
            partition by procedure, attribute, value, outcome order by day
            rows between unbounded preceding and current row
        )
    )) as is_small
from estimated

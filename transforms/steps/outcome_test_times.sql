-- The groups whose outcomes are compared, at each time of an outcome: what Gray's test is made of.
-- Grain: one row per procedure, attribute of `compareBy`, outcome, time since creation at which a
-- process of any compared group had an outcome, and compared group. `n_at_risk`, `survival_before`
-- and `incidence_before` are those of the group, as in outcome_estimates. Where an attribute has
-- more times than `most_test_times`, every n-th is kept and those before count as it: ties.
-- kind: table
with groups as (from outcome_groups),

compared as (from outcome_test_groups),

found as (
    select g.procedure, g.attribute, f.group_no, g.from_ms, g.ms, g.outcome
    from groups as g
    inner join compared as f using (procedure, attribute, value)
),

number_times as (
    select
        procedure,
        attribute,
        ms,
        row_number() over (partition by procedure, attribute order by ms) - 1 as place,
        count(*) over (partition by procedure, attribute) as n_times
    from (select distinct procedure, attribute, ms from found where outcome is not null) as f
),

round_times as (
    select
        procedure,
        attribute,
        ms,
        max(ms) over (
            partition by procedure, attribute, place // ceil(n_times / most_test_times())::bigint
        ) as rounded_ms
    from number_times
),

find_times as (
    select distinct procedure, attribute, rounded_ms as ms from round_times
),

members as (
    select f.* replace (if(f.outcome is null, f.ms, r.rounded_ms) as ms)
    from found as f
    left join round_times as r using (procedure, attribute, ms)
),

-- Each group has a row at each time, also where nothing happens in it.
moves as (
    select procedure, attribute, group_no, ms, outcome, 1 as leaves, 0 as enters from members
    union all
    select procedure, attribute, group_no, from_ms, null, 0, 1 from members
    union all
    select t.procedure, t.attribute, f.group_no, t.ms, null, 0, 0
    from find_times as t
    inner join compared as f using (procedure, attribute)
),

at_times as (
    select
        procedure,
        attribute,
        group_no,
        ms,
        sum(leaves) as n_leaving,
        sum(enters) as n_entering,
        count(*) filter (outcome = 'completed') as n_completed,
        count(*) filter (outcome = 'cancelled') as n_cancelled
    from moves
    group by procedure, attribute, group_no, ms
),

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
    window later as (partition by procedure, attribute, group_no order by ms desc)
),

surviving as (
    select
        a.*,
        product(1 - coalesce((n_completed + n_cancelled) / nullif(n_at_risk, 0), 0)) over (
            partition by procedure, attribute, group_no order by ms
            rows between unbounded preceding and current row
        ) as survival
    from at_risk as a
    semi join find_times using (procedure, attribute, ms)
),

beside_before as (
    select
        *,
        coalesce(lag(survival) over (partition by procedure, attribute, group_no order by ms), 1)
            as survival_before
    from surviving
),

by_outcome as (
    select *, 'completed' as outcome, n_completed as n, n_cancelled as n_other from beside_before
    union all
    select *, 'cancelled', n_cancelled, n_completed from beside_before
    union all
    select *, 'any', n_completed + n_cancelled, 0 from beside_before
)

select
    procedure,
    attribute,
    outcome,
    ms,
    group_no,
    n_at_risk,
    n,
    n_other,
    -- Rounding leaves products of floats just beside 0.
    if(survival < 1e-12, 0, survival) as survival,
    if(survival_before < 1e-12, 0, survival_before) as survival_before,
    coalesce(
        sum(coalesce(survival_before * n / nullif(n_at_risk, 0), 0)) over (
            partition by procedure, attribute, outcome, group_no order by ms
            rows between unbounded preceding and 1 preceding
        ),
        0
    ) as incidence_before
from by_outcome

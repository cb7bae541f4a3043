-- Aalen-Johansen estimates of the share with each outcome, for the macros that take any groups: the
-- formulas of steps/outcome_estimates.sql, over a list.
-- kind: published

-- One entry per group, outcome (or `any`) and time at which something of the group had an outcome.
-- `observed` has one per thing observed: `procedure`, `value`, `outcome` (`completed`, `cancelled`,
-- `deleted`; null: censored), and that it was at risk from `from_ms` to `ms`, both included. For
-- one kind of outcome `any` is one minus the estimate of Kaplan and Meier.
create macro estimate_list(observed) as (
with observed_ends as (
    select
        x.found.procedure as procedure,
        x.found.value as value,
        x.found.outcome as outcome,
        x.found.from_ms as from_ms,
        x.found.ms as ms
    from (select unnest(observed) as found) as x
),

moves as (
    select g.procedure, g.value, g.ms, g.outcome, 1 as leaves, 0 as enters
    from observed_ends as g
    union all
    select g.procedure, g.value, g.from_ms, null, 0, 1
    from observed_ends as g
),

at_times as (
    select
        m.procedure,
        m.value,
        m.ms,
        sum(m.leaves) as n_leaving,
        sum(m.enters) as n_entering,
        count(*) filter (m.outcome = 'completed') as n_completed,
        count(*) filter (m.outcome = 'cancelled') as n_cancelled,
        count(*) filter (m.outcome = 'deleted') as n_deleted,
        count(m.outcome) as n_any
    from moves as m
    group by m.procedure, m.value, m.ms
),

at_risk as (
    select
        t.*,
        cast(
            sum(t.n_leaving) over (later rows between unbounded preceding and current row)
            - coalesce(
                sum(t.n_entering) over (later rows between unbounded preceding and 1 preceding),
                0
            )
            as bigint
        ) as n_at_risk
    from at_times as t
    window later as (partition by t.procedure, t.value order by t.ms desc)
),

surviving as (
    select
        r.*,
        min(r.n_at_risk) over up_to_here as fewest_at_risk,
        product(1 - r.n_any / r.n_at_risk) over up_to_here as survival
    from at_risk as r
    where r.n_any > 0
    window up_to_here as (
        partition by r.procedure, r.value order by r.ms
        rows between unbounded preceding and current row
    )
),

beside_before as (
    select
        s.*,
        coalesce(lag(s.survival) over (partition by s.procedure, s.value order by s.ms), 1)
            as survival_before
    from surviving as s
),

by_outcome as (
    select b.*, 'completed' as outcome, b.n_completed as n from beside_before as b
    union all
    select b.*, 'cancelled', b.n_cancelled from beside_before as b
    union all
    select b.*, 'deleted', b.n_deleted from beside_before as b
    union all
    select b.*, 'any', b.n_any from beside_before as b
),

summed as (
    select
        o.*,
        sum(o.survival_before * o.n / o.n_at_risk) over (
            partition by o.procedure, o.value, o.outcome order by o.ms
            rows between unbounded preceding and current row
        ) as incidence,
        coalesce(o.n_any / nullif(o.n_at_risk * (o.n_at_risk - o.n_any), 0), 0) as hazard_variance
    from by_outcome as o
),

terms as (
    select
        u.*,
        sum(u.hazard_variance) over up_to_here as a_0,
        sum(u.hazard_variance * u.incidence) over up_to_here as a_1,
        sum(u.hazard_variance * u.incidence * u.incidence) over up_to_here as a_2,
        sum(
            u.survival_before * u.survival_before * u.n * (u.n_at_risk - u.n)
            / pow(u.n_at_risk, 3)
        ) over up_to_here as b,
        sum(u.survival_before * u.n / pow(u.n_at_risk, 2)) over up_to_here as c_0,
        sum(u.survival_before * u.n / pow(u.n_at_risk, 2) * u.incidence) over up_to_here as c_1
    from summed as u
    window up_to_here as (
        partition by u.procedure, u.value, u.outcome order by u.ms
        rows between unbounded preceding and current row
    )
),

estimated as (
    select
        e.procedure,
        e.value,
        e.outcome,
        e.ms,
        e.fewest_at_risk,
        case when e.survival < 1e-12 then 0 else e.survival end as survival,
        case when e.incidence > 1 - 1e-12 then 1 else e.incidence end as incidence,
        sqrt(greatest(
            e.incidence * e.incidence * e.a_0 - 2 * e.incidence * e.a_1 + e.a_2
            + e.b - 2 * (e.incidence * e.c_0 - e.c_1),
            0
        )) as standard_error
    from terms as e
)

select
    list({
        'procedure': l.procedure,
        'value': l.value,
        'outcome': l.outcome,
        'ms': l.ms,
        'fewest_at_risk': l.fewest_at_risk,
        'survival': cast(l.survival as double),
        'incidence': cast(l.incidence as double),
        'standard_error': l.standard_error,
        'lower_95': case l.outcome
            when 'any' then 1 - log_log_high(l.survival, l.standard_error)
            else log_log_low(l.incidence, l.standard_error)
        end,
        'upper_95': case l.outcome
            when 'any' then 1 - log_log_low(l.survival, l.standard_error)
            else log_log_high(l.incidence, l.standard_error)
        end
    })
from estimated as l
);

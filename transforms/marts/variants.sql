-- The ways processes went through the states, most frequent first.
-- Grain: one row per procedure and sequence of states. Every process that was ever in a state
-- counts, open and deleted ones too, with the states it has been in so far; one that was restored in the
-- state it was deleted in has not moved.
with visits as (from state_visits),

lifecycles as (from process_lifecycle),

paths as (
    select
        process_id,
        any_value(procedure) as procedure,
        string_agg(state, ' > ' order by visit_no) as variant,
        count(*) as n_steps
    from visits
    where direction <> 'same'
    group by process_id
),

sums as (
    select
        p.procedure,
        p.variant,
        any_value(p.n_steps) as n_steps,
        count(*) as processes,
        quantile_cont(l.resolution_seconds, 0.5) as p50_resolution_seconds
    from paths as p
    inner join lifecycles as l using (process_id)
    group by p.procedure, p.variant
)

select
    procedure,
    variant,
    n_steps,
    processes,
    processes / sum(processes) over (partition by procedure) as share,
    sum(processes) over (partition by procedure order by processes desc, variant)
        / sum(processes) over (partition by procedure) as cumulative_share,
    round(p50_resolution_seconds, 3) as p50_resolution_seconds
from sums
order by procedure, processes desc, variant

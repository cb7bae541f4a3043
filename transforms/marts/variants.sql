-- The sequences of states that processes went through, most frequent first.
-- Grain: one row per procedure and sequence of states. Every process that was ever in a state of
-- the procedure counts, open and deleted ones too, with the states of the procedure it has been in
-- so far; a restore in the same state is not a move. `p50_resolution_seconds` leaves out processes
-- that were first completed in another procedure.
with visits as (from history_state_visits),

lifecycles as (from history_process_lifecycle),

spells as (from history_status_spells),

join_paths as (
    select
        process_id,
        procedure,
        string_agg(state, ' > ' order by visit_no) as variant,
        count(*) as n_steps
    from visits
    where direction <> 'same'
    group by process_id, procedure
),

find_resolutions as (
    select
        s.process_id,
        arg_min(s.procedure, s.spell_no) as procedure,
        any_value(seconds_between(l.started_at, l.first_completed_at)) as resolution_seconds
    from spells as s
    inner join lifecycles as l using (process_id)
    where s.status = 'COMPLETED'
    group by s.process_id
),

count_paths as (
    select
        p.procedure,
        p.variant,
        any_value(p.n_steps) as n_steps,
        count(*) as processes,
        quantile_cont(r.resolution_seconds, 0.5) as p50_resolution_seconds
    from join_paths as p
    left join find_resolutions as r using (process_id, procedure)
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
from count_paths
order by procedure, processes desc, variant

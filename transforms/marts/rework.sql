-- What is done again: states entered again, pairs of states taken in turns, values changed in place.
-- Grain: one row per procedure and state that was ever entered. Who is restored in the state it was
-- deleted in does nothing again.
with visits as (from state_visits),

changes as (from attribute_changes),

procedures as (from procedures),

beside_earlier as (
    select
        *,
        n_previous_visits > 0 and direction <> 'same' as is_reentry,
        lag(state, 2) over (partition by process_id order by visit_no) as state_before_previous
    from visits
),

visit_sums as (
    select
        procedure,
        state,
        any_value(state_rank) as state_rank,
        count(*) as n_visits,
        count(distinct process_id) as processes,
        count(*) filter (is_reentry) as n_reentries,
        count(distinct process_id) filter (is_reentry) as n_processes_back,
        count(*) filter (direction = 'backward') as n_backward,
        count(*) filter (state = state_before_previous and state <> previous_state)
            as n_ping_pongs
    from beside_earlier
    group by procedure, state
),

change_sums as (
    select procedure, state, count(*) as n_changes_in_place
    from changes
    group by procedure, state
)

select
    v.procedure,
    v.state,
    v.n_visits,
    v.processes,
    v.n_reentries,
    v.n_processes_back,
    v.n_processes_back / v.processes as share_back,
    v.n_backward,
    v.n_ping_pongs,
    case when p.has_tracked then coalesce(c.n_changes_in_place, 0) end as n_changes_in_place
from visit_sums as v
inner join procedures as p using (procedure)
left join change_sums as c using (procedure, state)
order by v.procedure, v.state_rank

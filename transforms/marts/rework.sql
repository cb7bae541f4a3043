-- What is done again: states entered again, pairs of states taken in turns, values changed in
-- place.
-- Grain: one row per procedure and state that was ever entered. A restore in the same state is not
-- a re-entry. Changes of values while deleted are not made in a state.
with visits as (from history_state_visits),

changes as (from attribute_changes),

procedures as (from procedures),

compare_visits as (
    select
        *,
        n_previous_visits > 0 and direction <> 'same' as is_reentry,
        lag(previous_state) over (partition by process_id order by visit_no)
            as state_before_previous
    from visits
),

sum_visits as (
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
    from compare_visits
    group by procedure, state
),

count_changes as (
    select procedure, state, count(*) as n_changes_in_place
    from changes
    where not is_deleted
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
from sum_visits as v
inner join procedures as p using (procedure)
left join count_changes as c using (procedure, state)
order by v.procedure, v.state_rank

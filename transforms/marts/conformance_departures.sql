-- Moves that the stategraph does not allow, most frequent first, and the states they skipped.
-- Grain: one row per procedure and pair of states between which it does not allow a move.
with visits as (from history_state_visits),

allowed_paths as (from allowed_paths),

count_departures as (
    select
        procedure,
        previous_state as from_state,
        state as to_state,
        count(*) as n,
        count(distinct process_id) as processes
    from visits
    where not is_allowed
    group by procedure, previous_state, state
)

select
    s.procedure,
    (row_number() over (
        partition by s.procedure order by s.n desc, s.from_state, s.to_state
    ))::integer as departure_no,
    s.from_state,
    s.to_state,
    s.n,
    s.processes,
    s.n / sum(s.n) over (partition by s.procedure) as share_of_departures,
    len(p.skipped_states)::integer as n_skipped_states,
    p.skipped_states
from count_departures as s
left join allowed_paths as p
    on p.procedure = s.procedure and p.from_state = s.from_state and p.to_state = s.to_state
order by s.procedure, departure_no

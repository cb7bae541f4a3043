-- The visits that funnels count: stays in a state that the process moved into.
-- Grain: one row per move. A restore in the same state continues the move before the deletion.
-- `place` orders moves and outcomes of a process: by the version that shows them, and of one
-- version the move before the outcome.
-- kind: view
with visits as (from state_visits)

select
    procedure,
    process_id,
    state,
    state_rank,
    (row_number() over (partition by process_id order by visit_no))::integer as move_no,
    entered_version_no as version_no,
    place_of_move(entered_version_no) as place,
    entered_at
from visits
where is_move(direction)

-- Changes of the procedure of a process, up to the build's as_of.
-- Grain: one row per change.
-- kind: view
with changes as (from history_procedure_changes),

processes as (from history_processes)

select
    c.process_id,
    p.team_id,
    c.change_no,
    c.from_procedure,
    c.to_procedure,
    c.from_state,
    c.to_state,
    c.changed_at,
    c.is_deleted
from changes as c
inner join processes as p on p.process_id = c.process_id

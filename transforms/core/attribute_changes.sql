-- Changes of attributes whose history is kept, up to the build's as_of.
-- Grain: one row per change of one attribute of one process.
-- kind: view
with changes as (from history_attribute_spells where is_change),

processes as (from history_processes)

select
    c.process_id,
    p.team_id,
    c.procedure,
    c.attribute,
    c.type,
    c.change_no,
    c.old_value,
    c.value as new_value,
    c.changed_at,
    c.previous_seconds,
    c.state,
    c.assigned_to,
    c.is_deleted
from changes as c
inner join processes as p on p.process_id = c.process_id

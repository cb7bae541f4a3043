-- The procedures in which processes were closed, so that a closing counts where it happened.
-- Grain: one row per process that was ever closed while it stood in a procedure.
with spells as (from status_spells)

select
    process_id,
    arg_min(procedure, spell_no) filter (status = 'COMPLETED') as first_completed_in,
    arg_max(procedure, spell_no) filter (status = 'COMPLETED') as last_completed_in,
    arg_max(procedure, spell_no) as closed_in
from spells
where status <> 'OPEN' and began_by <> 'moved_in'
group by process_id

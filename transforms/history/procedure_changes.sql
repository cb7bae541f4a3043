-- Changes of the procedure of a process, deleted processes included.
-- Grain: one row per version whose procedure differs from that of the version before it.
with versions as (from versions),

states as (from states),

number_changes as (
    select *, row_number() over (partition by process_id order by version_no) as change_no
    from versions
    where is_new_procedure
)

select
    v.process_id,
    v.change_no::integer as change_no,
    v.previous_procedure as from_procedure,
    v.procedure as to_procedure,
    f.state as from_state,
    t.state as to_state,
    v.updated_at as changed_at,
    v.is_deleted,
    v.ingest_seq as changed_ingest_seq
from number_changes as v
inner join states as f
    on f.procedure = v.previous_procedure and f.state_rank = v.previous_state_rank
inner join states as t on t.procedure = v.procedure and t.state_rank = v.state_rank

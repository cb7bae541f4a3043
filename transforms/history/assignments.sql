-- Stays with an assignee, unassigned stays included: maximal runs of versions with one procedure
-- and one assignee while not deleted.
-- Grain: one row per stay. `state` is the state at its start.
with versions as (from versions),

states as (from states),

find_boundaries as (
    select *
    from versions
    where
        version_no = 1
        or is_deleted <> previous_is_deleted
        or (not is_deleted and is_new_procedure)
        or (not is_deleted and assigned_to is distinct from previous_assigned_to)
),

end_stays as (
    select *, lead(updated_at) over (partition by process_id order by version_no) as ended_at
    from find_boundaries
)

select
    a.process_id,
    a.procedure,
    (row_number() over (partition by a.process_id order by a.version_no))::integer as assignment_no,
    a.assigned_to,
    case when a.version_no = 1 then a.started_at else a.updated_at end as started_at,
    a.ended_at,
    a.ended_at is null as is_current,
    s.state
from end_stays as a
inner join states as s on s.procedure = a.procedure and s.state_rank = a.state_rank
where not a.is_deleted

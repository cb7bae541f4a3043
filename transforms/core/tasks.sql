-- Tasks, as at the build's as_of.
-- Grain: one row per task.
-- kind: view
with tasks as (from history_tasks),

processes as (from history_processes),

build as (from build),

find_overdue as (
    select
        t.*,
        t.status = 'OPEN' and not t.is_deleted and coalesce(t.due_at < b.as_of, false)
            as is_overdue,
        b.as_of
    from tasks as t
    cross join build as b
)

select
    t.task_id,
    nullif(t.process_id, no_process()) as process_id,
    p.process_id is null and t.process_id <> no_process() as is_orphan,
    p.procedure,
    p.assigned_to as process_assigned_to,
    t.record_id,
    t.parent_task_id,
    t.title,
    t.description,
    t.position,
    t.status,
    t.task_type,
    t.created_by,
    t.assigned_to,
    t.pod_id,
    t.starts_at,
    t.ends_at,
    t.due_at,
    t.started_at,
    t.completed_at,
    t.cancelled_at,
    t.is_overdue,
    case when t.is_overdue then seconds_between(t.due_at, t.as_of) end as overdue_seconds,
    if(t.done_at < t.created_at, 0, seconds_between(t.created_at, t.done_at))
        as completion_seconds,
    t.created_at,
    t.updated_at,
    t.is_deleted
from find_overdue as t
left join processes as p on p.process_id = t.process_id

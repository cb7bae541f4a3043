-- Tasks: what is to be done about a process, each in its latest version.
-- Grain: one row per task. `process_id` is `no_process()` where a task names none. `done_at` is
-- when a completed task was completed, but not later than its version was recorded.
with latest_activities as (from raw_activities where dimension = 'tasks'),

-- In the order of the keys below, from 1.
read_values as (
    select
        *,
        activity_values(data, [
            '/title', '/description', '/order', '/status', '/taskType', '/createdBy',
            '/assignedTo', '/belongsTo', '/startsAt', '/endsAt', '/dueBy', '/startedAt',
            '/completedAt', '/cancelledAt', '/record', '/task', '/createdAt', '/isDeleted'
        ]) as v
    from latest_activities
),

convert_values as (
    select
        process_id,
        id as task_id,
        to_text(v[1]) as title,
        to_text(v[2]) as description,
        to_double(v[3]) as position,
        activity_word(v[4]) as status,
        to_text(v[5]) as task_type,
        activity_uuid(v[6]) as created_by,
        activity_uuid(v[7]) as assigned_to,
        activity_uuid(v[8]) as pod_id,
        activity_instant(v[9]) as starts_at,
        activity_instant(v[10]) as ends_at,
        activity_instant(v[11]) as due_at,
        activity_instant(v[12]) as started_at,
        activity_instant(v[13]) as completed_at,
        activity_instant(v[14]) as cancelled_at,
        activity_uuid(v[15]) as record_id,
        activity_uuid(v[16]) as parent_task_id,
        activity_instant(v[17]) as created_at,
        updated_at,
        coalesce(to_boolean(v[18]), false) as is_deleted,
        ingest_seq
    from read_values
)

select
    process_id,
    task_id,
    title,
    description,
    position,
    status,
    task_type,
    created_by,
    assigned_to,
    pod_id,
    starts_at,
    ends_at,
    due_at,
    started_at,
    completed_at,
    cancelled_at,
    record_id,
    parent_task_id,
    created_at,
    updated_at,
    is_deleted,
    ingest_seq,
    case when status = 'COMPLETED' then least(coalesce(completed_at, updated_at), updated_at) end
        as done_at
from convert_values

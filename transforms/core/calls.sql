-- Calls, as at the build's as_of.
-- Grain: one row per call.
-- kind: view
with calls as (from history_calls),

processes as (from history_processes)

select
    c.call_id,
    nullif(c.process_id, no_process()) as process_id,
    p.process_id is null and c.process_id <> no_process() as is_orphan,
    p.procedure,
    p.assigned_to as process_assigned_to,
    c.record_id,
    c.task_id,
    c.user_id,
    c.direction,
    c.status,
    c.is_connected,
    c.call_start_at,
    c.connection_start_at,
    c.connection_end_at,
    c.call_end_at,
    c.disposed_at,
    coalesce(seconds_between(c.call_start_at, c.call_end_at), c.call_seconds) as call_seconds,
    case
        when c.call_start_at <= c.connection_start_at
            then seconds_between(c.call_start_at, c.connection_start_at)
    end as ring_seconds,
    case when c.is_connected then c.talk_ms / 1000 end as talk_seconds,
    case
        when c.connection_end_at <= c.disposed_at
            then seconds_between(c.connection_end_at, c.disposed_at)
    end as wrap_up_seconds,
    c.from_number,
    c.to_number,
    c.provider,
    c.created_at,
    c.updated_at,
    c.is_deleted
from calls as c
left join processes as p on p.process_id = c.process_id

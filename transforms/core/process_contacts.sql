-- The calls and tasks of each process so far, as at the build's as_of.
-- Grain: one row per process, also without any. Deleted calls and tasks are left out.
-- kind: view
with contacts as (from history_process_contacts),

processes as (from history_processes),

worked as (from history_worked_contacts),

tasks as (from tasks),

count_overdue as (
    select process_id, count(*) as n_overdue_tasks
    from tasks
    where is_overdue
    group by process_id
)

select
    c.process_id,
    p.team_id,
    c.procedure,
    c.first_call_at,
    seconds_between(p.started_at, c.first_call_at) as first_call_seconds,
    if(
        w.process_id is not null,
        w.first_call_worked_ms / 1000,
        seconds_between(p.started_at, c.first_call_at)
    ) as business_first_call_seconds,
    c.first_connected_call_at,
    c.n_calls_until_connected,
    c.n_calls,
    c.n_connected_calls,
    c.n_connected_calls / nullif(c.n_calls, 0) as share_calls_connected,
    c.talk_ms / 1000 as talk_seconds,
    c.last_call_at,
    c.n_tasks,
    c.n_open_tasks,
    c.n_completed_tasks,
    coalesce(o.n_overdue_tasks, 0)::integer as n_overdue_tasks,
    c.is_followed_up
from contacts as c
inner join processes as p on p.process_id = c.process_id
left join worked as w on w.process_id = c.process_id
left join count_overdue as o on o.process_id = c.process_id

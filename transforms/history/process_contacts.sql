-- The calls and tasks of each process so far, without what depends on the instant of the build.
-- Grain: one row per process, also without any. Deleted calls and tasks are left out. A call counts
-- as the first one from the start of the process on: one that led to it was earlier.
with processes as (from processes),

calls as (select * from calls where not is_deleted),

tasks as (select * from tasks where not is_deleted),

number_calls as (
    select
        c.process_id,
        c.called_at,
        c.connected_at,
        c.is_connected,
        row_number() over (
            partition by c.process_id order by c.called_at, c.call_id
        ) as call_no
    from calls as c
    inner join processes as p on p.process_id = c.process_id and c.called_at >= p.started_at
),

find_first_calls as (
    select
        process_id,
        min(called_at) as first_call_at,
        min(connected_at) as first_connected_call_at,
        min(call_no) filter (is_connected) as n_calls_until_connected
    from number_calls
    group by process_id
),

sum_calls as (
    select
        process_id,
        count(*) as n_calls,
        count(*) filter (is_connected) as n_connected_calls,
        sum(talk_ms) filter (is_connected) as talk_ms,
        max(called_at) as last_call_at
    from calls
    group by process_id
),

-- What is planned after the last call: an open task that is due then, or, without any date, one
-- that was made then.
sum_tasks as (
    select
        t.process_id,
        count(*) as n_tasks,
        count(*) filter (t.status = 'OPEN') as n_open_tasks,
        count(*) filter (t.status = 'COMPLETED') as n_completed_tasks,
        max(coalesce(t.due_at, t.ends_at, t.starts_at, t.created_at)) filter (t.status = 'OPEN')
            as last_planned_at
    from tasks as t
    group by t.process_id
)

select
    p.process_id,
    p.procedure,
    f.first_call_at,
    f.first_connected_call_at,
    f.n_calls_until_connected::integer as n_calls_until_connected,
    coalesce(c.n_calls, 0)::integer as n_calls,
    coalesce(c.n_connected_calls, 0)::integer as n_connected_calls,
    coalesce(c.talk_ms, 0)::bigint as talk_ms,
    c.last_call_at,
    coalesce(t.n_tasks, 0)::integer as n_tasks,
    coalesce(t.n_open_tasks, 0)::integer as n_open_tasks,
    coalesce(t.n_completed_tasks, 0)::integer as n_completed_tasks,
    case
        when c.last_call_at is not null
            then coalesce(t.last_planned_at >= c.last_call_at, false)
                or coalesce(p.outcome = 'open' and p.next_action_at >= c.last_call_at, false)
    end as is_followed_up
from processes as p
left join find_first_calls as f on f.process_id = p.process_id
left join sum_calls as c on c.process_id = p.process_id
left join sum_tasks as t on t.process_id = p.process_id

-- What became of follow-ups, by who was answerable for them.
-- Grain: one row per procedure and assignee; `assigned_to` is null on the row of follow-ups that
-- were unassigned.
with follow_ups as (from follow_ups),

users as (from users),

count_outcomes as (
    select
        procedure,
        assigned_to,
        count(*) as n,
        count(*) filter (outcome = 'done_in_time') as done_in_time,
        count(*) filter (outcome = 'done_late') as done_late,
        count(*) filter (outcome = 'moved') as moved,
        count(*) filter (outcome = 'cancelled') as cancelled,
        count(*) filter (outcome = 'deleted') as deleted,
        count(*) filter (outcome = 'moved_out') as moved_out,
        count(*) filter (outcome = 'open') as open,
        count(*) filter (outcome = 'overdue') as overdue,
        count(*) filter (is_late) as late
    from follow_ups
    group by procedure, assigned_to
)

select
    s.procedure,
    s.assigned_to,
    coalesce(u.name, s.assigned_to::varchar) as assigned_to_name,
    s.n,
    s.done_in_time,
    s.done_late,
    s.moved,
    s.cancelled,
    s.deleted,
    s.moved_out,
    s.open,
    s.overdue,
    s.late,
    s.done_in_time / nullif(s.done_in_time + s.late, 0) as share_in_time
from count_outcomes as s
left join users as u on u.user_id = s.assigned_to
order by s.procedure, s.assigned_to nulls first

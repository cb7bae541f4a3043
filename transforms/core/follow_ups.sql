-- Follow-ups: next actions planned for an open process, and what became of each by the build's
-- as_of.
-- Grain: one row per follow-up that was set.
-- kind: view
with follow_ups as (from history_follow_ups),

processes as (from history_processes),

names as (from process_names),

build as (from build),

find_late_follow_ups as (
    select f.*, p.team_id, n.label, n.link, f.due_at < coalesce(f.ended_at, b.as_of) as is_late
    from follow_ups as f
    inner join processes as p on p.process_id = f.process_id
    left join names as n on n.process_id = f.process_id
    cross join build as b
)

select
    process_id,
    label,
    team_id,
    procedure,
    follow_up_no,
    assigned_to,
    set_at,
    due_at,
    ended_at,
    ended_by,
    removed_at,
    case
        when ended_by is null then if(is_late, 'overdue', 'open')
        when ended_by = 'rescheduled' then 'moved'
        when ended_by in ('cancelled', 'deleted', 'moved_out') then ended_by
        when is_late then 'done_late'
        else 'done_in_time'
    end as outcome,
    is_late,
    link
from find_late_follow_ups

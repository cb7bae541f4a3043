-- Follow-ups: next actions planned for an open process, and what became of each by the build's
-- instant.
-- Grain: one row per follow-up that was set.
with follow_ups as (from history_follow_ups),

build as (from build),

judged as (
    select f.*, f.due_at < coalesce(f.ended_at, b.as_of) as is_late
    from follow_ups as f
    cross join build as b
)

select
    process_id,
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
        when ended_by in ('cancelled', 'deleted') then ended_by
        when is_late then 'done_late'
        else 'done_in_time'
    end as outcome,
    is_late
from judged
